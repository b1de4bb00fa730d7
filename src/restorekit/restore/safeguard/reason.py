"""Reasons to leave a picture unchanged."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Literal

Reason = Literal["two-valued", "few-valued", "halftone", "clean", "unclear", "faint"]

# In 8-bit levels; noise that is surely as strong is removed, so a larger estimate includes detail.
_RESTORED = 2.0

MEANING: Mapping[Reason, str] = {
    "two-valued": "it has one or two values, like a scanned page or line art",
    "few-valued": "it has few distinct values, like a scanned page or line art",
    "halftone": "it is a halftone screen or dithered, which a network takes for noise",
    "clean": "it has no noise worth removing",
    "unclear": "what the network would remove cannot be distinguished from detail",
    "faint": "it uses a small part of its range, so its noise cannot be distinguished from "
    "detail; set black and white",
}


def describe_reason(reason: Reason, sigma: Sequence[float]) -> str:
    """Why a picture was left unchanged, in words.

    Args:
        reason: the reason.
        sigma: the noise level of each channel.
    """
    level = 255 * max(sigma, default=0.0)
    words = f"left as it is: {MEANING[reason]}"
    if reason != "clean":
        return words
    if level < _RESTORED:
        return f"{words} (noise {level:.1f} of 255)"
    return f"{words} (the estimate of {level:.1f} of 255 is mostly detail)"
