"""Serialised ONNX models as functions, run by ONNX Runtime or OpenVINO."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from functools import cache
from typing import Any

import torch
from torch import Tensor

from restorekit.extras import needs

# From the inputs of a graph, which are float32, contiguous and on the CPU, to its output.
RunModel = Callable[[Sequence[Tensor]], Tensor]

_core_lock = threading.Lock()


def onnxruntime_session(content: bytes, threads: int | None = None) -> RunModel:
    """Load a serialised ONNX model in ONNX Runtime.

    Raises:
        MissingExtraError: the extra `onnx` is not installed.
    """
    onnxruntime = needs("onnxruntime", "onnx", "runtime 'onnxruntime'")
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads or torch.get_num_threads()
    options.log_severity_level = 3
    session = onnxruntime.InferenceSession(content, options, providers=["CPUExecutionProvider"])
    names = [each.name for each in session.get_inputs()]

    def run(given: Sequence[Tensor]) -> Tensor:
        feed = {name: tensor.numpy() for name, tensor in zip(names, given, strict=True)}
        return torch.from_numpy(session.run(None, feed)[0])

    return run


def openvino_session(content: bytes, threads: int | None = None) -> RunModel:
    """Load a serialised ONNX model in OpenVINO.

    Raises:
        MissingExtraError: the extra `openvino` is not installed.
    """
    openvino = needs("openvino", "openvino", "runtime 'openvino'")
    core = _core(openvino)
    options = {
        "INFERENCE_PRECISION_HINT": "f32",
        "INFERENCE_NUM_THREADS": threads or torch.get_num_threads(),
    }
    compiled = core.compile_model(core.read_model(content), "CPU", options)

    requests = threading.local()  # simultaneous calls of one request overwrite each other

    def run(given: Sequence[Tensor]) -> Tensor:
        if not hasattr(requests, "own"):
            requests.own = compiled.create_infer_request()
        # A copy, because the next call overwrites the memory of the runtime.
        result = requests.own.infer([tensor.numpy() for tensor in given])[0]
        return torch.from_numpy(result.copy())

    return run


def _core(openvino: Any) -> Any:
    """The only core of this process, which is kept until the process ends.

    On Linux, OpenVINO's CPU plugin belongs to a core and gives the thread that loads it an
    alternate signal stack. When the core is freed, the plugin unmaps that stack and puts back the
    one before, but only if its own is in use in the thread that frees it. With two cores, or two
    threads, a thread can be left with a stack that no longer exists, and its next signal that has a
    handler (Ctrl-C, the end of a child) kills the process.
    """
    with _core_lock:  # two simultaneous first calls must not create two cores
        return _new_core(openvino)


@cache
def _new_core(openvino: Any) -> Any:
    return openvino.Core()
