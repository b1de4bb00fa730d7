"""A denoiser as a change of pictures, which keeps what is known of each page."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from restorekit.errors import InputError, RestoreKitError, in_one_line
from restorekit.operations.file_jobs import Pages, Summaries
from restorekit.pictures.picture import Picture
from restorekit.pictures.processing.one_file import PagePlace
from restorekit.report import summary, write_report
from restorekit.restore.denoiser import Denoiser
from restorekit.restore.outcome import DenoiseOutcome
from restorekit.restore.pixel_meaning import PixelMeaning


class Restoring:
    """Restores pictures; transparency and metadata stay as they are.

    Args:
        denoiser: what restores them.
        reports: the path of the report by target; targets without one get none.
        summarize: whether the change of each page is measured.
    """

    def __init__(self, denoiser: Denoiser, reports: Mapping[Path, Path], summarize: bool) -> None:
        self.denoiser, self.reports, self.summarize = denoiser, reports, summarize
        self._pages: dict[int, list[tuple[DenoiseOutcome[None], dict[str, Any] | None]]] = {}

    def __call__(self, pictures: Sequence[Picture], places: Sequence[PagePlace]) -> list[Picture]:
        """The pictures restored."""
        is_reported = self.summarize or any(place.target in self.reports for place in places)
        outcomes = self._restored(pictures, is_reported)
        for picture, place, outcome in zip(pictures, places, outcomes, strict=True):
            self._keep(picture, place, outcome)
            self._write_report(picture, place, outcome)
        return [
            replace(picture, pixels=outcome.image, left_alone=outcome.left_alone is not None)
            for picture, outcome in zip(pictures, outcomes, strict=True)
        ]

    def take_pages(self, number: int) -> tuple[Pages, Summaries]:
        """What is known of the pages of a file, once."""
        pages = self._pages.pop(number, [])
        return (
            tuple(outcome for outcome, _ in pages),
            tuple(measured for _, measured in pages if measured is not None),
        )

    def _restored(
        self, pictures: Sequence[Picture], is_reported: bool
    ) -> Sequence[DenoiseOutcome[Any]]:
        images = [picture.pixels for picture in pictures]
        meanings = [PixelMeaning.of(picture) for picture in pictures]
        try:
            if len(images) == 1:
                # In place takes half the memory, but leaves nothing to compare the result with.
                in_place = not is_reported
                restored = self.denoiser.restore(images[0], in_place, meanings[0], is_reported)
                return [restored]
            return self.denoiser.restore_all(images, meanings, is_reported)
        except RestoreKitError:
            raise
        except Exception as error:  # a network may raise anything at a size it does not know
            height, width = images[0].shape[:2]
            raise InputError(
                f"model '{self.denoiser.name}' fails on it ({width}x{height} pixels): "
                f"{in_one_line(error)}"
            ) from error

    def _keep(self, picture: Picture, place: PagePlace, outcome: DenoiseOutcome[Any]) -> None:
        measured = None
        if self.summarize:
            measured = summary(picture.pixels, outcome.image, outcome, outcome.analysis)
        if place.page == 0:  # also where a file is tried again after its batch failed
            self._pages[place.number] = []
        # Without the image, so that the pictures of a folder do not accumulate in memory.
        self._pages[place.number].append((replace(outcome, image=None), measured))

    def _write_report(
        self, picture: Picture, place: PagePlace, outcome: DenoiseOutcome[Any]
    ) -> None:
        report, name = self.reports.get(place.target), place.source.name
        if report is None:
            return
        if place.pages > 1:
            # Each page has its own report; one file would be overwritten.
            report = report.with_stem(f"{report.stem}-page{place.page + 1}")
            name = f"{name}, page {place.page + 1} of {place.pages}"
        before, after, analysis = picture.pixels, outcome.image, outcome.analysis
        write_report(report, before, after, outcome, name=name, analysis=analysis)
