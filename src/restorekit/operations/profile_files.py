"""The noise profile of a camera, measured from picture files in one call."""

from __future__ import annotations

from pathlib import Path

from restorekit.errors import InputError, RestoreKitError, warn
from restorekit.noise_profile import NoiseProfile, SensorPair
from restorekit.operations.file_jobs import Inputs, path_list
from restorekit.pictures.processing.file_plan import find_inputs
from restorekit.pictures.read_files import iter_pages
from restorekit.pictures.value_ranges import check_range
from restorekit.restore.denoise_options import RangeEnd
from restorekit.restore.profile_measurement import Ends, pair_of_frames, pair_of_picture


def measure_noise_profile(
    inputs: Inputs,
    dark: Inputs = (),
    *,
    black: RangeEnd = "auto",
    white: RangeEnd = "auto",
) -> NoiseProfile:
    """Measure gain and read noise of a camera, as `restorekit analyze --profile` does.

    Args:
        inputs: pictures or folders with the noise of the sensor, one pair for each page. With
            `dark`, one or two evenly lit frames of one exposure.
        dark: one or two frames without light, which make the result more accurate.
        black: the value of black; "auto" finds it.
        white: the value of white.

    Returns:
        The pairs of all pictures that could be measured.

    Raises:
        ImageFileError: an input is missing.
        InputError: nothing could be measured.

    Warns:
        RestoreWarning: a picture was left out, since its noise curve cannot be trusted.

    Example:
        >>> from PIL import Image
        >>> rng = np.random.default_rng(0)
        >>> for name, mean in (("flat", 40_000), ("dark", 1_000)):
        ...     noise = rng.normal(0, (2 * mean) ** 0.5, (64, 64))
        ...     Image.fromarray((mean + noise).astype(np.uint16)).save(f"{name}.png")
        >>> profile = restorekit.measure_noise_profile("flat.png", "dark.png", white=65535)
        >>> bool(1.7 < profile.pair.gain * 65535 < 2.3)
        True
    """
    ends = check_range(black, white)
    paths, _ = find_inputs(path_list(inputs))
    if dark_paths := path_list(dark):
        named = ", ".join(str(path) for path in paths)
        flats, darks = ([next(iter(iter_pages(Path(p)))) for p in ps] for ps in (paths, dark_paths))
        return NoiseProfile((pair_of_frames(flats, darks, ends, named),))
    pairs = [pair for path in paths for pair in _of_file(path, ends)]
    if not pairs:
        raise InputError("no noise profile: the noise curve of no picture can be trusted")
    return NoiseProfile(tuple(pairs))


def _of_file(path: Path, ends: Ends) -> list[SensorPair]:
    pairs = []
    for number, picture in enumerate(iter_pages(path), 1):
        source = str(path) if number == 1 else f"{path}, page {number}"
        try:
            pairs.append(pair_of_picture(picture, ends, source))
        except RestoreKitError as error:
            warn(f"left out of the profile: {error}")
    return pairs
