"""Plugins that fail do not affect the others, and the switches for plugins."""

from __future__ import annotations

from typing import Any

import pytest

import restorekit
from tests.components.plugin_site import HEAD, Site, noises
from tests.components.plugin_sources import GOOD, REPORT

BROKEN = {
    "absent-attribute": ("", "AttributeError: "),
    "class-plugin": (
        f"{HEAD}\nclass Plugin:\n    @hookimpl\n    def restorekit_noises(self): return []\n",
        "Plugin is a class; name a module or an instance",
    ),
    "exits": ("raise SystemExit(3)", "importing exits_module raised SystemExit: 3"),
    "exits-later": (
        noises("raise SystemExit(4)"),
        "restorekit_noises raised SystemExit: 4",
    ),
    "import-error": (
        "import no_such_module_anywhere",
        "importing import_error_module raised ModuleNotFoundError: No module named",
    ),
    "halfway": (
        noises('yield Component("first_half", dict); raise KeyError("second")'),
        "restorekit_noises raised KeyError: 'second'",
    ),
    "many-lines": (
        noises('raise RuntimeError("one\\n\\n  two")'),
        "restorekit_noises raised RuntimeError: one two",
    ),
    "misspelt": (
        f"{HEAD}\n@hookimpl\ndef restorekit_noizes(): return []\n",
        "unknown hook 'restorekit_noizes'. Did you mean 'restorekit_noises'?",
    ),
    "none": (noises("return None"), "restorekit_noises returned None, not a restorekit.Component"),
    "raises": (noises("raise RuntimeError('no licence')"), "raised RuntimeError: no licence"),
    "raises-on-dir": (
        f"{HEAD}\nclass Plugin:\n    def __dir__(self): raise OSError('no disk')\n"
        "plugin = Plugin()\n",
        "it cannot be registered: OSError: no disk",
    ),
    "rubbish": (
        noises("return {'phone': 3}"),
        "restorekit_noises returned 'phone', not a restorekit.Component",
    ),
    "rubbish-large": (
        noises("return [list(range(100_000))]"),
        "restorekit_noises returned [0, 1, 2, 3, 4, 5, ...], not a restorekit.Component",
    ),
    "syntax-error": ("def f(:", "importing syntax_error_module raised SyntaxError: "),
    "takes-argument": (
        f"{HEAD}\n@hookimpl\ndef restorekit_noises(config): return []\n",
        "it cannot be registered: PluginValidationError: Plugin 'takes-argument:takes-argument'",
    ),
    "undecorated": (
        "def restorekit_noises(): return []",
        "it implements no hook; decorate its functions with restorekit.hookimpl",
    ),
    "z-twin": (
        noises('return Component("other", dict)'),
        "entry point 'good' is already that of good 1.0",
    ),
}
ATTRIBUTE = {
    "absent-attribute": ":absent",
    "class-plugin": ":Plugin",
    "raises-on-dir": ":plugin",
}


@pytest.fixture(scope="module")
def crowd(tmp_path_factory: pytest.TempPathFactory) -> Site:
    """A folder with every broken plugin and a good one."""
    site = Site(tmp_path_factory.mktemp("crowd"))
    site.add("good", GOOD)
    for name, (source, _) in BROKEN.items():
        entry = "good" if name == "z-twin" else ""
        site.add(name, source, entry=entry, attribute=ATTRIBUTE.get(name, ""))
    return site


@pytest.fixture(scope="module")
def report(crowd: Site) -> Any:
    """The report of a process that lists everything with them installed."""
    return crowd.run(REPORT)


class TestBrokenPlugins:
    @pytest.mark.parametrize("name", BROKEN)
    def test_each_is_set_aside_with_one_warning(self, report: Any, name: str) -> None:
        """One PluginWarning, in one line, names the distribution, its version and the cause."""
        told = [w for w in report["warnings"] if f" of {name} 1.0 was set aside: " in w[1]]
        assert len(told) == 1
        category, message = told[0]
        assert category == "PluginWarning"
        assert BROKEN[name][1] in message
        assert "\n" not in message
        assert len(message) < 500

    @pytest.mark.parametrize("name", BROKEN)
    def test_each_keeps_its_cause_and_brings_nothing(self, report: Any, name: str) -> None:
        """A plugin that was set aside has the reason, and none of its components exists."""
        cause, components = report["plugins"][f"{name} 1.0"]
        assert BROKEN[name][1] in cause
        assert components == {}
        for names in report["listed"].values():
            assert f"{name} 1.0" not in names.values()

    def test_there_are_no_other_warnings(self, report: Any) -> None:
        """As many warnings as broken plugins."""
        assert len(report["warnings"]) == len(BROKEN)

    def test_the_good_plugin_and_the_built_in_components_are_complete(
        self, report: Any, site: Site
    ) -> None:
        """The list is the same as without broken plugins."""
        assert report["listed"] == site.run(REPORT)["listed"]
        assert report["listed"]["noise"]["phone"] == "good 1.0"
        assert report["listed"]["noise"]["gaussian"] == f"restorekit {restorekit.__version__}"

    def test_an_unknown_name_mentions_them(self, crowd: Site) -> None:
        """The message for a name of a broken plugin says why it is missing."""
        code = """
import json, warnings, restorekit
warnings.simplefilter("ignore")
try:
    restorekit.create_noise("licensed")
except restorekit.UnknownNameError as error:
    print(json.dumps(str(error)))
"""
        message = crowd.run(code, RESTOREKIT_PLUGINS="raises,good")
        assert message.startswith("unknown noise 'licensed'. Available: blotches, blur,")
        assert message.endswith(
            "(failed to load: raises of raises 1.0: "
            "restorekit_noises raised RuntimeError: no licence)"
        )

    def test_a_warning_made_an_error_stops_no_other_plugin(self, crowd: Site) -> None:
        """With -W error the first list raises an error; the next one is complete."""
        code = """
import json, restorekit
try:
    restorekit.list_noises()
except restorekit.PluginWarning as warning:
    print(json.dumps([str(warning), restorekit.list_noises()]))
"""
        message, names = crowd.run(code, "-W", "error", RESTOREKIT_PLUGINS="exits,good")
        assert "plugin 'exits' of exits 1.0 was set aside" in message
        assert "phone" in names


class TestSwitches:
    def test_strict_raises(self, crowd: Site) -> None:
        """RESTOREKIT_STRICT_PLUGINS=1 makes a broken plugin an error, every time."""
        code = """
import json, restorekit
errors = []
for look_up in (restorekit.list_models, restorekit.list_noises, restorekit.list_noises):
    try:
        look_up()
    except restorekit.PluginError as error:
        errors.append(str(error))
print(json.dumps([errors, restorekit.noises.entry("gaussian").component.name]))
"""
        environment = {"RESTOREKIT_STRICT_PLUGINS": "1", "RESTOREKIT_PLUGINS": "raises,good"}
        errors, name = crowd.run(code, **environment)
        assert name == "gaussian"
        assert len(errors) == 3
        assert set(errors) == {
            "plugin 'raises' of raises 1.0 was set aside: "
            "restorekit_noises raised RuntimeError: no licence"
        }

    def test_strict_changes_nothing_without_broken_plugins(self, site: Site) -> None:
        """With good plugins only, there is no error; "0" switches it off."""
        assert "phone" in site.run(REPORT, RESTOREKIT_STRICT_PLUGINS="1")["listed"]["noise"]
        site.add("broken", "raise RuntimeError")
        assert len(site.run(REPORT, RESTOREKIT_STRICT_PLUGINS="0")["warnings"]) == 1

    @pytest.mark.parametrize(
        ("value", "loaded"),
        [
            ("", []),
            (" , ", []),
            ("good", ["good 1.0"]),
            ("GOOD,Other_Dist", ["good 1.0", "other-dist 1.0"]),
            ("other.dist", ["other-dist 1.0"]),
            ("absent", []),
        ],
    )
    def test_only_the_named_distributions_are_loaded(
        self, site: Site, value: str, loaded: list[str]
    ) -> None:
        """RESTOREKIT_PLUGINS lists them, in any spelling that packaging treats as equal."""
        site.add("other-dist", noises('return Component("other", dict)'))
        code = """
import json, sys
from restorekit.components.plugin_host import loaded_plugins
found = [str(p.provider) for p in loaded_plugins()]
print(json.dumps([found, [m for m in ("good_module", "other_dist_module") if m in sys.modules]]))
"""
        found, modules = site.run(code, RESTOREKIT_PLUGINS=value)
        assert found == loaded
        assert len(modules) == len(loaded)
