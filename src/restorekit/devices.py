"""Where tensors live, by the names a user writes, and what that place computes natively."""

from __future__ import annotations

from typing import TYPE_CHECKING

from restorekit.errors import InputError, did_you_mean

if TYPE_CHECKING:
    import torch

KINDS = ("auto", "cpu", "cuda", "mps")


def resolve_device(name: str | torch.device) -> torch.device:
    """The device of that name; "auto" is the fastest one present.

    Args:
        name: "auto", "cpu", "cuda", "cuda:1", "mps" or a torch device.

    Raises:
        InputError: there is no such device here.
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
    if (device.index or 0) >= present:
        raise InputError(f"device '{name}' is not present here; use 'auto' or 'cpu'")
    return device


def native_dtype(device: torch.device) -> torch.dtype | None:
    """bfloat16 where the hardware computes in it, else None: emulated, it is slower."""
    import torch

    if device.type == "cuda":
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
