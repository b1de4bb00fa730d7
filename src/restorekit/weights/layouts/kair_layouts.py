"""The layouts of KAIR's plain networks."""

from __future__ import annotations

from restorekit.records import RecognisedCheckpoint
from restorekit.weights.layouts.plain_stacks import (
    StateDict,
    as_dncnn,
    as_fdncnn,
    as_ffdnet,
    as_ircnn,
    read_sequence,
)

_IRCNN_LAYERS = 7


class KAIR:
    """cszn/KAIR: one flat sequence with biases, mostly folded, otherwise with epsilon 1e-4.

    An IRCNN has the keys and shapes of a DnCNN of seven layers, which KAIR has not published, so
    seven layers without normalisation are taken for an IRCNN. The layout `kair_dncnn` reads them
    as a DnCNN. A file of KAIR has 25 IRCNN, one for each range of the noise level; save one in a
    file of its own.

    Example:
        >>> layers = torch.nn.Conv2d(1, 4, 3), torch.nn.ReLU(), torch.nn.Conv2d(4, 1, 3)
        >>> network = torch.nn.ModuleDict({"model": torch.nn.Sequential(*layers)})
        >>> state = network.state_dict()
        >>> restorekit.create_layout("kair")(state).architecture
        'dncnn'
    """

    keys = "model.0.weight, model.0.bias, model.2.weight"

    def __call__(self, state: StateDict) -> RecognisedCheckpoint | None:
        """The converted checkpoint, or None if its keys are of another layout."""
        convs = read_sequence(state, "model")
        if convs is None:
            return None
        normed = any(conv.norm is not None for conv in convs)
        convs = [conv.folded(eps=1e-4) for conv in convs]
        in_channels, out_channels = convs[0].weight.shape[1], len(convs[-1].weight)
        # FFDNet and FDnCNN have a noise map as a further input, and FFDNet four phases of each
        # channel.
        if in_channels == out_channels + 1:
            return as_fdncnn(convs) if out_channels % 4 else as_ffdnet(convs, "KAIR's FFDNet")
        if len(convs) == _IRCNN_LAYERS and not normed:
            return as_ircnn(convs)
        return as_dncnn(convs, "KAIR's DnCNN")


class KAIRDnCNN:
    """A DnCNN of KAIR's training code, also one of seven layers, which `kair` takes for an IRCNN.

    Nothing in a file shows the difference, so this layout must be named:
    `load_model("x.pth", layout="kair_dncnn")`.

    Example:
        >>> convs = (torch.nn.Conv2d(*sizes, 3) for sizes in ((1, 4), *[(4, 4)] * 5, (4, 1)))
        >>> layers = [each for conv in convs for each in (conv, torch.nn.ReLU())]
        >>> network = torch.nn.ModuleDict({"model": torch.nn.Sequential(*layers)})
        >>> state = network.state_dict()
        >>> restorekit.create_layout("kair")(state).architecture
        'ircnn'
        >>> restorekit.create_layout("kair_dncnn")(state).architecture
        'dncnn'
    """

    keys = KAIR.keys

    def __call__(self, state: StateDict) -> RecognisedCheckpoint | None:
        """The converted checkpoint, or None if its keys are of another layout."""
        convs = read_sequence(state, "model")
        if convs is None:
            return None
        return as_dncnn([conv.folded(eps=1e-4) for conv in convs], "KAIR's DnCNN")
