"""Serialised ONNX models as functions, run by ONNX Runtime or OpenVINO."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence

import torch
from torch import Tensor

from restorekit.extras import needs

# The inputs of a graph, float32 on the CPU and contiguous, to its output.
Run = Callable[[Sequence[Tensor]], Tensor]


def onnxruntime_session(content: bytes, threads: int | None = None) -> Run:
    """ONNX Runtime with a serialised ONNX model.

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


def openvino_session(content: bytes, threads: int | None = None) -> Run:
    """OpenVINO with a serialised ONNX model.

    Raises:
        MissingExtraError: the extra `openvino` is not installed.
    """
    openvino = needs("openvino", "openvino", "runtime 'openvino'")
    core = openvino.Core()
    options = {
        "INFERENCE_PRECISION_HINT": "f32",
        "INFERENCE_NUM_THREADS": threads or torch.get_num_threads(),
    }
    compiled = core.compile_model(core.read_model(content), "CPU", options)

    requests = threading.local()  # two calls at once of one request overwrite each other's results

    def run(given: Sequence[Tensor]) -> Tensor:
        if not hasattr(requests, "own"):
            requests.own = compiled.create_infer_request()
        # A copy: the memory is the runtime's own, which the next call writes to.
        result = requests.own.infer([tensor.numpy() for tensor in given])[0]
        return torch.from_numpy(result.copy())

    return run
