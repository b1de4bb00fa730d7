"""Weights files that describe themselves, weights by name, and checkpoints of other projects.

`weights_files` saves and loads files, `card` reads and writes their cards, `card_fields` declares
the fields of a card, `weights_names` finds files by name and `weights_listing` describes them,
`foreign_checkpoints`, `recognition` and `layouts` read checkpoints of other projects, and
`conversion` converts these to the format of restorekit.
"""

from __future__ import annotations

from restorekit.weights.card import annotate, read_card
from restorekit.weights.card_fields import FIELDS, WeightsCard
from restorekit.weights.conversion import convert, convert_weights
from restorekit.weights.weights_files import describe_origin, load_model, save_model
from restorekit.weights.weights_names import find_weights, list_weights, named_weights

__all__ = [
    "FIELDS",
    "WeightsCard",
    "annotate",
    "convert",
    "convert_weights",
    "describe_origin",
    "find_weights",
    "list_weights",
    "load_model",
    "named_weights",
    "read_card",
    "save_model",
]
