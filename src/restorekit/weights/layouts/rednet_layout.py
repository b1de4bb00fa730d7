"""The layout of the PyTorch RED-Net of yjn870."""

from __future__ import annotations

from collections.abc import Mapping

from torch import Tensor

from restorekit.records import RecognisedCheckpoint
from restorekit.weights.layouts.renaming import Renaming, renamed
from restorekit.weights.layouts.state_reading import conv_sizes

_NAMES: Renaming = {
    r"conv_layers\.(\d+)\.0": r"convs.\1",
    r"deconv_layers\.(\d+)(?:\.0)?": r"deconvs.\1",
}
_WITHOUT_SKIPS = 5  # layers of each kind in its RED10


class REDNetPyTorch:
    """yjn870/REDNet-pytorch: stride 2, and a ReLU before each skip and after the image.

    Example:
        >>> first, last = torch.nn.Conv2d(3, 4, 3), torch.nn.ConvTranspose2d(4, 3, 3)
        >>> state = {
        ...     "conv_layers.0.0.weight": first.weight, "deconv_layers.0.weight": last.weight
        ... }
        >>> restorekit.create_layout("rednet_pytorch")(state).arguments["width"]
        4
    """

    keys = "conv_layers.0.0.weight, conv_layers.0.0.bias, conv_layers.1.0.weight"

    def __call__(self, state: Mapping[str, Tensor]) -> RecognisedCheckpoint | None:
        """The converted checkpoint, or None if its keys are of another layout."""
        if (tensors := renamed(state, _NAMES)) is None or "convs.0.weight" not in tensors:
            return None
        count = sum(key.startswith("convs.") and key.endswith(".weight") for key in tensors)
        layout = "yjn870's PyTorch RED-Net"
        width, channels = conv_sizes(state, layout, "conv_layers.0.0.weight")
        arguments = {
            "channels": channels,
            "depth": 2 * count,
            "width": width,
            "skips": count != _WITHOUT_SKIPS,
            "stride": 2,
            "rectify": True,
        }
        return RecognisedCheckpoint("rednet", arguments, tensors)
