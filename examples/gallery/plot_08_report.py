"""
Look at what was removed
========================

The difference between a picture and its restored version should be noise, without outlines. A
report shows it and states what it consists of.
"""

# %%
# A noisy photograph as a file.

import tempfile
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
from PIL import Image
from skimage import data

import restorekit

folder = Path(tempfile.mkdtemp())
clean = data.astronaut()[:256, 100:356]
noisy = clean + np.random.default_rng(0).normal(0, 20, clean.shape)
Image.fromarray(noisy.round().clip(0, 255).astype(np.uint8)).save(folder / "noisy.png")

# %%
# ``restorekit denoise noisy.png --report report.png`` writes the same. A name that ends in
# ``.html`` gives a page with a slider.

(result,) = restorekit.denoise_files(
    folder / "noisy.png", folder / "restored.png", report=folder / "report.png", summarize=True
)
residual = result.summaries[0]["residual"]
print("verdict:", residual["verdict"])
print(f"standard deviation: {residual['std']:.1f} of 255")

figure, panel = plt.subplots(figsize=(10, 7), layout="constrained")
panel.imshow(Image.open(folder / "report.png"))
panel.set_axis_off()
plt.show()

# %%
# A filter that is too strong removes the picture, too.

first = np.asarray(Image.open(folder / "noisy.png")).astype(float)
smoothed = restorekit.denoise(
    first.astype(np.uint8), restorekit.create_model("median", size=7), force=True
)
restored = np.asarray(Image.open(folder / "restored.png"))
figure, panels = plt.subplots(1, 2, figsize=(10, 5), layout="constrained")
for panel, image, title in zip(
    panels, (restored, smoothed), ("default", "median of 7x7"), strict=True
):
    panel.imshow((0.5 + (first - image) / 255 * 2).clip(0, 1))
    panel.set_title(f"removed by {title}")
    panel.set_axis_off()
plt.show()
