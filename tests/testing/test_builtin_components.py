"""The built-in components pass the checks that plugins run."""

from __future__ import annotations

import tarfile
from pathlib import Path
from typing import Any

import pytest
import torch

from restorekit.components.kinds import REGISTRIES
from restorekit.testing import check_component, check_model, check_objective
from restorekit.testing.subject import small_arguments
from tests.metric_parameters import METRIC_ARGUMENTS, write_metric_parameters

# What has no default, and small networks where the defaults take long.
GAUSSIAN = {"name": "gaussian", "std": [0.1, 0.3]}
ARGUMENTS: dict[str, dict[str, Any]] = {
    "chain": {"noises": [GAUSSIAN, "salt_and_pepper"]},
    "coarse": {"noise": GAUSSIAN},
    "folder": {"path": "."},
    "hdf5": {"path": ".", "patch_size": 16, "patches_per_image": 2},
    "image_list": {"path": "list.csv"},
    "kornia": {"augmentation": "RandomGaussianNoise", "std": 0.1},
    "luminance": {"noise": GAUSSIAN},
    "perceptual": {"network": torch.nn.AvgPool2d(3, 1), "normalize": False},
    "mixture": {
        "datasets": [{"name": "folder", "path": "."}, {"name": "pairs", "path": "."}],
        "weights": [1, 3],
    },
    "noisy": {"dataset": {"name": "folder", "path": "."}},
    "one_of": {"noises": [GAUSSIAN, "salt_and_pepper"]},
    "pairs": {"path": ".", "patch_size": 16, "patches_per_image": 2},
    "resized": {"noise": GAUSSIAN},
    "samples": {"pictures": ["camera", "coffee"], "patch_size": 32, "patches_per_image": 3},
    "shards": {"path": ".", "patch_size": 16},
    "sharpened": {"noise": GAUSSIAN},
    "smoothed": {"noise": GAUSSIAN},
    "zarr": {"path": ".", "patch_size": 16, "channels": 3},
    **METRIC_ARGUMENTS,
}
# Downloaded, or checked in a test of its own (two).
NOT_HERE = {"cifar100", "stl10", "distillation", "parquet"}
KINDS = [kind for kind in REGISTRIES if kind != "optimizer"]


def own(kind: str) -> list[str]:
    """The names of the built-in components of a kind."""
    registry = REGISTRIES[kind]
    names = (n for n in registry.names() if n not in NOT_HERE)
    return [n for n in names if registry.entry(n).provider.distribution == "restorekit"]


def make_data() -> None:
    """Pictures and files of every kind in the current folder."""
    import h5py
    import numpy as np
    import zarr
    from PIL import Image

    for number, role in enumerate(("gt", "noisy")):
        Image.effect_noise((24, 24), 50 + number).convert("RGB").save(f"{role}.png")
    Path("list.csv").write_text("noisy,clean\nnoisy.png,gt.png\n")
    with tarfile.open("a.tar", "w") as shard:
        shard.add("gt.png")
    frames = np.random.default_rng(0).integers(0, 999, (2, 24, 24))
    with h5py.File("a.h5", "w") as file:
        file["frames"] = frames
    zarr.create_array("a.zarr", data=frames)


@pytest.mark.parametrize(("kind", "name"), [(kind, name) for kind in KINDS for name in own(kind)])
def test_a_component_keeps_to_its_contract(
    kind: str, name: str, tmp_path: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Every check of its kind, on colour images."""
    monkeypatch.chdir(tmp_path)
    if kind == "dataset":
        make_data()
    if name in METRIC_ARGUMENTS:
        write_metric_parameters(tmp_path)
    small = small_arguments(REGISTRIES[kind], name)
    check_component(kind, {"name": name, **small, **ARGUMENTS.get(name, {})})


@pytest.mark.parametrize("name", own("model"))
def test_a_model_of_one_channel_keeps_to_its_contract(name: str) -> None:
    """Those checks whose result may depend on the number of channels."""
    if "channels" in [a.name for a in REGISTRIES["model"].describe(name).arguments]:
        skipped = ["gradients", "half precision", "state dict", "tiles"]
        small = small_arguments(REGISTRIES["model"], name)
        check_model({"name": name, "channels": 1, **small}, skip=skipped)


def test_a_network_of_strong_downsampling_has_equal_tiles() -> None:
    """Its grid is coarser than the 16 pixels that are used in any case."""
    model = {"name": "unet", "width": 2, "depth": 5}
    assert REGISTRIES["model"].build(model).size_multiple == 32
    check_model(model)


@pytest.mark.parametrize("name", own("optimizer"))
def test_an_optimizer_is_configured_by_json(name: str) -> None:
    """Their docstrings are those of torch."""
    check_component("optimizer", name, skip=["docstring"])


def test_distillation_keeps_to_its_contract() -> None:
    """With a teacher without weights of its own."""
    import torch

    check_objective({"name": "distillation", "teacher": torch.nn.Identity()}, GAUSSIAN)
