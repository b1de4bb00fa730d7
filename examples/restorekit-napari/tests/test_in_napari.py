"""The plugin with napari itself, without a window."""

from __future__ import annotations

from importlib.metadata import distribution

import numpy as np
import pytest
from napari.components import ViewerModel
from napari.layers import Image, Layer
from npe2 import PluginManifest
from restorekit_napari import denoise_layer

import restorekit


def noisy(*shape: int) -> np.ndarray[tuple[int, ...], np.dtype[np.uint16]]:
    """Gray of 16 bits with noise."""
    return np.random.default_rng(0).normal(30_000, 2_000, shape).round().astype(np.uint16)


def test_napari_finds_the_widget() -> None:
    """The manifest of the installed package is valid, and what it names can be imported."""
    manifest = PluginManifest.from_distribution("restorekit-napari")
    manifest.validate_imports()
    assert [widget.display_name for widget in manifest.contributions.widgets or ()] == ["Denoise"]
    groups = {entry.group for entry in distribution("restorekit-napari").entry_points}
    assert groups == {"napari.manifest"}


def test_a_stack_becomes_a_new_layer() -> None:
    """With the planes that restorekit gives, and the scale and colours of the old layer."""
    viewer = ViewerModel()
    old = viewer.add_image(noisy(3, 40, 48), scale=(2, 0.5, 0.5), colormap="green", name="cells")
    new = Layer.create(*denoise_layer(old, "swift-gaussian-gray"))
    viewer.add_layer(new)
    assert isinstance(new, Image)
    assert (new.name, new.data.shape, new.data.dtype) == ("cells restored", (3, 40, 48), np.uint16)
    assert (new.colormap.name, list(new.scale)) == ("green", [2, 0.5, 0.5])
    assert new.contrast_limits == old.contrast_limits
    expected = restorekit.denoise(old.data[1], "swift-gaussian-gray")
    assert np.abs(new.data[1].astype(int) - expected).max() <= 1
    assert new.data.std() < 0.3 * old.data.std()


def test_a_multiscale_colour_layer() -> None:
    """Its finest scale is restored, in colour."""
    fine = (noisy(32, 40, 3) >> 8).astype(np.uint8)
    old = Image([fine, fine[::2, ::2]], multiscale=True, rgb=True)
    data, attributes, kind = denoise_layer(old, force=True)
    assert (data.shape, attributes["rgb"], kind) == ((32, 40, 3), True, "image")


def test_the_form_has_what_the_function_takes() -> None:
    """magicgui understands every annotation; the model is a choice."""
    from magicgui.signature import magic_signature

    parameters = magic_signature(denoise_layer).parameters
    assert list(parameters) == ["layer", "model", "strength", "force"]
    assert "swift-photo" in parameters["model"].options["choices"]
    assert parameters["strength"].options["max"] == 1


def test_without_strength_nothing_changes() -> None:
    """The data are those of the old layer."""
    old = Image(noisy(20, 24))
    data, _, _ = denoise_layer(old, "swift-gaussian-gray", 0.0)
    assert np.array_equal(data, old.data)


def test_other_data_are_refused() -> None:
    """Integers of 64 bits are not pixels; the message is that of restorekit."""
    with pytest.raises(restorekit.RestoreKitError):
        denoise_layer(Image(np.zeros((8, 8), np.int64)))
