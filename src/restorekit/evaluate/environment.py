"""The machine and the versions with which results are measured."""

from __future__ import annotations

import importlib.metadata
import platform
from datetime import UTC, datetime
from pathlib import Path

import torch

from restorekit.evaluate.benchmark_results import Environment


def describe_environment(device: torch.device, precision: str) -> Environment:
    """This machine and the installed versions.

    Args:
        device: where networks run.
        precision: their number format.
    """
    on_gpu = device.type == "cuda"
    return Environment(
        restorekit=importlib.metadata.version("restorekit"),
        torch=torch.__version__,
        python=platform.python_version(),
        device=str(device),
        processor=torch.cuda.get_device_name(device) if on_gpu else _processor(),
        threads=torch.get_num_threads(),
        precision=precision,
        date=datetime.now(UTC).isoformat(timespec="seconds"),
    )


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        lines = []
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.processor() or platform.machine()
