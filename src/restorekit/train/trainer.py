"""The training loop, top to bottom."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import Any

from torch import Tensor, nn
from torch.distributed.tensor import DTensor

from restorekit.config.train_config import TrainConfig
from restorekit.errors import ArgumentError
from restorekit.objective.base import UsesNetwork
from restorekit.records import restore_batch
from restorekit.train.batches import training_batches
from restorekit.train.best_validation import BestValidation
from restorekit.train.callbacks import Callbacks
from restorekit.train.checkpoint import Stateful, capture_state, gather_weights, restore_state
from restorekit.train.data_workers import worker_faults
from restorekit.train.dataset_pictures import as_image
from restorekit.train.execution import Execution
from restorekit.train.folder_lock import lock_folder
from restorekit.train.health import Health
from restorekit.train.history import Meter
from restorekit.train.interruption import Interruption, exit_code
from restorekit.train.memory_check import check_memory, training_memory_errors
from restorekit.train.metric_rows import TrainingRow, ValidationRow
from restorekit.train.optimization import (
    MovingAverage,
    learning_rate,
    make_optimizer,
    make_schedule,
    set_learning_rate,
)
from restorekit.train.progress import RunProgress
from restorekit.train.run_folder import RunFolder, TrainOutcome
from restorekit.train.tensorboard import TensorBoard
from restorekit.train.train_plan import make_train_plan
from restorekit.train.trainer_arguments import check_settings, present_loss
from restorekit.train.validation import Validation


class Trainer:
    """Train a denoiser on clean images with a noise model, weighted loss terms and an optimizer.

    Args:
        config: a configuration, as a `TrainConfig`, a mapping or the path of its file. The other
            arguments replace what it contains. None makes a run of the other arguments alone.
        model: the name of an architecture, {"name": ..., argument: ...}, or a module.
        noise: a noise model in one of these forms, or any function; "classic_mixture" by default.
        objective: the training objective in one of these forms, or any object with `make_batch`;
            "supervised" by default.
        loss: a name, a map of name to weight, or a list of names, modules or (module, weight);
            "l1" by default.
        dataset: a dataset in one of these forms, or any object with `len` and `[index]`.
        validation_dataset: images to validate on, or several such datasets by name; None keeps a
            share of the dataset.
        validation_noise: noises to validate under, one or a list, each a noise model or an
            expression such as "gaussian:15,25,50"; None takes `noise`, each of a `one_of` apart.
        device: "auto", "cpu", "cuda" or "mps".
        save_weight_path: the folder of the results, "Saved_Models" if left out.
        load_weight_path: weights to start from.
        callbacks: objects with methods named like the training hooks of
            `restorekit.components.hookspecs`.
        losses: the former name of `loss`.
        **settings: the keys of the configuration's `train` section, such as `steps=1000`. They
            replace those of `config`; `steps` also replaces `epochs`, and vice versa.

    Raises:
        RestoreKitError: something named does not exist or cannot be made.

    Example:
        >>> from PIL import Image
        >>> Image.fromarray(image).save("a.png")
        >>> Image.fromarray(255 - image).save("b.png")
        >>> trainer = restorekit.Trainer(
        ...     model={"name": "dncnn", "depth": 3, "width": 4},
        ...     noise={"name": "gaussian", "std": 25 / 255},
        ...     dataset={"name": "folder", "path": ".", "patch_size": 16},
        ...     device="cpu",
        ...     save_weight_path="run",
        ...     steps=2,
        ...     batch_size=1,
        ... )
        >>> outcome = trainer.fit()
        >>> outcome.step, restorekit.load_model("run")(batch).shape
        (2, torch.Size([2, 3, 32, 32]))
    """

    def __init__(
        self,
        config: TrainConfig | Mapping[str, Any] | str | Path | None = None,
        *,
        model: Any = None,
        noise: Any = None,
        objective: Any = None,
        loss: Any = None,
        dataset: Any = None,
        validation_dataset: Any = None,
        validation_noise: Any = None,
        device: str | None = None,
        save_weight_path: str | Path | None = None,
        load_weight_path: str | Path | None = None,
        callbacks: Iterable[object] = (),
        losses: Any = None,
        **settings: Any,
    ) -> None:
        given = {
            "model": model,
            "noise": noise,
            "objective": objective,
            "loss": present_loss(loss, losses),
            "dataset": dataset,
            "validation_dataset": validation_dataset,
            "validation_noise": validation_noise,
            "device": device,
            "save_weight_path": save_weight_path,
            "load_weight_path": load_weight_path,
        }
        check_settings(settings, type(self).__init__)
        plan = make_train_plan(config, {k: v for k, v in given.items() if v is not None}, settings)
        self.plan, self.folder, self.settings = plan, plan.folder, plan.settings
        self.execution = Execution.start(plan.device, plan.settings)
        check_memory(plan, self.execution.device, self.execution.processes.launch.world)
        with training_memory_errors(plan, self.execution.device, lambda: None):
            self.model = self.execution.prepare(plan.model)
            for noise in (plan.noise, *plan.validation_noise):
                noise.to(self.execution.device)
            for term in plan.terms:
                term.module.to(self.execution.device)
            for metric in plan.metrics.values():
                metric.to(self.execution.device)
        self._prepare_objective()
        self.task = plan.objective
        with plan.errors_at_their_place():
            self.optimizer = make_optimizer(
                plan.settings, self.model.parameters(), self.execution.device
            )
            self.schedule = make_schedule(plan.settings)
        self.average = MovingAverage(self.model, plan.settings.ema) if plan.settings.ema else None
        self._plan_steps()
        self.places = self.execution.processes.places(plan.settings.batch_size)
        self.results = RunFolder(plan, self.execution.processes, self.split.pictures)
        self.meter = Meter(self.execution.processes)
        self.health = Health(plan.settings.max_nonfinite)
        self.callbacks = tuple(callbacks)

    def fit(
        self, resume: bool = False, progress: Callable[[int, bool], RunProgress] = RunProgress
    ) -> TrainOutcome:
        """Train from the start, or with `resume` from the newest whole checkpoint in the folder.

        A new run moves the files of an earlier one to a subfolder. SIGTERM, SIGINT and
        `max_minutes` end the run after the current step and save everything.

        Args:
            resume: continue the run whose checkpoint is in the folder.
            progress: makes what reports the run, of its number of steps and whether this process is
                the one that reports. By default lines go to the logger `restorekit.train.progress`.

        Raises:
            RestoreKitError: the data, the checkpoint or a component causes an error.
        """
        settings, processes, step, reason = self.settings, self.execution.processes, 0, 0
        with (
            worker_faults(),
            training_memory_errors(
                self.plan, self.execution.device, lambda: self.results.checkpoint
            ),
            self.execution.fork_rng(),
            processes.main_within(lock_folder(self.folder)),
            Interruption(settings.max_minutes) as interruption,
            progress(self.total_steps, processes.is_main) as report,
        ):
            step = start = self._begin(resume, report)
            report.begin(start)
            hooks = self._hooks()
            hooks.call("restorekit_train_start", trainer=self)
            batches = () if self.best.ends(start) else self.batches(start)
            for step, images in enumerate(batches, start + 1):
                self.meter.add(self.step(step, images), settings.batch_size)
                reason = processes.largest(interruption.reason)
                last = step == self.total_steps
                if step % settings.log_every == 0 or last:
                    row = self._log(step)
                    report.update(step, row)
                    hooks.call("restorekit_step_end", trainer=self, step=step, metrics=row)
                with self.meter.paused():
                    if step % self.validate_every == 0 or last:
                        report.validated = found = self._validate(step)
                        if found:
                            if (warning := self.best.warning(step, found)) is not None:
                                report.warn(warning)
                            hooks.call(
                                "restorekit_validation_end", trainer=self, step=step, metrics=found
                            )
                    if step % self.checkpoint_every == 0 or last or reason or self.best.ends(step):
                        self._save(step)
                if self.best.ends(step):
                    report.say(
                        f"step {step}: no better validation since step {self.best.row['step']}"
                    )
                    break
                if reason:
                    break
            if step == self.total_steps:  # a stopped run can still recover after a resume
                self.health.check_end(step)
            code = exit_code(reason)
            outcome = TrainOutcome(self.folder, step, self.best.row, self.health.skipped, code)
            hooks.call("restorekit_train_end", trainer=self, outcome=outcome)
        return outcome

    def batches(self, start: int) -> Iterable[Tensor]:
        """This process's clean images (n, C, H, W) of every step after `start`."""
        settings = self.settings
        return training_batches(
            self.plan.dataset,
            self.training_indices,
            batch_size=settings.batch_size,
            places=self.places,
            steps=range(start, self.total_steps),
            seed=settings.seed,
            num_workers=settings.num_workers,
            pin_memory=self.execution.device.type == "cuda",
        )

    def step(self, step: int, images: Tensor) -> dict[str, Tensor]:
        """Do one optimizer step.

        Args:
            step: its number, from 1. Learning rate, noise and dropout are derived from it.
            images: the part of the batch for this process, (n, C, H, W), in [0, 1].

        Returns:
            The loss terms and their weighted sum. Values are the contribution of this process to
            the mean over the batch.
        """
        settings, execution, terms = self.settings, self.execution, self.plan.terms
        set_learning_rate(
            self.optimizer, learning_rate(settings, self.schedule, step, self.total_steps)
        )
        execution.seed(settings.seed, "network", step, execution.processes.launch.rank)
        self.model.train()
        self.optimizer.zero_grad(set_to_none=True)
        measured: dict[str, Tensor] = {}
        buffers = [buffer.clone() for buffer in self.model.buffers()]
        # The number of parts must be equal in all processes, since they synchronise in each part.
        count = min(settings.accumulate, settings.batch_size // execution.processes.launch.world)
        parts, done = images.tensor_split(count), 0
        for number, part in enumerate(parts, 1):
            places = self.places[done : done + len(part)]
            given = self.task.make_batch(execution.place(part), settings.seed, step, places)
            share = len(part) / settings.batch_size
            with execution.accumulating(self.model, last=number == len(parts)):
                with execution.autocast():
                    restoration = restore_batch(self.model, given.input, given.sigma)
                counted = given.masked(restoration)
                values: dict[str, Any] = {t.name: t.measure(counted, given.target) for t in terms}
                values["loss"] = sum(t.weight * values[t.name] for t in terms)
                if not values["loss"].requires_grad:
                    raise ArgumentError("the loss terms do not depend on the network's output")
                # DDP averages gradients over processes; this weights each process by its images.
                execution.scaler.scale(
                    values["loss"] * share * execution.processes.launch.world
                ).backward()
            for name, value in values.items():
                measured[name] = measured.get(name, 0) + value.detach() * share
            done += len(part)
        self._apply_gradients(step, measured, buffers)
        return measured

    def _apply_gradients(
        self, step: int, measured: dict[str, Tensor], buffers: list[Tensor]
    ) -> None:
        """Update the weights. A step whose loss or gradient is not finite is skipped."""
        settings, scaler, processes = self.settings, self.execution.scaler, self.execution.processes
        scaler.unscale_(self.optimizer)
        weights = list(self.model.parameters())
        norm = nn.utils.get_total_norm(w.grad for w in weights if w.grad is not None)
        if settings.clip_norm is not None:
            nn.utils.clip_grads_with_norm_(weights, settings.clip_norm, norm)
        size = float(norm.full_tensor() if isinstance(norm, DTensor) else norm)
        loss = float(processes.sum({"loss": measured["loss"]})["loss"])
        if math.isfinite(size) and math.isfinite(loss):
            scaler.step(self.optimizer)
            self.health.good()
            if self.average is not None:
                self.average.update(self.model, step)
        else:
            for buffer, before in zip(self.model.buffers(), buffers, strict=True):
                buffer.copy_(before)  # running statistics include the bad batch
            # While a float16 scaler is still reducing its scale, overflows are expected and are
            # not counted as faults.
            if not scaler.is_enabled() or not math.isfinite(loss) or scaler.get_scale() < 1:
                values = {name: float(v) for name, v in processes.sum(measured).items()}
                rate = self.optimizer.param_groups[0]["lr"]
                self.health.bad(step, values, rate, self.results.checkpoint)
        scaler.update()

    def _prepare_objective(self) -> None:
        """Prepare an objective with a network of its own, and try whether it fits the images."""
        objective = self.plan.objective
        if isinstance(objective, UsesNetwork):
            objective.prepare(self.execution)
            dataset: Any = self.plan.dataset
            image = as_image(dataset[0]).unsqueeze(0)
            with self.plan.errors_at_their_place("objective"):
                objective.make_batch(self.execution.place(image), self.settings.seed, 1, [0])

    def _plan_steps(self) -> None:
        settings, plan = self.settings, self.plan
        self.split = plan.divide()
        self.training_indices = self.split.training
        self.validation = Validation(
            self.split.sets,
            plan.validation_noise or (plan.noise,),
            plan.terms,
            self.execution,
            metrics=plan.metrics,
            deciding=plan.criterion.name,
            batch_size=settings.batch_size,
            seed=settings.seed,
        )
        per_epoch = len(self.training_indices) / settings.batch_size
        self.total_steps = settings.steps or math.ceil((settings.epochs or 1) * per_epoch)
        self.validate_every = settings.validate_every or max(self.total_steps // 20, 1)
        self.checkpoint_every = settings.checkpoint_every or self.validate_every
        self.best = BestValidation(
            plan.criterion, settings.early_stopping, self.validate_every, self.total_steps
        )

    def _begin(self, resume: bool, report: RunProgress) -> int:
        """The step to start after, everything taken up that an earlier part of the run left."""
        state = self.results.load(report.warn) if resume else None
        if state is not None:
            restore_state(state, self.model, self.optimizer, self.average, **self._others())
            self.best.row = state["best"]
        step = self.execution.processes.agreed(int(state["step"]) if state else 0)
        self.validation.check()
        if not self.validation and self.settings.validation_split:
            report.warn("no validation: the dataset has no second picture to hold out")
        self.results.begin(step, resume, report.say)
        return step

    def _log(self, step: int) -> TrainingRow:
        """Log the means since the last row, over all processes."""
        terms, rate = self.meter.read()
        row: TrainingRow = {
            "epoch": step * self.settings.batch_size / len(self.training_indices),
            "loss": terms.pop("loss"),
            "terms": terms,
            "learning_rate": self.optimizer.param_groups[0]["lr"],
            "images_per_second": rate,
        }
        self.results.log(step, row)
        return row

    def _validate(self, step: int) -> ValidationRow:
        """Validate the current weights, or their moving average, and save them if they are best."""
        if not self.validation:
            self.results.validated(step, {}, self.validation)
            return {}
        self.model.eval()
        with self._usable_weights():
            measured = self.validation.measure(self.execution.alone(self.model))
        self.results.validated(step, measured, self.validation)
        if self.best.offer(step, measured):
            self._save_weights("best", step)
        return measured

    def _save(self, step: int) -> None:
        self._save_weights("last", step)
        state = capture_state(self.model, self.optimizer, self.average, **self._others())
        self.results.save_state({"step": step, "best": self.best.row, **state})

    def _others(self) -> dict[str, Stateful]:
        return {"scaler": self.execution.scaler, "health": self.health, "meter": self.meter}

    def _save_weights(self, name: str, step: int) -> None:
        with self._usable_weights():
            self.results.save_weights(name, step, gather_weights(self.model))

    def _usable_weights(self) -> AbstractContextManager[None]:
        """Within the block the model has the moving average of its weights, if one is kept."""
        return self.average.applied(self.model) if self.average else nullcontext()

    def _hooks(self) -> Callbacks:
        """The receivers of the training hooks: plugins, objects of the user, TensorBoard."""
        if not self.execution.processes.is_main:
            return Callbacks(plugins=False)
        own = [TensorBoard(self.folder / "tensorboard")] if self.settings.tensorboard else []
        return Callbacks(*own, *self.callbacks)
