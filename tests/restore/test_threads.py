"""One network in several threads, and with weights that change between calls."""

from __future__ import annotations

import asyncio
import copy
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest
import torch
from torch import Tensor, nn

import restorekit
from restorekit import Denoiser
from restorekit.networks.network import Network, fingerprint
from restorekit.networks.temporary_modes import evaluation_mode, full_precision

THREADS = 6


class Moody(nn.Module):
    """A network that behaves differently in training mode and changes its statistics, slowly."""

    channels = 3

    def __init__(self) -> None:
        super().__init__()
        self.convolution = nn.Conv2d(3, 3, 3, padding=1)
        self.norm = nn.BatchNorm2d(3)
        self.dropout = nn.Dropout(0.5)

    def forward(self, noisy: Tensor) -> Tensor:
        x = self.convolution(noisy)
        time.sleep(0.002)  # other threads run meanwhile
        return noisy + 0.1 * self.dropout(self.norm(x))


@pytest.fixture
def moody() -> Moody:
    """The network in training mode, except for one frozen part."""
    torch.manual_seed(0)
    model = Moody()
    model.convolution.eval()
    return model


@pytest.fixture
def images() -> list[Tensor]:
    """Some small images."""
    generator = torch.Generator().manual_seed(1)
    return [torch.rand(3, 24, 24, generator=generator) for _ in range(30)]


def is_as_it_came(model: Moody) -> bool:
    """Whether the modes of all parts and the statistics are unchanged."""
    modes = [part.training for part in (model, model.convolution, model.norm, model.dropout)]
    still = int(model.norm.num_batches_tracked or 0) == 0 and not model.norm.running_mean.any()
    return modes == [True, False, True, True] and bool(still)


def expected(model: Moody, images: list[Tensor]) -> list[Tensor]:
    """The results of the network in evaluation mode, one after the other."""
    still = copy.deepcopy(model).eval()
    with torch.inference_mode():
        return [still(image[None])[0].clamp(0, 1) for image in images]


class TestThreads:
    def test_one_denoiser_in_many_threads(self, moody: Moody, images: list[Tensor]) -> None:
        """Every result is that of evaluation mode, and the module is unchanged afterwards."""
        denoiser = Denoiser(moody, tile="off", precision="float32")
        with ThreadPoolExecutor(THREADS) as pool:
            results = list(pool.map(denoiser, images))
        torch.testing.assert_close(results, expected(moody, images))
        assert is_as_it_came(moody)

    def test_several_denoisers_around_one_module(self, moody: Moody, images: list[Tensor]) -> None:
        """Also if one has a wrapper of it."""
        wrapped = nn.Sequential(moody)
        denoisers = [Denoiser(m, tile="off", precision="float32") for m in (moody, wrapped, moody)]
        with ThreadPoolExecutor(THREADS) as pool:
            results = list(pool.map(lambda k: denoisers[k % 3](images[k]), range(len(images))))
        torch.testing.assert_close(results, expected(moody, images))
        assert is_as_it_came(moody)

    def test_denoisers_made_and_measured_in_threads(
        self, moody: Moody, images: list[Tensor]
    ) -> None:
        """Measuring a network in one thread does not affect another one that restores."""

        def restore(image: Tensor) -> Tensor:
            return Denoiser(moody, tile=16, precision="float32")(image)

        with ThreadPoolExecutor(THREADS) as pool:
            results = list(pool.map(restore, images[:12]))
        torch.testing.assert_close(results, expected(moody, images[:12]), atol=1e-5, rtol=0)
        assert is_as_it_came(moody)

    def test_from_an_event_loop(self, moody: Moody, images: list[Tensor]) -> None:
        """Each call is in a worker thread, as in a web server."""
        denoiser = Denoiser(moody, tile="off", precision="float32")

        async def serve() -> list[Tensor]:
            return await asyncio.gather(*(asyncio.to_thread(denoiser, i) for i in images))

        torch.testing.assert_close(asyncio.run(serve()), expected(moody, images))
        assert is_as_it_came(moody)

    def test_an_error_in_one_thread_leaves_the_others_alone(
        self, moody: Moody, images: list[Tensor]
    ) -> None:
        """The mode is restored when the last thread has finished, with or without an error."""
        denoiser = Denoiser(moody, tile="off", precision="float32")

        def restore(image: Tensor) -> Tensor | None:
            try:
                return denoiser(image)
            except restorekit.InputError:
                return None

        bad = torch.full((3, 24, 24), torch.nan)
        with ThreadPoolExecutor(THREADS) as pool:
            results = list(pool.map(restore, [i for image in images for i in (image, bad)]))
        torch.testing.assert_close(results[::2], expected(moody, images))
        assert is_as_it_came(moody)

    def test_settings_of_the_thread_are_kept(self, moody: Moody, images: list[Tensor]) -> None:
        """Gradients, autocast and inference mode of the caller are unchanged."""
        denoiser = Denoiser(moody, tile="off", precision="bfloat16")
        with torch.enable_grad():
            denoiser(images[0])
            assert torch.is_grad_enabled()
            assert not torch.is_inference_mode_enabled()
            assert not torch.is_autocast_enabled("cpu")

    def test_settings_are_restored_by_the_last_block(self, moody: Moody) -> None:
        """Blocks may overlap, and end in any order."""
        first, second = evaluation_mode(moody), evaluation_mode(moody)
        first.__enter__()
        second.__enter__()
        first.__exit__(None, None, None)
        assert not any(part.training for part in moody.modules())
        second.__exit__(None, None, None)
        assert is_as_it_came(moody)

    def test_tf32_is_restored_by_the_last_block(self) -> None:
        """It is a flag of the whole process."""
        flags = torch.backends.cudnn
        before = flags.allow_tf32
        first, second = full_precision("cuda"), full_precision("cuda")
        first.__enter__()
        second.__enter__()
        first.__exit__(None, None, None)
        assert not flags.allow_tf32
        second.__exit__(None, None, None)
        assert flags.allow_tf32 == before


class Blur(nn.Module):
    """A mean along the rows, over as many pixels as it has weights."""

    channels = 1

    def __init__(self) -> None:
        super().__init__()
        self.row = nn.Conv2d(1, 1, (1, 97), padding=(0, 48), bias=False)
        self.narrow()

    def narrow(self) -> None:
        with torch.no_grad():
            self.row.weight.zero_()
            self.row.weight[..., 48] = 1

    def wide(self) -> Tensor:
        return torch.full_like(self.row.weight, 1 / 97)

    def forward(self, noisy: Tensor) -> Tensor:
        return self.row(noisy)


def by_optimizer(model: Blur) -> None:
    optimizer = torch.optim.SGD(model.parameters(), lr=1.0)
    model.row.weight.grad = model.row.weight.detach() - model.wide()
    optimizer.step()


CHANGES: dict[str, Callable[[Blur], object]] = {
    "load_state_dict": lambda model: model.load_state_dict({"row.weight": model.wide()}),
    "optimizer": by_optimizer,
    "in place": lambda model: model.row.weight.detach().copy_(model.wide()),
    "through .data": lambda model: model.row.weight.data.copy_(model.wide()),
    "another tensor": lambda model: setattr(model.row.weight, "data", model.wide()),
    "another parameter": lambda model: setattr(model.row, "weight", nn.Parameter(model.wide())),
    "by numpy": lambda model: model.row.weight.detach().numpy().fill(1 / 97),
}


class TestChangedWeights:
    @pytest.mark.parametrize("change", CHANGES)
    def test_tiles_equal_the_whole_after_a_change(self, change: str) -> None:
        """The receptive field is measured again after any change of the weights."""
        model = Blur()
        tiled = Denoiser(model, tile=64, precision="float32")
        image = torch.rand(1, 16, 256, generator=torch.Generator().manual_seed(2))
        torch.testing.assert_close(tiled(image), image)
        CHANGES[change](model)
        whole = Denoiser(model, tile="off", precision="float32")(image)
        assert float((whole - image).abs().max()) > 0.1
        torch.testing.assert_close(tiled(image), whole, atol=1e-5, rtol=0)

    def test_nothing_is_measured_again_without_a_change(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """Measuring takes longer than restoring a small picture."""
        network = Network(Blur())
        before = network.reach
        monkeypatch.setattr("restorekit.networks.network.measure_reach", None)
        network.renew()
        assert network.reach is before

    def test_whether_sigma_matters_is_asked_again(self) -> None:
        """A network that ignored sigma may use it after training."""

        class Scaled(nn.Module):
            channels = 1

            def __init__(self) -> None:
                super().__init__()
                self.weight = nn.Parameter(torch.zeros(1, 1, 1, 1))

            def forward(self, noisy: Tensor, sigma: Tensor) -> Tensor:
                return noisy + self.weight * sigma

        model = Scaled()
        denoiser = Denoiser(model)
        assert not denoiser.uses_sigma
        with torch.no_grad():
            model.weight.fill_(0.5)
        assert denoiser.uses_sigma

    def test_weights_with_nan_have_a_fingerprint(self) -> None:
        """NaN is not equal to itself, but counts as unchanged."""
        model = Blur()
        model.row.weight.data.fill_(torch.nan)
        assert fingerprint(model) == fingerprint(model)


@pytest.mark.parametrize("odd", [True, 0, -3, "3", 2.5, [3], None])
def test_attributes_of_surprising_types_are_ignored(odd: object) -> None:
    """`channels` and `size_multiple` of a module may be any objects."""
    model = Blur()
    model.channels = model.size_multiple = odd  # type: ignore[assignment]
    network = Network(model)
    assert network.channels is None
    assert network.alignment == 16


def test_a_huge_size_multiple_is_refused() -> None:
    """Its tiles would not fit in memory."""
    model = Blur()
    model.size_multiple = 10**9  # type: ignore[assignment]
    with pytest.raises(restorekit.InputError, match="size_multiple is 1000000000; at most 1024"):
        Denoiser(model)
