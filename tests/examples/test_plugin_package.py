"""The example plugin, installed with a wheel of restorekit as users would install it."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from tests.examples.fresh_environment import ROOT, FreshEnvironment

PLUGIN = ROOT / "examples" / "restorekit-banding"


@pytest.fixture(scope="module")
def installed(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> FreshEnvironment:
    """A fresh environment with the wheels of restorekit and of the plugin."""
    return FreshEnvironment(tmp_path_factory.mktemp("packages"), wheel, PLUGIN)


def test_the_wheel_is_what_runs(installed: FreshEnvironment, tmp_path: Path) -> None:
    """The working tree is not used, so that a file missing from the wheel is noticed."""
    printed = installed.run("-c", "import restorekit; print(restorekit.__file__)", cwd=tmp_path)
    assert Path(printed.strip()).is_relative_to(installed.packages)
    assert (installed.packages / "restorekit" / "py.typed").is_file()


def test_the_list_shows_its_components_and_who_provides_them(
    installed: FreshEnvironment, tmp_path: Path
) -> None:
    """`restorekit list` shows them with the name of the distribution."""
    listed = json.loads(installed.restorekit("list", "--json", cwd=tmp_path))
    for kind, name in (("models", "gated_strips"), ("noises", "banding")):
        (found,) = (c for c in listed[kind] if c["name"] == name)
        assert found["provider"] == "restorekit-banding"
    quoted = re.search(r"^ +banding .*$", (ROOT / "docs/plugins.md").read_text(), re.MULTILINE)
    assert quoted is not None
    # The width of the column depends on the other names.
    lines = installed.restorekit("list", cwd=tmp_path).splitlines()
    assert quoted[0].split() in [line.split() for line in lines]


def test_it_can_be_left_out(installed: FreshEnvironment, tmp_path: Path) -> None:
    """With an empty RESTOREKIT_PLUGINS there are only built-in components."""
    printed = installed.restorekit("list", cwd=tmp_path, RESTOREKIT_PLUGINS="")
    assert "unet" in printed
    assert "banding" not in printed


def test_its_config_trains_and_the_weights_load_again(
    installed: FreshEnvironment, tmp_path: Path
) -> None:
    """A short run from its config.json gives weights that restore a picture."""
    small = ("train.steps=2", "train.batch_size=2", "model.depth=1", "dataset.patches_per_image=1")
    settings = [word for setting in small for word in ("-s", setting)]
    installed.restorekit("train", str(PLUGIN / "config.json"), *settings, cwd=tmp_path)
    code = (
        "import restorekit, torch; image = torch.rand(3, 17, 23); "
        "restored = restorekit.denoise(image, 'runs/banding'); "
        "assert restored.shape == image.shape; "
        "print(type(restorekit.load_model('runs/banding')).__name__)"
    )
    assert installed.run("-c", code, cwd=tmp_path).strip() == "GatedStrips"


def test_its_own_tests_pass(installed: FreshEnvironment, tmp_path: Path) -> None:
    """They are shown in the tutorial."""
    assert " passed" in installed.pytest(PLUGIN, tmp_path)
