"""The size of a picture, as its metadata states it."""

from __future__ import annotations

from dataclasses import replace

from restorekit.pictures.metadata import exif, xmp
from restorekit.pictures.metadata.left_out import leaving_out
from restorekit.pictures.metadata.program_notes import turned
from restorekit.pictures.picture import Picture


def restated(picture: Picture, former: Picture) -> Picture:
    """A picture whose metadata, copied from another one, states its own size.

    The resolution in pixels per inch stays, since it says how the picture is to be printed. That in
    pixels per unspecified unit is a measure of what it shows, and follows the size.

    Args:
        picture: a picture with the metadata of `former`.
        former: the picture that it was made from.
    """
    (height, width), size = picture.pixels.shape[:2], former.pixels.shape[:2]
    if (height, width) == size:
        return picture
    metadata = picture.metadata
    if metadata.exif is not None:
        metadata = replace(metadata, exif=exif.sized(metadata.exif, (width, height), size[::-1]))
    if metadata.xmp is not None:
        metadata = replace(metadata, xmp=xmp.sized(metadata.xmp, width, height))
    if metadata.notes:
        # Those that refer to rows and columns are as invalid as after a turn.
        notes, lost = turned(metadata.notes)
        metadata = leaving_out(replace(metadata, notes=notes), *lost)
    if metadata.density is not None:
        across, down = metadata.density
        density = across * width / size[1], down * height / size[0]
        metadata = replace(metadata, density=density)
    return replace(picture, metadata=metadata)
