"""The tab that follows a training run."""

from __future__ import annotations

from typing import Any

import gradio as gr

from restorekit.app.layout.controls import PageOptions, Tab, note, shown_errors
from restorekit.app.training_curves import describe_run, draw_run, find_runs, run_folder, state_of
from restorekit.train.history import read_history

_SECONDS = 3.0
_UNSEEN = (0, 0)


class TrainingTab(Tab):
    """Follows a training run."""

    def __init__(self, options: PageOptions) -> None:
        super().__init__(options)
        self._runs = options.runs
        seen = gr.State(_UNSEEN)
        with gr.Row(equal_height=True):
            run = gr.Dropdown(
                [], label=f"Training run in {self._runs}", scale=4, elem_id="run", interactive=True
            )
            again = gr.Button("Look for runs", scale=1, min_width=140)
        words = gr.HTML(padding=False, elem_id="run-words")
        curves = gr.Plot(show_label=False, elem_id="curves", format="png")
        looking: dict[str, Any] = {"fn": self._look, "inputs": run, "outputs": [run, words]}
        drawing: dict[str, Any] = {"inputs": [run, seen], "outputs": [curves, words, seen]}
        again.click(**looking)
        run.change(self._draw_again, run, drawing["outputs"])
        gr.Timer(_SECONDS).tick(self._draw, **drawing, show_progress="hidden")
        # Called by the page when it is loaded.
        self.looking = looking

    @shown_errors
    def _look(self, chosen: str | None) -> list[Any]:
        names = find_runs(self._runs)
        if not names:
            hint = f"'{self._runs}' has no training runs. --runs names another folder."
            return [gr.update(choices=[], value=None), note(hint)]
        return [gr.update(choices=names, value=chosen if chosen in names else names[0]), gr.skip()]

    @shown_errors
    def _draw_again(self, name: str | None) -> list[Any]:
        return self._draw(name, _UNSEEN)

    @shown_errors
    def _draw(self, name: str | None, seen: tuple[int, int]) -> list[Any]:
        if name is None:
            return [gr.skip()] * 3
        run = run_folder(self._runs, name)
        state = state_of(run)
        if state == tuple(seen):
            return [gr.skip()] * 3
        rows = read_history(run)
        return [draw_run(rows), note(describe_run(rows)), state]
