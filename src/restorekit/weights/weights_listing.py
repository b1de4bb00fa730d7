"""What is known of the named weights, for listings, and the credits of their training data."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from restorekit.errors import CheckpointError
from restorekit.weights.card import read_card
from restorekit.weights.weights_names import find_weights, list_weights, named_weights


@dataclass(frozen=True)
class ListedWeights:
    """Named weights.

    Attributes:
        name: what they are loaded by.
        file: where they are.
        summary: one line from the card, or why the file cannot be read.
        noise_range: the noise that they were trained for, in words.
        architecture: the registered name; None for a damaged file or an unregistered class.
        parameters: the number of weights; None for a damaged file.
        bytes: the size of the file.

    Example:
        >>> restorekit.describe_weights("swift-photo")[0].architecture
        'swift'
    """

    name: str
    file: Path
    summary: str
    noise_range: str
    architecture: str | None
    parameters: int | None
    bytes: int


def describe_weights(pattern: str = "*") -> list[ListedWeights]:
    """The named weights that match a shell pattern, sorted by name; damaged files as well.

    Example:
        >>> [weights.name for weights in restorekit.describe_weights("*photo")]
        ['swift-photo']
    """
    files = named_weights()
    return [_described(name, files[name]) for name in list_weights(pattern)]


def read_credits(path: str | Path) -> str:
    """The text that names the authors of the training data of weights.

    Args:
        path: a weights file or the name of weights. The text is in the same folder.

    Raises:
        CheckpointError: the card names no such text, or it is missing.

    Example:
        >>> restorekit.read_credits("swift-photo").count("\\n") > 10
        True
    """
    path = find_weights(path)
    name = read_card(path).get("credits")
    if not isinstance(name, str):
        raise CheckpointError(f"{path}: its card names no credits")
    text = path.parent / Path(name).name  # a card may come from others: no other folder is read
    if not text.is_file():
        raise CheckpointError(f"{path}: its credits, {text.name}, are not in the same folder")
    return text.read_text(encoding="utf-8").rstrip()


def _described(name: str, path: Path) -> ListedWeights:
    size = path.stat().st_size
    try:
        card = read_card(path)
    # A listing of a folder must not fail because of one file.
    except CheckpointError as error:
        return ListedWeights(name, path, f"damaged: {error}", "", None, None, size)
    return ListedWeights(
        name=name,
        file=path,
        summary=card.get("summary", ""),
        noise_range=card.get("noise_range", ""),
        architecture=card["model"]["name"],
        parameters=card["parameters"],
        bytes=size,
    )
