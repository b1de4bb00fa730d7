"""Neural image denoising and restoration: components by name, plugins, a thin Trainer.

Every public name is imported when it is first used, so that importing restorekit imports no torch.
A new name is added to `_LAZY`, to the imports for type checkers, to `__all__` and to
`docs/python.md`; tests compare them. `make api` then writes what is derived from the names.
"""

from __future__ import annotations

import importlib
import logging
from typing import TYPE_CHECKING

from restorekit.components.component_records import Component
from restorekit.components.discovery import discover_with as _discover_with
from restorekit.components.kinds import REGISTRIES
from restorekit.components.pretrained_weights import PretrainedWeights
from restorekit.components.registry import Registry
from restorekit.errors import (
    ArgumentError,
    CheckpointError,
    ConfigError,
    DataError,
    DivergenceError,
    ImageFileError,
    InputError,
    InsufficientMemoryError,
    MissingExtraError,
    NameTakenError,
    OldSpellingWarning,
    PluginError,
    PluginWarning,
    RestoreKitError,
    RestoreWarning,
    UnknownNameError,
)
from restorekit.former_names import register_former_modules as _register_former_modules

if TYPE_CHECKING:
    from restorekit.arch.dncnn import fold_batch_norm
    from restorekit.components import kinds as _kinds
    from restorekit.components.hookspecs import hookimpl
    from restorekit.components.plugin_host import loaded_plugins
    from restorekit.components.plugin_record import Plugin
    from restorekit.config.json_schema import json_schema
    from restorekit.config.train_config import TrainConfig
    from restorekit.estimate.noise_curve import NoiseCurve
    from restorekit.evaluate.benchmark import benchmark
    from restorekit.evaluate.protocol import Protocol
    from restorekit.experiments.compare_runs import compare_runs
    from restorekit.experiments.comparison import RunComparison
    from restorekit.experiments.sweep import SweepOutcome, sweep
    from restorekit.metric.image_quality import psnr, ssim
    from restorekit.noise_profile import NoiseProfile
    from restorekit.operations.adapt import AdaptOutcome, adapt
    from restorekit.operations.analyze_files import AnalyzedFiles, FileAnalysis, analyze_files
    from restorekit.operations.denoise_files import denoise_files
    from restorekit.operations.file_jobs import FileResult, FilesOutcome
    from restorekit.operations.noise_files import add_noise_files
    from restorekit.operations.profile_files import measure_noise_profile
    from restorekit.records import Degraded, NoisyImages, RecognisedCheckpoint, Restoration
    from restorekit.restore.analysis import Analysis
    from restorekit.restore.analyze import analyze
    from restorekit.restore.denoise import denoise
    from restorekit.restore.denoiser import Denoiser
    from restorekit.restore.estimate_noise import estimate_noise
    from restorekit.restore.noise_estimation import estimate_sigma, is_clean, noise_map
    from restorekit.restore.outcome import DenoiseOutcome
    from restorekit.restore.plug_and_play.tasks import deblur, inpaint, upscale
    from restorekit.restore.stabilization.sensor_noise import SensorNoise
    from restorekit.runtimes.export import export_onnx, export_torch
    from restorekit.runtimes.runtime_models import choose_runtime, load_runtime
    from restorekit.train.run_folder import TrainOutcome
    from restorekit.train.trainer import Trainer
    from restorekit.version import __version__ as __version__
    from restorekit.weights.card import annotate, read_card
    from restorekit.weights.conversion import convert, convert_weights
    from restorekit.weights.publishing import push_weights
    from restorekit.weights.weights_files import load_model, save_model
    from restorekit.weights.weights_listing import ListedWeights, describe_weights, read_credits
    from restorekit.weights.weights_names import find_weights, list_weights

    # The names of the kinds, written by `make api`.
    models = _kinds.models
    create_model = _kinds.models.create
    list_models = _kinds.models.names
    noises = _kinds.noises
    create_noise = _kinds.noises.create
    list_noises = _kinds.noises.names
    losses = _kinds.losses
    create_loss = _kinds.losses.create
    list_losses = _kinds.losses.names
    datasets = _kinds.datasets
    create_dataset = _kinds.datasets.create
    list_datasets = _kinds.datasets.names
    metrics = _kinds.metrics
    create_metric = _kinds.metrics.create
    list_metrics = _kinds.metrics.names
    optimizers = _kinds.optimizers
    create_optimizer = _kinds.optimizers.create
    list_optimizers = _kinds.optimizers.names
    schedules = _kinds.schedules
    create_schedule = _kinds.schedules.create
    list_schedules = _kinds.schedules.names
    objectives = _kinds.objectives
    create_objective = _kinds.objectives.create
    list_objectives = _kinds.objectives.names
    estimators = _kinds.estimators
    create_estimator = _kinds.estimators.create
    list_estimators = _kinds.estimators.names
    measurements = _kinds.measurements
    create_measurement = _kinds.measurements.create
    list_measurements = _kinds.measurements.names
    formats = _kinds.formats
    create_format = _kinds.formats.create
    list_formats = _kinds.formats.names
    loggers = _kinds.loggers
    create_logger = _kinds.loggers.create
    list_loggers = _kinds.loggers.names
    layouts = _kinds.layouts
    create_layout = _kinds.layouts.create
    list_layouts = _kinds.layouts.names
    # The end of what `make api` writes.

_LAZY = {
    "AdaptOutcome": "restorekit.operations.adapt",
    "Analysis": "restorekit.restore.analysis",
    "AnalyzedFiles": "restorekit.operations.analyze_files",
    "Degraded": "restorekit.records",
    "DenoiseOutcome": "restorekit.restore.outcome",
    "Denoiser": "restorekit.restore.denoiser",
    "FileAnalysis": "restorekit.operations.analyze_files",
    "FileResult": "restorekit.operations.file_jobs",
    "FilesOutcome": "restorekit.operations.file_jobs",
    "ListedWeights": "restorekit.weights.weights_listing",
    "NoiseCurve": "restorekit.estimate.noise_curve",
    "NoiseProfile": "restorekit.noise_profile",
    "NoisyImages": "restorekit.records",
    "Plugin": "restorekit.components.plugin_record",
    "Protocol": "restorekit.evaluate.protocol",
    "RecognisedCheckpoint": "restorekit.records",
    "Restoration": "restorekit.records",
    "RunComparison": "restorekit.experiments.comparison",
    "SensorNoise": "restorekit.restore.stabilization.sensor_noise",
    "SweepOutcome": "restorekit.experiments.sweep",
    "TrainConfig": "restorekit.config.train_config",
    "TrainOutcome": "restorekit.train.run_folder",
    "Trainer": "restorekit.train.trainer",
    "__version__": "restorekit.version",
    "add_noise_files": "restorekit.operations.noise_files",
    "adapt": "restorekit.operations.adapt",
    "analyze": "restorekit.restore.analyze",
    "analyze_files": "restorekit.operations.analyze_files",
    "annotate": "restorekit.weights.card",
    "benchmark": "restorekit.evaluate.benchmark",
    "choose_runtime": "restorekit.runtimes.runtime_models",
    "compare_runs": "restorekit.experiments.compare_runs",
    "convert": "restorekit.weights.conversion",
    "convert_weights": "restorekit.weights.conversion",
    "deblur": "restorekit.restore.plug_and_play.tasks",
    "denoise": "restorekit.restore.denoise",
    "denoise_files": "restorekit.operations.denoise_files",
    "describe_weights": "restorekit.weights.weights_listing",
    "estimate_noise": "restorekit.restore.estimate_noise",
    "estimate_sigma": "restorekit.restore.noise_estimation",
    "export_onnx": "restorekit.runtimes.export",
    "export_torch": "restorekit.runtimes.export",
    "find_weights": "restorekit.weights.weights_names",
    "fold_batch_norm": "restorekit.arch.dncnn",
    "hookimpl": "restorekit.components.hookspecs",
    "inpaint": "restorekit.restore.plug_and_play.tasks",
    "is_clean": "restorekit.restore.noise_estimation",
    "json_schema": "restorekit.config.json_schema",
    "list_weights": "restorekit.weights.weights_names",
    "load_model": "restorekit.weights.weights_files",
    "load_runtime": "restorekit.runtimes.runtime_models",
    "loaded_plugins": "restorekit.components.plugin_host",
    "measure_noise_profile": "restorekit.operations.profile_files",
    "noise_map": "restorekit.restore.noise_estimation",
    "psnr": "restorekit.metric.image_quality",
    "push_weights": "restorekit.weights.publishing",
    "read_card": "restorekit.weights.card",
    "read_credits": "restorekit.weights.weights_listing",
    "save_model": "restorekit.weights.weights_files",
    "ssim": "restorekit.metric.image_quality",
    "sweep": "restorekit.experiments.sweep",
    "upscale": "restorekit.restore.plug_and_play.tasks",
}


def _shortcuts() -> dict[str, object]:
    """`models`, `create_model`, `list_models`, and the same of each other kind."""
    return {k: v for each in REGISTRIES.values() for k, v in each.shortcuts.items()}


__all__ = [
    "AdaptOutcome",
    "Analysis",
    "AnalyzedFiles",
    "ArgumentError",
    "CheckpointError",
    "Component",
    "ConfigError",
    "DataError",
    "Degraded",
    "DenoiseOutcome",
    "Denoiser",
    "DivergenceError",
    "FileAnalysis",
    "FileResult",
    "FilesOutcome",
    "ImageFileError",
    "InputError",
    "InsufficientMemoryError",
    "ListedWeights",
    "MissingExtraError",
    "NameTakenError",
    "NoiseCurve",
    "NoiseProfile",
    "NoisyImages",
    "OldSpellingWarning",
    "Plugin",
    "PluginError",
    "PluginWarning",
    "PretrainedWeights",
    "Protocol",
    "RecognisedCheckpoint",
    "Registry",
    "Restoration",
    "RestoreKitError",
    "RestoreWarning",
    "RunComparison",
    "SensorNoise",
    "SweepOutcome",
    "TrainConfig",
    "TrainOutcome",
    "Trainer",
    "UnknownNameError",
    "adapt",
    "add_noise_files",
    "analyze",
    "analyze_files",
    "annotate",
    "benchmark",
    "choose_runtime",
    "compare_runs",
    "convert",
    "convert_weights",
    "deblur",
    "denoise",
    "denoise_files",
    "describe_weights",
    "estimate_noise",
    "estimate_sigma",
    "export_onnx",
    "export_torch",
    "find_weights",
    "fold_batch_norm",
    "hookimpl",
    "inpaint",
    "is_clean",
    "json_schema",
    "list_weights",
    "load_model",
    "load_runtime",
    "loaded_plugins",
    "measure_noise_profile",
    "noise_map",
    "psnr",
    "push_weights",
    "read_card",
    "read_credits",
    "save_model",
    "ssim",
    "sweep",
    "upscale",
]
__all__ += _shortcuts()
__all__.sort()


if not TYPE_CHECKING:  # otherwise type checkers would accept any name

    def __getattr__(name: str) -> object:
        if name in _LAZY:
            value = getattr(importlib.import_module(_LAZY[name]), name)
        elif name in (shortcuts := _shortcuts()):
            value = shortcuts[name]
        else:
            raise AttributeError(f"module 'restorekit' has no attribute '{name}'")
        globals()[name] = value
        return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})


def _discover(plugins: bool) -> None:
    from restorekit.components import plugin_host as host

    host.discover(plugins)


def _failures() -> list[str]:
    from restorekit.components import plugin_host as host

    return host.failures()


# Without a handler, Python would print warnings of the library to stderr.
logging.getLogger("restorekit").addHandler(logging.NullHandler())
_discover_with(_discover, _failures)
_register_former_modules()
