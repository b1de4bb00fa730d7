"""The widget: napari builds its form from the signature of `denoise_layer`."""

# Annotations are not postponed: magicgui reads the choices from them without importing napari.

from typing import TYPE_CHECKING, Annotated, Any

import restorekit
from restorekit_napari.layer_data import restore_layer_data

if TYPE_CHECKING:
    import napari

# What a new layer takes over from the old one.
_KEPT = ("scale", "translate", "rotate", "units", "blending", "contrast_limits", "gamma")
_MODELS = ("auto", *restorekit.list_weights())


def denoise_layer(
    layer: "napari.layers.Image",
    model: Annotated[str, {"choices": _MODELS}] = "auto",
    strength: Annotated[float, {"widget_type": "FloatSlider", "min": 0, "max": 1}] = 1.0,
    force: bool = False,
) -> "napari.types.LayerDataTuple":
    """Restore an image layer.

    Args:
        layer: the layer; of a multiscale one, the finest scale.
        model: the name of weights, or "auto".
        strength: share of the change that is applied.
        force: whether pages and clean images are restored too.

    Returns:
        Data, attributes and type of the new layer.
    """
    data = layer.data[0] if layer.multiscale else layer.data
    restored = restore_layer_data(data, rgb=layer.rgb, model=model, strength=strength, force=force)
    attributes: dict[str, Any] = {name: getattr(layer, name) for name in _KEPT}
    attributes |= {"name": f"{layer.name} restored", "rgb": layer.rgb}
    if not layer.rgb:
        attributes["colormap"] = layer.colormap.name
    return restored, attributes, "image"
