"""What is known of the named weights, for listings, and the credits of their training data."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from restorekit.components.component_records import Entry
from restorekit.components.kinds import weights
from restorekit.components.pretrained_weights import PretrainedWeights
from restorekit.errors import CheckpointError, RestoreKitError
from restorekit.memory import format_size
from restorekit.weights.card import card_of_file, declared_card, read_card
from restorekit.weights.card_fields import WeightsCard
from restorekit.weights.weights_names import file_of, files_of_user, find_weights, list_weights


@dataclass(frozen=True)
class ListedWeights:
    """Named weights.

    Attributes:
        name: what they are loaded by.
        file: where they are; None if they have not been downloaded.
        summary: one line from the card, or why the file cannot be read.
        noise_range: the noise that they were trained for, in words.
        architecture: the registered name; None for a damaged file or an unregistered class.
        parameters: the number of weights; None for a damaged file.
        bytes: the size of the file.
        provider: the distribution that declares them, and its version; "" for a file of the user.
        reference: the name with a scheme that downloads them; "" for a file of a package.

    Example:
        >>> restorekit.describe_weights("swift-photo")[0].architecture
        'swift'
    """

    name: str
    file: Path | None
    summary: str
    noise_range: str
    architecture: str | None
    parameters: int | None
    bytes: int
    provider: str = ""
    reference: str = ""


def describe_weights(pattern: str | Iterable[str] = "*") -> list[ListedWeights]:
    """The named weights that match any of the shell patterns, sorted; damaged files as well.

    Example:
        >>> [weights.name for weights in restorekit.describe_weights("*photo")]
        ['swift-photo']
    """
    own = files_of_user()
    patterns = [pattern] if isinstance(pattern, str) else pattern
    return [
        _described(name, own[name], {}) if name in own else _of_provider(weights.entry(name))
        for name in sorted({name for each in patterns for name in list_weights(each)})
    ]


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
    name = read_card(path).get("credits")
    path = find_weights(path)
    if not isinstance(name, str):
        raise CheckpointError(f"{path}: its card names no credits")
    text = path.parent / Path(name).name  # a card may come from others: no other folder is read
    if not text.is_file():
        raise CheckpointError(f"{path}: its credits, {text.name}, are not in the same folder")
    return text.read_text(encoding="utf-8").rstrip()


def _of_provider(declared: Entry[PretrainedWeights]) -> ListedWeights:
    record = declared.component
    facts = {
        "provider": str(declared.provider),
        "reference": str(record.file) if record.is_reference else "",
    }
    try:
        path, card = file_of(declared), declared_card(declared)
    except RestoreKitError as error:
        return _damaged(record.name, None, error, record.size, facts)
    if path is not None:
        return _described(record.name, path, card, **facts)
    missing = f"not downloaded, {format_size(record.size)} at {record.file}"
    summary = "; ".join(filter(None, (card.get("summary"), missing)))
    noise_range = card.get("noise_range", "")
    return ListedWeights(record.name, None, summary, noise_range, None, None, record.size, **facts)


def _described(name: str, path: Path, declared: WeightsCard, **facts: str) -> ListedWeights:
    size = path.stat().st_size if path.is_file() else 0
    try:
        card: WeightsCard = {**declared, **card_of_file(path)}
    # A listing of a folder must not fail because of one file.
    except RestoreKitError as error:
        return _damaged(name, path, error, size, facts)
    return ListedWeights(
        name=name,
        file=path,
        summary=card.get("summary", ""),
        noise_range=card.get("noise_range", ""),
        architecture=card["model"]["name"],
        parameters=card["parameters"],
        bytes=size,
        **facts,
    )


def _damaged(
    name: str, path: Path | None, error: RestoreKitError, size: int, facts: dict[str, str]
) -> ListedWeights:
    return ListedWeights(name, path, f"damaged: {error}", "", None, None, size, **facts)
