"""The layouts of LG-BPN."""

from __future__ import annotations

from typing import Any, ClassVar

from restorekit.records import RecognisedCheckpoint
from restorekit.weights.layouts.state_reading import (
    StateDict,
    check_shapes,
    conv_sizes,
    count_numbered,
    rename_keys,
    shape_of,
)

_WHAT = "LG-BPN"
_FIRST, _LAST = "bsn.head.0.weight", "bsn.tail.6"
_LOCAL, _GLOBAL = "bsn.branch1.Maskconv.weight", "bsn.branch2.Maskconv.weight"
_NAMES = {
    r"^bsn\.branch1\.": "bsn.local_branch.",
    r"^bsn\.branch2\.(body\.)?": "bsn.global_branch.",
    r"\.Maskconv\.": ".masked.",
    r"\.encoder_level1\.": ".blocks.",
}
_WHITE = 255


class LGBPNAuthors:
    """Wang-XIaoDingdd/LGBPN: the network for SIDD, for images in [0, 255].

    Masks, and copies of the masked convolutions, are left out; of the convolution of 21x21 pixels
    every second tap is kept, since the mask hides the others. The first and the last layer are
    scaled for images in [0, 1]. Nothing in a file shows how the network restores images: the one
    for DND must be named, `load_model("x.pth", layout="lg_bpn_authors_dnd")`.

    Example:
        >>> masked = {
        ...     f"bsn.branch{number}.Maskconv.weight": torch.ones(8, 2, size, size)
        ...     for number, size in ((1, 9), (2, 21))
        ... }
        >>> state = {
        ...     "bsn.head.0.weight": torch.ones(2, 3, 1, 1), "bsn.tail.6.bias": torch.ones(3),
        ...     "bsn.tail.6.weight": torch.ones(3, 4, 1, 1), **masked,
        ... }
        >>> arguments = restorekit.create_layout("lg_bpn_authors")(state).arguments
        >>> arguments["channels"], arguments["head_width"], arguments["width"]
        (3, 2, 8)
    """

    keys = f"bsn.head.0.weight, {_LOCAL}, {_GLOBAL}"
    _preset: ClassVar[dict[str, Any]] = {}

    def __call__(self, state: StateDict) -> RecognisedCheckpoint | None:
        """The converted checkpoint, or None if its keys are of another layout."""
        if not {_FIRST, _LOCAL, _GLOBAL} <= state.keys():
            return None
        head_width, channels = conv_sizes(state, _WHAT, _FIRST)
        width = shape_of(state, _WHAT, _LOCAL, 4)[0]
        shapes = {
            _FIRST: (head_width, channels, 1, 1),
            _LOCAL: (width, head_width, 9, 9),
            _GLOBAL: (width, head_width, 21, 21),
            f"{_LAST}.weight": (channels, width // 2, 1, 1),
            f"{_LAST}.bias": (channels,),
        }
        check_shapes(state, _WHAT, shapes)
        used = {
            key: tensor
            for key, tensor in state.items()
            if not key.endswith(".mask") and ".test_conv." not in key
        }
        used[_FIRST] = used[_FIRST] * _WHITE
        used[_GLOBAL] = used[_GLOBAL][..., ::2, ::2]
        for part in ("weight", "bias"):
            used[f"{_LAST}.{part}"] = used[f"{_LAST}.{part}"] / _WHITE
        arguments = {
            **self._preset,
            "channels": channels,
            "head_width": head_width,
            "width": width,
            "depth": sum(
                key.startswith("bsn.branch1.body.") and key.endswith(".body.0.weight")
                for key in state
            ),
            "blocks": count_numbered(state, "bsn.branch2.body.encoder_level1.{}.attn.temperature"),
        }
        return RecognisedCheckpoint("lg_bpn", arguments, rename_keys(used, _NAMES))


class LGBPNAuthorsDND(LGBPNAuthors):
    """Wang-XIaoDingdd/LGBPN: the network for DND, which has the keys and shapes of that for SIDD.

    Example:
        >>> "lg_bpn_authors_dnd" in restorekit.list_layouts()
        True
    """

    _preset: ClassVar[dict[str, Any]] = {"preset": "dnd"}
