"""Noise expressions, compared with noises that the registry makes from arguments."""

from __future__ import annotations

import json
from typing import Any

import jsonschema
import pytest
import torch

import restorekit
from restorekit.components.expressions import parse_expression
from restorekit.config.noise_expressions import noise_label, read_noises
from restorekit.config.train_config import TrainConfig
from restorekit.errors import ArgumentError, ConfigError, UnknownNameError


def only(text: str) -> dict[str, object]:
    """The component of an expression for one noise."""
    (noise,) = read_noises(text)
    return dict(noise.spec)


@pytest.mark.parametrize(
    ("text", "spec"),
    [
        ("gaussian", {"name": "gaussian"}),
        ("gaussian:25", {"name": "gaussian", "std": 25 / 255}),
        ("gaussian:[0,51]", {"name": "gaussian", "std": [0.0, 0.2]}),
        ("gaussian:std=0.1", {"name": "gaussian", "std": 0.1}),
        ("gaussian:std=[0.1,0.2],clip=true", {"name": "gaussian", "std": [0.1, 0.2], "clip": True}),
        ("uniform:51,clip=true", {"name": "uniform", "amplitude": 0.2, "clip": True}),
        ("salt_and_pepper:0.05", {"name": "salt_and_pepper", "amount": 0.05}),
        ('{"name": "gaussian", "std": 0.1}', {"name": "gaussian", "std": 0.1}),
        (
            'one_of:noises=[{"name":"gaussian","std":0.1},"uniform"]',
            {"name": "one_of", "noises": [{"name": "gaussian", "std": 0.1}, "uniform"]},
        ),
    ],
)
def test_an_expression_names_a_component(text: str, spec: dict[str, object]) -> None:
    """A bare number is the first argument, of gaussian and uniform noise in 1/255."""
    assert only(text) == spec


def test_several_values_are_several_noises() -> None:
    """Each has its own label, with which it can be requested, and the common arguments."""
    several = read_noises(["gaussian:15,25,50", "uniform:25,clip=true"])
    labels = ["gaussian:15", "gaussian:25", "gaussian:50", "uniform:25,clip=true"]
    assert [noise.label for noise in several] == labels
    for noise in several:
        assert only(noise.label) == noise.spec
    assert [float(noise.module.std[0] * 255) for noise in several[:3]] == [15, 25, 50]


def test_a_mapping_is_labelled_as_json() -> None:
    """The label can be read again."""
    (noise,) = read_noises([{"name": "gaussian", "std": 0.1}])
    assert json.loads(noise.label) == noise.spec


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("Gaussian:25", "'Gaussian:25': 'Gaussian' is not a component name; use name:key=value"),
        ("gaussian:", "'gaussian:': '' is neither a value nor of the form key=value"),
        ("gaussian:=3", "'gaussian:=3': '=3' is neither a value nor of the form key=value"),
        ("gaussian:std=1,std=1", "'gaussian:std=1,std=1': 'std' is given twice"),
        ("gaussian:25,std=0.1", "noise 'gaussian:25,std=0.1': 'std' is given twice"),
        ("gaussian:much", "noise 'gaussian:much': much is not a number of 8-bit levels (1/255)"),
        (
            "gaussian:300",
            "noise 'gaussian:300': 300 is not between 0 and 255; a bare number is in 1/255",
        ),
        (
            "{std: 1}",
            "not valid JSON, expecting property name enclosed in double quotes: '{std: 1}'",
        ),
        ('{"std": 1}', 'no name in {"std": 1}; write {"name": ..., argument: ...}'),
        ("classic_mixture:3", "noise 'classic_mixture:3': 'classic_mixture' takes no arguments"),
    ],
)
def test_mistakes_are_reported_in_one_line(text: str, line: str) -> None:
    """The message says what is wrong and where."""
    with pytest.raises(ArgumentError) as caught:
        read_noises(text)
    assert str(caught.value) == line


def test_the_registry_s_own_errors_pass() -> None:
    """The message for an unknown noise suggests one; that for a wrong argument lists all."""
    with pytest.raises(UnknownNameError, match="Did you mean 'gaussian'"):
        read_noises("gausian:25")
    with pytest.raises(ArgumentError, match=r"unknown argument 'sdt'\. Did you mean 'std'"):
        read_noises("gaussian:sdt=0.1")
    with pytest.raises(ArgumentError, match="noise 'gaussian:25' is given twice"):
        read_noises(["gaussian:25", "gaussian:15,25"])


def test_commas_inside_brackets_and_quotation_marks_do_not_separate() -> None:
    """Values are JSON if they can be parsed, otherwise text."""
    written = parse_expression(
        'a_b:1,x,key="p,q",list=[1,{"z":2}],map={"a":[1,2],"b":3},flag=true,name=db2'
    )
    assert written.values == (1, "x")
    assert written.arguments == {
        "key": "p,q",
        "list": [1, {"z": 2}],
        "map": {"a": [1, 2], "b": 3},
        "flag": True,
        "name": "db2",
    }


@pytest.mark.parametrize(
    ("spec", "label"),
    [
        ("gaussian:25", "gaussian:25"),
        ("gaussian", "gaussian:25.5"),
        ({"name": "gaussian", "std": 25 / 255, "clip": False}, "gaussian:25"),
        ({"name": "gaussian", "std": 25 / 255, "clip": True}, "gaussian:25,clip=true"),
        ({"name": "gaussian", "std": (5 / 255, 50 / 255)}, "gaussian:[5,50]"),
        ({"name": "salt_and_pepper", "amount": 0.1, "salt": 0.2}, "salt_and_pepper:0.1,salt=0.2"),
        ("salt_and_pepper", "salt_and_pepper"),
        ({"name": "chain", "noises": ["gaussian", "jpeg"]}, "chain"),
    ],
)
def test_the_label_of_a_noise_does_not_depend_on_its_spelling(spec: Any, label: str) -> None:
    """Defaults are left out; the label is an expression for the same noise."""
    (noise,) = read_noises([spec])
    assert noise_label(noise.module) == label
    if label != "chain":
        (again,) = read_noises(label)
        assert noise_label(again.module) == label


def test_a_noise_of_the_user_has_the_name_of_its_class() -> None:
    """It has no other name."""
    assert noise_label(torch.nn.Identity()) == "identity"


FORMULA = "poisson_gaussian(gain=[0.01, 0.05]) | jpeg(quality=[60, 95])"


def test_a_formula_is_its_own_label() -> None:
    """Also among other spellings; blanks around it do not count."""
    several = read_noises([f" {FORMULA} ", "gaussian:15,25"])
    assert [noise.label for noise in several] == [FORMULA, "gaussian:15", "gaussian:25"]
    assert only(FORMULA) == restorekit.noises.read(FORMULA)


def test_a_configuration_takes_formulas() -> None:
    """As the noise and among those of validation; its file has the mapping."""
    config = TrainConfig(
        model="dncnn", dataset="samples", noise=FORMULA, validation_noise=["gaussian:25", FORMULA]
    )
    assert config.to_dict()["noise"] == restorekit.noises.read(FORMULA)
    assert config.to_dict()["validation_noise"] == [
        {"name": "gaussian", "std": 25 / 255},
        restorekit.noises.read(FORMULA),
    ]
    assert TrainConfig.from_dict(config.to_dict()).noise == config.noise


def test_a_configuration_takes_the_short_form() -> None:
    """Several values are one of them for each sample."""
    config = TrainConfig(model="dncnn", dataset="samples", noise="gaussian:25")
    assert config.to_dict()["noise"] == {"name": "gaussian", "std": 25 / 255}
    several = TrainConfig(model="dncnn", dataset="samples", noise="gaussian:51,102")
    assert several.noise.name == "one_of"


@pytest.mark.parametrize("key", ["noise", "validation_noise"])
def test_a_configuration_refuses_a_wrong_formula(key: str) -> None:
    """With the key, the place in the formula and the nearest name."""
    with pytest.raises(ConfigError) as caught:
        TrainConfig(model="dncnn", dataset="samples", **{key: "gaussian | jpg(quality=3)"})
    (problem,) = caught.value.problems
    assert problem.startswith(key)
    assert "character 12: unknown noise 'jpg'. Did you mean 'jpeg'?" in problem


def test_the_schema_takes_formulas_and_refuses_wrong_names() -> None:
    """Names without signs of a formula must be registered."""
    checker = jsonschema.Draft202012Validator(restorekit.json_schema())
    for noise, is_valid in ((FORMULA, True), ("gaussian:25", True), ("gausian", False)):
        given = {"model": "dncnn", "dataset": "samples", "noise": noise}
        assert checker.is_valid(given) is is_valid
