"""The sample of a picture: contiguous crops, bounded in size, spread over the picture."""

from __future__ import annotations

import pytest
import torch

from restorekit.estimate.image_sample import ImageSample


def coordinates(height: int, width: int) -> torch.Tensor:
    """An image whose two channels are the row and the column of each pixel."""
    rows = torch.arange(height).float()[:, None].expand(height, width)
    return torch.stack([rows, torch.arange(width).float().expand(height, width)])


def test_a_small_picture_is_one_piece() -> None:
    """The piece is the whole picture."""
    image = coordinates(70, 90)
    sample = ImageSample.of(image, steps=255)
    assert torch.equal(sample.pieces, image[None])
    assert (sample.size, sample.steps) == ((70, 90), 255)


@pytest.mark.parametrize(("height", "width"), [(2000, 1500), (1100, 2600), (40, 120_000)])
def test_pieces_of_a_large_picture(height: int, width: int) -> None:
    """Each is a crop at a multiple of 16; together they reach both ends and keep the bound."""
    pieces = ImageSample.of(coordinates(height, width)).pieces
    assert len(pieces) * pieces[0, 0].numel() <= 2_000_000
    assert len(pieces) > 10
    assert bool((pieces.diff(dim=2)[:, 0] == 1).all())
    assert bool((pieces.diff(dim=3)[:, 1] == 1).all())
    corners = pieces[:, :, 0, 0]
    assert bool((corners % 16 == 0).all())
    assert len(torch.unique(corners, dim=0)) == len(pieces)
    assert corners.amin(0).tolist() == [0, 0]
    assert pieces[:, 0].max() >= height - 16
    assert pieces[:, 1].max() >= width - 16


def test_only_the_pieces_are_read() -> None:
    """A large picture is not copied."""
    read = []

    def reader(rows: slice, columns: slice) -> torch.Tensor:
        read.append((rows, columns))
        return torch.zeros(3, rows.stop - rows.start, columns.stop - columns.start)

    ImageSample.read(reader, (40_000, 30_000), 3)
    assert len(read) > 10
    assert all(s.stop - s.start == 256 for place in read for s in place)


def test_many_channels_have_fewer_pixels() -> None:
    """The memory of a picture with many channels is bounded too."""
    assert ImageSample.of(torch.zeros(30, 600, 600)).pieces.numel() <= 6_000_000
