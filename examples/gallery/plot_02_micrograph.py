"""
Restore a micrograph
====================

The noise of photons grows with the signal. A network for noise of one level needs a transform
around it, which restorekit applies where it measures such noise.
"""

# %%
# A micrograph with few photons, as 16-bit values: one photon is 120 units, the sensor adds read
# noise of 60 units, and without light it gives 500.

import matplotlib.pyplot as plt
import numpy as np
from skimage import data

import restorekit

signal = data.cell()[150:450, 150:500] / 255 * 8000
generator = np.random.default_rng(0)
values = 500 + 120 * generator.poisson(signal / 120) + generator.normal(0, 60, signal.shape)
noisy = values.clip(0, 65535).astype(np.uint16)

# %%
# The analysis finds that the variance is a line over the signal. The data sheet of the sensor
# would say the same: a gain of 120 units.

curve = restorekit.analyze(noisy).noise_curve
white = 16383  # the picture uses 14 of its 16 bits
sheet = restorekit.SensorNoise(gain=120, read=60, pedestal=500).curve(0, white)
print(f"measured gain {curve.curve.gain * white:.1f}, confidence {curve.confidence:.2f}")

level, variance = np.array(curve.points).T
figure, panel = plt.subplots(figsize=(6, 3.6), layout="constrained")
panel.plot(level, variance, "o", label="measured")
panel.plot(level, sheet.gain * level + sheet.variance, label="data sheet")
panel.set(xlabel="signal, 1 is white", ylabel="variance of the noise")
panel.legend()
plt.show()

# %%
# Without the transform the network assumes one level: it leaves noise in bright areas and removes
# detail from dark ones.

truth = signal + 500
panels = plt.subplots(1, 3, figsize=(12, 4), layout="constrained")[1]
images = {"noisy": noisy}
for stabilize in ("off", "auto"):
    denoiser = restorekit.Denoiser("swift-gaussian-gray", stabilize=stabilize)
    images[f"stabilize={stabilize!r}"] = denoiser(noisy)
for panel, (name, image) in zip(panels, images.items(), strict=True):
    psnr = 10 * np.log10(8000**2 / np.square(image - truth).mean())
    panel.imshow(image, cmap="gray", vmin=500, vmax=7000)
    panel.set_title(f"{name}, {psnr:.1f} dB")
    panel.set_axis_off()
plt.show()
# sphinx_gallery_thumbnail_number = 2
