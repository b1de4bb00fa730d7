"""A plugin for the time of a test: known within the block, and gone after it."""

from __future__ import annotations

import types

import pytest
import torch

import restorekit
from restorekit import Component, PluginError, hookimpl
from restorekit.testing import check_plugin, temporary_plugin


class Plugin:
    """Brings a noise and a callback."""

    @hookimpl
    def restorekit_noises(self) -> Component:
        return Component("twice", torch.nn.Identity, "returns its input")

    @hookimpl
    def restorekit_step_end(self) -> None: ...


def test_its_components_are_known_within_the_block() -> None:
    """Also those of a module; its hooks are called."""
    with temporary_plugin(Plugin(), name="acme") as plugin:
        assert plugin.components == {"noise": ["twice"]}
        assert plugin.hooks == ["restorekit_step_end"]
        assert restorekit.noises.entry("twice").provider.distribution == "acme"
        assert [p.name for p in restorekit.loaded_plugins() if p.name == "acme"] == ["acme"]
    assert "twice" not in restorekit.list_noises()
    assert not [p for p in restorekit.loaded_plugins() if p.name == "acme"]


def test_it_is_removed_after_an_error() -> None:
    """A test that fails leaves nothing for the next one."""
    with pytest.raises(KeyError), temporary_plugin(Plugin()):
        raise KeyError
    assert "twice" not in restorekit.list_noises()
    with temporary_plugin(Plugin()):
        assert "twice" in restorekit.list_noises()


def test_one_that_cannot_be_used_is_an_error() -> None:
    """A module without hooks, or a component whose name is taken; nothing of it stays."""
    with (
        pytest.raises(PluginError, match="it implements no hook"),
        temporary_plugin(types.ModuleType("empty")),
    ):
        pytest.fail("it is not used")

    class Taken:
        @hookimpl
        def restorekit_noises(self) -> list[Component]:
            return [Component("fine", dict), Component("gaussian", dict)]

    with (
        pytest.raises(PluginError, match="noise 'gaussian' of temporary is already provided"),
        temporary_plugin(Taken()),
    ):
        pytest.fail("it is not used")
    assert "fine" not in restorekit.list_noises()


def test_all_components_of_a_plugin_are_checked() -> None:
    """Each check of each component has a result, with the reason of a failure."""
    with temporary_plugin(Plugin(), name="acme"):
        found = check_plugin("acme")
    assert (found[0].kind, found[0].result.check, found[0].result.result) == (
        "plugin",
        "loads",
        "ok",
    )
    assert {each.name for each in found[1:]} == {"twice"}
    by_check = {each.result.check: each.result for each in found[1:]}
    assert by_check["shape and type"].result == "ok"
    assert by_check["sigma"].result == "not checked"


def test_a_component_that_cannot_be_imported_fails_alone() -> None:
    """The others are checked all the same."""

    class Broken:
        @hookimpl
        def restorekit_noises(self) -> list[Component]:
            return [
                Component("absent", "no_such_module:Noise"),
                Component("twice", torch.nn.Identity, "returns its input"),
            ]

    with temporary_plugin(Broken(), name="acme"):
        found = check_plugin("acme")
    (absent,) = [each.result for each in found if each.name == "absent"]
    assert (absent.check, absent.result) == ("imports", "failed")
    assert "no_such_module" in absent.reason
    assert len([each for each in found if each.name == "twice"]) > 1
