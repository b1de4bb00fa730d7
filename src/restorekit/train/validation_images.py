"""Pictures of a validation: rows of clean, noisy and restored images."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from PIL import Image
from torch import Tensor
from torchvision.utils import make_grid

from restorekit.pictures.file_errors import drawing_errors
from restorekit.storage.atomic import atomic_path

ImageRow = tuple[Tensor, Tensor, Tensor]


def to_display(clean: Tensor, noisy: Tensor, restored: Tensor) -> ImageRow:
    """Images (C, H, W) as a picture file can hold them: three channels, or one."""
    # The first channels of multispectral images; files have one or three.
    channels = 3 if len(clean) >= 3 else 1

    def shown(image: Tensor) -> Tensor:
        return image[:channels].clamp(0, 1).float().cpu()

    return shown(clean), shown(noisy), shown(restored)


def draw_rows(rows: Sequence[ImageRow], path: Path) -> None:
    """Write the rows that have the shape of the first as a picture; without rows, nothing.

    Raises:
        ImageFileError: it cannot be drawn.
    """
    same = [row for row in rows if row[0].shape == rows[0][0].shape]
    if same:
        grid = make_grid([image for row in same for image in row], nrow=3, pad_value=1.0)
        pixels = grid.mul(255).round().byte().permute(1, 2, 0).numpy()
        with drawing_errors(path), atomic_path(path) as temporary:
            Image.fromarray(pixels).save(temporary)
