"""Noisy and clean pictures of the same scenes as a dataset."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path
from typing import Literal

from restorekit.data.file_dataset import FileDataset, Scene
from restorekit.data.pairs import PairRule, find_pairs, find_shots
from restorekit.errors import ArgumentError, DataError, warn


class PairedPictures(FileDataset):
    """Noisy and clean pictures of the same scenes, or several noisy pictures of each scene.

    Items are a `NoisyImages` of float32 (C, H, W) in [0, 1], one for each noisy picture. Its images
    are patches of the same place in the same orientation. The noise model of the run is not applied
    to them. All noisy pictures of a scene are either trained on or validated on.

    Without patterns or a list, the pairs are found by words in the paths, such as "gt" and "noisy",
    as `restorekit benchmark --pairs` does: `gt/a.png` and `noisy/a.png`, or `01/GT_SRGB_010.PNG`
    and `01/NOISY_SRGB_010.PNG`.

    Args:
        path: The folder, which is searched with its subfolders.
        patch_size: The side of a patch in pixels; null for whole pictures, which form batches only
            if they have equal sizes.
        patches_per_image: Patches of each noisy picture per epoch.
        channels: 3 for colour, 1 for gray; files of the other kind are converted.
        clean: A pattern of the clean pictures, relative to the folder, such as "{scene}/gt.png". A
            field has the same text in both patterns, "*" is any text without "/".
        noisy: A pattern of the noisy pictures, such as "{scene}/shot_*.png". Without `clean`, the
            pictures of a scene are noisy pictures with independent noise; each comes with the next
            one of its scene.
        csv: A CSV file with the columns `clean` and `noisy`, paths relative to the folder.
        two_shots: Whether an item with a clean picture also has the next noisy picture of its
            scene, for objectives that learn from two of them.
        cache_megabytes: Memory for decoded pictures, which the data-loading processes share; at
            most a quarter of the free memory is used.

    Raises:
        DataError: the folder is missing or has no pairs, a file has no counterpart or several, or
            with `two_shots` a scene has one noisy picture only. When an item is read: a file is
            damaged, or the pictures of a scene differ in size.
        ArgumentError: `clean` is given without `noisy`, or `csv` with patterns.

    Warns:
        RestoreWarning: pictures of the folder are not used.

    Example:
        >>> from PIL import Image
        >>> for name in ("a_clean.png", "a_noisy.png"):
        ...     Image.fromarray(image).save(name)
        >>> dataset = restorekit.create_dataset("pairs", path=".", patch_size=16)
        >>> len(dataset), dataset[0].noisy.shape, dataset[0].clean.shape
        (1, torch.Size([3, 16, 16]), torch.Size([3, 16, 16]))
    """

    def __init__(
        self,
        path: str,
        patch_size: int | None = 64,
        patches_per_image: int = 1,
        channels: Literal[1, 3] = 3,
        clean: str | None = None,
        noisy: str | None = None,
        csv: str | None = None,
        two_shots: bool = False,
        cache_megabytes: int = 2048,
    ) -> None:
        if clean is not None and noisy is None:
            raise ArgumentError("'clean' needs 'noisy', the pattern of the noisy pictures")
        if csv is not None and noisy is not None:
            raise ArgumentError("'csv' and patterns are two ways to define the pairs; give one")
        if noisy is not None and clean is None:
            groups, unused = find_shots(path, noisy)
            scenes = [scene for shots in groups for scene in _scenes(shots)]
        else:
            rule: PairRule = csv if noisy is None or clean is None else (clean, noisy)
            pairing = find_pairs(path, rule)
            unused = pairing.unused
            shots_of: dict[Path, list[Path]] = defaultdict(list)
            for pair in pairing.pairs:
                shots_of[pair.clean].append(pair.noisy)
            scenes = [
                scene
                for each, shots in shots_of.items()
                for scene in _scenes(shots, each, two_shots)
            ]
        if unused:
            more = f" and {len(unused) - 1} more" if unused[1:] else ""
            warn(f"dataset 'pairs': '{unused[0]}'{more} belong to no pair and are not used")
        super().__init__(scenes, patch_size, patches_per_image, channels, cache_megabytes)


def _scenes(
    shots: Sequence[Path], clean: Path | None = None, two_shots: bool = True
) -> list[Scene]:
    """An item for each noisy picture of a scene."""
    if not two_shots:
        return [Scene(clean, shot) for shot in shots]
    if len(shots) < 2:
        raise DataError(f"two_shots: '{shots[0]}' is the only noisy picture of its scene")
    following = [*shots[1:], shots[0]]
    pairs = zip(shots, following, strict=True)
    return [Scene(clean, shot, second, name=clean or shots[0]) for shot, second in pairs]
