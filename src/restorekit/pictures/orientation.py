"""Turning pictures upright, with the orientation in their metadata."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from restorekit.pictures.metadata import exif, xmp
from restorekit.pictures.metadata.left_out import leaving_out
from restorekit.pictures.metadata.program_notes import turned
from restorekit.pictures.picture import Picture


def upright(picture: Picture, orientation: int) -> Picture:
    """Turn a picture upright, and reset the orientation in its metadata.

    Args:
        picture: a picture as it is stored.
        orientation: 1 to 8, as in EXIF and TIFF; 1 is upright.
    """
    if orientation == 1:
        return picture
    # Orientations 5 to 8 contain a rotation by 90 degrees.
    metadata, is_swapped = picture.metadata, orientation >= 5
    if metadata.exif is not None:
        metadata = replace(metadata, exif=exif.turned(metadata.exif, 1, is_swapped))
    if metadata.xmp is not None:
        metadata = replace(metadata, xmp=xmp.turned(metadata.xmp, 1, is_swapped))
    if metadata.notes:
        notes, lost = turned(metadata.notes)
        metadata = leaving_out(replace(metadata, notes=notes), *lost)
    if is_swapped:
        dpi, density = metadata.dpi, metadata.density
        metadata = replace(metadata, dpi=dpi and dpi[::-1], density=density and density[::-1])
    alpha = None if picture.alpha is None else exif.turn(picture.alpha, orientation)
    return replace(
        picture,
        # Flips are views with negative strides, which torch does not accept.
        pixels=np.ascontiguousarray(exif.turn(picture.pixels, orientation)),
        alpha=None if alpha is None else np.ascontiguousarray(alpha),
        metadata=metadata,
    )
