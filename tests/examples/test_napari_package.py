"""The package restorekit-napari, without napari.

`make test-napari` installs napari and runs the tests of the package itself.
"""

from __future__ import annotations

import importlib
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import numpy as np
import pytest
import yaml

import restorekit

PACKAGE = Path(__file__).parents[2] / "examples" / "restorekit-napari"


@pytest.fixture
def plugin(monkeypatch: pytest.MonkeyPatch) -> Iterator[ModuleType]:
    """The package from its source."""
    monkeypatch.syspath_prepend(str(PACKAGE / "src"))
    yield importlib.import_module("restorekit_napari")
    for name in [each for each in sys.modules if each.startswith("restorekit_napari")]:
        del sys.modules[name]


def noisy(*shape: int) -> np.ndarray[Any, Any]:
    """Values of a camera of 12 bits."""
    return np.random.default_rng(0).normal(2000, 150, shape).round().astype(np.uint16)


def layer_of(data: Any, **attributes: Any) -> SimpleNamespace:
    """What the widget uses of an image layer."""
    kept = {"scale": (1.0,), "translate": (0.0,), "rotate": 0.0, "units": ("pixel",)}
    shown = {"blending": "translucent", "contrast_limits": (0, 4095), "gamma": 1.0}
    usual = {"name": "cells", "rgb": False, "multiscale": False}
    colours = {"colormap": SimpleNamespace(name="green")}
    return SimpleNamespace(data=data, **(kept | shown | usual | colours | attributes))


def test_the_manifest_names_what_the_package_has(plugin: ModuleType) -> None:
    """napari finds the manifest by the entry point, and the function by the manifest."""
    project = tomllib.loads((PACKAGE / "pyproject.toml").read_text())["project"]
    module, _, file = project["entry-points"]["napari.manifest"]["restorekit-napari"].partition(":")
    assert module == plugin.__name__
    manifest = yaml.safe_load((PACKAGE / "src" / module / file).read_text())
    assert manifest["name"] == project["name"]
    contributed = manifest["contributions"]
    for command in contributed["commands"]:
        where, _, name = command["python_name"].partition(":")
        assert callable(getattr(importlib.import_module(where), name))
    known = {command["id"] for command in contributed["commands"]}
    assert {widget["command"] for widget in contributed["widgets"]} <= known


@pytest.mark.parametrize("shape", [(20, 24), (3, 20, 24), (2, 3, 20, 24)])
def test_each_plane_is_restored(plugin: ModuleType, shape: tuple[int, ...]) -> None:
    """As restorekit restores it alone, whatever the number of leading axes."""
    data = noisy(*shape)
    restored = plugin.restore_layer_data(data, model="median", force=True)
    assert (restored.shape, restored.dtype) == (data.shape, data.dtype)
    planes = zip(data.reshape(-1, 20, 24), restored.reshape(-1, 20, 24), strict=True)
    for plane, result in planes:
        assert np.array_equal(result, restorekit.denoise(plane, "median", force=True))


def test_the_planes_share_their_range(plugin: ModuleType) -> None:
    """A dark plane of floats next to a bright one stays dark."""
    data = np.stack([noisy(20, 24) * 0.1, noisy(20, 24) * 10.0]).astype(np.float32)
    with pytest.warns(restorekit.RestoreWarning, match="black"):
        restored = plugin.restore_layer_data(data, model="median", force=True)
    assert restored.mean(axis=(1, 2)) == pytest.approx(data.mean(axis=(1, 2)), rel=0.02)


def test_a_new_layer_keeps_what_the_old_one_has(plugin: ModuleType) -> None:
    """Its scale, colours and contrast, under a new name; the old data stay."""
    data = noisy(2, 20, 24)
    before = data.copy()
    old = layer_of(data, scale=(2.0, 0.5, 0.5))
    restored, attributes, kind = plugin.denoise_layer(old, "swift-gaussian-gray")
    assert (attributes["name"], kind) == ("cells restored", "image")
    assert attributes["scale"] == (2.0, 0.5, 0.5)
    assert attributes["colormap"] == "green"
    assert restored.std() < 0.5 * data.std()
    assert np.array_equal(data, before)


def test_the_finest_scale_in_colour(plugin: ModuleType) -> None:
    """Of a multiscale layer; a colour layer has no colormap."""
    fine = (noisy(20, 24, 3) >> 4).astype(np.uint8)
    old = layer_of([fine, fine[::2, ::2]], multiscale=True, rgb=True)
    restored, attributes, _ = plugin.denoise_layer(old, "median", force=True)
    assert np.array_equal(restored, restorekit.denoise(fine, "median", force=True))
    assert "colormap" not in attributes


def test_one_axis_is_refused(plugin: ModuleType) -> None:
    """The message counts the axes."""
    with pytest.raises(restorekit.InputError, match="at least two axes, not 1"):
        plugin.restore_layer_data(noisy(20))
