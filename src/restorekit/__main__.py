"""`python -m restorekit` is the command line."""

from __future__ import annotations

import sys

from restorekit.cli.main import main

if __name__ == "__main__":
    sys.exit(main())
