"""Helpers of the benchmarks: the device, its name, and a synchronised clock."""

from __future__ import annotations

import platform
import time
from argparse import ArgumentParser

import torch


def add_device(parser: ArgumentParser) -> None:
    """Add the option --device."""
    parser.add_argument("--device", default="cpu", help="cpu (the default), cuda or cuda:1")


def name_of(device: torch.device) -> str:
    """Describe the GPU, or the processor with its threads, and the version of torch."""
    if device.type == "cuda":
        found = torch.cuda.get_device_name(device)
    else:
        found = f"{platform.processor() or platform.machine()}, {torch.get_num_threads()} threads"
    return f"{found}, torch {torch.__version__}"


def now(device: torch.device) -> float:
    """Return the seconds of a clock after all work of the device is finished."""
    if device.type == "cuda":
        torch.cuda.synchronize(device)
    return time.perf_counter()
