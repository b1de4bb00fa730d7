"""
A page is left alone
====================

A network for photographs takes fine strokes for noise. Pages, line art and clean pictures are
therefore returned unchanged, with the reason.
"""

# %%
# A scanned page of text, as black and white.

import matplotlib.pyplot as plt
import numpy as np
from skimage import data, filters

import restorekit

scan = data.page()[60:190, :]
threshold = filters.threshold_local(scan, 35, offset=10)
page = ((scan > threshold) * 255).astype(np.uint8)

# %%
# The page and a clean photograph come back as they are; a noisy photograph does not.

photograph = data.camera()[100:356, 100:356]
noise = np.random.default_rng(0).normal(0, 20, photograph.shape)
noisy = (photograph + noise).round().clip(0, 255).astype(np.uint8)
denoiser = restorekit.Denoiser()
for name, image in {"page": page, "photograph": photograph, "noisy photograph": noisy}.items():
    outcome = denoiser.restore(image)
    print(
        f"{name}: {outcome.left_alone or 'restored'}, unchanged: {(outcome.image == image).all()}"
    )

# %%
# ``force=True`` restores the page all the same, and shows why it should not.

forced = restorekit.denoise(page, "swift-photo", force=True)
figure, panels = plt.subplots(2, 1, figsize=(9, 6.2), layout="constrained")
for panel, image, title in zip(panels, (page, forced), ("default", "force=True"), strict=True):
    panel.imshow(image[30:100, :280], cmap="gray", vmin=0, vmax=255)
    panel.set_title(title)
    panel.set_axis_off()
plt.show()
