"""The tab that restores one picture: close-up while settings change, then the whole picture."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import gradio as gr

from restorekit.app.close_up import SIDE, ZOOMS, make_close_up, mark_place
from restorekit.app.layout.controls import (
    ONE_AT_A_TIME,
    PageOptions,
    SettingsPanel,
    Tab,
    note,
    shown_errors,
    table,
)
from restorekit.app.opened_picture import OpenedPicture, open_picture, reduced
from restorekit.app.restored_files import RestoredFile, restore_file
from restorekit.app.sample_pictures import noisy_samples, write_sample
from restorekit.app.session_files import take_uploads

_LOCATOR, _WHOLE = 480, 1600  # pixels of the longer side on the screen
_MIDDLE = (0.5, 0.5)


class RestoreTab(Tab):
    """Restores one picture."""

    def __init__(self, options: PageOptions) -> None:
        super().__init__(options)
        self._opened: Any = gr.State(None)
        self._restored: Any = gr.State(None)
        self._place: Any = gr.State(_MIDDLE)
        with gr.Row():
            with gr.Column(scale=2, min_width=280):
                self._draw_choices(options)
            with gr.Column(scale=5, min_width=320):
                self._draw_views()
        self._connect()

    def _draw_choices(self, options: PageOptions) -> None:
        self._upload = gr.File(label="Drop a picture", height=140, elem_id="picture")
        self._sample = gr.Dropdown(
            noisy_samples(), value=None, label="Or try a sample", elem_id="sample"
        )
        self._panel = SettingsPanel(options)
        self._start = gr.Button(
            "Restore the whole picture", variant="primary", interactive=False, elem_id="restore"
        )
        self._download = gr.DownloadButton("Download", interactive=False, elem_id="download")

    def _draw_views(self) -> None:
        with gr.Tabs(selected="close-up") as self._views:
            with gr.Tab("Close-up", id="close-up"), gr.Row():
                with gr.Column(min_width=SIDE + 2, scale=0):
                    self._close_up = gr.ImageSlider(
                        label="Before and after",
                        format="png",
                        buttons=["fullscreen"],
                        interactive=False,
                        elem_id="close-up",
                    )
                    self._zoom = gr.Radio(
                        [(f"{100 * zoom} %", zoom) for zoom in ZOOMS],
                        value=1,
                        label="Size",
                        elem_id="zoom",
                    )
                    self._close_up_words = gr.HTML(padding=False, elem_id="close-up-words")
                with gr.Column(min_width=240):
                    self._locator = gr.Image(
                        label="Click to move the close-up",
                        height=200,
                        format="jpeg",
                        buttons=[],
                        interactive=False,
                        elem_id="locator",
                    )
                    self._removed = gr.Image(
                        label="What was removed",
                        height=300,
                        format="png",
                        buttons=[],
                        interactive=False,
                        elem_id="removed",
                    )
            with gr.Tab("Whole picture", id="whole"):
                self._whole = gr.ImageSlider(
                    label="Before and after",
                    format="png",
                    buttons=["fullscreen"],
                    interactive=False,
                    max_height=620,
                    elem_id="whole",
                )
                self._whole_words = gr.HTML(padding=False, elem_id="whole-words")
            with gr.Tab("Analysis", id="analysis"):
                self._analysis = gr.HTML(padding=False, elem_id="analysis")

    def _connect(self) -> None:
        fresh = [
            *(self._opened, self._restored, self._place, self._locator, self._analysis),
            *(self._whole, self._whole_words, self._start, self._download, self._views),
        ]
        preview = {
            "fn": self._preview,
            "inputs": [
                *(self._opened, self._restored, self._place, self._zoom),
                *self._panel.inputs,
            ],
            "outputs": [self._close_up, self._removed, self._close_up_words],
            "show_progress": "minimal",
            **ONE_AT_A_TIME,
        }
        opening = {"outputs": fresh, **ONE_AT_A_TIME}
        self._upload.upload(self._open_upload, self._upload, **opening).success(**preview)
        self._sample.input(self._open_sample, self._sample, **opening).success(**preview)
        gr.on([*self._panel.changes, self._zoom.change], trigger_mode="always_last", **preview)
        self._locator.select(
            self._move, self._opened, [self._place, self._locator], show_progress="hidden"
        ).success(**preview)
        self._start.click(
            self._restore,
            [self._opened, *self._panel.inputs],
            [
                *(self._restored, self._whole, self._whole_words),
                *(self._download, self._views),
            ],
            **ONE_AT_A_TIME,
        ).success(**preview)

    @shown_errors
    def _open_upload(self, upload: str, request: gr.Request) -> list[Any]:
        folder = self.files.new_folder(str(request.session_hash), "picture")
        return self._fresh(take_uploads([Path(upload)], folder)[0])

    @shown_errors
    def _open_sample(self, label: str, request: gr.Request) -> list[Any]:
        folder = self.files.new_folder(str(request.session_hash), "picture")
        return self._fresh(write_sample(label, folder))

    def _fresh(self, path: Path) -> list[Any]:
        """The values for a picture that has just been opened."""
        opened = open_picture(path)
        return [
            opened,
            None,
            _MIDDLE,
            mark_place(reduced(opened.picture, _LOCATOR), opened.size, _MIDDLE),
            table(opened.rows),
            None,
            "",
            gr.update(interactive=True),
            gr.update(value=None, interactive=False),
            gr.update(selected="close-up"),
        ]

    @shown_errors
    def _move(self, opened: OpenedPicture | None, event: gr.SelectData) -> list[Any]:
        if opened is None:
            return [gr.skip(), gr.skip()]
        view = reduced(opened.picture, _LOCATOR)
        x, y = event.index
        place = (x / view.shape[1], y / view.shape[0])
        return [place, mark_place(view, opened.size, place)]

    @shown_errors
    def _preview(
        self,
        opened: OpenedPicture | None,
        restored: RestoredFile | None,
        place: tuple[float, float],
        zoom: int,
        *values: Any,
    ) -> list[Any]:
        if opened is None:
            return [gr.skip()] * 3
        settings = self._panel.read(*values)
        is_done = restored is not None and restored.settings == settings
        whole = restored.picture if restored is not None and is_done else None
        part = make_close_up(opened, settings, place, zoom, whole)
        return [(part.before, part.after), part.removed, note(part.words)]

    @shown_errors
    def _restore(
        self, opened: OpenedPicture | None, request: gr.Request, *values: Any
    ) -> list[Any]:
        if opened is None:
            return [gr.skip()] * 5
        folder = self.files.new_folder(str(request.session_hash), "result")
        restored = restore_file(opened, self._panel.read(*values), folder)
        return [
            restored,
            (reduced(opened.picture, _WHOLE), reduced(restored.picture, _WHOLE)),
            note(restored.words),
            gr.update(value=str(restored.path), interactive=True),
            gr.update(selected="whole"),
        ]
