"""A report as a self-contained HTML page."""

from __future__ import annotations

import base64
from html import escape
from typing import Literal

from restorekit.report.illustrations import Bytes, Crop, ReportContents, encode

_STYLE = """
:root { color-scheme: light dark; --line: #8886; --accent: #2a6fdb; }
body { font: 16px/1.5 system-ui, sans-serif; max-width: 60rem; margin: 2rem auto; padding: 0 1rem; }
h1 { font-size: 1.4rem; overflow-wrap: anywhere; }
h2 { font-size: 1.1rem; margin-top: 2rem; }
table { border-collapse: collapse; }
th, td { text-align: left; padding: .25rem 1.5rem .25rem 0; border-bottom: 1px solid var(--line); }
td { overflow-wrap: anywhere; }
th { font-weight: 500; }
figure { display: inline-block; margin: 0 1rem 1rem 0; vertical-align: top; max-width: 100%; }
figcaption { font-size: .9rem; opacity: .8; }
.compare { --cut: 50%; position: relative; display: inline-block; max-width: 100%;
  line-height: 0; }
.compare img, .pixels { max-width: 100%; height: auto; display: block; }
.pixels { image-rendering: pixelated; }
.compare img + img { position: absolute; inset: 0; width: 100%; height: 100%;
  clip-path: inset(0 calc(100% - var(--cut)) 0 0); }
.compare::after { content: ""; position: absolute; inset: 0 auto 0 var(--cut); width: 2px;
  margin-left: -1px; background: #fff; box-shadow: 0 0 2px #000; pointer-events: none; }
.compare input { position: absolute; inset: 0; width: 100%; height: 100%; margin: 0; opacity: 0;
  cursor: ew-resize; }
.compare:focus-within { outline: 3px solid var(--accent); outline-offset: 2px; }
"""
# Without the script the page still shows both pictures, each on one half.
_SCRIPT = """
for (const input of document.querySelectorAll(".compare input")) {
  const move = () => input.parentElement.style.setProperty("--cut", input.value + "%");
  input.addEventListener("input", move);
  move();
}
"""


def render_html(contents: ReportContents) -> str:
    """Render the page; all texts are escaped."""
    table = "".join(
        f'<tr><th scope="row">{escape(what)}</th><td>{escape(value)}</td></tr>\n'
        for what, value in contents.rows
    )
    title = escape(contents.title)
    parts = "\n".join(_part(crop, contents.gain) for crop in contents.crops)
    return f"""<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{title}: before and after</title>
<style>{_STYLE}</style>
</head>
<body>
<main>
<h1>{title}</h1>
<p>{escape(contents.verdict)}</p>
<table>
{table}</table>
<h2>The whole picture</h2>
<figure>{_slider(*contents.overviews, "whole picture", "JPEG")}
<figcaption>Left of the line: before. Right: after. Drag it, or use the arrow keys.</figcaption>
</figure>
{parts}
</main>
<script>{_SCRIPT}</script>
</body>
</html>
"""


def _part(crop: Crop, gain: int) -> str:
    height, width = crop.residual.shape[:2]
    heading = {"flat": "Flattest part", "detail": "Most detailed part"}[crop.label]
    name = f"{heading} ({width}x{height} pixels at {crop.left}, {crop.top})"
    residual = _image(crop.residual, f"residual, {crop.label} part", "PNG", 2)
    return f"""<h2>{escape(name)}</h2>
<figure>{_slider(crop.before, crop.after, f"{crop.label} part", "PNG", 2)}
<figcaption>Before and after, at twice the size.</figcaption></figure>
<figure>{residual}
<figcaption>Residual, amplified {gain} times around mid-gray.</figcaption></figure>"""


def _slider(
    before: Bytes, after: Bytes, what: str, kind: Literal["PNG", "JPEG"], zoom: int = 1
) -> str:
    label = escape(f"Share of the {what} that shows the picture before restoring", quote=True)
    return (
        '<div class="compare">'
        f"{_image(after, f'{what}, after', kind, zoom)}"
        f"{_image(before, f'{what}, before', kind, zoom)}"
        f'<input type="range" min="0" max="100" value="50" step="1" aria-label="{label}"></div>'
    )


def _image(pixels: Bytes, alt: str, kind: Literal["PNG", "JPEG"], zoom: int = 1) -> str:
    # Within the page, so that it is a single file that needs no network.
    data = base64.b64encode(encode(pixels, kind)).decode("ascii")
    height, width = pixels.shape[:2]
    pixelated = ' class="pixels"' if zoom > 1 else ""
    return (
        f'<img{pixelated} alt="{escape(alt, quote=True)}" width="{width * zoom}" '
        f'height="{height * zoom}" src="data:image/{kind.lower()};base64,{data}">'
    )
