"""Reports of a restoration: a page for people, and numbers for scripts."""

from __future__ import annotations

from restorekit.report.findings import summary
from restorekit.report.report_file import write_report

__all__ = ["summary", "write_report"]
