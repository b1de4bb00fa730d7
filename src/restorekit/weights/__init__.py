"""Weights: files that describe themselves, weights by name, and what others have published.

`files` saves and loads, `card` says what a file is, `names` finds it, `foreign` and `layouts` read
checkpoints of other projects, `conversion` writes those as ours.
"""

from __future__ import annotations

from restorekit.weights.card import FIELDS, annotate, read_card
from restorekit.weights.conversion import convert
from restorekit.weights.files import bare, describe_origin, load_model, save_model
from restorekit.weights.names import find_weights, list_weights, named_weights

__all__ = [
    "FIELDS",
    "annotate",
    "bare",
    "convert",
    "describe_origin",
    "find_weights",
    "list_weights",
    "load_model",
    "named_weights",
    "read_card",
    "save_model",
]
