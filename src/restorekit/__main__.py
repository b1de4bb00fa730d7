"""Run the command line with `python -m restorekit`."""

from __future__ import annotations

import sys

from restorekit.cli.main import main

if __name__ == "__main__":
    sys.exit(main())
