"""The words for why a picture was left unchanged."""

from __future__ import annotations

from restorekit.restore.safeguard.reason import describe_reason


def test_a_large_estimate_is_not_called_noise() -> None:
    """Noise of that strength would have been removed."""
    assert describe_reason("clean", (0.4 / 255,)).endswith("(noise 0.4 of 255)")
    words = describe_reason("clean", (0.4 / 255, 3.8 / 255))
    assert "noise 3.8" not in words
    assert "3.8 of 255 is mostly detail" in words


def test_other_reasons_have_no_level() -> None:
    """For them it is not the point."""
    assert "255" not in describe_reason("two-valued", (0.4 / 255,))
