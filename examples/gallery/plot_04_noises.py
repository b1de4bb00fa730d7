"""
Every noise
===========

All noises that ``restorekit list noises`` shows, with their default arguments, on one picture.
Noises of installed plugins are included.
"""

# %%
# Some noises change or combine others, and have no default for them.

import math

import matplotlib.pyplot as plt
import torch
from skimage import data

import restorekit
from restorekit.records import as_degraded

GAUSSIAN = {"name": "gaussian", "std": 0.15}
NEEDED = {
    "noise": GAUSSIAN,
    "noises": [GAUSSIAN, {"name": "salt_and_pepper", "amount": 0.05}],
    "augmentation": "RandomRain",
}

photograph = torch.from_numpy(data.astronaut()[60:188, 160:288].copy()).movedim(2, 0)[None] / 255

noisy = {}
for name in restorekit.noises:
    required = [each.name for each in restorekit.noises.describe(name).arguments if each.required]
    if set(required) <= set(NEEDED):
        noise = restorekit.create_noise(
            name, **{argument: NEEDED[argument] for argument in required}
        )
        noisy[name] = as_degraded(noise(photograph, torch.Generator().manual_seed(1))).noisy
    else:
        print(f"{name} needs {', '.join(required)}")

# %%
# The generator decides the noise: the same seed gives the same picture.

COLUMNS = 5
rows = math.ceil(len(noisy) / COLUMNS)
figure, panels = plt.subplots(rows, COLUMNS, figsize=(11, 2.35 * rows), layout="constrained")
for panel in panels.flat:
    panel.set_axis_off()
for panel, (name, image) in zip(panels.flat, noisy.items(), strict=False):
    panel.imshow(image[0].clamp(0, 1).movedim(0, 2).numpy())
    panel.set_title(name, fontsize=10)
plt.show()
