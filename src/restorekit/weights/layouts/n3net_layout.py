"""The layout of the authors' N3Net."""

from __future__ import annotations

from collections.abc import Mapping

from torch import Tensor

from restorekit.errors import CheckpointError
from restorekit.records import RecognisedCheckpoint
from restorekit.weights.layouts.renaming import Renaming, renamed
from restorekit.weights.layouts.state_reading import count_numbered, shape_of

_NAMES: Renaming = {
    r"blocks\.(\d+)\.conv1": r"blocks.\1.first",
    r"blocks\.(\d+)\.layer1\.(\d+)": r"blocks.\1.body.\2",
    r"blocks\.(\d+)\.conv2": r"blocks.\1.last",
    r"nls\.(\d+)\.embedcnn\.(\d+)": r"non_local.\1.embedding.\2",
    r"nls\.(\d+)\.tempcnn\.(\d+)": r"non_local.\1.temperature.\2",
    r"nls\.(\d+)\.n3aggregation\.aggregation\.nnn\.bn": r"non_local.\1.normalise",
}
_WHAT = "the authors' N3Net"


class N3NetAuthors:
    """visinf/n3net: Gaussian denoising of gray images, patches of 10 pixels.

    A normalisation of its DnCNNs that no computation uses is left out. Patches and windows have no
    weights, so their published sizes are assumed.

    Example:
        >>> def weight(outputs, inputs): return torch.ones(outputs, inputs, 3, 3)
        >>> state = {
        ...     "blocks.0.conv1.weight": weight(4, 1), "blocks.0.conv2.weight": weight(2, 4),
        ...     "blocks.1.conv1.weight": weight(4, 6), "blocks.1.conv2.weight": weight(1, 4),
        ...     "nls.0.embedcnn.0.weight": weight(2, 2),
        ... }
        >>> arguments = restorekit.create_layout("n3net_authors")(state).arguments
        >>> arguments["width"], arguments["features"], arguments["neighbours"]
        (4, 2, 2)
    """

    keys = "blocks.0.conv1.weight, blocks.0.layer1.0.weight, nls.0.embedcnn.0.weight"

    def __call__(self, state: Mapping[str, Tensor]) -> RecognisedCheckpoint | None:
        """The converted checkpoint, or None if its keys are of another layout."""
        used = {key: tensor for key, tensor in state.items() if ".bn1." not in key}
        tensors = renamed(used, _NAMES)
        if tensors is None or "non_local.0.embedding.0.weight" not in tensors:
            return None
        width, channels, _, _ = shape_of(tensors, _WHAT, "blocks.0.first.weight", 4)
        features = shape_of(tensors, _WHAT, "blocks.0.last.weight", 4)[0]
        between = shape_of(tensors, _WHAT, "blocks.1.first.weight", 4)[1]
        if between % features or between == features:
            raise CheckpointError(
                f"the keys are those of {_WHAT}, but its blocks take {between} channels, which is "
                f"not a multiple of its {features} features"
            )
        arguments = {
            "channels": channels,
            "width": width,
            "depth": 2 + _convolutions(tensors, "blocks.0.body."),
            "blocks": count_numbered(tensors, "blocks.{}.first.weight"),
            "features": features,
            "neighbours": between // features - 1,
            "embedding_depth": _convolutions(tensors, "non_local.0.embedding."),
        }
        return RecognisedCheckpoint("n3net", arguments, tensors)


def _convolutions(state: Mapping[str, Tensor], prefix: str) -> int:
    return sum(key.startswith(prefix) and tensor.ndim == 4 for key, tensor in state.items())
