"""Reasons to leave a picture unchanged."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

Reason = Literal["two-valued", "few-valued", "clean", "unclear", "faint"]

MEANING: Mapping[Reason, str] = {
    "two-valued": "it has two values, as a page or line art",
    "few-valued": "it has few values, as a page or line art",
    "clean": "it has no noise worth removing",
    "unclear": "its noise cannot be told from its detail",
    "faint": "it uses little of its range, so its noise cannot be told from detail; set black and "
    "white",
}
