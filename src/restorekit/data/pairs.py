"""Pairs of a clean and a noisy picture: which files of a folder belong together.

Found by the words in their names, by two patterns, or as a CSV file lists them. Every file is
accounted for: it is in a pair, or it is listed as unused, or it is an error.
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

from restorekit.errors import DataError
from restorekit.pictures.folder_walk import walk_folder

CLEAN_WORDS = ("gt", "clean", "mean", "ground[ _-]?truth", "reference", "ref", "target", "hq")
NOISY_WORDS = ("noisy", "noise", "real", "input", "degraded", "lq")
_SEPARATORS = " ._-"
_MOST_WORDS = 4  # of one role in a path; words before the last four are taken as plain text

PairRule = str | os.PathLike[str] | tuple[str, str] | None


class Pair(NamedTuple):
    """A clean picture and the same picture with noise."""

    clean: Path
    noisy: Path


@dataclass(frozen=True)
class Pairing:
    """What became of every file of a folder.

    Attributes:
        pairs: in the order of the clean files, then of the noisy ones.
        unused: the pictures that are in no pair, neither clean nor noisy.
        others: how many files of which kind are not read.
    """

    pairs: tuple[Pair, ...]
    unused: tuple[Path, ...]
    others: Counter[str]


def find_pairs(folder: str | os.PathLike[str], rule: PairRule = None) -> Pairing:
    """Pair the pictures of a folder.

    With no rule, words in the paths tell clean (gt, clean, mean, ground truth, reference, target)
    from noisy (noisy, noise, real, input, degraded), in either case, as the name of a folder or
    anywhere in a file's name. Two files are a pair where their paths are the same without these
    words: `gt/a.png` and `noisy/a.png`, `01/01_GT_010.png` and `01/01_NOISY_010.png`, `a_mean.jpg`
    and `a_real.jpg`.

    Args:
        folder: where the pictures are, also in its subfolders.
        rule: None for the words; two patterns, clean and noisy, of paths below the folder, such as
            `("gt/{scene}.png", "shots/{scene}_*.png")`, where a field stands for the same text in
            both and `*` for any; or a CSV file with the columns `clean` and `noisy`, paths below
            the folder. With patterns and a CSV file a clean picture may have several noisy ones.

    Raises:
        DataError: there is no such folder, no pair in it, a file that lacks its other half or has
            several, or a rule that cannot be used.
    """
    root = Path(folder).expanduser()
    pictures, others = list_pictures(root)
    if rule is None:
        pairs = _by_words(root, pictures)
        advice = "name them '..._gt' and '..._noisy', or put them in 'gt' and 'noisy'"
    elif isinstance(rule, tuple):
        pairs = _by_patterns(root, pictures, rule)
        advice = f"the patterns are '{rule[0]}' and '{rule[1]}'"
    else:
        pairs = _from_csv(root, Path(rule).expanduser())
        advice = f"'{rule}' lists none"
    if not pairs:
        raise DataError(f"'{folder}' holds no pairs of a clean and a noisy picture; {advice}")
    used = {path for pair in pairs for path in pair}
    return Pairing(tuple(sorted(pairs)), tuple(p for p in pictures if p not in used), others)


def list_pictures(folder: Path) -> tuple[list[Path], Counter[str]]:
    """The pictures below a folder, sorted, and how many files of which kind are not read.

    Raises:
        DataError: there is no such folder, or one below it cannot be listed.
    """
    found = walk_folder(folder)
    if found.unreadable:
        raise DataError(f"folder '{found.unreadable[0]}' cannot be read, so what it holds is lost")
    return found.images, found.others


def _by_words(root: Path, pictures: Sequence[Path]) -> list[Pair]:
    clean, noisy = (_by_key(root, pictures, words) for words in (CLEAN_WORDS, NOISY_WORDS))
    found = {Pair(c, n) for key in clean for c in clean[key] for n in noisy.get(key, ()) if c != n}
    named = {path for group in (clean, noisy) for paths in group.values() for path in paths}
    _check_one_to_one(found)
    paired = {path for pair in found for path in pair}
    if found and (lonely := sorted(named - paired)):
        role = "noisy" if any(lonely[0] in paths for paths in clean.values()) else "clean"
        raise DataError(f"{_some(lonely)} has no other half; no {role} picture is named like it")
    return sorted(found)


def _by_key(root: Path, pictures: Iterable[Path], words: Sequence[str]) -> dict[str, list[Path]]:
    """The pictures by what is left of their paths without the words of a role."""
    # No letter may touch a word: "agt" and "gtx" say nothing; digits may.
    pattern = re.compile(rf"(?<![^\W\d_])(?:{'|'.join(words)})(?![^\W\d_])", re.IGNORECASE)
    found: dict[str, list[Path]] = defaultdict(list)
    for path in pictures:
        for key in _keys(path.relative_to(root).with_suffix("").as_posix(), pattern):
            found[key].append(path)
    return found


def _keys(text: str, pattern: re.Pattern[str]) -> set[str]:
    """What a path is called without one or more of the words that a pattern finds in it.

    Not only without all of them: a word may belong to the name, as in "clean_room_noisy".
    """
    spans = [match.span() for match in pattern.finditer(text)][-_MOST_WORDS:]
    chosen = (
        some
        for count in range(1, len(spans) + 1)
        for some in itertools.combinations(reversed(spans), count)
    )
    return {_without(text, some) for some in chosen}


def _without(text: str, spans: Iterable[tuple[int, int]]) -> str:
    """A path without some parts of it, and without the separators that are left over."""
    for start, end in spans:  # from the last to the first
        text = text[:start] + text[end:]
    text = re.sub(rf"([{_SEPARATORS}])[{_SEPARATORS}]+", r"\1", text)
    parts = (part.strip(_SEPARATORS) for part in text.split("/"))
    return "/".join(part for part in parts if part)


def _check_one_to_one(pairs: Iterable[Pair]) -> None:
    """Raise where a file could belong to several others."""
    others: dict[Path, list[Path]] = defaultdict(list)
    for clean, noisy in sorted(pairs):
        others[clean].append(noisy)
        others[noisy].append(clean)
    for path, several in others.items():
        if len(several) > 1:
            raise DataError(
                f"'{path}' could be paired with '{several[0]}' or with '{several[1]}'; "
                "rename or remove one, or say what belongs together by patterns or a CSV file"
            )


def _by_patterns(root: Path, pictures: Sequence[Path], patterns: tuple[str, str]) -> list[Pair]:
    clean, noisy = map(_Pattern, patterns)
    if lacking := clean.fields - noisy.fields:
        raise DataError(f"pattern '{noisy.text}': it lacks {{{min(lacking)}}} of '{clean.text}'")
    cleans: dict[tuple[str, ...], Path] = {}
    shots: list[tuple[tuple[str, ...], Path]] = []
    for path in pictures:
        place = path.relative_to(root).as_posix()
        found = [(each, values) for each in (clean, noisy) if (values := each.read(place))]
        if not found:
            continue
        # Of two patterns that fit, the one that says more: "{name}_noisy.png", not "{name}.png".
        best, values = max(found, key=lambda each: each[0].literals)
        if len(found) == 2 and clean.literals == noisy.literals:
            raise DataError(f"'{path}' fits both patterns, '{clean.text}' and '{noisy.text}'")
        key = tuple(values[name] for name in sorted(clean.fields))
        if best is noisy:
            shots.append((key, path))
        elif cleans.setdefault(key, path) is not path:
            raise DataError(f"'{cleans[key]}' and '{path}' are the clean pictures of the same pair")
    lonely = [path for key, path in shots if key not in cleans]
    lonely += [cleans[key] for key in cleans.keys() - {key for key, _ in shots}]
    if lonely:
        raise DataError(f"{_some(sorted(lonely))} has no other half by the patterns")
    return [Pair(cleans[key], path) for key, path in shots]


class _Pattern:
    """A path with fields: `{name}` is the same text wherever it stands, `*` is any."""

    def __init__(self, text: str) -> None:
        self.text = text
        parts = re.split(r"(\{\w+\}|\*)", text)
        self.literals = sum(len(part) for part in parts[::2])
        self.fields: set[str] = set()
        self._regex = re.compile("".join(self._piece(part) for part in parts))

    def _piece(self, part: str) -> str:
        if part == "*":
            return "[^/]*"
        if not re.fullmatch(r"\{\w+\}", part):
            return re.escape(part)
        name = part[1:-1]
        if not name.isidentifier():
            raise DataError(f"pattern '{self.text}': '{name}' is no name of a field")
        known = name in self.fields
        self.fields.add(name)
        return f"(?P={name})" if known else f"(?P<{name}>[^/]+)"

    def read(self, place: str) -> re.Match[str] | None:
        """The values of the fields in a path that fits."""
        return self._regex.fullmatch(place)


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
    """Line, clean and noisy of each row of a CSV file."""
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            reader = csv.DictReader(file)
            for column in ("clean", "noisy"):
                if column not in (reader.fieldnames or ()):
                    raise DataError(f"{path}: no column '{column}' in its first line")
            for row in reader:
                if not row["clean"] or not row["noisy"]:
                    raise DataError(f"{path}: line {reader.line_num}: one of the two is missing")
                yield reader.line_num, row["clean"], row["noisy"]
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise DataError(f"{path}: no list of pairs ({error})") from error


def _some(paths: Sequence[Path]) -> str:
    more = f" (and {len(paths) - 1} more)" if paths[1:] else ""
    return f"'{paths[0]}'{more}"
