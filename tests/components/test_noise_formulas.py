"""Formulas of noises, compared with the mappings that they stand for."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

import restorekit
from restorekit.components.noise_formulas import is_formula
from restorekit.config.component_checks import check_component
from restorekit.errors import ArgumentError, RestoreKitError, UnknownNameError

GAUSSIAN = {"name": "gaussian", "std": 0.1}


@pytest.mark.parametrize(
    ("text", "spec"),
    [
        ("gaussian()", {"name": "gaussian"}),
        ("gaussian(std=0.1)", GAUSSIAN),
        ("gaussian(0.1)", GAUSSIAN),
        ("gaussian(25/255, clip=true)", {"name": "gaussian", "std": 25 / 255, "clip": True}),
        (" gaussian( std = [0, 1e-1] ) ", {"name": "gaussian", "std": [0, 0.1]}),
        ("colored(exponent=-1)", {"name": "colored", "exponent": -1}),
        (
            "poisson_gaussian(gain=[0.01,0.05]) | jpeg(quality=[60,95])",
            {
                "name": "chain",
                "noises": [
                    {"name": "poisson_gaussian", "gain": [0.01, 0.05]},
                    {"name": "jpeg", "quality": [60, 95]},
                ],
            },
        ),
        (
            "0.5*gaussian(std=[0,0.2]) + 0.25*uniform(amplitude=0.1) + stripes",
            {
                "name": "one_of",
                "noises": [
                    {"name": "gaussian", "std": [0, 0.2]},
                    {"name": "uniform", "amplitude": 0.1},
                    {"name": "stripes"},
                ],
                "weights": [0.5, 0.25, 1.0],
            },
        ),
        (
            "gaussian + uniform | jpeg",
            {
                "name": "chain",
                "noises": [
                    {
                        "name": "one_of",
                        "noises": [{"name": "gaussian"}, {"name": "uniform"}],
                        "weights": [1.0, 1.0],
                    },
                    {"name": "jpeg"},
                ],
            },
        ),
        (
            "gaussian + (uniform | jpeg)",
            {
                "name": "one_of",
                "noises": [
                    {"name": "gaussian"},
                    {"name": "chain", "noises": [{"name": "uniform"}, {"name": "jpeg"}]},
                ],
                "weights": [1.0, 1.0],
            },
        ),
        (
            "coarse(noise=gaussian(std=0.1), radius=2)",
            {"name": "coarse", "noise": GAUSSIAN, "radius": 2},
        ),
        (
            'camera(demosaicing={"bilinear": 2, "malvar": 1})',
            {"name": "camera", "demosaicing": {"bilinear": 2, "malvar": 1}},
        ),
        ("camera(demosaicing=malvar)", {"name": "camera", "demosaicing": "malvar"}),
        (
            "correlated(kernel=[[1, 2], [3, 4]],\n  std=0.1)",
            {"name": "correlated", "kernel": [[1, 2], [3, 4]], "std": 0.1},
        ),
    ],
)
def test_a_formula_stands_for_a_mapping(text: str, spec: dict[str, object]) -> None:
    """The mapping has the arguments as they are written, and makes a noise."""
    assert restorekit.noises.read(text) == spec
    made = restorekit.create_noise(text)
    assert repr(made) == repr(restorekit.noises.build(spec))


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("gaussian(std=0.1", "character 9: '(' was never closed"),
        ("gaussian(std=0.1) |", "character 20: invalid syntax"),
        ("gaussian(sdt=0.1)", "character 10: unknown argument 'sdt'. Did you mean 'std'? It takes"),
        ("gaussian(0.1, std=0.2)", "character 19: 'std' is given twice"),
        ("gaussian(name=0.2)", "character 15: 'name' is given twice"),
        ("gaussian(0.1, true, 3)", "character 21: 'gaussian' takes std, clip"),
        ("0.5*gaussian", "character 1: a weight is for a sum"),
        ("gaussian*0.5 + uniform", "character 1: expected a number as the weight"),
        ("gaussian + 0.5", "character 12: expected a noise"),
        ("gaussian(std=1/0)", "character 16: division by 0"),
        ("gaussian(std=0.1)(3)", "character 1: expected the name of a noise"),
        ("gaussian(**{})", "character 12: '**' cannot be used"),
        ("camera(demosaicing={1: 2}) | jpeg", "character 21: expected a key in quotation marks"),
        ("gaussian:25 | jpeg", "character 9: invalid syntax; write name(key=value) in place of"),
        ("ä | gaussian(sdt=1)", "character 1: unknown noise 'ä'"),
        ("gaussian | jpeg(äß=1)", "character 17: unknown argument 'äß'"),
        ("gaussian\t | jpeg | gauss(1)", "character 20: unknown noise 'gauss'. Did you mean"),
        ("gaussian(25)", "character 10: noise 'gaussian': std must be between 0 and 1"),
        ("jpeg | gaussian(0.1, clip=7)", "character 27: noise 'gaussian': argument 'clip'"),
        ("ä(1) | jpeg", "character 1: unknown noise 'ä'"),
        ("jpeg | coarse(noise=gaussian(std=9))", "character 34: noise 'gaussian': std must"),
        ("gaussian | jpeg(quality=[60, 950])", "character 25: noise 'jpeg': quality is a number"),
        ("jpeg | (gaussian + -1*uniform)", "character 9: noise 'one_of': weights must be"),
        ("jpeg | coarse()", "character 8: noise 'coarse': argument 'noise' is missing"),
    ],
)
def test_mistakes_are_reported_with_their_place(text: str, line: str) -> None:
    """In one line, with the nearest right name."""
    with pytest.raises(RestoreKitError) as caught:
        restorekit.create_noise(text)
    assert line in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    "text",
    [
        "__import__('os').system('true') | gaussian",
        "gaussian(std=__import__('os'))",
        "gaussian(std=(lambda: 1)())",
        "gaussian(std=[x for x in (1, 2)])",
        "gaussian(std=9**9**9)",
        "gaussian(std=1 if 1 else 2)",
        "gaussian(std=f'{1}')",
        "gaussian(std=1j)",
        "gaussian(std=...)",
        "gaussian(std=b'1')",
        "gaussian.__class__(1)",
        "(gaussian := uniform) | jpeg",
        "gaussian(" * 150,
        "coarse(" * 60 + "gaussian" + ")" * 60,
        "gaussian(std=" + "-" * 5000 + "1)",
        "gaussian(std=1" + "/1" * 900 + ")",
        "gaussian(std=" + "9" * 400 + "/3)",
        "9" * 400 + "/0.5 * gaussian",
        "-" * 900 + "1 * gaussian",
        "1" + "/1" * 900 + " * gaussian",
        "gaussian(std=" + "[" * 90 + "]" * 90 + ")",
        "gaussian(std=" + "9" * 6000 + ")",
        "gaussian(std=1e999)",
        "gaussian\0(1)",
        "gaussian(\ud800)",
        "|",
        "(",
        "+".join(["gaussian"] * 5000),
        "gaussian" + " + gaussian" * 900 + "*",
    ],
)
def test_nothing_is_executed_and_hostile_texts_are_refused(text: str) -> None:
    """Each by an error of restorekit in one line."""
    with pytest.raises(RestoreKitError) as caught:
        restorekit.create_noise(text)
    assert "\n" not in str(caught.value)


def test_unknown_names_keep_their_type() -> None:
    """As that of a bare name, so that callers can tell the two errors apart."""
    with pytest.raises(UnknownNameError, match="character 12: unknown noise 'jpg'"):
        restorekit.create_noise("gaussian | jpg(quality=3)")
    with pytest.raises(ArgumentError, match="std must be between 0 and 1"):
        restorekit.create_noise("jpeg | gaussian(25)")


def test_arguments_are_added_to_a_formula() -> None:
    """As the option -s of the command line and a mapping do."""
    made = restorekit.create_noise("gaussian(std=0.1)", clip=True)
    assert repr(made) == "Gaussian(std=(0.1, 0.1), clip=True)"
    assert restorekit.noises.build({"name": "gaussian:51", "clip": True}).std == (0.2, 0.2)


def test_several_values_are_one_of_them() -> None:
    """Where a single noise is wanted, each sample gets one of them."""
    made = restorekit.create_noise("gaussian:15,25,50")
    assert [round(each.std[0] * 255) for each in made.noises] == [15, 25, 50]
    levels = made(torch.zeros(64, 1, 4, 4), torch.Generator().manual_seed(0)).sigma * 255
    assert sorted({round(float(level)) for level in levels.flatten()}) == [15, 25, 50]


def test_a_composition_takes_formulas() -> None:
    """As the noises within it, which a configuration also checks beforehand."""
    noise = {"name": "chain", "noises": ["gaussian(std=0.1)", "0.5*uniform + 0.5*jpeg"]}
    made = restorekit.noises.build(noise)
    assert [type(each).__name__ for each in made.noises] == ["Gaussian", "OneOf"]
    faults = check_component(restorekit.noises, "chain", {"noises": ["gaussian(sdt=0.1)"]})
    assert isinstance(faults, list)
    assert "Did you mean 'std'" in faults[0].text


def test_other_spellings_differ_from_formulas() -> None:
    """Names, name:VALUE and JSON, also with signs of formulas in them."""
    assert not is_formula("gaussian")
    assert not is_formula("gaussian:25,clip=true")
    assert not is_formula('{"name": "a(b|c)"}')
    assert not is_formula("one_of:noises=[1],weights=[(1)]")
    assert is_formula("gaussian()")
    assert is_formula("gaussian|jpeg")
    assert is_formula("0.5*a + b")


def test_a_formula_is_read_without_its_files(tmp_path: Path) -> None:
    """The files that the noise needs are read when it is made."""
    profile = str(tmp_path / "camera.json")
    text = f"poisson_gaussian(profile='{profile}') | jpeg"
    assert restorekit.noises.read(text)["name"] == "chain"
    with pytest.raises(RestoreKitError, match=r"camera\.json"):
        restorekit.create_noise(text)
