"""The section `train` of a configuration: how long, how fast and with what to train."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

from pydantic import Field, model_validator

from restorekit.config.component_specs import (
    ComponentSpec,
    LoggersField,
    MetricsField,
    OptimizerField,
    ScheduleField,
    Section,
)
from restorekit.devices import Precision


class TrainSettings(Section):
    """How long, how fast and with what to train."""

    steps: int | None = Field(None, ge=1, description="Optimizer steps; or give epochs.")
    epochs: int | None = Field(None, ge=1, description="Passes over the dataset; 10 if no steps.")
    batch_size: int = Field(16, ge=1, description="Images a step, over all processes.")
    accumulate: int = Field(1, ge=1, description="Parts a batch is computed in, to save memory.")
    learning_rate: float = Field(1e-3, gt=0, description="Peak learning rate.")
    schedule: ScheduleField = Field(
        ComponentSpec(name="cosine"),
        validate_default=True,
        description="The course of the learning rate after the warm-up.",
    )
    warmup_steps: int = Field(0, ge=0, description="Steps over which the learning rate rises.")
    optimizer: OptimizerField = Field(
        ComponentSpec(name="adamw"),
        validate_default=True,
        description="The optimizer, with its arguments; its name in any letter case.",
    )
    betas: tuple[float, float] = Field(
        (0.9, 0.999), description="Decay of the running averages, for optimizers that have them."
    )
    weight_decay: float = Field(0.0, ge=0, description="Weight decay of the optimizer.")
    clip_norm: float | None = Field(
        None, gt=0, description="Largest norm of the gradient; null does not clip."
    )
    ema: float | None = Field(
        None,
        gt=0,
        lt=1,
        description="Decay of the moving average of the weights that validation, best and last "
        "then use; null keeps none.",
    )
    precision: Precision = Field(
        "auto", description="Number format of the network; auto is bfloat16 where it is native."
    )
    compile: bool = Field(False, description="Put the network through torch.compile.")
    channels_last: bool = Field(True, description="Memory layout; faster for convolutions.")
    num_workers: int = Field(0, ge=0, le=256, description="Additional processes that read data.")
    validation_split: float = Field(
        0.1,
        ge=0,
        lt=1,
        description="Share of the images kept for validation; unless it is 0, at least 4 where "
        "more are left to train on.",
    )
    training_images: int | None = Field(
        None, ge=1, description="Number of images to train on, the rest validates; or null."
    )
    validation_images: int = Field(
        64, ge=1, description="Most images a validation set uses, so that it stays short."
    )
    validation_metric: str = Field(
        "psnr",
        description="What decides on the best weights: a metric, loss, or a loss term, by name.",
    )
    validation_metrics: MetricsField = Field(
        [], description="Metrics that a validation measures besides psnr and ssim."
    )
    early_stopping: int | None = Field(
        None,
        ge=1,
        description="Validations without a new best after which the run ends; null never ends it.",
    )
    validate_every: int | None = Field(
        None, ge=1, description="Steps between validations; null is 20 times a run."
    )
    checkpoint_every: int | None = Field(
        None, ge=1, description="Steps between checkpoints; null is with each validation."
    )
    max_minutes: float | None = Field(
        None, gt=0, description="Wall-clock time after which to save and stop; null for no limit."
    )
    max_nonfinite: int = Field(
        20, ge=1, description="Steps in a row without a finite loss and gradient that end the run."
    )
    strategy: Literal["auto", "ddp", "fsdp"] = Field(
        "auto",
        description="With several processes: ddp copies the weights to each, fsdp splits them; "
        "auto is ddp.",
    )
    logger: LoggersField = Field(
        [], description="Where metrics go besides metrics.jsonl: a logger, or a list of them."
    )
    tensorboard: bool = Field(
        False, description="The same as the logger tensorboard, added to those of `logger`."
    )
    log_every: int = Field(10, ge=1, description="Steps between lines of metrics.jsonl.")
    seed: int = Field(0, description="What all randomness of the run is derived from.")

    @model_validator(mode="before")
    @classmethod
    def _default_length(cls, data: object) -> object:
        if not isinstance(data, Mapping):
            return data
        lengths = (data.get("steps"), data.get("epochs"))
        return {**data, "epochs": 10} if lengths == (None, None) else data

    @model_validator(mode="after")
    def _one_length(self) -> TrainSettings:
        if self.steps is not None and self.epochs is not None:
            raise ValueError("give steps or epochs, not both")
        return self
