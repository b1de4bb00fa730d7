"""The layout of the PyTorch reproduction of SSDN."""

from __future__ import annotations

from restorekit.errors import CheckpointError
from restorekit.records import RecognisedCheckpoint
from restorekit.weights.layouts.renaming import Renaming, at_position, renamed
from restorekit.weights.layouts.state_reading import StateDict, check_shapes, conv_sizes

LAYOUT = "the PyTorch reproduction of SSDN"
_DEPTH = 5
_NAMES: Renaming = {
    r"encode_block_1\.0": "branch.head",
    r"encode_block_1\.2": "branch.encoders.0",
    r"encode_block_([2-5])\.0": at_position("branch.encoders.{}", 1, -1),
    r"encode_block_6\.0": "branch.middle",
    r"decode_block_([1-5])\.([02])": at_position(r"branch.decoders.{}.\2", -1, _DEPTH),
    r"output_block\.([024])": r"join.\1",
}
_FIRST, _JOIN, _LAST = (
    "encode_block_1.0.weight",
    "output_block.0.weight",
    "output_block.4.weight",
)


class SSDNPyTorch:
    """COMP6248-Reproducability-Challenge/selfsupervised-denoising: its `NoiseNetwork`.

    A file of its trainer holds pickled settings, which are never executed. Save the state dict of
    the network alone there: `denoiser.get_model("denoiser_model").state_dict()`. The estimation of
    an unknown noise level by a second network is left out.

    Example:
        >>> state = {
        ...     "encode_block_1.0.weight": torch.ones(4, 3, 3, 3),
        ...     "output_block.0.weight": torch.ones(32, 32, 1, 1),
        ...     "output_block.4.weight": torch.ones(9, 8, 1, 1),
        ... }
        >>> restorekit.create_layout("ssdn_pytorch")(state).arguments["covariance"]
        'full'
    """

    keys = "encode_block_1.0.weight, encode_block_1.2.weight, decode_block_5.0.weight"

    def __call__(self, state: StateDict) -> RecognisedCheckpoint | None:
        """The converted checkpoint, or None if its keys are of another layout."""
        # The last layer is there under two names.
        inner = {key: value for key, value in state.items() if not key.startswith("output_conv.")}
        tensors = renamed(inner, _NAMES)
        if tensors is None or not {_FIRST, _JOIN, _LAST} <= state.keys():
            return None
        width, channels = conv_sizes(state, LAYOUT, _FIRST)
        # A network without a blind spot has one branch instead of four.
        check_shapes(state, LAYOUT, {_JOIN: (8 * width, 8 * width, 1, 1)})
        outputs, _ = conv_sizes(state, LAYOUT, _LAST)
        arguments = {
            "channels": channels,
            "width": width,
            "depth": _DEPTH,
            "covariance": _covariance(channels, outputs),
        }
        return RecognisedCheckpoint("ssdn", arguments, tensors, LAYOUT)


def _covariance(channels: int, outputs: int) -> str:
    """What the last layer estimates besides the mean of each channel."""
    kinds = {
        channels: "none",
        2 * channels: "diagonal",
        channels + channels * (channels + 1) // 2: "full",
    }
    if outputs not in kinds:
        raise CheckpointError(
            f"the keys are those of {LAYOUT}, but it has {outputs} output channels for "
            f"{channels} of the image; it has {', '.join(map(str, kinds))}"
        )
    return kinds[outputs]
