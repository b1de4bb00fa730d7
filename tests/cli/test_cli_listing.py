"""list, describe, plugins, schema and info, as text and as JSON."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import jsonschema
import pytest

import restorekit
from restorekit import load_model
from restorekit.components.component_records import Component, Provider
from restorekit.components.kinds import REGISTRIES, models
from restorekit.components.plugin_host import implementations
from restorekit.components.plugin_record import Plugin

PLURALS = {registry.plural: kind for kind, registry in REGISTRIES.items()}


class Odd:
    """An odd model.

    It does nothing.

    Args:
        limit: how far.
        hook: what to call.

    Raises:
        ValueError: never.
    """

    def __init__(self, limit: float = float("inf"), hook: object = object, *, size: int) -> None:
        pass


@pytest.fixture
def odd() -> Iterator[None]:
    """A model of an invented plugin, for the duration of the test."""
    models.names()
    models.add(Component("odd", Odd, "an odd model", "Odd 2020", ("x", "y")), Provider("acme", "3"))
    yield
    del models._entries["odd"]


class TestList:
    def test_json_holds_every_component(self, run: Any) -> None:
        """Every kind, with all names of its registry and their descriptions."""
        listed = json.loads(run("list", "--json").out)
        assert list(listed) == [*PLURALS, "weights"]
        for plural, kind in PLURALS.items():
            registry = REGISTRIES[kind]
            assert [each["name"] for each in listed[plural]] == registry.names()
            for each in listed[plural]:
                entry = registry.entry(each["name"])
                assert each["summary"] == entry.component.summary
                assert each["reference"] == entry.component.reference
                assert each["tags"] == list(entry.component.tags)
                assert each["year"] == entry.component.year
                assert f"{each['provider']} {each['version']}" == str(entry.provider)

    @pytest.mark.parametrize("word", [*PLURALS, *PLURALS.values()])
    def test_one_kind_in_the_singular_or_the_plural(self, run: Any, word: str) -> None:
        """A kind that is named is the only one listed."""
        (plural,) = json.loads(run("list", word, "--json").out)
        assert word in (plural, PLURALS[plural])

    def test_a_pattern_selects(self, run: Any) -> None:
        """As in a shell. A pattern that matches nothing is not an error."""
        listed = json.loads(run("list", "losses", "m*", "--json").out)
        assert [each["name"] for each in listed["losses"]] == ["ms_ssim", "mse", "multi_scale"]
        assert json.loads(run("list", "--json", "losses", "x*").out) == {"losses": []}
        assert run("list", "losses", "x*").out == "losses\n  (none)\n"

    def test_a_tag_selects(self, run: Any, odd: None) -> None:
        """Only components with the tag; without a kind, only kinds that have any."""
        listed = json.loads(run("list", "models", "*", "--tag", "multiscale", "--json").out)
        assert all("multiscale" in each["tags"] for each in listed["models"])
        assert {"swift", "unet"} <= {each["name"] for each in listed["models"]}
        assert list(json.loads(run("list", "--tag=regularizer", "--json").out)) == ["losses"]
        assert json.loads(run("list", "models", "d*", "--tag", "x", "--json").out) == {"models": []}

    def test_several_tags_and_patterns_select(self, run: Any, odd: None) -> None:
        """All of the tags, and any of the patterns."""
        both = run("list", "models", "--tag", "x", "--tag=y", "--json").out
        assert [each["name"] for each in json.loads(both)["models"]] == ["odd"]
        neither = run("list", "models", "--tag", "x", "--tag", "residual", "--json").out
        assert json.loads(neither) == {"models": []}
        listed = json.loads(run("list", "models", "od?", "swif*", "--json").out)
        assert [each["name"] for each in listed["models"]] == ["odd", "swift"]
        weights = json.loads(run("list", "weights", "*photo", "*impulse", "--json").out)
        assert [each["name"] for each in weights["weights"]] == ["swift-impulse", "swift-photo"]

    def test_an_unknown_tag_or_option(self, refused: Callable[..., str]) -> None:
        """The message suggests the nearest one and lists the tags."""
        message = refused("list", "models", "--tag", "residul")
        assert "no model has the tag 'residul'. Did you mean 'residual'? Tags: " in message
        assert "weights have no tags" in refused("list", "weights", "--tag", "residual")
        assert "needs a tag" in refused("list", "--tag")
        assert "Did you mean '--tag'?" in refused("list", "--tags", "x")
        assert "no such option '--jsn'. Did you mean '--json'?" in refused("list", "--jsn")

    def test_text_has_names_summaries_and_providers_of_plugins(self, run: Any, odd: None) -> None:
        """Built-in components have no provider in the list; those of plugins do."""
        lines = [" ".join(line.split()) for line in run("list", "models").out.splitlines()]
        assert lines[0] == "models"
        assert "odd an odd model [acme 3]" in lines
        (unet,) = [line for line in lines if line.startswith("unet ")]
        assert "[" not in unet

    def test_every_kind_has_its_heading(self, run: Any) -> None:
        """The lists are separated."""
        paragraphs = run("list").out.split("\n\n")
        assert [p.splitlines()[0] for p in paragraphs] == [*PLURALS, "weights"]

    def test_wrong_words(self, refused: Callable[..., str]) -> None:
        """The message for an unknown kind suggests one."""
        assert refused("list", "nosies").startswith("unknown kind 'nosies'. Did you mean 'noises'?")


@pytest.mark.parametrize(
    ("reference", "year"),
    [
        ("Zhang et al., FFDNet, IEEE TIP 2018, https://arxiv.org/abs/1710.04026", 2018),
        ("Kingma and Welling, ICLR 2014, https://x.org/2099/1312", 2014),
        ("Chambolle, JMIV 2004", 2004),
        ("ours; after DRUNet, TPAMI 2021", 2021),
        ("https://github.com/a/2020", None),
        ("1024x1024 patches", None),
        ("", None),
    ],
)
def test_the_year_is_that_of_the_reference(reference: str, year: int | None) -> None:
    """Numbers in addresses and other numbers are not years."""
    assert Component("net", Odd, reference=reference).year == year


class TestDescribe:
    @pytest.mark.parametrize(
        ("kind", "name"), [(k, n) for k, r in REGISTRIES.items() for n in r.names()]
    )
    def test_every_component_can_be_described(self, run: Any, kind: str, name: str) -> None:
        """The summary, the file and each argument with its description are printed."""
        told = json.loads(run("describe", kind, name, "--json").out)
        assert (told["kind"], told["name"]) == (kind, name)
        assert told["doc"]
        assert Path(told["file"]).is_file()
        for argument in told["arguments"]:
            assert argument["type"] != "any", f"{argument['name']} has no type"
            of_torch = "torch" in told["tags"]  # its docstrings leave some arguments out
            assert argument["description"] or of_torch, f"{argument['name']} has no description"

    def test_json_says_everything(self, run: Any, odd: None) -> None:
        """Values without a JSON form, such as infinity or a class, are written as text."""
        told = json.loads(run("describe", "model", "odd", "--json").out, parse_constant=pytest.fail)
        assert (told["summary"], told["reference"]) == ("an odd model", "Odd 2020")
        assert (told["tags"], told["provider"], told["version"]) == (["x", "y"], "acme", "3")
        assert told["year"] == 2020
        limit, hook, size = told["arguments"]
        assert limit == {
            "name": "limit",
            "type": "float",
            "default": "inf",
            "required": False,
            "description": "how far.",
        }
        assert hook["default"] == "<class 'object'>"
        assert size["required"] is True

    def test_text_has_the_arguments_once(self, run: Any, odd: None) -> None:
        """Arguments are in a table; the docstring below does not repeat them."""
        text = run("describe", "models", "odd").out
        lines = [" ".join(line.split()) for line in text.splitlines()]
        assert lines[0] == "model odd"
        assert "provider acme 3" in lines
        assert "limit float = inf how far." in lines
        assert "size int (required)" in lines
        assert text.count("how far.") == 1
        assert "It does nothing." in lines
        assert "Args:" not in text
        assert text.endswith("Raises:\n    ValueError: never.\n")

    def test_an_unknown_name(self, refused: Callable[..., str]) -> None:
        """The message suggests the nearest name, and has all of them if none is near."""
        message = refused("describe", "noise", "gausian")
        all_of_them = "All: restorekit list noises."
        assert message == f"unknown noise 'gausian'. Did you mean 'gaussian'? {all_of_them}"
        message = refused("describe", "noise", "xyz")
        assert message.startswith("unknown noise 'xyz'. Available: ")
        assert message.endswith(", ".join(restorekit.list_noises()[-3:]))


@pytest.mark.parametrize("registry", REGISTRIES.values(), ids=REGISTRIES)
def test_every_kind_is_named_wherever_kinds_are(run: Any, registry: Any) -> None:
    """In the help, in the hooks and in the public names."""
    kind, plural = registry.kind, registry.plural
    assert kind in run("describe", "--help").out
    assert plural in run("list", "--help").out
    assert any("builtin" in name for name, *_ in implementations(f"restorekit_{plural}"))
    assert {f"create_{kind}", f"list_{plural}", plural} <= set(restorekit.__all__)


class TestPlugins:
    @pytest.fixture
    def found(self, monkeypatch: pytest.MonkeyPatch) -> list[Plugin]:
        """The plugins of an invented installation."""
        found: list[Plugin] = []
        monkeypatch.setattr("restorekit.components.plugin_host.loaded_plugins", lambda: found)
        return found

    def test_none(self, run: Any, found: list[Plugin]) -> None:
        """ "no plugins" is printed, and JSON has an empty list."""
        assert run("plugins").out == "no plugins\n"
        assert json.loads(run("plugins", "--json").out) == {"plugins": []}

    def test_json_tells_status_and_cause(self, run: Any, found: list[Plugin]) -> None:
        """A loaded plugin has components; one that was set aside has a cause."""
        found.append(Plugin("a", Provider("acme", "1.0"), "acme.a", None, {"loss": ["huber"]}))
        found.append(Plugin("b", Provider("broken", "0.1"), "broken", "it is broken"))
        good, bad = json.loads(run("plugins", "--json").out)["plugins"]
        assert good == {
            "name": "a",
            "distribution": "acme",
            "version": "1.0",
            "module": "acme.a",
            "status": "loaded",
            "cause": None,
            "components": {"loss": ["huber"]},
            "hooks": [],
            "set_aside": [],
            "changed": [],
        }
        assert (bad["status"], bad["cause"]) == ("set aside", "it is broken")


class TestSchema:
    def test_it_accepts_what_train_accepts(self, run: Any) -> None:
        """The schema is valid, accepts a correct configuration and refuses a wrong one."""
        schema = json.loads(run("schema").out)
        validator = jsonschema.Draft202012Validator(schema)
        validator.check_schema(schema)
        good = {"model": {"name": "unet", "width": 8}, "dataset": "stl10", "loss": {"l1": 1}}
        assert not list(validator.iter_errors(good))
        assert list(validator.iter_errors({**good, "model": {"name": "unet", "witdh": 8}}))
        assert list(validator.iter_errors({**good, "modle": "unet"}))


class TestInfo:
    def test_json_is_the_card(self, run: Any, weights: Path) -> None:
        """It has the architecture, the training data and the number of parameters."""
        card = json.loads(run("info", weights, "--json").out)
        assert card["model"]["name"] == "dncnn"
        given = {"depth": 2, "width": 4}
        assert card["model"]["arguments"] == {"channels": 3, "batch_norm": True, **given}
        assert card["noise"] == {"name": "gaussian", "std": 0.1}
        assert card["parameters"] == sum(p.numel() for p in load_model(weights).parameters())

    def test_text_has_a_line_for_each_fact(self, run: Any, weights: Path) -> None:
        """Components as they would be called, numbers with separators."""
        lines = run("info", weights).out.splitlines()
        assert lines[0] == str(weights)
        facts = {line.split()[0]: " ".join(line.split()[1:]) for line in lines[1:]}
        assert facts["model"].startswith(
            "dncnn(channels=3, depth=2, width=4, batch_norm=true) of restorekit "
        )
        assert facts["noise"] == "gaussian(std=0.1)"
        assert facts["metrics"] == "psnr 31.25"
        assert facts["step"] == "12,000"

    def test_a_missing_or_damaged_weights_file(
        self, refused: Callable[..., str], tmp_path: Path
    ) -> None:
        """The message names the path of a missing and of a damaged file."""
        assert refused("info", tmp_path / "none") == f"{tmp_path / 'none'}: no such weights file"
        (tmp_path / "junk.safetensors").write_bytes(b"junk")
        assert "junk.safetensors: not a complete safetensors file" in refused(
            "info", tmp_path / "junk.safetensors"
        )
