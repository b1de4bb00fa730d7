"""A user's script: mypy --strict resolves every public name, to something better than `Any`.

`make types` checks it. `make api` writes the imports from `restorekit`.
"""

# ruff: noqa: F401
from __future__ import annotations

from pathlib import Path
from typing import Any, assert_type

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor, nn
from torch.utils.data import DataLoader

import restorekit

# isort: off
from restorekit import (
    AdaptOutcome,
    Analysis,
    AnalyzedFiles,
    ArgumentError,
    CheckpointError,
    Component,
    ConfigError,
    DataError,
    Degraded,
    DenoiseOutcome,
    Denoiser,
    DivergenceError,
    FileAnalysis,
    FileResult,
    FilesOutcome,
    ImageFileError,
    InputError,
    InsufficientMemoryError,
    ListedWeights,
    MissingExtraError,
    NameTakenError,
    NoiseCurve,
    NoiseProfile,
    NoisyImages,
    OldSpellingWarning,
    Plugin,
    PluginError,
    PluginWarning,
    PretrainedWeights,
    Protocol,
    RecognisedCheckpoint,
    Registry,
    Restoration,
    RestoreKitError,
    RestoreWarning,
    RunComparison,
    SensorNoise,
    SweepOutcome,
    TrainConfig,
    TrainOutcome,
    Trainer,
    UnknownNameError,
    adapt,
    add_noise_files,
    analyze,
    analyze_files,
    annotate,
    benchmark,
    choose_runtime,
    compare_runs,
    convert,
    convert_weights,
    create_dataset,
    create_estimator,
    create_format,
    create_layout,
    create_logger,
    create_loss,
    create_measurement,
    create_metric,
    create_model,
    create_noise,
    create_objective,
    create_optimizer,
    create_schedule,
    datasets,
    deblur,
    denoise,
    denoise_files,
    describe_weights,
    estimate_noise,
    estimate_sigma,
    estimators,
    export_onnx,
    export_torch,
    find_weights,
    fold_batch_norm,
    formats,
    hookimpl,
    inpaint,
    is_clean,
    json_schema,
    layouts,
    list_datasets,
    list_estimators,
    list_formats,
    list_layouts,
    list_loggers,
    list_losses,
    list_measurements,
    list_metrics,
    list_models,
    list_noises,
    list_objectives,
    list_optimizers,
    list_schedules,
    list_weights,
    load_model,
    load_runtime,
    loaded_plugins,
    loggers,
    losses,
    measure_noise_profile,
    measurements,
    metrics,
    models,
    noise_map,
    noises,
    objectives,
    optimizers,
    psnr,
    push_weights,
    read_card,
    read_credits,
    save_model,
    schedules,
    ssim,
    sweep,
    upscale,
)
# isort: on

assert_type(restorekit.__version__, str)
misspelt = restorekit.Trainr  # type: ignore[attr-defined]  # an error, not `Any`


assert_type(restorekit.create_model("swift"), nn.Module)
assert_type(restorekit.create_loss("l1"), nn.Module)
assert_type(restorekit.create_optimizer("Adam", [nn.Parameter()]), torch.optim.Optimizer)
assert_type(restorekit.create_schedule("cosine")(0.5), float)
assert_type(restorekit.create_metric("psnr").higher_is_better, bool)
assert_type(restorekit.create_dataset("samples")[0], Tensor)
assert_type(restorekit.create_estimator("mad")(torch.rand(1, 3, 16, 16)), Tensor)
assert_type(restorekit.models.names("u*", "d*"), list[str])
assert_type("swift" in restorekit.models, bool)
DataLoader(restorekit.create_dataset("samples"))
gadgets: Registry = Registry("gadget")  # of anything, without a type argument


@restorekit.models.register("mine")
class Mine(nn.Module):
    """A network of the user."""

    def __init__(self, width: int = 8) -> None:
        super().__init__()
        self.width = width


@restorekit.noises.register("mine")
def dimmed(factor: float) -> nn.Module:
    """A noise of the user."""
    return nn.Dropout(factor)


assert_type(Mine(width=4).width, int)
assert_type(dimmed(0.5), nn.Module)
Mine(depth=4)  # type: ignore[call-arg]
dimmed("0.5")  # type: ignore[arg-type]


def restore(path: Path, noisy: Tensor, pixels: NDArray[np.uint8]) -> None:
    """Each kind of image comes back as the kind that was given."""
    assert_type(denoise(path), Image.Image)
    assert_type(denoise(noisy), Tensor)
    assert_type(denoise(pixels), np.ndarray[Any, Any])
    outcome = Denoiser("swift-photo").restore(noisy)
    assert_type(outcome, DenoiseOutcome[Tensor])
    assert_type(analyze(noisy), Analysis)
    assert_type(adapt(path, path).is_better, bool)
    assert_type(analyze_files(path).results, tuple[FileAnalysis, ...])
    assert_type(NoiseCurve(0.01, 1e-4).sigma(0.5), float)
    assert_type(SensorNoise(2.5, 8).curve(0, 4095), NoiseCurve)
    assert_type(psnr(outcome.image, noisy), Tensor)
    assert_type(load_model(path), nn.Module)
    assert_type(denoise_files(path, depth=16).results, tuple[FileResult, ...])


def train(path: Path) -> TrainOutcome:
    """A run from a configuration file."""
    return Trainer(TrainConfig.from_file(path)).fit()
