"""Finds random numbers that a run could not repeat, before it starts.

Everything random in a run is derived from its seed, so that a resumed run, or one of several
processes, is the same run. A noise or a dataset that draws from another source breaks this without
a sign.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import numpy as np
import torch
from torch import Tensor, nn

from restorekit.components.component_records import origin_of
from restorekit.records import Images, NoisyImages, degrade
from restorekit.seeding import derive_generator, seed_torch
from restorekit.train.dataset_items import describe_dataset, read_sample, source_of


def repeatability_faults(dataset: object, index: int, noise: nn.Module) -> list[str]:
    """What a run with this dataset and noise could not repeat, a line each.

    The dataset is read twice, and the noise is added twice to what it gives.

    Args:
        dataset: the dataset.
        index: the image that is read.
        noise: the noise model, on the CPU or another device.
    """
    faults = []
    image = read_sample(dataset, index, derive_generator(0, "sample"))

    def draw() -> Tensor:
        return as_one_tensor(read_sample(dataset, index, derive_generator(0, "sample")))

    if not is_repeatable(draw):
        source, _ = source_of(dataset, index)
        where = "sample(index, generator)" if hasattr(source, "sample") else "[index]"
        faults.append(
            f"{describe_dataset(source)}: {where} gives another image each time, so the run cannot "
            "be repeated; draw random numbers in sample(index, generator), from the generator"
        )
    if isinstance(image, NoisyImages):  # the noise model is not applied to it
        return faults
    weight = next((p for p in (*noise.parameters(), *noise.buffers())), None)
    device = torch.device("cpu") if weight is None else weight.device
    clean = image[None].to(device)

    def corrupt() -> Tensor:
        return degrade(noise, clean.clone(), derive_generator(0, "noise", device=device)).noisy

    if not is_repeatable(corrupt):
        origin = origin_of(noise)
        name = type(noise).__name__ if origin is None else f"'{origin.name}'"
        faults.append(
            f"noise {name} does not draw all of its random numbers from `generator`, so the run "
            "cannot be repeated or resumed exactly"
        )
    return faults


def as_one_tensor(sample: Images) -> Tensor:
    """All images of an item, to compare it with another."""
    return torch.stack([*sample.images.values()]) if isinstance(sample, NoisyImages) else sample


def is_repeatable(draw: Callable[[], Tensor]) -> bool:
    """Whether a function gives the same tensor whatever the state of global random generators."""
    results = []
    for seed in (1, 2):
        with seeded_globals(seed):
            results.append(draw())
    first, second = results
    return torch.equal(first, second)


@contextmanager
def seeded_globals(seed: int) -> Iterator[None]:
    """Within the block, the random generators of Python, numpy and torch's CPU have a seed."""
    python, numpy = random.getstate(), np.random.get_state()
    with torch.random.fork_rng(devices=[]):
        seed_torch(seed)
        random.seed(seed)
        np.random.seed(seed)
        try:
            yield
        finally:
            random.setstate(python)
            np.random.set_state(numpy)
