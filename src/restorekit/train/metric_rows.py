"""What a run measures, as plain dicts: rows of training, of validation and of `metrics.jsonl`."""

from __future__ import annotations

from typing import Literal, TypedDict


class TrainingRow(TypedDict):
    """Means over the training steps since the row before."""

    epoch: float
    loss: float
    terms: dict[str, float]
    learning_rate: float
    images_per_second: float


class ValidationRow(TypedDict, total=False):
    """The results of a validation; empty without one.

    Each further metric has its name as a key, and with "_noisy" for the input of the network. Where
    no clean image is known, there are the estimated standard deviations of the noise before and
    after ("noise", "noise_left") and the correlation of what was removed instead, besides metrics
    that need no clean image.
    """

    step: int
    loss: float
    terms: dict[str, float]
    psnr: float
    psnr_noisy: float
    ssim: float
    ssim_noisy: float
    noise: float
    noise_left: float
    residual_correlation: float
    conditions: dict[str, dict[str, float]]


class HistoryRow(TypedDict, total=False):
    """A line of `metrics.jsonl`: a training or validation row; None if a value is not finite.

    Only the keys that both kinds of rows have are declared.
    """

    step: int
    phase: Literal["train", "validation"]
    loss: float | None
    terms: dict[str, float | None]
