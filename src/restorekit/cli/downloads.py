"""Downloads of weights are a line each on stderr."""

from __future__ import annotations

import logging
import sys
from collections.abc import Iterator
from contextlib import contextmanager

from restorekit.cli.output import print_line


class _Lines(logging.Handler):
    def emit(self, record: logging.LogRecord) -> None:
        print_line(record.getMessage(), sys.stderr)


@contextmanager
def downloads_as_lines() -> Iterator[None]:
    """Within the block, what is downloaded is announced on stderr."""
    log, handler = logging.getLogger("restorekit.weights.hub"), _Lines(logging.INFO)
    level = log.level
    log.addHandler(handler)
    log.setLevel(logging.INFO)
    try:
        yield
    finally:
        log.removeHandler(handler)
        log.setLevel(level)
