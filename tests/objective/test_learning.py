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
from restorekit.components.kinds import objectives
from restorekit.data.patches import random_patch
from restorekit.records import restore_batch

SIGMA = 25 / 255
STEPS = 150
NETWORK = {"name": "unet", "depth": 2, "width": 8, "channels": 1, "residual": False}
BLIND_NETWORK = {"name": "ssdn", "depth": 2, "width": 8, "channels": 1}
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


def quality(folder: Path, objective: Any, given: str) -> float:
    """PSNR in dB of another photograph, restored by a network that an objective trained."""
    Trainer(
        model=BLIND_NETWORK if objective["name"] == "blind_spot" else NETWORK,
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
    found = quality(tmp_path_factory.mktemp("supervised"), {"name": "supervised"}, "clean")
    clean = photograph(JUDGED_ON)
    noisy = float(-10 * (shot(clean, 1000) - clean).square().mean().log10())
    assert found > noisy + 4  # otherwise no distance from it would mean anything
    return found


# An objective, and how far from the supervised run it may be, in dB.
OBJECTIVES: list[tuple[dict[str, Any], float]] = [
    ({"name": "noise2noise"}, 0.4),
    ({"name": "noise2void"}, 1.8),
    ({"name": "noise2void", "strategy": "median"}, 1.6),
    ({"name": "blind_spot", "sigma": SIGMA}, 0.2),  # with a network of its own
    ({"name": "neighbor2neighbor", "ramp": 0}, 1.2),
    ({"name": "recorrupted2recorrupted", "sigma": SIGMA}, 0.6),
    (
        {"name": "noisier2noise", "alpha": 0.5, "extra": {"name": "gaussian", "std": SIGMA}},
        0.8,
    ),
    ({"name": "sure", "sigma": SIGMA}, 0.8),
    ({"name": "unsure"}, 0.8),
    ({"name": "blind2unblind", "ramp": STEPS}, 0.6),
]


@pytest.mark.parametrize(
    ("objective", "distance"), OBJECTIVES, ids=[each["name"] for each, _ in OBJECTIVES]
)
def test_comes_close_to_the_supervised_run(
    supervised: float, tmp_path: Path, objective: dict[str, Any], distance: float
) -> None:
    """Within a distance in dB, after the same steps, without a clean pixel."""
    given = "second" if objective["name"] == "noise2noise" else "nothing"
    assert quality(tmp_path, objective, given) > supervised - distance


def test_every_objective_for_noisy_pictures_is_trained() -> None:
    """One that is added needs a row."""
    assert {each["name"] for each, _ in OBJECTIVES} == set(objectives.names(tag="noisy targets"))
