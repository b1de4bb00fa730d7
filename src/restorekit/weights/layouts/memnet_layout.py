"""The layout of the PyTorch MemNet of QRNN3D."""

from __future__ import annotations

from restorekit.records import RecognisedCheckpoint
from restorekit.weights.layouts.renaming import Renaming, renamed
from restorekit.weights.layouts.state_reading import StateDict, conv_sizes, count_numbered

LAYOUT = "QRNN3D's PyTorch MemNet"
_UNIT = r"dense_memory\.(\d+)\.recursive_unit\.(\d+)"
_NAMES: Renaming = {
    r"feature_extractor\.bn": "head_norm",
    r"feature_extractor\.conv": "head",
    rf"{_UNIT}\.relu_conv1\.bn": r"blocks.\1.first_norms.\2",
    rf"{_UNIT}\.relu_conv1\.conv": r"blocks.\1.first.\2",
    rf"{_UNIT}\.relu_conv2\.bn": r"blocks.\1.second_norms.\2",
    rf"{_UNIT}\.relu_conv2\.conv": r"blocks.\1.second.\2",
    r"dense_memory\.(\d+)\.gate_unit\.bn": r"blocks.\1.gate_norm",
    r"dense_memory\.(\d+)\.gate_unit\.conv": r"blocks.\1.gate",
    r"reconstructor\.bn": "tail_norms.0",
    r"reconstructor\.conv": "tail",
}


class MemNetPyTorch:
    """Vandermode/QRNN3D: no shared convolutions, no biases, one reconstruction.

    The authors of MemNet published it for Caffe.

    Example:
        >>> state = {
        ...     "feature_extractor.conv.weight": torch.ones(4, 3, 3, 3),
        ...     "dense_memory.0.gate_unit.conv.weight": torch.ones(4, 12, 1, 1),
        ...     "dense_memory.0.recursive_unit.0.relu_conv1.conv.weight": torch.ones(4, 4, 3, 3),
        ... }
        >>> restorekit.create_layout("memnet_qrnn3d")(state).arguments["blocks"]
        1
    """

    keys = "feature_extractor.bn.weight, feature_extractor.conv.weight, reconstructor.conv.weight"

    def __call__(self, state: StateDict) -> RecognisedCheckpoint | None:
        """The converted checkpoint, or None if its keys are of another layout."""
        first, unit = "feature_extractor.conv.weight", "recursive_unit.{}.relu_conv1.conv.weight"
        tensors = renamed(state, _NAMES)
        if tensors is None or not {first, f"dense_memory.0.{unit.format(0)}"} <= state.keys():
            return None
        width, channels = conv_sizes(state, LAYOUT, first)
        arguments = {
            "channels": channels,
            "width": width,
            "blocks": count_numbered(state, "dense_memory.{}.gate_unit.conv.weight"),
            "recursions": count_numbered(state, f"dense_memory.0.{unit}"),
            "shared": False,
            "supervised": False,
        }
        # Our convolutions have biases.
        biases = {
            f"{key.removesuffix('weight')}bias": weight.new_zeros(len(weight))
            for key, weight in tensors.items()
            if weight.ndim == 4
        }
        return RecognisedCheckpoint("memnet", arguments, {**biases, **tensors}, LAYOUT)
