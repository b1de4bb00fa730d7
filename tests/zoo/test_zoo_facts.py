"""Counting: parameters, multiplications and years; and which networks the zoo has."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import torch
from torch import Tensor, nn

from restorekit.components.component_records import Component, Provider
from restorekit.components.kinds import models
from restorekit.errors import ArgumentError, UnknownNameError
from restorekit.zoo.entries import ZooEntry, find_entries, weights_of
from restorekit.zoo.facts import count_facts


class Attention(nn.Module):
    """A convolution to 8 channels, attention over all pixels with 2 heads, and one back."""

    def __init__(self, channels: int = 3) -> None:
        super().__init__()
        self.channels = channels
        self.head = nn.Conv2d(channels, 8, 1)
        self.tail = nn.Conv2d(8, channels, 1)

    def forward(self, noisy: Tensor) -> Tensor:
        tokens = self.head(noisy).flatten(2).unflatten(1, (2, 4)).mT
        mixed = nn.functional.scaled_dot_product_attention(tokens, tokens, tokens)
        return self.tail(mixed.mT.flatten(1, 2).unflatten(2, noisy.shape[2:]))


@pytest.fixture
def attention() -> Iterator[ZooEntry]:
    """The entry of a registered network with attention."""
    models.names()
    presets = {"tiny": {}, "gray": {"channels": 1}, "colour": {"channels": 3}}
    component = Component("attentive", Attention, "", "A 2001, B 2020", ("attention",), presets)
    models.add(component, Provider("acme", "1"))
    yield ZooEntry("attentive")
    models.remove("attentive")


def test_a_plain_network_is_counted_as_by_hand() -> None:
    """DnCNN: 17 convolutions of 3x3 at full resolution; batch normalisation is not counted."""
    facts = count_facts(ZooEntry("dncnn"), side=32)
    weights = 9 * (3 * 64 + 15 * 64 * 64 + 64 * 3)
    assert facts.gmacs == weights * 32 * 32 / 1e9


def test_multiplications_at_lower_resolution_are_counted_there() -> None:
    """FFDNet: 12 convolutions of 3x3 on a quarter of the pixels, from 12 and a level to 12."""
    facts = count_facts(ZooEntry("ffdnet"), side=64)
    weights = 9 * (13 * 96 + 10 * 96 * 96 + 96 * 12)
    assert facts.gmacs == weights * 32 * 32 / 1e9


def test_attention_is_counted(attention: ZooEntry) -> None:
    """Two matrix products between all pairs of pixels for each head, and the convolutions."""
    pixels = 16 * 16
    facts = count_facts(attention, side=16)
    assert facts.parameters == 3 * 8 + 8 + 8 * 3 + 3
    assert facts.gmacs == (2 * 2 * pixels * pixels * 4 + 2 * 3 * 8 * pixels) / 1e9


def test_a_method_without_weights_has_no_multiplications() -> None:
    """Its cost is its time only."""
    assert count_facts(ZooEntry("median")).gmacs is None


def test_entries_are_the_default_and_the_presets_that_differ(attention: ZooEntry) -> None:
    """The size for tests and one that equals the default arguments are not listed."""
    assert [each.label for each in find_entries(["attentive"])] == ["attentive", "attentive:gray"]
    assert find_entries(["attent*"]) == find_entries(["attentive"])
    assert find_entries(["attentive:tiny"]) == [ZooEntry("attentive", "tiny")]
    assert find_entries(["att*", "dncnn"], ["attention"]) == find_entries(["attentive"])
    assert [each for each in find_entries() if each.model == "attentive"]


def test_unknown_names_are_refused() -> None:
    """With the nearest name."""
    with pytest.raises(UnknownNameError, match="Did you mean 'dncnn'"):
        find_entries(["dncn"])
    with pytest.raises(ArgumentError, match=r"no preset 'tinny'\. Did you mean 'tiny'"):
        find_entries(["dncnn:tinny"])


def test_weights_belong_to_the_network_of_their_arguments() -> None:
    """Weights of another size are not for this one."""
    assert weights_of(ZooEntry("swift", "gray")) == ["swift-gaussian-gray"]
    assert weights_of(ZooEntry("swift", "large")) == ["swift-gaussian"]
    assert weights_of(ZooEntry("dncnn")) == []


def test_counting_leaves_the_random_numbers_alone() -> None:
    """Networks are made with weights of their own."""
    torch.manual_seed(3)
    expected = torch.rand(1)
    torch.manual_seed(3)
    count_facts(ZooEntry("dncnn", "tiny"))
    assert torch.equal(torch.rand(1), expected)
