"""Picture files with noise added, in one call."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import torch

from restorekit.components.kinds import noises
from restorekit.operations.file_jobs import (
    AnyPath,
    FilesOutcome,
    Inputs,
    OnFile,
    Share,
    path_list,
    run_files,
    worker_of,
)
from restorekit.pictures.picture import Picture
from restorekit.pictures.processing.file_plan import plan_outputs
from restorekit.pictures.processing.one_file import PagePlace, WriteOptions, one_at_a_time
from restorekit.pictures.tensors import pixels_to_tensor, tensor_to_pixels
from restorekit.pictures.value_ranges import check_range
from restorekit.progress_bar import Progress
from restorekit.records import degrade
from restorekit.restore.denoise_options import RangeEnd
from restorekit.seeding import derive_generator


def add_noise_files(
    inputs: Inputs,
    output: AnyPath,
    noise: str | Mapping[str, Any] | Any,
    *,
    seed: int = 0,
    black: RangeEnd = "auto",
    white: RangeEnd = "auto",
    share: Share = False,
    on_file: OnFile | None = None,
    progress: Progress = False,
) -> FilesOutcome:
    """Add noise to picture files, or whole folders of them, as `restorekit noise` does.

    The results keep bit depth, transparency and metadata. The noise of a picture depends on the
    seed and its position among the inputs. A file that fails does not stop the others.

    Args:
        inputs: a picture or a folder, or several of them.
        output: a file for one picture, else a folder.
        noise: a registered noise by name, {"name": ..., argument: ...}, or a noise model. Its
            arguments are on a scale with black 0 and white 1.
        seed: the seed of the noise.
        black: the value of black in all inputs; "auto" finds it for each.
        white: the value of white.
        share: as for `denoise_files`.
        on_file: called with the `FileResult` of each file as soon as it is finished.
        progress: as for `denoise_files`.

    Returns:
        A result for each file, in order; "restored" is the status of a file that was written.

    Raises:
        ImageFileError: an input is missing, or the results cannot be written there.
        RestoreKitError: the noise does not exist or cannot be made.

    Example:
        >>> import tempfile
        >>> from pathlib import Path
        >>> from PIL import Image
        >>> import restorekit
        >>> folder = Path(tempfile.mkdtemp())
        >>> Image.new("L", (32, 32), 128).save(folder / "clean.png")
        >>> noise = {"name": "gaussian", "std": 0.1}
        >>> outcome = restorekit.add_noise_files(folder / "clean.png", folder / "noisy.png", noise)
        >>> outcome.failed
        ()
    """
    ends = check_range(black, white)
    plan = plan_outputs(path_list(inputs), output)
    return run_files(
        plan,
        one_at_a_time(AddedNoise(noises.build(noise), seed)),
        WriteOptions(black=ends[0], white=ends[1]),
        worker_of(share),
        on_file=on_file,
        progress=progress,
    )


class AddedNoise:
    """A noise model as a change of pictures, each with randomness of its own place.

    Args:
        noise: a noise model.
        seed: what its randomness is derived from.
    """

    def __init__(self, noise: Any, seed: int) -> None:
        self.noise, self.seed = noise, seed

    def __call__(self, picture: Picture, place: PagePlace) -> Picture:
        """The picture with noise, of the same size and depth."""
        # Without the page for the first one, so that single pictures keep the noise of older
        # versions.
        at = (place.number,) if place.page == 0 else (place.number, place.page)
        generator = derive_generator(self.seed, "cli-noise", *at)
        # Noises are differentiable, and a graph of a large picture would double the memory.
        with torch.no_grad():
            clean = pixels_to_tensor(picture.pixels, picture.white, picture.black)[None]
            noisy = degrade(self.noise, clean, generator).noisy[0]
        pixels = tensor_to_pixels(noisy, picture.pixels.dtype, picture.white, picture.black)
        return replace(picture, pixels=pixels)
