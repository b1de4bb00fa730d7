"""The configurations under examples/configs."""

from __future__ import annotations

import json
from pathlib import Path

import jsonschema
import pytest

from restorekit import load_model, models, noises
from restorekit.config.json_schema import json_schema
from restorekit.config.train_config import TrainConfig

FOLDER = Path(__file__).parents[2] / "examples" / "configs"
CASES = [(model, dataset) for model in ("unet", "vae") for dataset in ("stl10", "cifar100")]


@pytest.mark.parametrize(("model", "dataset"), CASES)
def test_each_agrees_with_its_name(model: str, dataset: str) -> None:
    """The file is a valid configuration with that model and that dataset."""
    config = TrainConfig.from_file(FOLDER / f"{model}_{dataset}.json")
    assert (config.model.name, config.dataset.name) == (model, dataset)


@pytest.mark.parametrize(("model", "dataset"), CASES)
def test_each_fits_the_json_schema(model: str, dataset: str) -> None:
    """An editor that checks files against the schema finds no mistake."""
    data = json.loads((FOLDER / f"{model}_{dataset}.json").read_text())
    jsonschema.Draft202012Validator(json_schema()).validate(data)


@pytest.mark.parametrize(("model", "dataset"), CASES)
def test_the_divergence_goes_with_the_vae_alone(model: str, dataset: str) -> None:
    """Only a VAE has the latent that kl_divergence needs, and a VAE is not trained without it."""
    config = TrainConfig.from_file(FOLDER / f"{model}_{dataset}.json")
    assert ("kl_divergence" in [term.name for term in config.loss]) == (model == "vae")


def test_every_example_is_tested() -> None:
    """Every file of the folder is tested here."""
    assert {path.stem for path in FOLDER.iterdir()} == {f"{m}_{d}" for m, d in CASES}


RECIPES = Path(__file__).parents[2] / "examples" / "recipes"


@pytest.mark.parametrize("path", sorted(RECIPES.glob("swift_*.json")), ids=lambda path: path.stem)
def test_each_recipe_agrees_with_its_card(path: Path) -> None:
    """The recipe is valid, its parts can be created, and the bundled weights fit its network."""
    config = TrainConfig.from_file(path)
    model = models.build(config.model.as_dict())
    noises.build(config.noise.as_dict())
    cards = json.loads((RECIPES / "cards.json").read_text())
    name = path.stem.replace("_", "-")
    assert cards[name]["recipe"] == f"examples/recipes/{path.name}"
    bundled = load_model(name)
    assert bundled.state_dict().keys() == model.state_dict().keys()
    assert all(
        bundled.state_dict()[key].shape == weight.shape
        for key, weight in model.state_dict().items()
    )
