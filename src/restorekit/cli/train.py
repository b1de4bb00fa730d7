"""`restorekit train`: a run from a configuration file."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from restorekit.cli.options import Settings
from restorekit.cli.output import print_line

if TYPE_CHECKING:
    from restorekit.train.run_folder import TrainOutcome


def train(
    config: Annotated[
        Path, typer.Argument(metavar="CONFIG", help="Configuration file, config.json.")
    ],
    settings: Settings = None,
    resume: Annotated[
        bool, typer.Option("--resume", help="Continue from the newest checkpoint.")
    ] = False,
) -> None:
    """Train a model from a configuration file.

    -s train.steps=1000 sets a key of the configuration. A value is parsed as JSON if possible, and
    taken as text otherwise.
    """
    from restorekit.config.train_config import TrainConfig
    from restorekit.distributed import Launch
    from restorekit.train.trainer import Trainer

    chosen = TrainConfig.from_file(config, overrides=settings or [])
    outcome = Trainer(chosen).fit(resume=resume, progress=True)
    if Launch.of_environment().is_first:  # only one of several processes prints
        print_line(_where(outcome))
    raise typer.Exit(outcome.exit_code)


def _where(outcome: TrainOutcome) -> str:
    """The weights to use, and how good they are."""
    # Without validation no weights are the best.
    if not outcome.best:
        return f"weights: {outcome.folder / 'last.safetensors'} (step {outcome.step})"
    from restorekit.train.progress import describe_validation, gains

    best = outcome.best
    verdict = "" if gains(best) else "; no better than the noisy images"
    return (
        f"weights: {outcome.folder / 'best.safetensors'} "
        f"(step {best['step']} of {outcome.step}, {describe_validation(best)}{verdict})"
    )
