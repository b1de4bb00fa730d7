"""One call of a network, for a piece of an image."""

from __future__ import annotations

from torch import Tensor

from restorekit.networks.network import Network
from restorekit.restore.noise_level import NoiseLevel
from restorekit.symmetry import IDENTITY, Symmetry

Place = tuple[slice, slice, slice]


def call_network(
    network: Network,
    noisy: Tensor,
    level: NoiseLevel | None,
    place: Place,
    colours: int | None,
    turn: Symmetry = IDENTITY[0],
) -> Tensor:
    """Restore a piece of some images.

    Args:
        network: the network; the caller has entered its `running` context.
        noisy: the piece, (b, C, h, w).
        level: noise level of the whole images; None if the network gets none.
        place: images of the batch, rows and columns of the piece.
        colours: see `Network.__call__`.
        turn: the flip or rotation in which the network sees the piece.
    """
    noisy = turn.apply(noisy)
    if level is None:
        return turn.undo(network(noisy, None, colours))
    sigma = turn.apply(level.at(*place))
    if level.stabilizer is None:
        return turn.undo(network(noisy, sigma, colours))
    stabilizer = level.stabilizer.of(place[0])
    given = stabilizer.sigma(sigma)
    return turn.undo(stabilizer.around(lambda image: network(image, given, colours), noisy))
