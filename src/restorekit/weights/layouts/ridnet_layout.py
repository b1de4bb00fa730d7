"""The layout of the authors' RIDNet."""

from __future__ import annotations

from collections.abc import Mapping

from torch import Tensor

from restorekit.records import RecognisedCheckpoint
from restorekit.weights.layouts.renaming import Renaming, at_position, renamed
from restorekit.weights.layouts.state_reading import conv_sizes

_IN_BLOCK = {
    r"r1\.body1": "0.near",
    r"r1\.body2": "0.far",
    r"r1\.body3": "0.merge",
    r"r2\.body": "1.body",
    r"r3\.body": "2.body",
}
_NAMES: Renaming = {
    "sub_mean": "subtract_mean",
    "add_mean": "add_mean",
    "tail": "tail",
    r"head\.body\.0": "head.0",
    **{
        rf"b(\d+)\.{theirs}\.(\d+)": at_position(f"blocks.{{}}.{ours}.\\2", start=-1)
        for theirs, ours in _IN_BLOCK.items()
    },
    r"b(\d+)\.ca\.c1\.body\.0": at_position("blocks.{}.3.squeeze", start=-1),
    r"b(\d+)\.ca\.c2\.body\.0": at_position("blocks.{}.3.expand", start=-1),
}
_SQUEEZE = "blocks.0.3.squeeze.weight"
_NEEDED = {"head.0.weight", _SQUEEZE, "subtract_mean.bias"}


class RIDNetAuthors:
    """saeed-anwar/RIDNet: for images in [0, 255], which is rescaled to [0, 1].

    The features of the network are proportional to the image apart from its biases, except inside
    the channel attention. So the biases are divided by 255, and the means that enter the attention
    are multiplied by it again. Which range a file is for is seen from its mean colour.

    Example:
        >>> layers = {"head": (3, 16, 3), "tail": (16, 3, 3), "b1.ca.c1": (16, 1, 1)}
        >>> convs = {name: torch.nn.Conv2d(*sizes) for name, sizes in layers.items()}
        >>> names = {"head": "head.body.0", "b1.ca.c1": "b1.ca.c1.body.0"}
        >>> state = {f"{names.get(name, name)}.weight": conv.weight for name, conv in convs.items()}
        >>> state |= {"sub_mean.bias": torch.full((3,), -110.0)}
        >>> restorekit.create_layout("ridnet_authors")(state).arguments["reduction"]
        16
    """

    keys = "sub_mean.weight, sub_mean.bias, add_mean.weight"

    def __call__(self, state: Mapping[str, Tensor]) -> RecognisedCheckpoint | None:
        """The converted checkpoint, or None if its keys are of another layout."""
        tensors = renamed(state, _NAMES)
        if tensors is None or _NEEDED - tensors.keys():
            return None
        layout = "the authors' RIDNet"
        width, channels = conv_sizes(state, layout, "head.body.0.weight")
        squeezed, _ = conv_sizes(state, layout, "b1.ca.c1.body.0.weight")
        blocks = {key.split(".")[1] for key in tensors if key.startswith("blocks.")}
        arguments = {
            "channels": channels,
            "width": width,
            "blocks": len(blocks),
            "reduction": width // squeezed,
        }
        if tensors["subtract_mean.bias"].abs().max() > 1:
            tensors = {key: _for_unit_range(key, tensor) for key, tensor in tensors.items()}
        return RecognisedCheckpoint("ridnet", arguments, tensors)


def _for_unit_range(key: str, tensor: Tensor) -> Tensor:
    """A tensor of a network for [0, 255], for one of equal results in [0, 1]."""
    if key.endswith("squeeze.weight"):
        return tensor * 255
    if key.endswith(".bias") and ".squeeze." not in key and ".expand." not in key:
        return tensor / 255
    return tensor
