"""A component that cannot be registered is set aside alone; the others of its plugin are used."""

from __future__ import annotations

import json
from typing import Any

import pytest

from restorekit.components.component_records import Component
from tests.components.plugin_site import HEAD, Site, noises
from tests.components.plugin_sources import GOOD, REPORT

FAULTY = {
    "name": (
        'Component("MyNoise", dict)',
        "component name 'MyNoise' is not snake_case. Did you mean 'my_noise'?",
    ),
    "no-name": ('Component("3d", dict)', "component name '3d' is not snake_case."),
    "number": ("Component(3, dict)", "component name 3 is not snake_case."),
    "target": (
        'Component("far", "far.module")',
        "component 'far': target 'far.module' is not 'package.module:Attribute'",
    ),
    "tags": (
        'Component("far", dict, tags=None)',
        "component 'far': summary, reference and tags are text",
    ),
    "taken-builtin": (
        'Component("gaussian", dict)',
        "noise 'gaussian' of taken-builtin 1.0 is already provided by restorekit ",
    ),
    "taken-plugin": (
        'Component("phone", dict)',
        "noise 'phone' of taken-plugin 1.0 is already provided by good 1.0",
    ),
    "twice": (
        'Component("fine_twice", list)',
        "noise 'fine_twice' of twice 1.0 is already provided by twice 1.0",
    ),
}


def fine(name: str) -> str:
    """The valid component of a faulty plugin."""
    return f"fine_{name.replace('-', '_')}"


@pytest.fixture(scope="module")
def faulty(tmp_path_factory: pytest.TempPathFactory) -> Site:
    """A folder with a good plugin and those with one faulty and one valid component each."""
    site = Site(tmp_path_factory.mktemp("faulty"))
    site.add("good", GOOD)
    for name, (component, _) in FAULTY.items():
        site.add(name, noises(f'return [Component("{fine(name)}", dict), {component}]'))
    return site


@pytest.fixture(scope="module")
def report(faulty: Site) -> Any:
    """The report of a process that lists everything with them installed."""
    return faulty.run(REPORT)


@pytest.mark.parametrize("name", FAULTY)
def test_one_warning_names_plugin_component_and_reason(report: Any, name: str) -> None:
    """With the right spelling of a name, if there is one."""
    (warning,) = [w for w in report["warnings"] if f"'{name}' of {name} 1.0 has a" in w[1]]
    assert warning[0] == "PluginWarning"
    assert f"has a component that was set aside: {FAULTY[name][1]}" in warning[1]
    assert "\n" not in warning[1]


@pytest.mark.parametrize("name", FAULTY)
def test_the_others_are_used(report: Any, name: str) -> None:
    """The plugin is loaded with its valid component."""
    assert report["plugins"][f"{name} 1.0"] == [None, {"noise": [fine(name)]}]
    assert report["listed"]["noise"][fine(name)] == f"{name} 1.0"


def test_an_unknown_name_mentions_what_was_set_aside(faulty: Site) -> None:
    """The message for the name of a component that was set aside says why."""
    code = """
import json, warnings, restorekit
warnings.simplefilter("ignore")
try:
    restorekit.create_noise("my_noise")
except restorekit.UnknownNameError as error:
    print(json.dumps(str(error)))
"""
    assert faulty.run(code, RESTOREKIT_PLUGINS="name").endswith(
        "(failed to load: name of name 1.0: component name 'MyNoise' is not snake_case. "
        "Did you mean 'my_noise'?)"
    )


def test_strict_makes_it_an_error(faulty: Site) -> None:
    """As for a plugin that is set aside as a whole."""
    code = """
import json, restorekit
try:
    restorekit.list_noises()
except restorekit.PluginError as error:
    print(json.dumps(str(error)))
"""
    strict = {"RESTOREKIT_STRICT_PLUGINS": "1", "RESTOREKIT_PLUGINS": "name"}
    assert "Did you mean 'my_noise'?" in faulty.run(code, **strict)


def test_a_listing_shows_what_was_set_aside_and_callbacks(faulty: Site) -> None:
    """A plugin without components has hooks of training, and is shown as such."""
    faulty.add("logger", f"{HEAD}\n@hookimpl\ndef restorekit_train_end(error): print(error)\n")
    code = """
import contextlib, io, json
from restorekit.cli.main import main
with contextlib.redirect_stdout(io.StringIO()) as out:
    main(["plugins"])
    main(["plugins", "--json"])
print(json.dumps(out.getvalue()))
"""
    said = faulty.run(code, RESTOREKIT_PLUGINS="logger,name")
    logger, name, *rest = said.splitlines()
    assert logger.split() == ["logger", "logger", "1.0", "loaded:", "hooks", "restorekit_train_end"]
    assert "loaded: noise fine_name; set aside: component name 'MyNoise'" in name
    first, second = json.loads("\n".join(rest))["plugins"]
    assert (first["hooks"], first["set_aside"]) == (["restorekit_train_end"], [])
    assert (second["status"], len(second["set_aside"])) == ("loaded", 1)


@pytest.mark.parametrize(
    ("name", "near"),
    [("DnCNN", "dn_cnn"), ("a-b", "a_b"), ("_a", "a"), ("a  b\n", "a_b"), ("UNet2", "unet2")],
)
def test_the_nearest_valid_name_is_suggested(name: str, near: str) -> None:
    """Words are separated by underscores, in lower case."""
    assert str(Component(name, dict).fault).endswith(f"Did you mean '{near}'?")
