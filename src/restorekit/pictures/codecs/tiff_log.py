"""What tifffile logs, caught where it is said instead of printed."""

from __future__ import annotations

import logging
import threading
from collections.abc import Iterator
from contextlib import contextmanager


class _Catcher(logging.Handler):
    """Keeps what one thread logs."""

    def __init__(self, lines: list[str]) -> None:
        super().__init__(logging.WARNING)
        self.lines, self.thread = lines, threading.get_ident()

    def emit(self, record: logging.LogRecord) -> None:
        if record.thread == self.thread:
            text = " ".join(record.getMessage().split())
            self.lines.append(text.partition("> ")[2] or text)  # without the object's own name


@contextmanager
def capture_log() -> Iterator[list[str]]:
    """What tifffile logs within the block; without a handler, Python would print it."""
    lines: list[str] = []
    catcher = _Catcher(lines)
    logger = logging.getLogger("tifffile")
    logger.addHandler(catcher)
    try:
        yield lines
    finally:
        logger.removeHandler(catcher)
