"""`--report` and `--json`: what restoring a picture did to it, for people and for scripts."""

from __future__ import annotations

from restorekit.report.findings import summary
from restorekit.report.report_file import write_report

__all__ = ["summary", "write_report"]
