"""Pictures through a denoiser, with what is told and reported of each."""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from restorekit.cli.output import print_line, to_json_value
from restorekit.errors import InputError, RestoreKitError, in_one_line
from restorekit.restore.safeguard.reason import MEANING

if TYPE_CHECKING:
    from restorekit.pictures.picture import Picture
    from restorekit.pictures.processing.many_files import FileOutcome
    from restorekit.pictures.processing.one_file import PagePlace


class Restoring:
    """A denoiser as a change of pictures; alpha and metadata stay as they are.

    Args:
        denoiser: a `Denoiser`.
        reports: where the report of each target goes; of those that are there.
        summarizes: whether what is found of each picture is kept for `tell`.
    """

    def __init__(self, denoiser: Any, reports: Mapping[Path, Path], summarizes: bool) -> None:
        self.denoiser, self.reports, self.summarizes = denoiser, reports, summarizes
        self.pages: dict[int, list[dict[str, Any]]] = {}

    def __call__(self, pictures: Sequence[Picture], places: Sequence[PagePlace]) -> list[Picture]:
        """The pictures restored."""
        alone = len(pictures) == 1 and not self.summarizes and places[0].target not in self.reports
        # Half the memory, where nobody asks for what was there before.
        outcomes = self._restored(pictures, in_place=alone)
        for picture, place, outcome in zip(pictures, places, outcomes, strict=True):
            self._describe(picture, place, outcome)
        return [
            replace(picture, pixels=outcome.image, left_alone=outcome.left_alone is not None)
            for picture, outcome in zip(pictures, outcomes, strict=True)
        ]

    def _restored(self, pictures: Sequence[Picture], in_place: bool) -> list[Any]:
        from restorekit.restore.pixel_meaning import PixelMeaning

        images = [picture.pixels for picture in pictures]
        meanings = [PixelMeaning.of(picture) for picture in pictures]
        try:
            if len(images) == 1:
                return [self.denoiser.restore(images[0], in_place, meanings[0])]
            return list(self.denoiser.restore_all(images, meanings))
        except RestoreKitError:
            raise
        except Exception as error:  # a network may raise anything at a size it does not know
            height, width = images[0].shape[:2]
            raise InputError(
                f"model '{self.denoiser.name}' fails on it ({width}x{height} pixels): "
                f"{in_one_line(error)}"
            ) from error

    def _describe(self, picture: Picture, place: PagePlace, outcome: Any) -> None:
        """Say what was found, keep what is to be told, and write the report, where asked for."""
        if outcome.left_alone is not None:
            page = f", page {place.page + 1}" if place.pages > 1 else ""
            noise = f" (noise {255 * max(outcome.sigma, default=0.0):.1f} of 255)"
            noise = noise if outcome.left_alone == "clean" else ""
            print_line(
                f"{place.source}{page}: left as it is: {MEANING[outcome.left_alone]}{noise}; "
                "--force restores it",
                sys.stderr,
            )
        if self.summarizes:
            from restorekit.report import summary

            found = summary(picture.pixels, outcome.image, outcome)
            if place.page == 0:
                self.pages[place.number] = []
            self.pages[place.number].append(found)
        if (report := self.reports.get(place.target)) is not None:
            from restorekit.report import write_report

            name = place.source.name
            if place.pages > 1:
                report = report.with_stem(f"{report.stem}-page{place.page + 1}")
                name = f"{name}, page {place.page + 1} of {place.pages}"
            write_report(report, picture.pixels, outcome.image, outcome, name=name)

    def tell(self, done: FileOutcome) -> None:
        """Print what became of a file as one JSON object on a line, with a summary of each page."""
        pages = self.pages.pop(done.place.number, [])
        told: dict[str, Any] = {
            "input": str(done.place.source),
            "output": str(done.place.target),
            "status": done.status,
        }
        if done.error is not None:
            told["error"] = " ".join(str(done.error).split())
        elif done.has_new_result:
            told |= {"pages": pages, "left_out": done.left_out}
        print_line(json.dumps(to_json_value(told), allow_nan=False))
