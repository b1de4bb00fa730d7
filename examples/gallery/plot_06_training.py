"""
Train on your own pictures
==========================

A small network learns from a folder of photographs in seconds. A useful one takes the same call
and more steps.
"""

# %%
# The folder: here photographs of scikit-image, without the one that is restored below.

import tempfile
from pathlib import Path

import matplotlib.pyplot as plt
import torch
from PIL import Image
from skimage import data

import restorekit

folder = Path(tempfile.mkdtemp())
(folder / "photos").mkdir()
for name in ("chelsea", "coffee", "rocket"):
    Image.fromarray(getattr(data, name)()).save(folder / "photos" / f"{name}.png")

# %%
# The noise is added while training. Random patches of the pictures are the clean targets.

trainer = restorekit.Trainer(
    model={"name": "dncnn", "depth": 5, "width": 24},
    noise={"name": "gaussian", "std": 0.1},
    dataset={
        "name": "folder",
        "path": folder / "photos",
        "patch_size": 48,
        "patches_per_image": 16,
    },
    save_weight_path=folder / "run",
    steps=300,
    batch_size=8,
    learning_rate=3e-3,
    log_every=5,
)
outcome = trainer.fit()
print(f"step {outcome.best['step']}: {outcome.best['psnr']:.2f} dB,", end=" ")
print(f"noisy {outcome.best['psnr_noisy']:.2f} dB")

# %%
# The folder of the run has the loss of each step, for the training and the held-out pictures.

figure, panel = plt.subplots(figsize=(8, 4), layout="constrained")
panel.imshow(Image.open(folder / "run" / "loss_map.png"))
panel.set_axis_off()
plt.show()

# %%
# The run is a model like any other: ``restorekit denoise -m run`` takes it too.

clean = torch.from_numpy(data.astronaut()[:192, 130:322].copy()).movedim(2, 0) / 255
noisy = clean + 0.1 * torch.randn(clean.shape, generator=torch.Generator().manual_seed(0))
restored = restorekit.denoise(noisy, folder / "run", force=True)

figure, panels = plt.subplots(1, 2, figsize=(9, 4.8), layout="constrained")
for panel, image, title in zip(panels, (noisy, restored), ("noisy", "restored"), strict=True):
    psnr = restorekit.psnr(image[None].clamp(0, 1), clean[None]).item()
    panel.imshow(image.clamp(0, 1).movedim(0, 2).numpy())
    panel.set_title(f"{title}, {psnr:.1f} dB")
    panel.set_axis_off()
plt.show()
# sphinx_gallery_thumbnail_number = 2
