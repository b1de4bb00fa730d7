"""The tab that adds noise to a clean picture and measures how well it is removed."""

from __future__ import annotations

from typing import Any

import gradio as gr

from restorekit.app.layout.controls import (
    ONE_AT_A_TIME,
    PageOptions,
    Tab,
    note,
    shown_errors,
    table,
)
from restorekit.app.noise_trial import LARGEST, NOISE_KINDS, NoiseTrial, try_noise
from restorekit.app.restoring_settings import RestoringSettings
from restorekit.app.sample_pictures import clean_samples, write_sample
from restorekit.pictures.picture import Picture
from restorekit.pictures.read_files import iter_pages
from restorekit.restore.denoise_options import AUTOMATIC


class NoiseTab(Tab):
    """Adds noise to a clean picture and removes it."""

    def __init__(self, options: PageOptions) -> None:
        super().__init__(options)
        self._device = options.device
        samples, first = clean_samples(), next(iter(NOISE_KINDS.values()))
        with gr.Row():
            with gr.Column(scale=2, min_width=280):
                upload = gr.File(label="Drop a clean picture", height=140, elem_id="clean")
                sample = gr.Dropdown(samples, value=samples[0], label="Or use a sample")
                kind = gr.Dropdown(
                    list(NOISE_KINDS), value=first.label, label="Noise", elem_id="noise"
                )
                amount = gr.Slider(
                    1, first.largest, value=first.usual, step=1, label=first.unit, elem_id="amount"
                )
                model = gr.Dropdown(options.choices, value=AUTOMATIC, label="Model")
                start = gr.Button("Add noise and restore", variant="primary", elem_id="try")
            with gr.Column(scale=5, min_width=320):
                slider = gr.ImageSlider(
                    label="Noisy and restored",
                    format="png",
                    buttons=["fullscreen"],
                    interactive=False,
                    max_height=520,
                    elem_id="trial",
                )
                scores = gr.HTML(padding=False, elem_id="scores")
        kind.change(_amount_of, kind, amount, show_progress="hidden")
        start.click(
            self._try,
            [upload, sample, kind, amount, model],
            [slider, scores],
            **ONE_AT_A_TIME,
        )

    @shown_errors
    def _try(
        self,
        upload: str | None,
        sample: str,
        kind: str,
        amount: float,
        model: str,
        request: gr.Request,
    ) -> list[Any]:
        clean = self._clean(upload, sample, request)
        settings = RestoringSettings(model, device=self._device)
        trial = try_noise(clean, NOISE_KINDS[kind].spec(amount), settings)
        is_cut = max(clean.pixels.shape[:2]) > LARGEST
        words = f"The middle of the picture is used. {trial.words}" if is_cut else trial.words
        return [(trial.noisy, trial.restored), _scores(trial) + note(words)]

    def _clean(self, upload: str | None, sample: str, request: gr.Request) -> Picture:
        if upload is not None:
            return next(iter_pages(upload))
        folder = self.files.new_folder(str(request.session_hash), "clean")
        return next(iter_pages(write_sample(sample, folder)))


def _amount_of(label: str) -> Any:
    kind = NOISE_KINDS[label]
    return gr.update(maximum=kind.largest, value=kind.usual, label=kind.unit)


def _scores(trial: NoiseTrial) -> str:
    rows = [("PSNR", *(f"{value:.2f} dB" for value in trial.psnr))]
    if trial.ssim is not None:
        rows.append(("SSIM", *(f"{value:.4f}" for value in trial.ssim)))
    return table(rows, ("", "Noisy", "Restored"))
