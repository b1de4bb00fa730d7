"""What tests of picture files share."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from restorekit.data.files import read_pages
from restorekit.errors import ImageFileError


@pytest.fixture
def refusal() -> Callable[[Path], str]:
    """The one line with which a file is refused."""

    def refusal(path: Path) -> str:
        with pytest.raises(ImageFileError) as caught:
            read_pages(path)
        message = str(caught.value)
        assert "\n" not in message
        assert str(path) in message
        return message

    return refusal
