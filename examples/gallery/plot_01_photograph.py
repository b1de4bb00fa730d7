"""
Restore a photograph
====================

A photograph with the noise of a camera in a dark room, restored with the default settings.
"""

# %%
# The sample photograph is clean, so noise is added to it. It is shot and read noise, from before
# the camera interpolated the colours: in the picture it is coarse, and stronger in the shadows.

import matplotlib.pyplot as plt
import numpy as np
import torch
from skimage import data

import restorekit

clean = data.chelsea()[40:264, 100:380]
camera = restorekit.create_noise("camera", shot=0.01, smooth=0.4, demosaicing="malvar")
batch = torch.from_numpy(clean.copy()).movedim(2, 0)[None] / 255
degraded = camera(batch, torch.Generator().manual_seed(3))
noisy = (degraded.noisy[0].movedim(0, 2) * 255).round().byte().numpy()

# %%
# One call measures the noise, chooses a network and restores the picture. The result has the type
# of the input, here an array of 8 bits. ``restorekit denoise noisy.png`` does the same with a
# file.

outcome = restorekit.Denoiser().restore(noisy)
print(outcome.model, "in", round(outcome.seconds, 1), "s")
print(outcome.choice)

# %%
# The PSNR measures how close a picture is to the clean one.


def psnr(image: np.ndarray) -> float:
    """The PSNR in dB."""
    return float(10 * np.log10(255**2 / np.square(image.astype(float) - clean).mean()))


figure, panels = plt.subplots(1, 2, figsize=(10, 4.4), layout="constrained")
for panel, image, title in zip(panels, (noisy, outcome.image), ("noisy", "restored"), strict=True):
    panel.imshow(image)
    panel.set_title(f"{title}, {psnr(image):.1f} dB")
    panel.set_axis_off()
plt.show()
