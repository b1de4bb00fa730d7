"""The page: its title and its tabs."""

from __future__ import annotations

import gradio as gr

from restorekit.app.layout.batch_tab import BatchTab
from restorekit.app.layout.controls import PageOptions
from restorekit.app.layout.noise_tab import NoiseTab
from restorekit.app.layout.restore_tab import RestoreTab
from restorekit.app.layout.training_tab import TrainingTab

# Copies that Gradio makes of uploads and results are removed after an hour.
_LOOK_AFTER_FILES, _OLDEST_FILE = 60, 3600  # seconds
STYLE = """
.gradio-container { width: 100% !important; max-width: 1240px !important;
  margin: 0 auto !important; }
#title h1 { margin: 0; font-size: 1.5rem; }
#title p { margin: 0; opacity: .75; }
.note { margin: .25rem 0; overflow-wrap: anywhere; }
table.facts { border-collapse: collapse; width: 100%; }
.prose table.facts, .prose table.facts :is(tbody, tr, th, td) { border: 0; background: none; }
.prose table.facts :is(th, td) { text-align: left; vertical-align: top;
  padding: .35rem 1rem .35rem 0; overflow-wrap: anywhere;
  border-bottom: 1px solid var(--border-color-primary); }
.prose table.facts td:first-child { white-space: nowrap; opacity: .75; }
#close-up img { image-rendering: pixelated; }
#locator img { cursor: crosshair; }
"""


def build_page(options: PageOptions) -> gr.Blocks:
    """Lay out the page.

    Args:
        options: what the owner of the page set.
    """
    # Without analytics, nothing is reported to the makers of Gradio.
    with gr.Blocks(
        title="restorekit",
        analytics_enabled=False,
        delete_cache=(_LOOK_AFTER_FILES, _OLDEST_FILE),
    ) as page:
        gr.Markdown(
            "# restorekit\nRemoves noise from pictures. They stay on the computer that runs this "
            "program.",
            elem_id="title",
        )
        with gr.Tabs():
            with gr.Tab("Restore"):
                RestoreTab(options)
            with gr.Tab("Batch"):
                BatchTab(options)
            with gr.Tab("Add noise"):
                NoiseTab(options)
            with gr.Tab("Training"):
                training = TrainingTab(options)
        page.load(**training.looking)

        def forget(request: gr.Request) -> None:
            options.files.forget(str(request.session_hash))

        page.unload(forget)  # the visitor has left
    return page


def page_theme() -> gr.themes.Base:
    """Plain colours, and fonts of the system: a page must not load any from the network."""
    return gr.themes.Default(
        primary_hue="blue",
        secondary_hue="blue",
        neutral_hue="slate",
        font=["system-ui", "sans-serif"],
        font_mono=["ui-monospace", "monospace"],
    )
