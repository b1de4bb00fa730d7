"""Devices and precisions by name, and the reduced precision that a device supports in hardware."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, get_args

from restorekit.errors import ArgumentError, InputError, did_you_mean

if TYPE_CHECKING:
    import torch

Precision = Literal["auto", "float32", "bfloat16", "float16"]
PRECISIONS: tuple[Precision, ...] = get_args(Precision)
KINDS = ("auto", "cpu", "cuda", "mps")


def resolve_device(name: str | torch.device) -> torch.device:
    """The device with the given name; "auto" selects the fastest one available.

    Args:
        name: "auto", "cpu", "cuda", "cuda:1", "mps" or a torch device.

    Raises:
        InputError: the device is unknown or not available.
    """
    import torch

    if name == "auto":
        if torch.cuda.is_available():
            return torch.device("cuda")
        return torch.device("mps" if torch.backends.mps.is_available() else "cpu")
    kind = str(name).partition(":")[0]
    if kind not in KINDS[1:]:
        raise InputError(
            f"unknown device '{name}'.{did_you_mean(kind, KINDS)} One of: {', '.join(KINDS)}"
        )
    try:
        device = torch.device(name)
    except RuntimeError as error:
        raise InputError(f"device '{name}' is not '{kind}' or '{kind}:NUMBER'") from error
    present = {
        "cpu": 1,
        "cuda": torch.cuda.device_count(),
        "mps": int(torch.backends.mps.is_available()),
    }[kind]
    # torch creates a device that does not exist, and fails at the first tensor on it.
    if (device.index or 0) >= present:
        raise InputError(f"device '{name}' is not available; use 'auto' or 'cpu'")
    return device


def check_precision(precision: str, device: torch.device) -> None:
    """Check that a precision is known and supported by the device.

    Raises:
        ArgumentError: it is not.
    """
    if precision not in PRECISIONS:
        raise ArgumentError(
            f"unknown precision '{precision}'.{did_you_mean(str(precision), PRECISIONS)} "
            f"One of: {', '.join(PRECISIONS)}"
        )
    if precision == "float16" and device.type == "cpu":
        raise ArgumentError("precision 'float16' needs a GPU; on a CPU use 'auto' or 'bfloat16'")


def dtype_of(precision: str) -> torch.dtype | None:
    """The dtype of autocast for a precision other than "auto"; None for float32."""
    import torch

    return None if precision == "float32" else getattr(torch, precision)


def native_dtype(device: torch.device) -> torch.dtype | None:
    """bfloat16 if the hardware supports it, else None; emulated bfloat16 is slower than float32."""
    import torch

    if device.type == "cuda":
        # Ampere is the first generation with bfloat16 in hardware.
        native = torch.cuda.get_device_capability(device) >= (8, 0)
    elif device.type == "cpu":
        native = torch.ops.mkldnn._is_mkldnn_bf16_supported() and _has_avx512_bf16()
    else:
        native = False
    return torch.bfloat16 if native else None


def _has_avx512_bf16() -> bool:
    import torch

    if not hasattr(torch.cpu, "get_capabilities"):  # torch 2.10
        return bool(torch.cpu._is_avx512_bf16_supported())
    return bool(torch.cpu.get_capabilities().get("avx512_bf16", False))
