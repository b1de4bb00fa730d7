"""Every objective on photographs: a network that saw no clean pixel against one that did."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import skimage
import torch
from torch import Generator, Tensor, nn
from torch.nn import functional

from restorekit import NoisyImages, Trainer, create_noise, load_model
from restorekit.data.patches import random_patch
from restorekit.records import restore_batch

SIGMA = 25 / 255
STEPS = 150
NETWORK = {"name": "unet", "depth": 2, "width": 8, "channels": 1, "residual": False}
TRAINED_ON = ("astronaut", "camera", "chelsea", "rocket")
JUDGED_ON = "coffee"


def photograph(name: str) -> Tensor:
    """A gray photograph of scikit-image at half its size, (1, H, W)."""
    image = torch.from_numpy(getattr(skimage.data, name)()).float() / 255
    gray = image.mean(-1) if image.ndim == 3 else image
    return functional.avg_pool2d(gray[None], 2)


def shot(clean: Tensor, seed: int) -> Tensor:
    """The photograph with a noise that never changes."""
    return clean + SIGMA * torch.randn(clean.shape, generator=Generator().manual_seed(seed))


class Noisy:
    """Patches of the noisy photographs, with the clean one or a second shot where it is given."""

    def __init__(self, given: str) -> None:
        clean = [photograph(name) for name in TRAINED_ON]
        self.scenes = [
            NoisyImages(
                shot(image, number),
                clean=image if given == "clean" else None,
                second=shot(image, 100 + number) if given == "second" else None,
            )
            for number, image in enumerate(clean)
        ]

    def __len__(self) -> int:
        return len(self.scenes)

    def __getitem__(self, index: int) -> NoisyImages:
        return self.sample(index, Generator().manual_seed(0))

    def sample(self, index: int, generator: Generator) -> NoisyImages:
        """The same patch of all that is known of a scene."""
        state = generator.get_state()

        def patch(image: Tensor) -> Tensor:
            generator.set_state(state)
            return random_patch(image, 32, generator)

        return self.scenes[index].map(patch)


def quality(folder: Path, objective: Any, given: str = "nothing") -> float:
    """PSNR in dB of another photograph, restored by a network that an objective trained."""
    Trainer(
        model=NETWORK,
        noise=create_noise("gaussian", std=SIGMA),
        objective=objective,
        loss="mse",
        dataset=Noisy(given),
        save_weight_path=folder,
        steps=STEPS,
        batch_size=4,
        learning_rate=3e-3,
        validation_split=0.0,
        checkpoint_every=STEPS,
        precision="float32",
        device="cpu",
    ).fit()
    model: nn.Module = load_model(folder / "last.safetensors").eval()
    clean = photograph(JUDGED_ON)
    with torch.no_grad():
        level = torch.full((1, 1, 1, 1), SIGMA)
        image = restore_batch(model, shot(clean, 1000)[None], level).image[0]
    return float(-10 * (image - clean).square().mean().log10())


@pytest.fixture(scope="module")
def supervised(tmp_path_factory: pytest.TempPathFactory) -> float:
    """The quality of a network that was given the clean photographs."""
    found = quality(tmp_path_factory.mktemp("supervised"), "supervised", "clean")
    clean = photograph(JUDGED_ON)
    noisy = float(-10 * (shot(clean, 1000) - clean).square().mean().log10())
    assert found > noisy + 4  # otherwise no distance from it would mean anything
    return found


@pytest.mark.parametrize(
    ("objective", "arguments", "given", "distance"),
    [
        ("noise2noise", {}, "second", 0.4),
        ("noise2void", {}, "nothing", 1.8),
        ("noise2void", {"strategy": "median"}, "nothing", 1.6),
        ("neighbor2neighbor", {"ramp": 0}, "nothing", 1.2),
        ("recorrupted2recorrupted", {"sigma": SIGMA}, "nothing", 0.6),
        (
            "noisier2noise",
            {"alpha": 0.5, "extra": {"name": "gaussian", "std": SIGMA}},
            "nothing",
            0.8,
        ),
        ("sure", {"sigma": SIGMA}, "nothing", 0.8),
        ("unsure", {}, "nothing", 0.8),
        ("blind2unblind", {"ramp": STEPS}, "nothing", 0.6),
    ],
)
def test_comes_close_to_the_supervised_run(
    supervised: float,
    tmp_path: Path,
    objective: str,
    arguments: dict[str, Any],
    given: str,
    distance: float,
) -> None:
    """Within a distance in dB, after the same steps, without a clean pixel."""
    found = quality(tmp_path, {"name": objective, **arguments}, given)
    assert found > supervised - distance
