"""Running a network on a canvas: in tiles that fit in memory, then restoring fine detail."""

from __future__ import annotations

import logging
from dataclasses import dataclass, field, replace
from itertools import product

import torch

from restorekit.errors import InputError, warn
from restorekit.memory import is_out_of_memory
from restorekit.networks.network import Network
from restorekit.restore.canvas import Canvas
from restorekit.restore.denoise_options import DenoiseOptions
from restorekit.restore.detail.return_detail import return_detail
from restorekit.restore.network_call import call_network
from restorekit.restore.noise_level import NoiseLevel
from restorekit.restore.safeguard.guard import Guard
from restorekit.restore.several_scales import ScaleShares, remove_coarse_noise
from restorekit.restore.strength import FULL
from restorekit.restore.tiles.stitch import Stitching, stitch
from restorekit.restore.tiles.tile_size import choose_tiles, smaller_tiles, tiling_difference
from restorekit.sampling import evenly_spread

# A large image is judged by this many pieces along each axis, of this side in pixels.
_PIECES, _PIECE = 2, 256

LOGGER = logging.getLogger(__name__)


@dataclass
class Pipeline:
    """Runs a network on canvases.

    Attributes:
        network: the network.
        name: name of the network in messages.
    """

    network: Network
    name: str
    _has_warned: bool = field(default=False, init=False)

    def run(
        self,
        canvas: Canvas,
        level: NoiseLevel | None,
        options: DenoiseOptions,
        dtype: torch.dtype | None,
        guard: Guard | None = None,
        shares: ScaleShares | None = None,
    ) -> int | None:
        """Restore a canvas, and return the side of the tiles.

        If memory runs out, fewer images of the batch are processed at once, then smaller tiles.

        Args:
            canvas: the canvas to restore.
            level: standard deviation of the noise, for a network that takes it.
            options: how it is restored; something is changed.
            dtype: dtype of autocast; None for float32.
            guard: limits the change of each image.
            shares: the scales at which it is restored; None for 1x only.

        Raises:
            InputError: the network cannot restore it, or there is not enough memory.

        Warns:
            RestoreWarning: once, if tiles change the result of this network.
        """
        how: Stitching | None = choose_tiles(
            self.network, canvas.size, options.tile_side, exact=dtype is None
        )
        with self.network.running(dtype):
            while how is not None:
                how = replace(how, turns=options.turns)
                try:
                    self._warn_of_tiles(canvas, how, level)
                    given = self._without_coarse_noise(canvas, how, level, shares)
                    # Within the loop, since the pieces may not fit in memory either.
                    if guard is not None and how.tile is not None:
                        self._judge(canvas, given, guard)
                        if guard.reason is not None:
                            canvas.leave(slice(None))
                            return how.tile
                    # Detail is measured in the full change, so the strength is applied after it.
                    strength = options.strength_of(canvas)
                    first = FULL if options.keep_detail else strength
                    stitch(canvas, self.network, how, given, first, guard)
                    if options.keep_detail and not (guard and guard.reason):
                        return_detail(canvas, options.keep_detail, strength)
                    return how.tile
                except Exception as error:
                    if not is_out_of_memory(error):
                        raise
                # Outside of "except", where the exception would keep the tensors of the failed
                # attempt alive.
                how = None if canvas.is_spent else self._smaller(how, canvas)
                if how is not None:
                    LOGGER.info("model '%s': not enough memory, in smaller tiles", self.name)
        height, width = canvas.size
        tiles = "even in the smallest tiles" if self.network.reach else "which it takes only whole"
        tiles = "half of which it has restored in place" if canvas.is_spent else tiles
        raise InputError(
            f"not enough memory for model '{self.name}' on an image of {width}x{height} pixels, "
            f"{tiles}"
        )

    def _without_coarse_noise(
        self,
        canvas: Canvas,
        how: Stitching,
        level: NoiseLevel | None,
        shares: ScaleShares | None,
    ) -> NoiseLevel | None:
        """Remove coarse noise from what the network will see, and return the level that is left."""
        canvas.removed = None  # of an attempt for which there was not enough memory
        if shares is None:
            return level
        canvas.removed = remove_coarse_noise(canvas, self.network, how, level, shares)
        return level if canvas.removed is None else shares.level(level, 0)

    def _judge(self, canvas: Canvas, level: NoiseLevel | None, guard: Guard) -> None:
        """Judge images before they are restored in tiles, by a few pieces of each.

        All tiles of an image must follow the same verdict.
        """
        corners = [
            evenly_spread(length, side := min(_PIECE, length), min(_PIECES, -(-length // side)))
            for length in canvas.size
        ]
        for index in range(len(canvas.source)):
            pieces = []
            for top, left in product(*corners):
                place = slice(top, top + _PIECE), slice(left, left + _PIECE)
                where = (slice(index, index + 1), *place)
                noisy = canvas.read(*where, torch.float32)
                seen = canvas.read_for_network(*where, torch.float32)
                made = call_network(self.network, seen, level, where, canvas.colours)
                pieces.append((noisy, made))
            noisy, restored = (torch.cat(some) for some in zip(*pieces, strict=True))
            guard.judge(index, noisy, restored)

    def _smaller(self, how: Stitching, canvas: Canvas) -> Stitching | None:
        if (together := how.at_once(canvas, self.network)) > 1:
            return replace(how, most=together // 2)
        halved = smaller_tiles(how, canvas.size)
        if halved is None or how.tile is not None:
            return halved
        # Until now it was the whole image, for which the receptive field is not needed.
        if not self.network.reach:
            return None
        return replace(choose_tiles(self.network, canvas.size, halved.tile), most=how.most)

    def _warn_of_tiles(self, canvas: Canvas, how: Stitching, level: NoiseLevel | None) -> None:
        reach = None if how.tile is None or self._has_warned else self.network.reach
        if reach is None or not reach.is_global:
            return
        # Set first: a measurement that runs out of memory is not tried again.
        self._has_warned = True
        levels = 255 * tiling_difference(self.network, canvas, how, level)
        warn(
            f"model '{self.name}' uses the whole image: in tiles of {how.tile} pixels the result "
            f"differs by about {levels:.2g}/255 (rms, measured on this image); "
            "tile='off' restores it whole"
        )
