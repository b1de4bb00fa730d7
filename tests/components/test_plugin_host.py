"""Plugins are found, loaded once, and isolated from each other if they are broken.

Each test writes real distributions (a package and its .dist-info) and runs a new process that
finds them on its path.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.components.plugin_site import HEAD, Site, noises
from tests.components.plugin_sources import REPORT


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
