"""Learning from the two halves of an image: Neighbor2Neighbor."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import torch
from torch import Tensor, nn

from restorekit.errors import InputError
from restorekit.objective.base import Compare, Restore, TaskBatch
from restorekit.objective.self_supervised import KnownLevel, SelfSupervised, generators
from restorekit.records import Images

# Two pixels of a cell of 2x2 that have a side in common, in either order; 0 and 1 are above.
_NEIGHBOURS = torch.tensor(
    [[0, 1], [1, 0], [0, 2], [2, 0], [1, 3], [3, 1], [2, 3], [3, 2]], dtype=torch.long
)


class Neighbor2Neighbor(SelfSupervised):
    """One subimage is the target of another, whose pixels are their neighbours.

    Of each cell of 2x2 pixels, two neighbours are drawn: one for the input and one for the target,
    both at half the size. A second term compares their difference with that of the restored image,
    since the clean neighbours are not equal.

    Assumption: the noise has mean 0 and is independent between pixels; neighbouring clean pixels
    are similar. Needs: single noisy images of at least 2x2 pixels, larger ones for most networks;
    no noise level. The loss compares the subimages; `mse` and `l1` both work.

    Reference: Huang et al., Neighbor2Neighbor, CVPR 2021, https://arxiv.org/abs/2101.02824

    Args:
        noise: the run's noise model, for clean images.
        gamma: weight of the second term, which is squared. The paper uses 1 to 16; a larger one
            keeps more detail and leaves more noise.
        ramp: steps in which that weight grows from 0 to `gamma`.
        sigma: the level of pictures that are noisy themselves, for networks that take one: a
            number, "estimate", or None.

    Raises:
        ValueError: `gamma` or `ramp` is below 0.

    Example:
        >>> noise = restorekit.create_noise("gaussian", std=0.1)
        >>> objective = restorekit.create_objective("neighbor2neighbor", noise)
        >>> made = objective.make_batch(batch, seed=0, step=1, places=[0, 1])
        >>> made.input.shape, made.target.shape
        (torch.Size([2, 3, 16, 16]), torch.Size([2, 3, 16, 16]))
    """

    def __init__(
        self,
        noise: nn.Module,
        gamma: float = 2.0,
        ramp: int = 1000,
        sigma: KnownLevel = None,
    ) -> None:
        super().__init__(noise, sigma)
        for name, value in (("gamma", gamma), ("ramp", ramp)):
            if value < 0:
                raise ValueError(f"{name} must be at least 0, not {value}")
        self.gamma, self.ramp = gamma, ramp

    def make_batch(self, images: Images, seed: int, step: int, places: Sequence[int]) -> TaskBatch:
        """The two subimages; the whole images and the choice of pixels are in `extras`.

        Raises:
            InputError: the images are smaller than 2x2 pixels.
        """
        seen = self.observe(images, seed, step, places)
        noisy, device = seen.noisy, seen.noisy.device
        height, width = (side // 2 for side in noisy.shape[2:])
        if not height or not width:
            raise InputError("objective 'neighbor2neighbor' needs images of at least 2x2 pixels")
        sources = generators(noisy, seed, "neighbours", step, places)
        drawn = [
            torch.randint(8, (height, width), generator=source, device=device) for source in sources
        ]
        choice = _NEIGHBOURS.to(device)[torch.stack(drawn)]  # (B, h, w, 2)
        first, second = subimages(noisy, choice)
        extras = {"noisy": noisy, "choice": choice}
        weight = self.gamma * min(step / self.ramp, 1.0) if self.ramp else self.gamma
        extras["weight"] = noisy.new_full((len(noisy), 1, 1, 1), weight)
        sigma = seen.sigma
        if sigma is not None:
            extras["sigma"] = sigma
            if sigma.shape[-1] > 1:  # a level for each pixel
                sigma = subimages(sigma.expand(-1, -1, *noisy.shape[2:]), choice)[0]
        return TaskBatch(first, second, sigma, extras=extras)

    def risk(self, restore: Restore, batch: TaskBatch, compare: Compare) -> Mapping[str, Tensor]:
        """The run's loss of the subimages, and the difference that the restored image explains."""
        extras = batch.extras
        answer = restore(batch.input, batch.sigma)
        with torch.no_grad():
            whole = restore(extras["noisy"], extras.get("sigma")).image.float()
        first, second = subimages(whole, extras["choice"])
        change = answer.image.float() - batch.target - (first - second)
        return {
            "neighbours": compare(answer, batch.target),
            "consistency": (extras["weight"] * change.square()).mean(),
        }


def subimages(images: Tensor, choice: Tensor) -> tuple[Tensor, Tensor]:
    """Two images of half the size, of the pixels that are chosen in each cell of 2x2.

    Args:
        images: (B, C, H, W); the last row or column of an odd number is left out.
        choice: (B, H // 2, W // 2, 2), the numbers of two pixels of each cell.
    """
    height, width = choice.shape[1:3]
    cells = images[..., : 2 * height, : 2 * width].unflatten(-2, (height, 2))
    cells = cells.unflatten(-1, (width, 2)).transpose(-3, -2).flatten(-2)  # (B, C, h, w, 4)
    found = cells.gather(-1, choice[:, None].expand(-1, images.shape[1], -1, -1, -1))
    return found[..., 0], found[..., 1]
