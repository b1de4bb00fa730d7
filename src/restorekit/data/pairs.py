"""Pairs of a clean and a noisy picture: which files of a folder belong together.

Pairs are found by words in the file names, by two patterns, or from a CSV file. No file is dropped
silently: it is in a pair, or it is listed as unused, or an error is raised.
"""

from __future__ import annotations

import csv
import itertools
import os
import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from restorekit.data.path_patterns import PathPattern
from restorekit.errors import DataError
from restorekit.pictures.folder_walk import walk_folder

CLEAN_WORDS = ("gt", "clean", "mean", "ground[ _-]?truth", "reference", "ref", "target", "hq")
NOISY_WORDS = ("noisy", "noise", "real", "input", "degraded", "lq")
_SEPARATORS = " ._-"
# Words of one role that are considered in a path, the last ones. The number of their combinations,
# which `_keys` tries, grows exponentially.
_MOST_WORDS = 4

PairRule = str | os.PathLike[str] | tuple[str, str] | None


class Pair(NamedTuple):
    """A clean picture and the same picture with noise."""

    clean: Path
    noisy: Path


@dataclass(frozen=True)
class Pairing:
    """The pairs of a folder, and its remaining files.

    Attributes:
        pairs: sorted by the clean files, then by the noisy ones.
        unused: pictures that are in no pair.
        others: the number of files that are not read, by their kind.
    """

    pairs: tuple[Pair, ...]
    unused: tuple[Path, ...]
    others: Counter[str]


def find_pairs(folder: str | os.PathLike[str], rule: PairRule = None) -> Pairing:
    """Pair the pictures of a folder.

    By default, words in the paths mark clean pictures (gt, clean, mean, ground truth, reference,
    target) and noisy ones (noisy, noise, real, input, degraded). A word is the name of a folder or
    a part of a file name; upper and lower case are equal. Two files are a pair if their paths are
    equal without these words: `gt/a.png` and `noisy/a.png`, `01/01_GT_010.png` and
    `01/01_NOISY_010.png`, `a_mean.jpg` and `a_real.jpg`.

    Args:
        folder: the folder, which is searched with its subfolders.
        rule: None to use the words. Or two patterns, for the clean and the noisy paths relative to
            the folder, such as `("gt/{scene}.png", "shots/{scene}_*.png")`: a field has the same
            text in both, `*` is any text. Or a CSV file with the columns `clean` and `noisy`, paths
            relative to the folder. With patterns or a CSV file a clean picture may have several
            noisy ones.

    Raises:
        DataError: the folder is missing or has no pairs, a file has no counterpart or several, or
            the rule is invalid.

    Example:
        >>> from PIL import Image
        >>> for name in ("a_clean.png", "a_noisy.png", "notes.txt"):
        ...     Image.fromarray(image).save(name, format="PNG")
        >>> pairing = find_pairs(".")
        >>> [(pair.clean.name, pair.noisy.name) for pair in pairing.pairs], dict(pairing.others)
        ([('a_clean.png', 'a_noisy.png')], {'TXT': 1})
    """
    root = Path(folder).expanduser()
    pictures, others = list_pictures(root)
    if rule is None:
        pairs = _by_words(root, pictures)
        advice = "name them '..._gt' and '..._noisy', or move them to folders 'gt' and 'noisy'"
    elif isinstance(rule, tuple):
        pairs = _by_patterns(root, pictures, rule)
        advice = f"the patterns are '{rule[0]}' and '{rule[1]}'"
    else:
        pairs = _from_csv(root, Path(rule).expanduser())
        advice = f"'{rule}' lists none"
    if not pairs:
        raise DataError(f"'{folder}' has no pairs of a clean and a noisy picture; {advice}")
    used = {path for pair in pairs for path in pair}
    return Pairing(tuple(sorted(pairs)), tuple(p for p in pictures if p not in used), others)


def find_shots(
    folder: str | os.PathLike[str], pattern: str
) -> tuple[list[list[Path]], tuple[Path, ...]]:
    """Group the noisy pictures of a folder by their scenes, and list the unused pictures.

    Args:
        folder: the folder, which is searched with its subfolders.
        pattern: a pattern of paths relative to the folder, such as "{scene}/*.png". Files in which
            the fields have the same text show the same scene.

    Raises:
        DataError: the folder is missing, no file matches, or a scene has one picture only.
    """
    root = Path(folder).expanduser()
    shots, scenes = PathPattern(pattern), defaultdict(list)
    unused = []
    for path in list_pictures(root)[0]:
        if (values := shots.match(path.relative_to(root).as_posix())) is None:
            unused.append(path)
        else:
            scenes[tuple(sorted(values.groupdict().items()))].append(path)
    if not scenes:
        raise DataError(f"no picture in '{folder}' matches the pattern '{pattern}'")
    if single := sorted(group[0] for group in scenes.values() if len(group) < 2):
        raise DataError(
            f"{_first_of(single)} is the only noisy picture of its scene by the pattern '{pattern}'"
        )
    return list(scenes.values()), tuple(unused)


def list_pictures(folder: Path) -> tuple[list[Path], Counter[str]]:
    """The pictures of a folder and its subfolders, sorted, and the number of files of other kinds.

    Raises:
        DataError: the folder is missing, or one of its subfolders cannot be read.
    """
    found = walk_folder(folder)
    if found.unreadable:
        raise DataError(
            f"folder '{found.unreadable[0]}' cannot be read, so its pictures would be missed"
        )
    return found.images, found.others


def _by_words(root: Path, pictures: Sequence[Path]) -> list[Pair]:
    clean, noisy = (_by_key(root, pictures, words) for words in (CLEAN_WORDS, NOISY_WORDS))
    pairs = {Pair(c, n) for key in clean for c in clean[key] for n in noisy.get(key, ()) if c != n}
    named = {path for group in (clean, noisy) for paths in group.values() for path in paths}
    _check_one_to_one(pairs)
    paired = {path for pair in pairs for path in pair}
    # Without any pair the words may be there by chance; the caller reports that there are no pairs.
    if pairs and (unpaired := sorted(named - paired)):
        missing = "noisy" if any(unpaired[0] in paths for paths in clean.values()) else "clean"
        raise DataError(
            f"{_first_of(unpaired)} has no counterpart; no {missing} picture has a matching name"
        )
    return sorted(pairs)


def _by_key(root: Path, pictures: Iterable[Path], words: Sequence[str]) -> dict[str, list[Path]]:
    """The pictures whose paths have words of a role, by the path without these words."""
    # No letters directly before or after a word: "gt" is not found in "agt" or "gtx". Digits may
    # be there, as in "gt01".
    pattern = re.compile(rf"(?<![^\W\d_])(?:{'|'.join(words)})(?![^\W\d_])", re.IGNORECASE)
    by_key: dict[str, list[Path]] = defaultdict(list)
    for path in pictures:
        for key in _keys(path.relative_to(root).with_suffix("").as_posix(), pattern):
            by_key[key].append(path)
    return by_key


def _keys(text: str, pattern: re.Pattern[str]) -> set[str]:
    """The path without one or more of the words that the pattern finds in it.

    All combinations are tried, since a word may be part of the name, as in "clean_room_noisy".
    """
    spans = [match.span() for match in pattern.finditer(text)][-_MOST_WORDS:]
    combinations = (
        combination
        for count in range(1, len(spans) + 1)
        for combination in itertools.combinations(reversed(spans), count)
    )
    return {_without(text, combination) for combination in combinations}


def _without(text: str, spans: Iterable[tuple[int, int]]) -> str:
    """A path without some parts of it, and without the separators around them."""
    for start, end in spans:  # from the last to the first, so that the positions stay valid
        text = text[:start] + text[end:]
    text = re.sub(rf"([{_SEPARATORS}])[{_SEPARATORS}]+", r"\1", text)
    parts = (part.strip(_SEPARATORS) for part in text.split("/"))
    return "/".join(part for part in parts if part)


def _check_one_to_one(pairs: Iterable[Pair]) -> None:
    """Raise an error if a file could be paired with several others."""
    partners: dict[Path, list[Path]] = defaultdict(list)
    for clean, noisy in sorted(pairs):
        partners[clean].append(noisy)
        partners[noisy].append(clean)
    for path, candidates in partners.items():
        if len(candidates) > 1:
            raise DataError(
                f"'{path}' could be paired with '{candidates[0]}' or with '{candidates[1]}'; "
                "rename or remove one, or define the pairs by patterns or a CSV file"
            )


def _by_patterns(root: Path, pictures: Sequence[Path], patterns: tuple[str, str]) -> list[Pair]:
    clean, noisy = map(PathPattern, patterns)
    if missing := clean.fields - noisy.fields:
        raise DataError(
            f"pattern '{noisy.text}': field {{{min(missing)}}} of '{clean.text}' is missing"
        )
    clean_paths: dict[tuple[str, ...], Path] = {}
    noisy_paths: list[tuple[tuple[str, ...], Path]] = []
    for path in pictures:
        relative = path.relative_to(root).as_posix()
        matches = [(each, values) for each in (clean, noisy) if (values := each.match(relative))]
        if not matches:
            continue
        # If both patterns match, the more specific one: "{name}_noisy.png", not "{name}.png".
        best, values = max(matches, key=lambda match: match[0].literals)
        if len(matches) == 2 and clean.literals == noisy.literals:
            raise DataError(f"'{path}' matches both patterns, '{clean.text}' and '{noisy.text}'")
        key = tuple(values[name] for name in sorted(clean.fields))
        if best is noisy:
            noisy_paths.append((key, path))
        elif clean_paths.setdefault(key, path) is not path:
            raise DataError(
                f"'{clean_paths[key]}' and '{path}' are both the clean picture of the same pair"
            )
    unpaired = [path for key, path in noisy_paths if key not in clean_paths]
    unpaired += [clean_paths[key] for key in clean_paths.keys() - {key for key, _ in noisy_paths}]
    if unpaired:
        raise DataError(f"{_first_of(sorted(unpaired))} has no counterpart by the patterns")
    return [Pair(clean_paths[key], path) for key, path in noisy_paths]


def _from_csv(root: Path, path: Path) -> list[Pair]:
    pairs: dict[Path, Pair] = {}
    for number, clean, noisy in _rows(path):
        for file in (root / clean, root / noisy):
            if not file.is_file():
                raise DataError(f"{path}: line {number}: '{file}' does not exist")
        pair = Pair(root / clean, root / noisy)
        if pair.clean == pair.noisy:
            raise DataError(f"{path}: line {number}: '{clean}' is paired with itself")
        if pairs.setdefault(pair.noisy, pair) is not pair:
            raise DataError(f"{path}: line {number}: '{noisy}' is listed twice")
    return list(pairs.values())


def _rows(path: Path) -> Iterator[tuple[int, str, str]]:
    """Line number, clean path and noisy path of each row of a CSV file."""
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            reader = csv.DictReader(file)
            for column in ("clean", "noisy"):
                if column not in (reader.fieldnames or ()):
                    raise DataError(f"{path}: its first line has no column '{column}'")
            for row in reader:
                if not row["clean"] or not row["noisy"]:
                    raise DataError(
                        f"{path}: line {reader.line_num}: the clean or the noisy path is missing"
                    )
                yield reader.line_num, row["clean"], row["noisy"]
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise DataError(f"{path}: cannot be read as a CSV file of pairs ({error})") from error


def _first_of(paths: Sequence[Path]) -> str:
    """The first path and the number of the others, for a message."""
    more = f" (and {len(paths) - 1} more)" if paths[1:] else ""
    return f"'{paths[0]}'{more}"
