"""The model and the layout of this package, which are imported when they are first used."""

from __future__ import annotations

from restorekit import Component, hookimpl

_SOURCE = "https://github.com/chaiNNer-org/spandrel"


@hookimpl
def restorekit_models() -> Component:
    target = "restorekit_spandrel.network:Spandrel"
    return Component("spandrel", target, "a restoration network of spandrel", _SOURCE)


@hookimpl
def restorekit_layouts() -> Component:
    target = "restorekit_spandrel.network:SpandrelLayout"
    return Component("spandrel", target, "a restoration checkpoint of spandrel", _SOURCE)
