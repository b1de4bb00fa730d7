"""The tab that restores many pictures and offers the results as a ZIP archive."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import gradio as gr

from restorekit.app.layout.controls import (
    ONE_AT_A_TIME,
    PageOptions,
    SettingsPanel,
    Tab,
    shown_errors,
    table,
)
from restorekit.app.restored_files import restore_batch
from restorekit.app.session_files import take_uploads
from restorekit.errors import ImageFileError
from restorekit.operations.file_jobs import FileResult


class BatchTab(Tab):
    """Restores many pictures."""

    def __init__(self, options: PageOptions) -> None:
        super().__init__(options)
        with gr.Row():
            with gr.Column(scale=2, min_width=280):
                uploads = gr.File(
                    label="Drop pictures", file_count="multiple", height=180, elem_id="pictures"
                )
                self._panel = SettingsPanel(options)
                start = gr.Button("Restore all", variant="primary", elem_id="restore-all")
            with gr.Column(scale=5, min_width=320):
                results = gr.HTML(padding=False, min_height=120, elem_id="results")
                archive = gr.DownloadButton("Download ZIP", interactive=False, elem_id="archive")
        start.click(
            self._restore,
            [uploads, *self._panel.inputs],
            [results, archive],
            show_progress_on=results,
            **ONE_AT_A_TIME,
        )

    @shown_errors
    def _restore(
        self,
        uploads: list[str] | None,
        request: gr.Request,
        progress: gr.Progress = gr.Progress(),  # noqa: B008
        *values: Any,
    ) -> list[Any]:
        if not uploads:
            raise ImageFileError("Drop some pictures first.")
        folder = self.files.new_folder(str(request.session_hash), "batch")
        inputs, results = folder / "inputs", folder / "results"
        inputs.mkdir()
        results.mkdir()
        sources = take_uploads([Path(upload) for upload in uploads], inputs)
        progress((0, len(sources)), unit="pictures")
        done = 0

        def show(result: FileResult) -> None:
            nonlocal done
            done += 1
            progress((done, len(sources)), desc=result.source.name, unit="pictures")

        batch = restore_batch(sources, self._panel.read(*values), results, show)
        archive = None if batch.archive is None else str(batch.archive)
        rows = [(name, self.files.without_folders(words)) for name, words in batch.rows]
        return [
            table(rows, ("File", "Result")),
            gr.update(value=archive, interactive=archive is not None),
        ]
