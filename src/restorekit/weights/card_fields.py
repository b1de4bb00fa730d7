"""The fields of a weights card: their types, and a description of those that a release adds."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TypedDict

FIELDS = {
    "summary": "one line for listings",
    "purpose": "which pictures and which noise it is for",
    "noise_range": "the noise it was trained for, in words: 'gaussian, sigma 0-75 of 255'",
    "training_data": "what it was trained on",
    "licenses": "licences of the training data, with the number of pictures of each",
    "credits": "the text file next to the weights that names the authors of the training data",
    "license": "the licence of the weights themselves",
    "recipe": "the configuration to reproduce the training, and how long it took",
    "psnr": "dB by test set and noise: {'CBSD68': {'15': 34.0, '25': 31.4}}",
    "measured": "how and where these figures were measured",
    "limits": "known weaknesses",
    "source": "where converted weights came from",
}

# A component as JSON: name, arguments and provider, or only the class of an unregistered object,
# with None as its name. In this form because "class" is a keyword of Python.
DescribedComponent = TypedDict(
    "DescribedComponent",
    {
        "name": str | None,
        "arguments": Mapping[str, object],
        "provider": str | None,
        "version": str | None,
        "class": str,
    },
    total=False,
)


class WeightsCard(TypedDict, total=False):
    """The card of a weights file, as a plain dict. Only "model" is in every card."""

    # Written by save_model; "parameters" is added by read_card.
    format: int
    restorekit: str
    model: DescribedComponent
    checksum: str
    parameters: int

    # Written by a training run.
    noise: Mapping[str, object] | None  # none was added to images with real noise
    objective: Mapping[str, object]
    loss: list[dict[str, object]]
    dataset: Mapping[str, object]
    train: Mapping[str, object]
    teacher: Mapping[str, object]
    step: int
    metrics: Mapping[str, object]
    training_pictures: Mapping[str, object]
    torch: str
    date: str

    # Added by a release, or by a conversion; described by FIELDS.
    summary: str
    purpose: str
    noise_range: str
    training_data: str
    licenses: Mapping[str, int]
    credits: str
    license: str
    recipe: str
    psnr: Mapping[str, Mapping[str, float]]
    measured: str
    limits: str
    source: Mapping[str, str]
