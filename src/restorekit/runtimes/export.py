"""Export to ONNX and torch.export for any image size, verified by running the result."""

from __future__ import annotations

import contextlib
import copy
import io
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor, nn

from restorekit.errors import InputError, InsufficientMemoryError, RestoreKitError
from restorekit.extras import needs
from restorekit.memory import is_out_of_memory
from restorekit.networks.loading import ModelLike, load_with_card
from restorekit.networks.network import Network, model_channels, model_name
from restorekit.records import restore_batch, unwrap_model
from restorekit.runtimes.backends import RunModel, onnxruntime_session
from restorekit.storage.atomic import atomic_path, check_target

OPSET = 18
# With older versions the export fails or is wrong. The extras require the same versions.
LOWEST = {"torch": "2.14", "onnxscript": "0.7.1"}
# The traced sides have no common divisor, so that the graph does not assume one. Batch, height and
# width differ from each other and from 1, which a trace would treat as constant.
_TRACED = (2, 43, 51)
_AXES = {0: "batch", 2: "height", 3: "width"}
_FARTHEST = 1e-3  # rounding causes 1/100 of it
_CHECKED = ((1, 64, 64), (1, 61, 83), (3, 32, 47))


@dataclass(frozen=True)
class Exported:
    """An exported network, and the difference between its output and the original.

    Attributes:
        path: the file.
        inputs: "noisy", (B, C, H, W), and, if the network uses it, "sigma", (B, 1, H, W).
        difference: largest difference of any pixel, on the [0, 1] scale.
        sizes: the sizes (B, H, W) at which they were compared.
    """

    path: Path
    inputs: tuple[str, ...]
    difference: float
    sizes: tuple[tuple[int, int, int], ...] = _CHECKED


def export_onnx(
    model: ModelLike,
    path: str | Path,
    opset: int = OPSET,
    card: Mapping[str, object] | None = None,
) -> Exported:
    """Export a network to ONNX for any batch, height and width, and compare it with the original.

    The weights are float32. The inputs are "noisy", (B, C, H, W), and, if the network uses it,
    "sigma", a map (B, 1, H, W) of the standard deviation of the noise on the [0, 1] scale. The
    output is "restored".

    Args:
        model: a module, which is not modified; the name of weights, a weights file, the folder of a
            run, or the name of a model that needs no weights.
        path: the file to write.
        opset: version of the ONNX operators, at least 18.
        card: written to the metadata under "restorekit", as JSON; None for the card of the model.

    Raises:
        MissingExtraError: the extra `onnx` is not installed, or torch is older than it requires.
        InputError: the network cannot be exported.

    Example:
        >>> model = restorekit.create_model("dncnn", depth=3)
        >>> exported = restorekit.export_onnx(model, "dncnn.onnx", card={"note": "untrained"})
        >>> exported.inputs, exported.difference < 1e-4
        (('noisy',), True)
        >>> import onnxruntime
        >>> session = onnxruntime.InferenceSession("dncnn.onnx")
        >>> session.run(["restored"], {"noisy": batch.numpy()})[0].shape
        (2, 3, 32, 32)
    """
    onnx = needs("onnx", "onnx", "export to ONNX")
    check_target(Path(path))  # before the export, which takes long
    network, own = load_with_card(model)
    made = onnx.load_from_string(onnx_bytes(network, opset))
    onnx.helper.set_model_props(made, {"restorekit": json.dumps(own if card is None else card)})
    content = made.SerializeToString()
    with _explained(network):
        exported = _compared(network, path, onnxruntime_session(content))
    with atomic_path(path) as temporary:
        temporary.write_bytes(content)
    return exported


def export_torch(model: ModelLike, path: str | Path) -> Exported:
    """Export a network with torch.export for any batch, height and width, and compare the result.

    `torch.export.load(path).module()` is called with `(noisy)` or `(noisy, sigma)`, as described
    in `export_onnx`.

    Args:
        model: as for `export_onnx`.
        path: the file to write, by convention `*.pt2`.

    Raises:
        InputError: the network cannot be exported, or the path has no suffix.

    Example:
        >>> model = restorekit.create_model("dncnn", depth=3)
        >>> restorekit.export_torch(model, "dncnn.pt2").inputs
        ('noisy',)
        >>> torch.export.load("dncnn.pt2").module()(batch).shape
        torch.Size([2, 3, 32, 32])
    """
    if not Path(path).suffix:  # torch rejects it only after the export
        raise InputError(f"'{path}' has no suffix; write '{path}.pt2'")
    check_target(Path(path))
    network = load_with_card(model)[0]
    content = io.BytesIO()
    with _explained(network):
        torch.export.save(trace_model(network), content)
        content.seek(0)
        module = torch.export.load(content).module()
        exported = _compared(network, path, lambda given: module(*given))
    with atomic_path(path) as temporary:
        temporary.write_bytes(content.getvalue())
    return exported


def onnx_bytes(model: nn.Module, opset: int = OPSET) -> bytes:
    """Convert a network to a serialised ONNX model, see `export_onnx`.

    Raises:
        MissingExtraError: the extra `onnx` is not installed, or torch is older than it requires.
        InputError: the network cannot be exported.
    """
    for module, lowest in LOWEST.items():
        needs(module, "onnx", "export to ONNX", lowest)
    if opset < OPSET:
        raise InputError(f"ONNX opset {opset} is too old; use {OPSET} or above")
    names = ["noisy", "sigma"][: 1 + uses_sigma(model)]
    with _explained(model):
        made = torch.onnx.export(
            trace_model(model),
            dynamo=True,
            opset_version=opset,
            input_names=names,
            # Names of the axes; both inputs have the same.
            dynamic_shapes=(_AXES, None)[: len(names)],
            output_names=["restored"],
            verbose=False,
        )
    content: bytes = made.model_proto.SerializeToString()  # type: ignore[union-attr]
    return content


def trace_model(model: nn.Module) -> torch.export.ExportedProgram:
    """Trace the graph of a network for any batch, height and width.

    Raises:
        InputError: the network cannot be exported.
    """
    plain = plain_copy(model)
    given = example_inputs(plain, _TRACED, uses_sigma(plain))
    # Not named: torch does not allow arithmetic between named axes, which padding needs.
    sizes = dict.fromkeys(_AXES, torch.export.Dim.DYNAMIC)
    with _explained(model), torch.no_grad():
        return torch.export.export(_OnlyImage(plain), given, dynamic_shapes=(sizes,) * len(given))


def uses_sigma(model: nn.Module) -> bool:
    """Whether the output of a network depends on sigma."""
    return not Network(plain_copy(model)).is_blind


def example_inputs(model: nn.Module, size: Sequence[int], with_sigma: bool) -> tuple[Tensor, ...]:
    """Example inputs of a graph: a random image (B, C, H, W) in [0, 1] and perhaps its noise level.

    Args:
        model: determines the number of channels; 3 if it does not declare it.
        size: (B, H, W).
        with_sigma: whether to add a map (B, 1, H, W) with a standard deviation of 0.1.
    """
    batch, height, width = size
    shape = (batch, model_channels(model) or 3, height, width)
    noisy = torch.rand(shape, generator=torch.Generator().manual_seed(0))
    return (noisy, torch.full_like(noisy[:, :1], 0.1)) if with_sigma else (noisy,)


def plain_copy(model: nn.Module) -> nn.Module:
    """A copy of the network in float32 on the CPU, in evaluation mode, without wrappers."""
    plain = copy.deepcopy(unwrap_model(model)).to("cpu", torch.float32)
    return plain.to(memory_format=torch.contiguous_format).eval()


class _OnlyImage(nn.Module):
    """A network that returns only the image, because a graph must return tensors."""

    def __init__(self, model: nn.Module) -> None:
        super().__init__()
        self.model = model

    def forward(self, noisy: Tensor, sigma: Tensor | None = None) -> Tensor:
        return restore_batch(self.model, noisy, sigma).image


def _compared(model: nn.Module, path: str | Path, run: RunModel) -> Exported:
    """Compare the exported network with the original.

    Raises:
        ValueError: the difference is too large or not finite.
    """
    plain, with_sigma, worst = plain_copy(model), uses_sigma(model), 0.0
    for size in _CHECKED:
        given = example_inputs(plain, size, with_sigma)
        with torch.no_grad():
            own = restore_batch(plain, *given)
            difference = float((own.image - run(given)).abs().max())
        if not difference <= _FARTHEST * max(1.0, float(own.image.abs().max())):
            raise ValueError(f"the exported network differs by {difference:.2g} at {size}")
        worst = max(worst, difference)
    return Exported(Path(path), ("noisy", "sigma") if with_sigma else ("noisy",), worst)


@contextlib.contextmanager
def _explained(model: nn.Module) -> Iterator[None]:
    """Turn any exception of an exporter into an `InputError` with a message of one line."""
    try:
        yield
    except RestoreKitError:
        raise
    except Exception as error:  # exporters raise anything, including errors of the network's code
        name, first = model_name(unwrap_model(model)), _first_cause(error)
        if is_out_of_memory(error) or is_out_of_memory(first):
            raise InsufficientMemoryError(f"not enough memory to export model '{name}'") from error
        lines = [line.strip() for line in str(first).splitlines() if line.strip()]
        reason = lines[0] if lines else type(first).__name__
        raise InputError(f"model '{name}' cannot be exported: {reason}") from error


def _first_cause(error: BaseException) -> BaseException:
    """The innermost cause; the exceptions around it only name a step of the exporter."""
    while error.__cause__ is not None:
        error = error.__cause__
    return error
