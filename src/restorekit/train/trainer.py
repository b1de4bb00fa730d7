"""The training loop, top to bottom."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from contextlib import ExitStack
from itertools import chain
from pathlib import Path
from typing import Any

from torch import Tensor

from restorekit.config.train_config import TrainConfig
from restorekit.progress_bar import Progress, check_progress
from restorekit.train.batches import training_batches
from restorekit.train.best_validation import BestValidation
from restorekit.train.callbacks import Callbacks, check_callbacks
from restorekit.train.data_workers import worker_faults
from restorekit.train.execution import Execution
from restorekit.train.folder_lock import lock_folder
from restorekit.train.history import Meter
from restorekit.train.interruption import Interruption, exit_code
from restorekit.train.learner import Learner
from restorekit.train.memory_check import training_memory_errors
from restorekit.train.metric_rows import TrainingRow, ValidationRow
from restorekit.train.mixed_batches import ImageBatch, map_batch
from restorekit.train.optimization import learning_rate, make_schedule
from restorekit.train.placement import place_parts
from restorekit.train.progress import RunProgress
from restorekit.train.repeatability import repeatability_faults, seeded_globals
from restorekit.train.run_folder import RunFolder, TrainOutcome
from restorekit.train.shown_progress import make_progress
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
            "l1" by default. Losses of other packages, `torch.nn.L1Loss()` for example, work too.
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
        progress: True shows a bar with the figures of the run, on a terminal or in a notebook, and
            a line now and then elsewhere. A function is called with the step, the number of steps
            and a line of figures, whenever a step is logged; an exception of it ends the run.
            Without a bar, lines go to the logger `restorekit.train.progress`.
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
        progress: Progress = False,
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
        self.model = place_parts(plan, self.execution)
        with plan.errors_at_their_place():
            self.learner = Learner(plan, self.model, self.execution, self._checkpoint)
            self.schedule = make_schedule(plan.settings)
        self.optimizer, self.health = self.learner.optimizer, self.learner.health
        self._plan_steps()
        self.places = self.execution.processes.places(plan.settings.batch_size)
        self.results = RunFolder(plan, self.execution.processes, self.split.pictures)
        self.meter = Meter(self.execution.processes)
        self.callbacks = check_callbacks((*plan.loggers(), *callbacks))
        check_progress(progress)
        self.progress = progress

    def fit(self, resume: bool = False, progress: Progress | None = None) -> TrainOutcome:
        """Train from the start, or with `resume` from the newest whole checkpoint in the folder.

        A new run moves the files of an earlier one to a subfolder. SIGTERM, SIGINT and
        `max_minutes` end the run after the current step and save everything.

        Args:
            resume: continue the run whose checkpoint is in the folder.
            progress: as for `Trainer`; None for what was given there.

        Raises:
            RestoreKitError: the data, the checkpoint or a component causes an error.
        """
        settings, processes, step, reason = self.settings, self.execution.processes, 0, 0
        progress = self.progress if progress is None else progress
        with (
            ExitStack() as ending,
            worker_faults(),
            training_memory_errors(self.plan, self.execution.device, self._checkpoint),
            self.execution.fork_rng(),
            processes.main_within(lock_folder(self.folder)),
            Interruption(settings.max_minutes) as interruption,
            make_progress(progress, self.total_steps, processes.is_main) as report,
        ):
            start, batches = self._begin(resume, report)
            step = start
            report.begin(start)
            hooks = self._hooks()
            hooks.call("restorekit_train_start", trainer=self)
            # Leaves last, so that the hook gets the error that `fit` raises.
            ending.enter_context(hooks.ended_by_errors(self))
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
                        self._validate(step, report, hooks)
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
            hooks.call("restorekit_train_end", trainer=self, outcome=outcome, error=None)
        return outcome

    def batches(self, start: int) -> Iterable[ImageBatch]:
        """This process's images (n, C, H, W) of every step after `start`."""
        return training_batches(
            self.plan.dataset,
            self.training_indices,
            batch_size=self.settings.batch_size,
            places=self.places,
            steps=range(start, self.total_steps),
            seed=self.settings.seed,
            num_workers=self.settings.num_workers,
            pin_memory=self.execution.device.type == "cuda",
        )

    def step(self, step: int, images: ImageBatch) -> dict[str, Tensor]:
        """Do one optimizer step.

        Args:
            step: its number, from 1. Learning rate, noise and dropout are derived from it.
            images: the part of the batch for this process, (n, C, H, W), in [0, 1].

        Returns:
            The loss terms and their weighted sum. Values are the contribution of this process to
            the mean over the batch.
        """
        rate = learning_rate(self.settings, self.schedule, step, self.total_steps)
        return self.learner.step(step, images, self.places, rate)

    def _plan_steps(self) -> None:
        settings, plan = self.settings, self.plan
        self.split = plan.divide()
        self.training_indices = self.split.training
        self.validation = Validation(
            self.split.sets,
            plan.validation_noise or (plan.noise,),
            plan.objective,
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

    def _begin(self, resume: bool, report: RunProgress) -> tuple[int, Iterable[ImageBatch]]:
        """The step to start after, and the batches from there on.

        Takes up what an earlier part of the run left.
        """
        state = self.results.load(report.warn) if resume else None
        if state is not None:
            self.learner.restore(state, meter=self.meter)
            self.best.row = state["best"]
        step = self.execution.processes.agreed(int(state["step"]) if state else 0)
        self.validation.check()
        if not self.validation and self.settings.validation_split:
            report.warn("no validation: the dataset has no second picture to hold out")
        for fault in repeatability_faults(
            self.plan.dataset, self.training_indices[0], self.plan.noise
        ):
            report.warn(fault)
        with seeded_globals(self.settings.seed):
            batches = () if self.best.ends(step) else self._rehearse(step)
        self.results.begin(step, resume, report.say)
        return step, batches

    def _rehearse(self, start: int) -> Iterable[ImageBatch]:
        """The batches after a step, once the next step was tried and nothing was changed.

        So errors come before anything is written.
        """
        batches = iter(self.batches(start))
        # First, since data workers must be forked before the network starts threads.
        for first in batches:
            self.learner.rehearse(start + 1, map_batch(first, Tensor.clone), self.places)
            self.model.eval()
            self.validation.measure(self.execution.alone(self.model), batches=1)
            return chain([first], batches)
        return ()

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

    def _validate(self, step: int, report: RunProgress, hooks: Callbacks) -> None:
        """Validate the current weights, or their moving average, and save them if they are best."""
        measured: ValidationRow = {}
        if self.validation:
            self.model.eval()
            with self.learner.usable_weights():
                measured = self.validation.measure(self.execution.alone(self.model))
        self.results.validated(step, measured, self.validation)
        report.validated = measured
        if not measured:
            return
        if self.best.offer(step, measured):
            self.results.save_weights("best", step, self.learner.weights())
        if (warning := self.best.warning(step, measured)) is not None:
            report.warn(warning)
        hooks.call("restorekit_validation_end", trainer=self, step=step, metrics=measured)

    def _save(self, step: int) -> None:
        self.results.save_weights("last", step, self.learner.weights())
        state = self.learner.capture(meter=self.meter)
        self.results.save_state({"step": step, "best": self.best.row, **state})

    def _checkpoint(self) -> Path | None:
        """The training state to go back to, if there is one."""
        return self.results.checkpoint

    def _hooks(self) -> Callbacks:
        """The receivers of the training hooks: plugins, loggers, objects of the user."""
        is_main = self.execution.processes.is_main
        return Callbacks(*self.callbacks) if is_main else Callbacks(plugins=False)
