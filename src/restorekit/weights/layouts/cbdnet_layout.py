"""The layout of the PyTorch CBDNet of IDKiro."""

from __future__ import annotations

from collections.abc import Mapping

from torch import Tensor

from restorekit.records import RecognisedCheckpoint
from restorekit.weights.layouts.renaming import Renaming, at_position, renamed
from restorekit.weights.layouts.state_reading import conv_sizes

# Each of their blocks in the U-Net is a convolution and a ReLU.
_NAMES: Renaming = {
    r"fcn\.fcn\.(\d+)": r"estimator.\1",
    r"unet\.inc\.(\d+)\.conv\.0": at_position("encoder1.{}", 2),
    r"unet\.conv1\.(\d+)\.conv\.0": at_position("encoder2.{}", 2),
    r"unet\.conv2\.(\d+)\.conv\.0": at_position("middle.{}", 2),
    r"unet\.up1\.up": "up2",
    r"unet\.conv3\.(\d+)\.conv\.0": at_position("decoder2.{}", 2),
    r"unet\.up2\.up": "up1",
    r"unet\.conv4\.(\d+)\.conv\.0": at_position("decoder1.{}", 2),
    r"unet\.outc\.conv": "tail",
}


class CBDNetPyTorch:
    """IDKiro/CBDNet-pytorch.

    Example:
        >>> sizes = {"fcn.fcn.0": (3, 4), "unet.inc.0.conv.0": (6, 8)}
        >>> convs = {name: torch.nn.Conv2d(*size, 3) for name, size in sizes.items()}
        >>> state = {f"{name}.weight": conv.weight for name, conv in convs.items()}
        >>> restorekit.create_layout("cbdnet_pytorch")(state).arguments
        {'channels': 3, 'width': 8, 'estimator_width': 4}
    """

    keys = "fcn.fcn.0.weight, fcn.fcn.0.bias, fcn.fcn.2.weight"

    def __call__(self, state: Mapping[str, Tensor]) -> RecognisedCheckpoint | None:
        """The converted checkpoint, or None if its keys are of another layout."""
        tensors = renamed(state, _NAMES)
        if tensors is None or not {"estimator.0.weight", "encoder1.0.weight"} <= tensors.keys():
            return None
        layout = "IDKiro's PyTorch CBDNet"
        estimator_width, channels = conv_sizes(state, layout, "fcn.fcn.0.weight")
        width, _ = conv_sizes(state, layout, "unet.inc.0.conv.0.weight")
        arguments = {"channels": channels, "width": width, "estimator_width": estimator_width}
        return RecognisedCheckpoint("cbdnet", arguments, tensors)
