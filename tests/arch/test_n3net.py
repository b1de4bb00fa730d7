"""N3Net: the published state dict, and a reference that follows the paper patch by patch."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional

from restorekit import create_layout, create_model, load_model
from restorekit.arch.n3net import _log_of_rest, _neighbour_weights
from restorekit.errors import CheckpointError
from restorekit.weights import read_card
from tests.arch.reference_networks import loaded, parameters, randomise, relative_difference

PATCH, STRIDE, WINDOW = 10, 5, 15  # of the published networks
FEATURES, NEIGHBOURS, WIDTH = 2, 3, 4


@pytest.fixture(autouse=True)
def _known_weights() -> None:
    torch.manual_seed(0)


def layers(widths: list[int]) -> list[nn.Module]:
    """Convolutions, each with a normalisation and a ReLU."""
    made: list[nn.Module] = []
    for before, after in pairwise(widths):
        conv = nn.Conv2d(before, after, 3, padding=1, bias=False)
        made += [conv, nn.BatchNorm2d(after), nn.ReLU()]
    return made


class Aggregation(nn.Module):
    """The normalisation of distances, at its place in the names."""

    def __init__(self) -> None:
        super().__init__()
        nnn = nn.ModuleDict({"bn": nn.BatchNorm1d(1)})
        self.aggregation = nn.ModuleDict({"nnn": nnn})


def published() -> nn.Module:
    """The layers under the names of the authors: two DnCNNs of three layers, one N3 block."""
    blocks = [
        nn.ModuleDict(
            {
                "conv1": nn.Conv2d(before, WIDTH, 3, padding=1),
                "bn1": nn.BatchNorm2d(WIDTH),
                "layer1": nn.Sequential(*layers([WIDTH, WIDTH])),
                "conv2": nn.Conv2d(WIDTH, after, 3, padding=1),
            }
        )
        for before, after in ((1, FEATURES), (FEATURES * (1 + NEIGHBOURS), 1))
    ]
    predictors = [
        nn.Sequential(*layers([FEATURES, WIDTH]), nn.Conv2d(WIDTH, count, 3, padding=1))
        for count in (FEATURES, 1)
    ]
    non_local = {"embedcnn": predictors[0], "tempcnn": predictors[1]}
    block = nn.ModuleDict(non_local | {"n3aggregation": Aggregation()})
    return nn.ModuleDict({"blocks": nn.ModuleList(blocks), "nls": nn.ModuleList([block])})


def dncnn(block: nn.ModuleDict, x: Tensor) -> Tensor:
    out: Tensor = block["conv2"](block["layer1"](block["conv1"](x).relu()))
    shared = min(x.shape[1], out.shape[1])
    out[:, :shared] += x[:, :shared]
    return out


def n3_block(block: nn.ModuleDict, x: Tensor) -> Tensor:
    """Every patch by itself, in probabilities instead of their logarithms."""
    rest = [-(side - PATCH) % STRIDE for side in x.shape[2:]]
    border = (rest[1] // 2, rest[1] - rest[1] // 2, rest[0] // 2, rest[0] - rest[0] // 2)
    wide, keys, temperature = (
        functional.pad(y, border) for y in (x, block["embedcnn"](x), block["tempcnn"](x))
    )
    rows, columns = ((side - PATCH) // STRIDE + 1 for side in wide.shape[2:])

    def patch(of: Tensor, row: int, column: int) -> Tensor:
        top, left = row * STRIDE, column * STRIDE
        return of[0, :, top : top + PATCH, left : left + PATCH]

    norm = block["n3aggregation"].aggregation["nnn"]["bn"]
    total = wide.new_zeros(NEIGHBOURS, *wide.shape[1:])
    counts = wide.new_zeros(wide.shape[2:])
    for row in range(rows):
        for column in range(columns):
            first_row = min(max(row - WINDOW // 2, 0), rows - WINDOW)
            first_column = min(max(column - WINDOW // 2, 0), columns - WINDOW)
            near = [
                (a, b)
                for a in range(first_row, first_row + WINDOW)
                for b in range(first_column, first_column + WINDOW)
                if (a, b) != (row, column)
            ]
            own = patch(keys, row, column)
            apart = torch.stack([(own - patch(keys, *place)).square().sum() for place in near])
            logits = norm(-apart[None, None])[0, 0]
            logits = logits / (0.1 * patch(temperature, row, column).mean().exp())
            values = torch.stack([patch(wide, *place) for place in near])
            inside = (slice(row * STRIDE, row * STRIDE + PATCH),)
            inside += (slice(column * STRIDE, column * STRIDE + PATCH),)
            for neighbour in range(NEIGHBOURS):
                weights = logits.softmax(0)
                total[neighbour][:, *inside] += torch.tensordot(weights, values, 1)
                logits = logits + (1 - weights).log()
            counts[inside] += 1
    volumes = functional.pad(total / counts, tuple(-side for side in border))
    return torch.cat((x, (volumes - x).flatten(0, 1)[None]), dim=1)


def reference(network: nn.Module, noisy: Tensor) -> Tensor:
    first, last = network["blocks"]  # type: ignore[index]
    return dncnn(last, n3_block(network["nls"][0], dncnn(first, noisy)))  # type: ignore[index]


@torch.no_grad()
@pytest.mark.parametrize("size", [(80, 80), (83, 91)])
def test_is_the_published_network(size: tuple[int, int], tmp_path: Path) -> None:
    """Loaded from its state dict, on the smallest size of the authors' code and an odd one."""
    network = randomise(published())
    norm = network["nls"][0]["n3aggregation"].aggregation["nnn"]["bn"]  # type: ignore[index]
    norm.running_mean.fill_(-2.0)
    norm.running_var.fill_(3.0)
    noisy = torch.rand(1, 1, *size)
    model = loaded(network, tmp_path / "net.pth", "net")
    assert relative_difference(model, noisy, reference(network, noisy)) < 1e-5
    assert read_card(tmp_path / "net.pth")["model"]["arguments"] == {
        "channels": 1,
        "width": WIDTH,
        "depth": 3,
        "blocks": 2,
        "features": FEATURES,
        "neighbours": NEIGHBOURS,
        "embedding_depth": 2,
    }


def test_a_checkpoint_without_counters_loads(tmp_path: Path) -> None:
    """The published ones are older than the counters of batch normalisations."""
    state = published().state_dict()
    old = {key: x for key, x in state.items() if not key.endswith("num_batches_tracked")}
    torch.save({"net": old, "epoch": 51}, tmp_path / "net.t7")
    assert load_model(tmp_path / "net.t7").channels == 1


def test_channels_that_do_not_fit_are_refused() -> None:
    """The second DnCNN takes the features and as many for each neighbour."""
    state = published().state_dict() | {"blocks.1.conv1.weight": torch.ones(WIDTH, 7, 3, 3)}
    with pytest.raises(CheckpointError, match="take 7 channels, which is not a multiple of its 2"):
        create_layout("n3net_authors")(state)


def test_published_size() -> None:
    """The tensors of the authors' checkpoints for sigma 25, without what is not used."""
    with torch.device("meta"):
        assert parameters(create_model("n3net", preset="gray")) == 705_511


def test_neighbours_are_different_ones() -> None:
    """At a low temperature the weights select the nearest, then the second nearest, and so on."""
    logits = torch.tensor([[0.0, -100.0, -300.0, -200.0]])
    weights = _neighbour_weights(logits, 3)
    assert [int(weight.argmax()) for weight in weights] == [0, 1, 3]
    torch.testing.assert_close(torch.stack(weights).sum(-1), torch.ones(3, 1))


@pytest.mark.parametrize("logarithm", [-1000.0, 1000.0])
def test_an_extreme_temperature_stays_finite(logarithm: float) -> None:
    """One step of a training can predict it; a loss that is not finite would spoil all weights."""
    model = create_model("n3net", preset="tiny")
    predictors = [module for name, module in model.named_modules() if name.endswith("temperature")]
    for predictor in predictors:
        nn.init.constant_(predictor[-1].bias, logarithm)  # type: ignore[index]
    restored = model(torch.rand(2, 3, 32, 32))
    restored.square().mean().backward()
    assert predictors
    assert bool(restored.isfinite().all())
    for weight in model.parameters():
        assert weight.grad is None or bool(weight.grad.isfinite().all())


def test_the_rest_of_a_probability_is_precise() -> None:
    """Compared in float64; the gradient is finite even where the rest is 0."""
    log = torch.tensor([-40.0, -1.0, -0.6, -1e-4, 0.0], requires_grad=True)
    rest = _log_of_rest(log)
    expected = torch.log(-torch.expm1(log.detach().double()[:-1]))
    torch.testing.assert_close(rest[:-1].double(), expected, rtol=1e-5, atol=1e-9)
    rest[:-1].sum().backward()
    assert log.grad is not None
    assert bool(log.grad.isfinite().all())
