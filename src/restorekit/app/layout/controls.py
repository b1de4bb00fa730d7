"""What several tabs have: the settings, tables, and errors that leave the page usable."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from html import escape
from pathlib import Path
from typing import Any, TypeVar

import gradio as gr

from restorekit.app.restoring_settings import RestoringSettings
from restorekit.app.session_files import SessionFiles
from restorekit.errors import RestoreKitError
from restorekit.restore.denoise_options import AUTOMATIC
from restorekit.untrusted.text import one_line
from restorekit.weights.weights_names import list_weights

FunctionT = TypeVar("FunctionT", bound=Callable[..., Any])
# Previews, pictures and batches wait for each other: each of them uses all cores.
ONE_AT_A_TIME: dict[str, Any] = {"concurrency_id": "network", "concurrency_limit": 1}


@dataclass(frozen=True)
class PageOptions:
    """What the owner of the page sets.

    Attributes:
        files: where the files of visitors are.
        models: labels and names of models besides the named weights.
        runs: the folder below which training runs are found.
        device: where networks run.
    """

    files: SessionFiles
    models: tuple[tuple[str, str], ...] = ()
    runs: Path = Path("runs")
    device: str = "auto"

    @property
    def choices(self) -> list[tuple[str, str]]:
        """The labels and names of the models."""
        named = ((name, name) for name in list_weights())
        return [("Automatic", AUTOMATIC), *named, *self.models]


class SettingsPanel:
    """The settings of a restoration, drawn where this is created.

    Args:
        options: the models and the device.

    Attributes:
        inputs: the components, whose values `read` takes.
    """

    def __init__(self, options: PageOptions) -> None:
        self._device = options.device
        model = gr.Dropdown(options.choices, value=AUTOMATIC, label="Model")
        strength = gr.Slider(0, 100, value=100, step=1, label="Strength (%)")
        with gr.Accordion("More settings", open=False):
            apart = gr.Checkbox(False, label="Set brightness and colour apart")
            luma = gr.Slider(0, 100, value=100, step=1, label="Brightness (%)", visible=False)
            chroma = gr.Slider(0, 100, value=100, step=1, label="Colour (%)", visible=False)
            detail = gr.Slider(0, 100, value=0, step=1, label="Keep detail (%)")
            force = gr.Checkbox(False, label="Restore pages and clean pictures too")
            weights = gr.File(label="Weights file", height=120)
        apart.change(_show_parts, apart, [strength, luma, chroma], show_progress="hidden")
        self.inputs = [model, strength, apart, luma, chroma, detail, force, weights]

    def read(self, *values: Any) -> RestoringSettings:
        """The settings from the values of the components."""
        model, strength, apart, luma, chroma, detail, force, weights = values
        return RestoringSettings(
            model=model if weights is None else str(weights),
            strength=strength / 100,
            strength_luma=luma / 100 if apart else None,
            strength_chroma=chroma / 100 if apart else None,
            keep_detail=detail / 100,
            force=force,
            device=self._device,
        )

    @property
    def changes(self) -> list[Any]:
        """The events of a changed setting."""
        return [component.change for component in self.inputs]


def _show_parts(apart: bool) -> list[Any]:
    return [gr.update(visible=not apart), gr.update(visible=apart), gr.update(visible=apart)]


class Tab:
    """A tab of the page, drawn where it is created.

    Args:
        options: what the owner of the page sets.
    """

    def __init__(self, options: PageOptions) -> None:
        self.files = options.files


def shown_errors(method: FunctionT) -> FunctionT:
    """Show a mistake of the visitor in one line; the page stays as it is."""

    @functools.wraps(method)
    def watched(tab: Tab, *arguments: Any) -> Any:
        try:
            return method(tab, *arguments)
        except RestoreKitError as error:
            message = tab.files.without_folders(" ".join(str(error).split()))
            raise gr.Error(escape(one_line(message)), print_exception=False) from error

    return watched  # type: ignore[return-value]


def table(rows: Iterable[tuple[str, ...]], heading: tuple[str, ...] = ()) -> str:
    """Rows of texts as an HTML table; the texts are escaped."""
    head = "".join(f'<th scope="col">{escape(cell)}</th>' for cell in heading)
    body = "".join(
        "<tr>" + "".join(f"<td>{escape(one_line(cell))}</td>" for cell in row) + "</tr>"
        for row in rows
    )
    return f'<table class="facts">{f"<tr>{head}</tr>" if head else ""}{body}</table>'


def note(text: str) -> str:
    """A line of text as HTML."""
    return f'<p class="note">{escape(one_line(text))}</p>' if text else ""
