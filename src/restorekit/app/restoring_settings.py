"""What a visitor of the page sets: the model, and how much of its change is made."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path

from restorekit.components.kinds import models
from restorekit.restore.denoise_options import AUTOMATIC, DEFAULT_MODEL, FileKeywords
from restorekit.restore.denoiser import Denoiser
from restorekit.weights.schemes import has_scheme
from restorekit.weights.weights_names import find_weights

FileVersion = tuple[Path, int, int]  # a file, its time of change and its size


@dataclass(frozen=True)
class RestoringSettings:
    """How pictures are restored; the names are those of `Denoiser`, where they are described.

    Attributes:
        model: the name of weights, a weights file, the folder of a run, or "auto".
        strength: share of the change, from 0 to 1.
        strength_luma: share of the change of luma; None for `strength`.
        strength_chroma: share of the change of colour differences; None for `strength`.
        keep_detail: share of the removed detail that is returned, from 0 to 1.
        force: whether pages and clean pictures are restored as well.
        device: where the network runs.
    """

    model: str = DEFAULT_MODEL
    strength: float = 1.0
    strength_luma: float | None = None
    strength_chroma: float | None = None
    keep_detail: float = 0.0
    force: bool = False
    device: str = "auto"

    @property
    def options(self) -> FileKeywords:
        """The keywords of `Denoiser` and `denoise_files`."""
        return FileKeywords(
            strength=self.strength,
            strength_luma=self.strength_luma,
            strength_chroma=self.strength_chroma,
            keep_detail=self.keep_detail,
            force=self.force,
            device=self.device,
        )

    def with_model(self, model: str) -> RestoringSettings:
        """The same settings with another model."""
        return replace(self, model=model)


def resolve_models(given: Iterable[str]) -> tuple[tuple[str, str], ...]:
    """The label and the name of each model; a name with a scheme becomes the path of its file.

    Files are downloaded here and never again. Other names are kept: the best weights of a run that
    goes on training can be in another file later.

    Raises:
        CheckpointError: there are no such weights.
    """
    return tuple((name, str(find_weights(name)) if has_scheme(name) else name) for name in given)


def denoiser_for(settings: RestoringSettings) -> Denoiser:
    """A denoiser with these settings. The last few are kept, because loading takes a second.

    Raises:
        CheckpointError: the weights do not exist or cannot be loaded.
    """
    return _loaded(settings, version_of(settings.model))


def version_of(model: str) -> FileVersion | None:
    """What changes when the weights of a model are written again; None for one without a file.

    Raises:
        CheckpointError: the weights do not exist.
    """
    if model == AUTOMATIC or (not Path(model).exists() and model.partition(":")[0] in models):
        return None
    path = find_weights(model)
    state = path.stat()
    return path, state.st_mtime_ns, state.st_size


@lru_cache(maxsize=4)
def _loaded(settings: RestoringSettings, _: FileVersion | None) -> Denoiser:
    return Denoiser(settings.model, **settings.options)
