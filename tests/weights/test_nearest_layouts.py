"""With many layouts, each checkpoint has one, and the message for another names the right ones."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
import torch
from torch import Tensor

from restorekit import create_layout, create_model, list_layouts, models
from restorekit.components.component_records import Component, Provider
from restorekit.components.kinds import layouts
from restorekit.errors import CheckpointError
from restorekit.records import RecognisedCheckpoint
from restorekit.weights.nearest_layouts import nearest_layouts
from restorekit.weights.recognition import recognise

State = dict[str, Tensor]
PATH = Path("x.pth")
NAMES = [
    name for name in list_layouts() if layouts.entry(name).provider.distribution == "restorekit"
]
# Layouts that only the user can tell from another one.
SAME = {"kair_dncnn": "kair", "lg_bpn_authors_dnd": "lg_bpn_authors"}
each_layout = pytest.mark.parametrize("name", NAMES)


def typical(name: str) -> list[str]:
    """The keys that a layout states."""
    return str(create_layout(name).keys).split(", ")  # type: ignore[attr-defined]


def own_state(name: str) -> State | None:
    """A state dict of a layout: that of our network, where its keys are the published ones."""
    for tag in layouts.entry(name).component.tags:
        if tag in models:
            state = create_model(tag, preset="tiny").state_dict()
            if recognised_by(name, state):
                return state
    return None


def recognised_by(name: str, state: State) -> bool:
    """Whether a layout recognises a state dict."""
    try:
        return create_layout(name)(state) is not None
    except CheckpointError:
        return False


def message(state: State) -> str:
    """The one line of the error for a state dict."""
    with pytest.raises(CheckpointError) as caught:
        recognise(state, PATH)
    text = str(caught.value)
    assert text.startswith("x.pth: ")
    assert "\n" not in text
    return text


@each_layout
def test_every_layout_states_keys_of_its_own(name: str) -> None:
    """Keys that are typical of it, so that it is the nearest one to them.

    Those of `SAME` have those of another one: nothing but the user tells them apart.
    """
    keys = typical(name)
    assert all(keys)
    assert nearest_layouts(keys)[0] == SAME.get(name, name)


@each_layout
def test_the_nearest_layout_is_found_in_any_order(name: str) -> None:
    """Typical keys with another ending, in a wrapper, after other tensors of the trainer."""
    renamed = [f"netG.{key.replace('weight', 'w').replace('bias', 'b')}" for key in typical(name)]
    others = [f"ema.step.{number}" for number in range(20)]
    assert name in nearest_layouts([*others, *reversed(renamed)])[:2]


@each_layout
def test_a_state_dict_has_one_layout(name: str) -> None:
    """Layouts that are tried earlier do not take it, nor do later ones."""
    if (state := own_state(name)) is None:
        return  # its published keys differ from ours; the tests of the layout have them
    takers = [each for each in NAMES if recognised_by(each, state)]
    networks = {create_layout(each)(state).architecture for each in takers}
    assert len(networks) == 1, takers
    assert recognise(state, PATH).architecture in networks


@each_layout
def test_a_near_miss_names_its_layout(name: str) -> None:
    """A state dict without a part that the layout needs: what is missing, or the nearest layout."""
    if (state := own_state(name)) is None:
        return
    first = next(iter(state)).partition(".")[0]
    missed = {key.replace(first, f"{first}_old", 1): each for key, each in state.items()}
    if recognised_by(name, missed):
        return  # the layout does not depend on it
    words = layouts.entry(name).component.summary
    text = message(missed)
    of_the_layout = "the nearest known layout is" not in text
    assert of_the_layout or words in text


def test_the_message_has_the_keys_and_two_layouts() -> None:
    """In one line of bounded length, with thousands of keys too."""
    state = {f"blocks.{number}.mixer.weight": torch.ones(2, 3) for number in range(3000)}
    text = message(state)
    assert "blocks.0.mixer.weight (2, 3), blocks.1.mixer.weight (2, 3)" in text
    assert "and 2997 more; the nearest known layout is " in text
    assert text.count(", then ") == 1
    assert len(text) < 600


class Taking:
    """A layout that refuses what has its first key, and takes nothing."""

    keys = "shared.weight, refused.weight"

    def __call__(self, state: State) -> RecognisedCheckpoint | None:
        if "shared.weight" in state:
            raise CheckpointError("the keys are those of Taking, but 'refused.weight' is missing")
        return None


class Owning:
    """A layout with the same first key."""

    keys = "shared.weight, owned.weight"

    def __call__(self, state: State) -> RecognisedCheckpoint | None:
        if "shared.weight" not in state:
            return None
        if "owned.weight" not in state:
            raise CheckpointError("the keys are those of Owning, but 'owned.weight' is missing")
        return RecognisedCheckpoint("dncnn", {}, state, "Owning")


@pytest.fixture
def two_layouts() -> Iterator[None]:
    """Two layouts that share a key, the one that refuses first."""
    layouts.names()
    layouts.add(Component("taking", Taking), Provider("acme", "1"))
    layouts.add(Component("owning", Owning), Provider("acme", "1"))
    yield
    layouts.remove("taking")
    layouts.remove("owning")


def test_a_layout_that_refuses_does_not_block_others(two_layouts: None) -> None:
    """Two projects may name their first layer alike."""
    state = {"shared.weight": torch.ones(1), "owned.weight": torch.ones(1)}
    assert recognise(state, PATH).layout == "Owning"


def test_of_several_refusals_the_nearest_is_reported(two_layouts: None) -> None:
    """The one with more keys in common."""
    shared = {"shared.weight": torch.ones(1)}
    assert "'owned.weight' is missing" in message({**shared, "owned.weights": torch.ones(1)})
    assert "'refused.weight' is missing" in message({**shared, "refused.weights": torch.ones(1)})
