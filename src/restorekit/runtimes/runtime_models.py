"""Networks that run in ONNX Runtime or OpenVINO and are called like modules.

Both run on the CPU in float32. Preparing a network takes some seconds, because it is exported
first. This pays off for many pictures, and for networks that these runtimes run faster than torch.
"""

from __future__ import annotations

import math
import statistics
import time
from collections.abc import Sequence
from dataclasses import dataclass
from weakref import WeakKeyDictionary

import torch
from torch import Tensor, nn

from restorekit.devices import dtype_of
from restorekit.errors import (
    ArgumentError,
    InputError,
    MissingExtraError,
    RestoreKitError,
    did_you_mean,
    in_one_line,
)
from restorekit.extras import needs
from restorekit.networks.network import Network
from restorekit.records import restore_batch
from restorekit.runtimes import RUNTIMES
from restorekit.runtimes.backends import RunModel, onnxruntime_session, openvino_session
from restorekit.runtimes.export import example_inputs, onnx_bytes, uses_sigma

_EXTRAS = {"onnxruntime": "onnx", "openvino": "openvino"}
# Speed-up that a runtime needs to be selected; repeated measurements vary by that much.
WORTHWHILE = 1.1
Shape = tuple[int, int, int, int]


@dataclass(frozen=True)
class RuntimeChoice:
    """The selected runtime for a network, and the measurements.

    Attributes:
        runtime: the fastest runtime; "torch" unless another was clearly faster.
        seconds: median time of a call in each installed runtime; NaN if torch fails.
    """

    runtime: str
    seconds: dict[str, float]

    @property
    def ratio(self) -> float:
        """Speed-up relative to torch."""
        return self.seconds["torch"] / self.seconds[self.runtime]


class RuntimeModel(nn.Module):
    """A network that runs in another runtime, called as `model(noisy, sigma=None)`.

    Args:
        run: function of the inputs of the graph.
        model: the network that was exported.
        runtime: name of the runtime.

    Attributes:
        runtime: name of the runtime.
        channels: number of channels of the network; None if it does not declare it.
        size_multiple: size multiple of the network; None if it does not declare it.
        needs_sigma: whether sigma must be given.
    """

    def __init__(self, run: RunModel, model: nn.Module, runtime: str) -> None:
        super().__init__()
        self.runtime = runtime
        self.channels = getattr(model, "channels", None)
        self.size_multiple = getattr(model, "size_multiple", None)
        self.needs_sigma = uses_sigma(model)
        self._run = run

    def forward(self, noisy: Tensor, sigma: Tensor | None = None) -> Tensor:
        """Restore a batch (B, C, H, W); the result has the dtype and device of `noisy`.

        Args:
            noisy: batch, (B, C, H, W), approximately in [0, 1].
            sigma: standard deviation of the noise on the same scale, broadcastable to
                (B, 1, H, W).

        Raises:
            InputError: the network needs `sigma`, and it is missing.
        """
        given = [noisy]
        if self.needs_sigma:
            if sigma is None:
                raise InputError("this model needs sigma, the standard deviation of the noise")
            batch, _, height, width = noisy.shape
            given.append(sigma.to(noisy).expand(batch, 1, height, width))
        plain = [each.detach().to("cpu", torch.float32).contiguous() for each in given]
        return self._run(plain).to(noisy)

    def extra_repr(self) -> str:
        """The runtime, for printing."""
        return self.runtime


_choices: WeakKeyDictionary[nn.Module, dict[tuple[object, ...], RuntimeChoice]] = (
    WeakKeyDictionary()
)


def load_runtime(
    model: nn.Module,
    runtime: str,
    shape: Shape,
    threads: int | None = None,
    dtype: torch.dtype | None = None,
) -> nn.Module:
    """Prepare a network for a runtime.

    Args:
        model: the network, in evaluation mode.
        runtime: "torch" returns the network itself, "onnxruntime" and "openvino" return a
            `RuntimeModel`. "auto" measures the installed runtimes and selects the fastest.
        shape: (B, C, H, W) of the batches that will be restored, for the measurement of "auto".
        threads: number of threads; None for as many as torch uses.
        dtype: dtype of torch in the comparison of "auto", for example bfloat16; None for float32.

    Raises:
        InputError: the runtime is unknown, it cannot run the network, or the network cannot be
            exported.
        MissingExtraError: the runtime is not installed, or torch is too old for the export.

    Example:
        >>> model = restorekit.create_model("dncnn", depth=3).eval()
        >>> restorekit.load_runtime(model, "torch", (1, 3, 32, 32)) is model
        True
    """
    if runtime == "auto":
        runtime = choose_runtime(model, shape, threads, dtype).runtime
    if runtime not in RUNTIMES:
        near = did_you_mean(str(runtime), RUNTIMES)
        raise InputError(f"unknown runtime '{runtime}'.{near} One of: auto, {', '.join(RUNTIMES)}")
    if runtime == "torch":
        return model
    make = onnxruntime_session if runtime == "onnxruntime" else openvino_session
    needs(runtime, _EXTRAS[runtime], f"runtime '{runtime}'")
    content = onnx_bytes(model)
    try:
        run = make(content, threads)
    except RestoreKitError:
        raise
    except Exception as error:  # runtimes raise exceptions of their own
        raise InputError(
            f"runtime '{runtime}' cannot run this network: {in_one_line(error)}"
        ) from error
    return RuntimeModel(run, model, runtime)


def make_runtime(network: Network, runtime: str, precision: str) -> nn.Module:
    """A network made ready to be run in a precision; "auto" is measured on 256x256 pixels.

    Args:
        network: the network as torch runs it.
        runtime: by name; "auto" for the fastest.
        precision: what torch would compute in, to be compared with.

    Raises:
        ArgumentError: the runtime does not compute in that precision.
        MissingExtraError: the runtime is not installed.
    """
    if runtime != "auto" and precision not in ("auto", "float32"):
        raise ArgumentError(
            f"runtime '{runtime}' computes in float32; precision '{precision}' is for torch"
        )
    dtype = None
    if runtime == "auto":
        dtype = network.lossless_dtype if precision == "auto" else dtype_of(precision)
    return load_runtime(network.module, runtime, (1, network.probe_channels, 256, 256), dtype=dtype)


def choose_runtime(
    model: nn.Module,
    shape: Shape,
    threads: int | None = None,
    dtype: torch.dtype | None = None,
) -> RuntimeChoice:
    """The fastest installed runtime for a network, measured once for each size in a process.

    Runtimes that cannot run the network are skipped. Measuring exports the network, which takes
    some seconds, and calls each runtime four times.

    Args:
        model: the network, in evaluation mode.
        shape: (B, C, H, W) of the batches that will be restored.
        threads: as for `load_runtime`.
        dtype: as for `load_runtime`.

    Example:
        >>> model = restorekit.create_model("dncnn", depth=3).eval()
        >>> choice = restorekit.choose_runtime(model, (1, 3, 32, 32))
        >>> choice.runtime in choice.seconds, choice.ratio >= 1
        (True, True)
    """
    measured = _choices.setdefault(model, {})
    key = (shape, threads or torch.get_num_threads(), dtype)
    if key not in measured:
        measured[key] = _measure(model, shape, threads, dtype)
    return measured[key]


def _measure(
    model: nn.Module, shape: Shape, threads: int | None, dtype: torch.dtype | None
) -> RuntimeChoice:
    batch, _, height, width = shape
    given = example_inputs(model, (batch, height, width), uses_sigma(model))
    try:
        _time(model, model, given)
    except Exception:  # a network may raise anything for an unsupported size
        return RuntimeChoice("torch", {"torch": math.nan})
    ready: dict[str, nn.Module] = {"torch": model}
    for name in RUNTIMES[1:]:
        try:
            ready[name] = load_runtime(model, name, shape, threads)
        except (MissingExtraError, InputError):  # not installed, or the network cannot be exported
            continue
    times: dict[str, list[float]] = {name: [] for name in ready}
    for _ in range(4):  # alternating, so that other load on the machine affects all of them
        for name, network in ready.items():
            half = torch.autocast("cpu", dtype, enabled=name == "torch" and dtype is not None)
            with half:
                times[name].append(_time(network, model, given))
    seconds = {name: statistics.median(each[1:]) for name, each in times.items()}
    fastest = min(seconds, key=lambda name: seconds[name])
    worthwhile = seconds["torch"] > WORTHWHILE * seconds[fastest]
    return RuntimeChoice(fastest if worthwhile else "torch", seconds)


def _time(network: nn.Module, model: nn.Module, given: Sequence[Tensor]) -> float:
    """Seconds of one call, with inputs of the dtype and device of the model."""
    weight = next((p for p in model.parameters() if p.is_floating_point()), given[0])
    inputs = [tensor.to(weight) for tensor in given]
    with torch.inference_mode():
        start = time.perf_counter()
        restore_batch(network, *inputs)
        return time.perf_counter() - start
