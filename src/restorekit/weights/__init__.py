"""Weights: files that describe themselves, weights by name, and what others have published.

`weights_files` saves and loads, `card` reads what a file says of itself, `weights_names` finds
files by name, `weights_listing` describes these, `foreign_checkpoints` and `checkpoint_layouts`
read checkpoints of other projects, `conversion` writes those as our own.
"""

from __future__ import annotations

from restorekit.records import unwrap_model
from restorekit.weights.card import FIELDS, annotate, read_card
from restorekit.weights.conversion import convert
from restorekit.weights.weights_files import describe_origin, load_model, save_model
from restorekit.weights.weights_names import find_weights, list_weights, named_weights

__all__ = [
    "FIELDS",
    "annotate",
    "convert",
    "describe_origin",
    "find_weights",
    "list_weights",
    "load_model",
    "named_weights",
    "read_card",
    "save_model",
    "unwrap_model",
]
