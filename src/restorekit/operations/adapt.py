"""A trained network made to fit the noisy pictures of a folder, without clean ones."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from os import PathLike
from pathlib import Path
from typing import Any

from torch import nn

from restorekit.components.catalogue import refuse_unknown
from restorekit.components.kinds import objectives
from restorekit.errors import ArgumentError, DataError
from restorekit.networks.network import Network
from restorekit.operations.noisy_tiles import NoisyTiles, cut_tiles
from restorekit.pictures.read_files import find_images
from restorekit.progress_bar import Progress
from restorekit.restore.analysis import Analysis
from restorekit.restore.analyze import analyze
from restorekit.restore.choice import choose
from restorekit.restore.denoise_options import AUTOMATIC
from restorekit.train.metric_rows import ValidationRow
from restorekit.train.trainer import Trainer
from restorekit.untrusted.text import quoted
from restorekit.weights import annotate, find_weights, load_model, save_model

_MOST_ANALYSED = 8
_MORE = 1.05  # an estimate of the noise varies by about as much
_EVERY, _PATIENCE = 25, 6  # steps between validations, and validations without a better one
_WEIGHTS = "best.safetensors"
# Where noise grows with the signal, a patch has no single level.
_UNEVEN = {"name": "neighbor2neighbor", "ramp": 0}
_WHITE = {"name": "recorrupted2recorrupted", "sigma": "estimate"}


@dataclass(frozen=True)
class AdaptOutcome:
    """The result of an adaptation.

    Attributes:
        folder: the folder with the weights, which `denoise` takes as a model.
        start: the weights that it began with.
        objective: the name of the objective.
        before: its loss on the parts of the pictures that were held out, before.
        after: the smallest such loss of the adapted network; NaN if the training ended before it
            was measured.
        step: the step of the weights that were kept; 0 for those from the start.
        exit_code: 0, or 130 or 143 if a signal ended the training.

    Example:
        >>> from pathlib import Path
        >>> outcome = restorekit.AdaptOutcome(Path("mine"), "swift-photo", "sure", 0.2, 0.1, 5)
        >>> outcome.is_better
        True
    """

    folder: Path
    start: str
    objective: str
    before: float
    after: float
    step: int
    exit_code: int = 0

    @property
    def is_better(self) -> bool:
        """Whether the adapted network was kept."""
        return self.step > 0

    @property
    def losses(self) -> str:
        """The held-out losses in words."""
        if math.isnan(self.after):
            later = f"not measured again: the training ended before step {_EVERY}"
        else:
            later = f"{self.after:.6f} after"
        return f"held-out loss {self.before:.6f} before, {later}"


def adapt(
    inputs: str | PathLike[str] | Sequence[str | PathLike[str]],
    output: str | PathLike[str],
    model: str = AUTOMATIC,
    *,
    objective: str | Mapping[str, Any] | None = None,
    minutes: float = 5.0,
    steps: int = 2000,
    learning_rate: float = 5e-5,
    seed: int = 0,
    device: str = "auto",
    progress: Progress = False,
) -> AdaptOutcome:
    """Adapt trained weights to noisy pictures, from these pictures alone.

    A fifth of the pictures' area is held out. The adapted network is kept if the loss of the
    objective becomes smaller there and no more noise is left; else the one from the start. The
    training stops after `minutes`, or as soon as that loss no longer becomes smaller.

    Args:
        inputs: a folder, a picture, or several of them.
        output: the folder for the weights and the records of the training.
        model: the weights to start from: a name, a file or the folder of a run. "auto" takes those
            that `denoise` chooses for most of the pictures.
        objective: how to learn; see the guide on training without clean pictures. None takes
            `recorrupted2recorrupted` for white noise, or `neighbor2neighbor` if it grows with the
            signal; there is none for noise that is correlated between pixels.
        minutes: the most time to train.
        steps: the most steps to train.
        learning_rate: the learning rate of the first step.
        seed: seed of the random numbers.
        device: "auto", "cpu", "cuda" or "mps".
        progress: as for `Trainer`.

    Raises:
        DataError: there is no picture, or there are too few pixels.
        ArgumentError: the noise is correlated between pixels and no objective was given.
        UnknownNameError: no objective has that name.
        InputError: the objective needs more than single noisy pictures.
        CheckpointError: the weights do not exist or cannot be read.

    Example:
        >>> noisy = np.clip(128 + 20 * np.random.default_rng(0).normal(size=(96, 96)), 0, 255)
        >>> from PIL import Image
        >>> Image.fromarray(noisy.astype(np.uint8)).save("noisy.png")
        >>> outcome = restorekit.adapt("noisy.png", "mine", "swift-gaussian-gray", steps=1)
        >>> outcome.folder.name, outcome.start
        ('mine', 'swift-gaussian-gray')
    """
    if objective is not None:
        _check_objective(objective)
    paths = _pictures(inputs)
    if model == AUTOMATIC or objective is None:
        analyses = [analyze(path) for path in _evenly(paths)]
        model = _most_chosen(analyses) if model == AUTOMATIC else model
        objective = _suited(analyses) if objective is None else objective
    start = find_weights(model)
    network = load_model(start)
    of_network = Network(network)
    if of_network.takes_sigma and not of_network.sigma_is_optional:
        objective = _with_level(objective)
    training, held_out = cut_tiles(paths, of_network.channels or 3, seed)
    trainer = _trainer(
        network,
        training,
        held_out,
        objective,
        output,
        minutes=minutes,
        steps=steps,
        learning_rate=learning_rate,
        seed=seed,
        device=device,
    )
    before = _validation(trainer)
    outcome = trainer.fit(progress=progress)
    after = outcome.best
    adapted = AdaptOutcome(
        outcome.folder,
        model,
        str(trainer.plan.card()["objective"].get("name")),
        float(before.get("loss", math.nan)),
        float(after.get("loss", math.nan)),
        int(after["step"]) if _is_better(after, before) else 0,
        outcome.exit_code,
    )
    _describe(adapted, start, len(paths))
    return adapted


def _check_objective(objective: str | Mapping[str, Any]) -> None:
    """Check that an objective has a known name.

    Raises:
        ArgumentError: it has no name.
        UnknownNameError: it is unknown; the message has those that learn from single noisy images.
    """
    name = objective.get("name") if isinstance(objective, Mapping) else objective
    if not isinstance(name, str):
        raise ArgumentError(f"objective {quoted(objective)} has no name")
    refuse_unknown(
        objectives, name, lambda each: "noisy targets" in each.tags and "pairs" not in each.tags
    )


def _trainer(
    network: nn.Module,
    training: NoisyTiles,
    held_out: NoisyTiles,
    objective: object,
    output: str | PathLike[str],
    *,
    minutes: float,
    steps: int,
    **settings: Any,
) -> Trainer:
    """The run that continues the training of a network on noisy pictures."""
    return Trainer(
        model=network,
        noise="gaussian",  # not used: the pictures are noisy themselves
        objective=objective,
        loss="mse",
        dataset=training,
        validation_dataset=held_out,
        save_weight_path=Path(output),
        steps=steps,
        batch_size=8,
        ema=0.99,
        max_minutes=minutes,
        validate_every=min(_EVERY, steps),
        early_stopping=_PATIENCE,
        **settings,
    )


def _with_level(objective: str | Mapping[str, Any]) -> Mapping[str, Any]:
    """The objective with an estimated level, for a network that needs one."""
    spec = {"name": objective} if isinstance(objective, str) else dict(objective)
    arguments = [each.name for each in objectives.describe(str(spec["name"])).arguments]
    return {"sigma": "estimate", **spec} if "sigma" in arguments else spec


def _validation(trainer: Trainer) -> ValidationRow:
    """What is measured on the parts that are held out, before the training."""
    trainer.model.eval()
    return trainer.validation.measure(trainer.execution.alone(trainer.model))


def _is_better(after: ValidationRow, before: ValidationRow) -> bool:
    """Whether the loss has become smaller, and the noise that is left not larger.

    A network can lower the loss by keeping noise if the objective does not suit the noise.
    """
    if not after or not before:
        return False
    return after["loss"] < before["loss"] and after["noise_left"] <= _MORE * before["noise_left"]


def _describe(outcome: AdaptOutcome, start: Path, pictures: int) -> None:
    """Write on the card what the weights were adapted to; keep those from the start if better."""
    weights = outcome.folder / _WEIGHTS
    if not outcome.is_better:
        save_model(load_model(start), weights, {})
    kept = f"step {outcome.step}" if outcome.is_better else "the weights from the start"
    data = f"adapted from {outcome.start} on {pictures} noisy pictures without clean ones"
    fields = {
        "noise": None,
        "summary": f"{outcome.start} adapted to noisy pictures",
        "training_data": f"{data}, objective {outcome.objective}",
        "measured": f"{outcome.losses}; kept: {kept}",
    }
    annotate(weights, weights, fields)


def _pictures(inputs: str | PathLike[str] | Sequence[str | PathLike[str]]) -> list[Path]:
    """The picture files of the inputs.

    Raises:
        DataError: there are none.
    """
    given = [inputs] if isinstance(inputs, (str, PathLike)) else list(inputs)
    paths: list[Path] = []
    for each in map(Path, given):
        paths += find_images(each) if each.is_dir() or not each.is_file() else [each]
    if not paths:
        raise DataError(f"no picture in {', '.join(repr(str(each)) for each in given)}")
    return paths


def _evenly(paths: Sequence[Path]) -> Sequence[Path]:
    """At most eight of the pictures, evenly spaced."""
    return paths[:: -(-len(paths) // _MOST_ANALYSED)]


def _most_chosen(analyses: Sequence[Analysis]) -> str:
    """The weights that are chosen for most of the pictures."""
    return Counter(choose(each).model for each in analyses).most_common(1)[0][0]


def _suited(analyses: Sequence[Analysis]) -> dict[str, Any]:
    """The objective for the noise of most pictures.

    Raises:
        ArgumentError: it is correlated between pixels.
    """
    grows = sum(each.noise_curve.is_trustworthy for each in analyses)
    white = [each.correlation.is_white or each.noise_curve.is_trustworthy for each in analyses]
    if 2 * sum(white) > len(white):
        return _UNEVEN if 2 * grows > len(white) else _WHITE
    raise ArgumentError(
        f"the noise of {len(white) - sum(white)} of {len(white)} pictures is correlated between "
        "pixels, so a network would learn to keep it; use the weights as they are, learn from "
        "several shots of each scene with the objective noise2noise, or choose an objective"
    )
