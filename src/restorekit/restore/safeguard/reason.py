"""Reasons to leave a picture unchanged."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Literal

Reason = Literal["two-valued", "few-valued", "halftone", "clean", "unclear", "faint"]

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
    noise = f" (noise {255 * max(sigma, default=0.0):.1f} of 255)" if reason == "clean" else ""
    return f"left as it is: {MEANING[reason]}{noise}"
