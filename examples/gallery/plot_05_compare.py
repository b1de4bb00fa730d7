"""
Compare classical and neural denoisers
======================================

Denoisers without weights (median, total variation, wavelets, non-local means) next to a network,
on the same noise.
"""

# %%
# White Gaussian noise of sigma 25. A denoiser that uses the level gets the true one.

import time

import matplotlib.pyplot as plt
import numpy as np
from skimage import data
from skimage.metrics import peak_signal_noise_ratio, structural_similarity

import restorekit

clean = data.chelsea()[60:252, 100:292] / 255
noisy = clean + np.random.default_rng(0).normal(0, 25 / 255, clean.shape)

images, seconds = {"noisy": noisy}, {"noisy": 0.0}
for name in ("median", "tv", "wavelet", "nlm", "swift-gaussian"):
    denoiser = restorekit.Denoiser(name, force=True)
    if denoiser.uses_sigma:
        denoiser = denoiser.with_sigma(25 / 255)
    started = time.perf_counter()
    images[name] = denoiser(noisy.astype(np.float32))
    seconds[name] = time.perf_counter() - started

# %%
# For a comparison on a test set, ``restorekit benchmark`` prints such a table with its protocol.

print(f"{'':15} PSNR   SSIM   seconds")
figure, panels = plt.subplots(2, 3, figsize=(11, 8), layout="constrained")
for panel, (name, image) in zip(panels.flat, images.items(), strict=True):
    psnr = peak_signal_noise_ratio(clean, image.clip(0, 1), data_range=1)
    ssim = structural_similarity(clean, image.clip(0, 1), channel_axis=2, data_range=1)
    print(f"{name:15} {psnr:5.2f}  {ssim:.3f}  {seconds[name]:.2f}")
    panel.imshow(image[30:130, 10:110].clip(0, 1))
    panel.set_title(f"{name}, {psnr:.2f} dB")
    panel.set_axis_off()
plt.show()
