"""The kinds of components, one declaration each.

Whatever depends on the kinds is derived from these declarations: the hooks of plugins, listings,
`describe`, the schema, the help of the command line, titles of the documentation, and the names
`models`, `create_model` and `list_models` of `restorekit`. A new kind is one more line.
A `Catalogue` has records that are not made, such as trained weights.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from restorekit.components import pretrained_weights
from restorekit.components.catalogue import CATALOGUES as CATALOGUES
from restorekit.components.catalogue import Catalogue
from restorekit.components.component_records import Component
from restorekit.components.model_registry import ModelRegistry
from restorekit.components.noise_registry import NoiseRegistry
from restorekit.components.pretrained_weights import PretrainedWeights
from restorekit.components.registry import REGISTRIES as REGISTRIES
from restorekit.components.registry import Registry

if TYPE_CHECKING:
    from torch import nn
    from torch.optim import Optimizer

    from restorekit.components.contracts import (
        CheckpointLayout,
        Estimator,
        ImageDataset,
        ImageMetric,
        Measurement,
        Objective,
        PictureFormat,
        Schedule,
    )

models = ModelRegistry(
    "model",
    contract="`forward(noisy, sigma=None)` returns a tensor or a `Restoration`",
    of_tensors=True,
)
noises = NoiseRegistry(
    "noise",
    contract="`forward(clean, generator=None)` returns a tensor or a `Degraded`",
    of_tensors=True,
)
losses: Registry[nn.Module] = Registry(
    "loss",
    "losses",
    contract="`forward(restoration, target)` returns a scalar; if the first argument is annotated "
    "as a `Tensor`, it is the restored batch, as for the losses of `torch.nn`",
    of_tensors=True,
)
# Not `of_tensors`: building one reads files, which must not happen twice.
datasets: Registry[ImageDataset] = Registry(
    "dataset",
    contract="`len(dataset)`, and `dataset[index]` is a (C, H, W) float tensor in [0, 1], or "
    "`(noisy, clean)` or a `NoisyImages` of pictures with real noise",
    needs=("__getitem__",),
)
metrics: Registry[ImageMetric] = Registry(
    "metric",
    contract="`metric(restored, target)`: two batches (B, C, H, W) to one value per image, (B,); "
    "`higher_is_better` is a boolean, and `least_side` the smallest side in pixels, 1 if it is "
    "left out; if its attribute `no_reference` is True, the target is None where no clean image is "
    "known",
    needs=("__call__", "higher_is_better"),
    of_tensors=True,
)
# The weights come from the run, not from a configuration: `given=1`.
optimizers: Registry[Optimizer] = Registry(
    "optimizer",
    contract="a class like those of `torch.optim`, whose first argument is the weights",
    needs=("step", "zero_grad", "param_groups"),
    given=1,
)
schedules: Registry[Schedule] = Registry(
    "schedule",
    contract="`schedule(done)`: the part of the steps after the warm-up that is done, from 0 to "
    "below 1, to a factor of the learning rate",
)
objectives: Registry[Objective] = Registry(
    "objective",
    contract="the run's noise model is its first argument; "
    "`make_batch(images, seed, step, places)` returns a `TaskBatch` of inputs and targets; if its "
    "attribute `takes_noisy` is True, it also takes a `NoisyImages`",
    needs=("make_batch",),
    given=1,
)
estimators: Registry[Estimator] = Registry(
    "estimator",
    contract="`estimator(image)`: (B, C, H, W) floats on the [0, 1] scale to (B, C) standard "
    "deviations",
)
measurements: Registry[Measurement] = Registry(
    "measurement",
    contract="`measurement(sample)`: an `ImageSample` of a picture to a frozen dataclass of plain "
    "values; its property `words`, if it has one, is the line that is shown of it",
)
formats: Registry[PictureFormat] = Registry(
    "format",
    contract="a `restorekit.pictures.base.Format`: the suffixes and first bytes of its files, what "
    "it stores, and `read(path)` and `write(picture, file, quality)`",
    needs=("suffixes", "read_pages"),
)
# The folder of the run is not part of a configuration: `given=1`.
loggers: Registry[object] = Registry(
    "logger",
    contract="the run's folder is its first argument; has methods named as the training hooks, or "
    "is a `restorekit.train.loggers.base.Logger` with `begin`, `write` and `end`",
    needs=(),
    given=1,
)
layouts: Registry[CheckpointLayout] = Registry(
    "layout",
    contract="`layout(state)`: the state dict of a checkpoint of another project to a "
    "`RecognisedCheckpoint`, or None if the keys are of another layout; `keys` is a text with the "
    "first keys of such a checkpoint, for messages",
)
commands = Catalogue(
    "command",
    "commands",
    Component,
    contract="a subcommand of `restorekit`: the target is a function with typer's annotations, or "
    "a `typer.Typer`, imported only when the command is called; the summary is its line in the "
    "help",
)
weights = Catalogue(
    "weights",
    "weights",
    PretrainedWeights,
    contract="a name, and a file of the package or a reference to one elsewhere, as "
    "`PretrainedWeights`",
    form=pretrained_weights.NAME,
)
