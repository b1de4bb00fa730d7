"""Source text of plugins."""

from __future__ import annotations

from tests.components.plugin_site import HEAD

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
