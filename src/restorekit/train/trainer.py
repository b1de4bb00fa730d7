"""The training loop, top to bottom."""

from __future__ import annotations

import json
import math
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from restorekit.atomic import atomic_path
from restorekit.config import TrainConfig
from restorekit.errors import CheckpointError
from restorekit.train.batches import corrupt, split, training_batches
from restorekit.train.checkpoint import load_state, save_state, set_aside
from restorekit.train.history import History, Meter
from restorekit.train.optimization import (
    MovingAverage,
    learning_rate,
    make_optimizer,
    set_learning_rate,
)
from restorekit.train.plan import Plan, from_config, restorer
from restorekit.train.progress import RunProgress
from restorekit.train.runtime import Runtime
from restorekit.train.validation import indexed, validate
from restorekit.weights import save_model


@dataclass(frozen=True)
class Outcome:
    """How a run ended.

    Attributes:
        folder: where its weights, metrics and loss map are.
        step: steps done.
        best: what the best validation measured; empty where there was none.
        exit_code: 0 where the run came to its end.
    """

    folder: Path
    step: int
    best: dict[str, Any]
    exit_code: int = 0


class Trainer:
    """Trains a denoiser: noise on clean images, a model, weighted loss terms, an optimizer.

    Args:
        config: a configuration; leave it out to give the parts by name or as objects.
        model: an architecture's name, {"name": ..., argument: ...}, or a module.
        noise: a noise model, given likewise.
        losses: a name, a map of name to weight, or a list of names, modules or (module, weight).
        dataset: a dataset, given likewise; any object with `len` and `[index]` will do.
        validation_dataset: images to validate on; None keeps a share of the dataset.
        device: "auto", "cpu", "cuda" or "mps".
        save_weight_path: the folder of the results.
        load_weight_path: weights to start from.
        settings: the keys of the configuration's `train` section.

    Raises:
        RestoreKitError: something named does not exist or cannot be made.
    """

    def __init__(
        self,
        config: TrainConfig | None = None,
        *,
        model: Any = None,
        noise: Any = "classic_mixture",
        losses: Any = "l1",
        dataset: Any = None,
        validation_dataset: Any = None,
        device: str = "auto",
        save_weight_path: str | Path = "Saved_Models",
        load_weight_path: str | Path | None = None,
        **settings: Any,
    ) -> None:
        self.plan = (
            from_config(config)
            if config is not None
            else Plan.make(
                model=model,
                noise=noise,
                losses=losses,
                dataset=dataset,
                validation_dataset=validation_dataset,
                device=device,
                save_weight_path=save_weight_path,
                load_weight_path=load_weight_path,
                settings=settings,
            )
        )
        plan, chosen = self.plan, self.plan.settings
        self.folder = plan.folder
        self.runtime = Runtime.start(plan.device, chosen.precision, chosen.channels_last)
        self.model = self.runtime.prepare(plan.model)
        self.noise = plan.noise.to(self.runtime.device)
        for term in plan.terms:
            term.module.to(self.runtime.device)
        self.restore = restorer(self.model)
        self.optimizer = make_optimizer(chosen, self.model.parameters(), self.runtime.device)
        self.average = MovingAverage(self.model, chosen.ema) if chosen.ema else None
        self._split_data()
        self.history = History(self.folder)
        self.best: dict[str, Any] = {}

    def fit(self, resume: bool = False) -> Outcome:
        """Train from the start, or with `resume` from the newest checkpoint in the folder.

        A fresh run moves an earlier one's files into a folder of their own.

        Raises:
            RestoreKitError: the data, the checkpoint or a component fails the run.
        """
        settings = self.plan.settings
        start = self._prepare_folder(resume)
        meter = Meter()
        with torch.random.fork_rng(), RunProgress(start, self.total_steps) as progress:
            for step, clean in enumerate(self.batches(start), start + 1):
                meter.add(self.step(step, clean), len(clean))
                logged = self._log(step, meter) if self._due(step, settings.log_every) else None
                with meter.paused():
                    if self._due(step, self.validate_every):
                        progress.psnr = self._validate(step)
                    if self._due(step, self.checkpoint_every):
                        self._save(step)
                if logged is not None:
                    progress.update(step, *logged)
        return Outcome(self.folder, self.total_steps, self.best)

    def batches(self, start: int) -> Iterable[Tensor]:
        """The clean batches (B, C, H, W) of every step after `start`."""
        settings = self.plan.settings
        return training_batches(
            self.plan.dataset,
            self.training_indices,
            batch_size=settings.batch_size,
            steps=range(start, self.total_steps),
            seed=settings.seed,
            num_workers=settings.num_workers,
            pin_memory=self.runtime.device.type == "cuda",
        )

    def step(self, step: int, clean: Tensor) -> dict[str, Tensor]:
        """One optimizer step on a clean batch (B, C, H, W); returns the terms and their sum.

        Args:
            step: its number, from 1: learning rate, noise and dropout are derived from it.
            clean: the batch, in [0, 1].
        """
        settings, runtime = self.plan.settings, self.runtime
        set_learning_rate(self.optimizer, learning_rate(settings, step, self.total_steps))
        runtime.seed(settings.seed, "network", step)
        self.model.train()
        self.optimizer.zero_grad(set_to_none=True)
        measured: dict[str, Tensor] = {}
        place = 0
        for part in clean.chunk(settings.accumulate):
            part, share = runtime.place(part), len(part) / len(clean)
            places = range(place, place + len(part))
            degraded = corrupt(self.noise, part, settings.seed, "noise", step, places)
            with runtime.autocast():
                restoration = self.restore(degraded.noisy, degraded.sigma)
            values = {term.name: term.module(restoration, part) for term in self.plan.terms}
            loss = sum(term.weight * values[term.name] for term in self.plan.terms)
            runtime.scaler.scale(loss * share).backward()
            for name, value in {**values, "loss": loss}.items():
                measured[name] = measured.get(name, 0) + value.detach() * share
            place += len(part)
        runtime.scaler.unscale_(self.optimizer)
        if settings.clip_norm is not None:
            nn.utils.clip_grad_norm_(self.model.parameters(), settings.clip_norm)
        runtime.scaler.step(self.optimizer)
        runtime.scaler.update()
        if self.average is not None:
            self.average.update(self.model, step)
        return measured

    def _due(self, step: int, every: int) -> bool:
        return step % every == 0 or step == self.total_steps

    def _split_data(self) -> None:
        settings, plan = self.plan.settings, self.plan
        own = plan.validation_dataset is None
        share = settings.validation_split if own else 0.0
        training, held_out = split(plan.dataset, share, settings.training_images, settings.seed)
        self.training_indices = training
        self.validation_data = plan.dataset if own else plan.validation_dataset
        candidates = held_out or range(0 if own else len(self.validation_data))
        stride = max(len(candidates) // settings.validation_images, 1)
        self.validation_indices = candidates[::stride][: settings.validation_images]
        per_epoch = len(training) / settings.batch_size
        self.total_steps = settings.steps or math.ceil((settings.epochs or 1) * per_epoch)
        self.validate_every = settings.validate_every or max(self.total_steps // 20, 1)
        self.checkpoint_every = settings.checkpoint_every or self.validate_every

    def _prepare_folder(self, resume: bool) -> int:
        """The step to start after, with the run's folder ready for it."""
        state = load_state(self.folder, self.runtime.device) if resume else None
        self.folder.mkdir(parents=True, exist_ok=True)
        if not resume:
            set_aside(self.folder)
        if state is not None:
            self._take_up(state)
        start = state["step"] if state else 0
        self.history.resume(start)
        with atomic_path(self.folder / "config.json") as temporary:
            temporary.write_text(json.dumps(self.plan.resolved(), indent=2) + "\n")
        return start

    def _take_up(self, state: dict[str, Any]) -> None:
        try:
            self.model.load_state_dict(state["model"])
            self.optimizer.load_state_dict(state["optimizer"])
            self.runtime.scaler.load_state_dict(state["scaler"])
            if self.average is not None:
                self.average.model.load_state_dict(state["average"])
            self.best = state["best"]
        except (KeyError, ValueError, RuntimeError) as error:
            reason = " ".join(str(error).split())[:200]
            raise CheckpointError(
                f"{self.folder}: its training state does not fit this configuration ({reason})"
            ) from error

    def _log(self, step: int, meter: Meter) -> tuple[float, float]:
        """Write the means since the last line; the loss and images a second, for the progress."""
        values, rate = meter.read()
        loss = values.pop("loss")
        self.history.add(
            "train",
            step,
            {
                "epoch": step * self.plan.settings.batch_size / len(self.training_indices),
                "loss": loss,
                "terms": values,
                "learning_rate": self.optimizer.param_groups[0]["lr"],
                "images_per_second": rate,
            },
        )
        return loss, rate

    @property
    def network(self) -> nn.Module:
        """The weights to use: the moving average where one is kept, else the model's own."""
        return self.average.model if self.average is not None else self.model

    def _validate(self, step: int) -> float | None:
        """Measure, draw the loss map, and keep the weights if they are the best so far."""
        if not self.validation_indices:
            self.history.draw()
            return None
        self.model.eval()
        measured = validate(
            restorer(self.network.eval()),
            self.noise,
            self.plan.terms,
            indexed(self.validation_data, self.validation_indices),
            self.runtime,
            batch_size=self.plan.settings.batch_size,
            seed=self.plan.settings.seed,
        )
        self.history.add("validation", step, measured)
        self.history.draw()
        if measured["psnr"] > self.best.get("psnr", -math.inf):
            self.best = {"step": step, **measured}
            self._save_weights("best", step, measured)
        return float(measured["psnr"])

    def _save(self, step: int) -> None:
        self._save_weights("last", step, self.history.last("validation"))
        save_state(
            self.folder,
            {
                "step": step,
                "model": self.model.state_dict(),
                "optimizer": self.optimizer.state_dict(),
                "scaler": self.runtime.scaler.state_dict(),
                "average": self.average.model.state_dict() if self.average else None,
                "best": self.best,
            },
        )

    def _save_weights(self, name: str, step: int, metrics: dict[str, Any]) -> None:
        card = {**self.plan.card(), "step": step, "metrics": metrics}
        save_model(self.network, self.folder / f"{name}.safetensors", card)
