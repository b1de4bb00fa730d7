"""Plugins are found, loaded once, and isolated from each other if they are broken.

Each test writes real distributions (a package and its .dist-info) and runs a new process that
finds them on its path.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

import restorekit
from tests.components.plugin_site import HEAD, Site, noises

GOOD = (
    HEAD
    + """
class Camera:
    \"\"\"A phone's noise.\"\"\"
    def __init__(self, iso: int = 100) -> None:
        self.iso = iso

    def __call__(self, clean, generator=None):
        return clean

@hookimpl
def restorekit_models():
    return Component("tiny", "good_module_parts:Tiny", "a tiny model")

@hookimpl
def restorekit_noises():
    yield Component("phone", Camera, "a phone's noise", "A paper", ("sensor",))
    yield Component("film", Camera)

@hookimpl
def restorekit_losses():
    return [Component("edges", dict)]

@hookimpl
def restorekit_datasets():
    return (Component("holiday", list), Component("city", list))

@hookimpl
def restorekit_estimators():
    return Component("guess", dict)
"""
)
REPORT = """
import json, sys, warnings
with warnings.catch_warnings(record=True) as caught:
    warnings.simplefilter("always")
    import restorekit
    from restorekit.components.kinds import REGISTRIES
    listed = {k: {n: str(r.entry(n).provider) for n in r.names()} for k, r in REGISTRIES.items()}
from restorekit.components.plugin_host import loaded_plugins
print(json.dumps({
    "warnings": [[w.category.__name__, str(w.message)] for w in caught],
    "listed": listed,
    "plugins": {str(p.provider): [p.cause, p.components] for p in loaded_plugins()},
}))
"""


@pytest.fixture
def site(tmp_path: Path) -> Site:
    """A folder with one good plugin."""
    site = Site(tmp_path)
    site.add("good", GOOD)
    return site


class TestAGoodPlugin:
    def test_its_components_are_listed_with_their_provider(self, site: Site) -> None:
        """A hook may return one component, a list, a tuple or a generator, without a warning."""
        report = site.run(REPORT)
        assert report["warnings"] == []
        listed = {
            kind: sorted(name for name, provider in names.items() if provider == "good 1.0")
            for kind, names in report["listed"].items()
        }
        brought = {kind: names for kind, names in listed.items() if names}
        assert brought == {
            "model": ["tiny"],
            "noise": ["film", "phone"],
            "loss": ["edges"],
            "dataset": ["city", "holiday"],
            "estimator": ["guess"],
        }
        cause, components = report["plugins"]["good 1.0"]
        assert cause is None
        assert {k: sorted(v) for k, v in components.items() if v} == brought

    def test_its_components_are_made_like_any_other(self, site: Site) -> None:
        """Arguments are checked, and the object has its plugin as its origin."""
        code = """
import json, restorekit
from restorekit.components.component_records import origin_of
made = restorekit.create_noise("phone", iso="800")
try:
    restorekit.create_noise("phone", izo=1)
except restorekit.ArgumentError as error:
    print(json.dumps([made.iso, str(origin_of(made).provider), str(error)]))
"""
        iso, provider, message = site.run(code)
        assert (iso, provider) == (800, "good 1.0")
        assert message == "noise 'phone': unknown argument 'izo'. Did you mean 'iso'? It takes: iso"

    def test_it_is_loaded_when_needed_and_not_before(self, site: Site) -> None:
        """Importing restorekit or using a built-in name loads no plugin; another name does."""
        code = """
import json, sys
steps = []
def note(): steps.append("good_module" in sys.modules)
import restorekit; note()
restorekit.noises.entry("gaussian"); note()
restorekit.noises.entry("phone"); note()
print(json.dumps([steps, "good_module_parts" in sys.modules]))
"""
        assert site.run(code) == [[False, False, True], False]

    @pytest.mark.parametrize(
        "look_up",
        ["restorekit.list_losses()", "restorekit.components.plugin_host.loaded_plugins()"],
    )
    def test_a_listing_loads_it(self, site: Site, look_up: str) -> None:
        """A list of all components loads the plugins."""
        code = (
            f"import json, sys, restorekit, restorekit.components.plugin_host; {look_up}; "
            "print(json.dumps('good_module' in sys.modules))"
        )
        assert site.run(code) is True

    def test_it_is_loaded_once_by_many_threads(self, tmp_path: Path) -> None:
        """Threads that ask at the same time all find it, and its hooks run once."""
        site = Site(tmp_path)
        body = 'import time; print("called"); time.sleep(0.1); return Component("slow", dict)'
        site.add("slow", noises(body))
        code = """
import json, sys, io, contextlib
from concurrent.futures import ThreadPoolExecutor
import restorekit
with contextlib.redirect_stdout(io.StringIO()) as out, ThreadPoolExecutor(8) as pool:
    seen = list(pool.map(lambda _: "slow" in restorekit.list_noises(), range(8)))
print(json.dumps([seen, out.getvalue().count("called")]))
"""
        assert site.run(code) == [[True] * 8, 1]

    def test_it_may_use_restorekit_while_it_is_loaded(self, tmp_path: Path) -> None:
        """Using components during the import causes neither a deadlock nor a recursion."""
        site = Site(tmp_path)
        source = "import restorekit\nassert 'l1' in restorekit.list_losses()\n"
        site.add("curious", source + noises('return Component("curious", dict)'))
        report = site.run(REPORT)
        assert report["warnings"] == []
        assert report["listed"]["noise"]["curious"] == "curious 1.0"

    def test_an_object_can_be_a_plugin(self, tmp_path: Path) -> None:
        """An entry point may name an instance whose methods are the hooks."""
        site = Site(tmp_path)
        source = (
            f"{HEAD}\nclass Plugin:\n    @hookimpl\n    def restorekit_noises(self):\n"
            '        return Component("instance", dict)\nplugin = Plugin()\n'
        )
        site.add("instance", source, attribute=":plugin")
        assert site.run(REPORT)["listed"]["noise"]["instance"] == "instance 1.0"

    def test_a_distribution_without_metadata_is_still_used(self, site: Site) -> None:
        """The remains of a broken installation do not stop the others."""
        site.add("nameless", noises('return Component("left", dict)'), metadata=False)
        report = site.run(REPORT)
        assert report["listed"]["noise"]["left"] == "unknown distribution"
        assert report["listed"]["noise"]["phone"] == "good 1.0"


BROKEN = {
    "absent-attribute": ("", "AttributeError: "),
    "bad-name": (
        noises('return Component("Bad-Name", dict)'),
        "restorekit_noises raised ArgumentError: component name 'Bad-Name' is not snake_case",
    ),
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
    "partly-taken": (
        f'{HEAD}\n@hookimpl\ndef restorekit_models(): return Component("fine", dict)\n'
        + noises('return [Component("fine_too", dict), Component("uniform", dict)]'),
        "noise 'uniform' of partly-taken 1.0 is already provided by restorekit ",
    ),
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
    "taken-builtin": (
        noises('return Component("gaussian", dict)'),
        "noise 'gaussian' of taken-builtin 1.0 is already provided by restorekit ",
    ),
    "taken-plugin": (
        noises('return Component("phone", dict)'),
        "noise 'phone' of taken-plugin 1.0 is already provided by good 1.0",
    ),
    "twice": (
        noises('return [Component("twice", dict), Component("twice", list)]'),
        "noise 'twice' of twice 1.0 is already provided by twice 1.0",
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
        assert message.startswith("unknown noise 'licensed'. Available: camera, chain,")
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
