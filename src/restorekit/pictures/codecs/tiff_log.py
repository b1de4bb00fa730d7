"""Capturing the log messages of tifffile, which Python would print otherwise."""

from __future__ import annotations

import logging
import threading
from collections.abc import Iterator
from contextlib import contextmanager


class _Catcher(logging.Handler):
    """Collects the messages of one thread."""

    def __init__(self, lines: list[str]) -> None:
        super().__init__(logging.WARNING)
        self.lines, self.thread = lines, threading.get_ident()

    def emit(self, record: logging.LogRecord) -> None:
        # Other threads may read other files at the same time.
        if record.thread == self.thread:
            text = " ".join(record.getMessage().split())
            self.lines.append(text.partition("> ")[2] or text)  # without the name of the object


@contextmanager
def capture_log() -> Iterator[list[str]]:
    """Collect the warnings that tifffile logs in the block; the logger keeps its settings."""
    lines: list[str] = []
    catcher = _Catcher(lines)
    logger = logging.getLogger("tifffile")
    logger.addHandler(catcher)
    try:
        yield lines
    finally:
        logger.removeHandler(catcher)
