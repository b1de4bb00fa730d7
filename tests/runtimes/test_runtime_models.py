"""Networks run by ONNX Runtime and OpenVINO."""

from __future__ import annotations

import subprocess
import sys
import threading
import time
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from restorekit import ArgumentError, Denoiser, InputError, MissingExtraError, create_model
from restorekit.networks.network import Network
from restorekit.runtimes import backends, runtime_models
from restorekit.runtimes.export import onnx_bytes
from restorekit.runtimes.runtime_models import (
    RuntimeChoice,
    RuntimeModel,
    choose_runtime,
    load_runtime,
)

SHAPE = (1, 3, 32, 32)


@pytest.fixture(scope="module")
def model() -> nn.Module:
    """A small network that uses the noise level."""
    torch.manual_seed(0)
    return create_model("ffdnet", width=4, depth=2).eval()


@pytest.fixture(scope="module")
def content(model: nn.Module) -> bytes:
    """The network, exported once for all tests."""
    return onnx_bytes(model)


@torch.no_grad()
@pytest.mark.parametrize("name", ["onnxruntime", "openvino"])
def test_a_session_is_called_like_the_model(
    name: str, model: nn.Module, content: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    """For any size and batch, a level or a map; results have the dtype of the input."""
    monkeypatch.setattr(runtime_models, "onnx_bytes", lambda _: content)
    session = load_runtime(model, name, SHAPE, threads=1)
    assert isinstance(session, RuntimeModel)
    assert (session.runtime, session.channels, session.size_multiple) == (name, 3, 2)
    answers = []
    for batch, height, width in ((1, 32, 32), (2, 31, 45)):
        noisy = torch.rand(batch, 3, height, width)
        level = torch.rand(batch, 1, height, width)
        for sigma in (torch.tensor(0.1), level[..., :1, :1], level):
            answers.append((session(noisy, sigma=sigma), model(noisy, sigma=sigma)))
    for restored, expected in answers:
        torch.testing.assert_close(restored, expected, rtol=0, atol=1e-5)
    assert session(noisy.bfloat16(), sigma=level).dtype == torch.bfloat16
    with pytest.raises(InputError, match="needs sigma"):
        session(noisy)


FREE_SESSIONS = """
import faulthandler, os, pathlib, signal, sys, threading
from restorekit.runtimes.backends import openvino_session

faulthandler.register(signal.SIGUSR1)
content = pathlib.Path(sys.argv[1]).read_bytes()

def interrupt():
    os.kill(os.getpid(), signal.SIGUSR1)
    try:
        os.kill(os.getpid(), signal.SIGINT)
    except KeyboardInterrupt:
        print("interrupted", flush=True)

held = [openvino_session(content, 1), openvino_session(content, 1)]
del held[0], held[0]
interrupt()
held = [openvino_session(content, 1)]
thread = threading.Thread(target=held.clear)
thread.start()
thread.join()
interrupt()
"""


def test_signals_are_handled_after_sessions_were_freed(tmp_path: Path, content: bytes) -> None:
    """In the order of their creation, and by another thread.

    Either left the main thread without its signal stack when each session had an OpenVINO core of
    its own: Ctrl-C, or the end of a child that torch watches, was then a segmentation fault, of
    which faulthandler cannot tell.
    """
    path = tmp_path / "net.onnx"
    path.write_bytes(content)
    command = [sys.executable, "-c", FREE_SESSIONS, str(path)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout.split()) == (0, ["interrupted"] * 2)
    assert done.stderr.count("in interrupt\n") == 2  # where faulthandler found the process


def test_threads_that_come_first_at_once_share_a_core() -> None:
    """A second core would be freed with its session."""
    made: list[object] = []

    class Core:
        def __init__(self) -> None:
            made.append(self)
            time.sleep(0.05)

    module, given = ModuleType("openvino"), []
    module.Core = Core  # type: ignore[attr-defined]
    threads = [
        threading.Thread(target=lambda: given.append(backends._core(module))) for _ in range(3)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(made) == 1
    assert given == made * 3


def test_torch_is_the_model_itself(model: nn.Module) -> None:
    """There is no wrapper."""
    assert load_runtime(model, "torch", SHAPE) is model


def test_the_message_for_an_unknown_runtime_suggests_one(model: nn.Module) -> None:
    """The message lists all runtimes."""
    with pytest.raises(InputError, match=r"Did you mean 'openvino'\? One of: auto, torch, onnx"):
        load_runtime(model, "openvin", SHAPE)


@pytest.mark.parametrize(("name", "extra"), [("onnxruntime", "onnx"), ("openvino", "openvino")])
def test_a_missing_runtime_names_its_extra(
    name: str, extra: str, model: nn.Module, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The message has the command that installs it."""
    monkeypatch.setitem(sys.modules, name, None)
    with pytest.raises(MissingExtraError, match=rf"pip install 'restorekit\[{extra}\]'"):
        load_runtime(model, name, SHAPE)


def test_an_older_torch_leaves_the_runtimes_out(
    model: nn.Module, monkeypatch: pytest.MonkeyPatch
) -> None:
    """By name, the message states which torch is needed; "auto" selects torch."""
    monkeypatch.setattr("torch.__version__", "2.13.1+cpu")
    with pytest.raises(MissingExtraError, match=r"needs torch 2\.14 or newer, not 2\.13\.1"):
        load_runtime(model, "onnxruntime", SHAPE)
    assert list(choose_runtime(nn.Sequential(model), SHAPE).seconds) == ["torch"]


def test_a_network_that_a_runtime_cannot_run(
    model: nn.Module, monkeypatch: pytest.MonkeyPatch
) -> None:
    """By name, it is reported in one line; "auto" skips it."""
    monkeypatch.setattr(runtime_models, "onnx_bytes", lambda _: b"no graph")
    with pytest.raises(InputError, match="runtime 'onnxruntime' cannot run this network: ") as told:
        load_runtime(model, "onnxruntime", SHAPE)
    assert "\n" not in str(told.value)
    assert list(choose_runtime(model, SHAPE).seconds) == ["torch"]


@pytest.mark.parametrize("name", ["onnxruntime", "openvino"])
def test_another_precision_is_torch_s_alone(name: str, model: nn.Module) -> None:
    """A requested precision is not ignored silently."""
    with pytest.raises(ArgumentError, match=f"'{name}' computes in float32; precision 'bfloat16'"):
        Denoiser(model, runtime=name, precision="bfloat16")


@pytest.mark.parametrize("name", ["onnxruntime", "openvino"])
def test_tiles_of_a_session_are_those_of_the_model(name: str) -> None:
    """OpenVINO's ReLU loses the NaN that measures the receptive field, so torch measures it."""
    torch.manual_seed(1)
    model = create_model("dncnn", width=4, depth=4).eval()
    own = Network(model)
    other = Network(model, lambda: load_runtime(model, name, SHAPE, threads=1))
    assert other.reach == own.reach
    assert other.bytes_per_pixel == own.bytes_per_pixel
    image = torch.rand(3, 90, 70)
    whole = Denoiser(model, tile="off", precision="float32")(image)
    tiled = Denoiser(model, tile=40, runtime=name)(image)
    torch.testing.assert_close(tiled, whole, rtol=0, atol=1e-5)


class Fake(nn.Module):
    """A model that takes a given number of seconds of a simulated clock."""

    def __init__(self, seconds: float, clock: list[float]) -> None:
        super().__init__()
        self.seconds, self.clock = seconds, clock

    def forward(self, noisy: Tensor) -> Tensor:
        self.clock[0] += self.seconds
        return noisy


@pytest.mark.parametrize(
    ("seconds", "chosen", "ratio"),
    [
        ({"torch": 4.0, "onnxruntime": 3.0, "openvino": 2.0}, "openvino", 2.0),
        ({"torch": 2.0, "onnxruntime": 1.95, "openvino": 3.0}, "torch", 1.0),
        ({"torch": 2.0, "onnxruntime": 1.0, "openvino": None}, "onnxruntime", 2.0),
        ({"torch": 2.0, "onnxruntime": None, "openvino": None}, "torch", 1.0),
    ],
)
def test_auto_selects_a_clearly_faster_runtime(
    seconds: dict[str, Any], chosen: str, ratio: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is measured once for a network and size; runtimes that cannot run it are skipped."""
    clock, made = [0.0], []

    def load(model: nn.Module, name: str, *_: Any, **__: Any) -> nn.Module:
        made.append(name)
        if seconds[name] is None:
            raise InputError("cannot be exported")
        return Fake(seconds[name], clock)

    monkeypatch.setattr(runtime_models, "load_runtime", load)
    monkeypatch.setattr(runtime_models.time, "perf_counter", lambda: clock[0])
    network = Fake(seconds["torch"], clock)
    choice = choose_runtime(network, SHAPE)
    known = {name: each for name, each in seconds.items() if each is not None}
    assert choice == RuntimeChoice(chosen, pytest.approx(known))
    assert choice.ratio == pytest.approx(ratio)
    assert choose_runtime(network, SHAPE) is choice
    assert made == ["onnxruntime", "openvino"]
    assert choose_runtime(network, (1, 3, 64, 64)) is not choice


def test_auto_compares_with_torch_as_it_would_run(monkeypatch: pytest.MonkeyPatch) -> None:
    """Here torch is twice as fast in bfloat16, so the other runtimes have no advantage."""
    clock = [0.0]

    class Halved(Fake):
        def forward(self, noisy: Tensor) -> Tensor:
            self.clock[0] += self.seconds / (2 if torch.is_autocast_enabled("cpu") else 1)
            return noisy

    monkeypatch.setattr(runtime_models, "load_runtime", lambda *_, **__: Halved(3.0, clock))
    monkeypatch.setattr(runtime_models.time, "perf_counter", lambda: clock[0])
    network = Halved(4.0, clock)
    assert choose_runtime(network, SHAPE).runtime != "torch"
    assert choose_runtime(network, SHAPE, dtype=torch.bfloat16).runtime == "torch"


def test_auto_leaves_a_network_of_another_size_to_torch() -> None:
    """A failed measurement does not prevent restoring pictures of the right size."""

    class Fixed(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.weight = nn.Parameter(torch.eye(20))

        def forward(self, noisy: Tensor) -> Tensor:
            return noisy @ self.weight

    image = torch.rand(3, 20, 20)
    torch.testing.assert_close(Denoiser(Fixed(), runtime="auto")(image), image)


def test_auto_loads_what_it_chose(model: nn.Module, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is loaded as if it had been named."""
    monkeypatch.setattr(
        runtime_models, "choose_runtime", lambda *_: RuntimeChoice("torch", {"torch": 1.0})
    )
    assert load_runtime(model, "auto", SHAPE) is model
