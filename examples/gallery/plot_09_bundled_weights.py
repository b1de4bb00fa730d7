"""
The bundled networks
====================

Each of the networks that are part of the package, on the noise that it is for, and their measured
PSNR.
"""

# %%
# The photographs are samples of scikit-image. The crops are small, so that the noise is visible.

import json
from pathlib import Path

import matplotlib.pyplot as plt
import torch
from skimage import data

import restorekit
from restorekit.records import as_degraded

GAUSSIAN = {"name": "gaussian", "std": 25 / 255}
FOR = {
    "swift-impulse": {"name": "salt_and_pepper", "amount": 0.2},
    "swift-photo": {"name": "camera", "shot": 0.01, "smooth": 0.4, "demosaicing": "malvar"},
}
COLOUR, GRAY = data.astronaut()[:200, 120:380], data.camera()[40:240, 100:360, None]

# %%
# ``restorekit info NAME`` prints the card of a network: its purpose, noise range, training data
# and limits.

names = restorekit.list_weights()
figure, rows = plt.subplots(len(names), 2, figsize=(9, 3.9 * len(names)), layout="constrained")
for name, panels in zip(names, rows, strict=True):
    card = restorekit.read_card(name)
    pixels = GRAY if card["model"]["arguments"]["channels"] == 1 else COLOUR
    clean = torch.from_numpy(pixels.copy()).movedim(2, 0) / 255
    noise = restorekit.noises.build(FOR.get(name, GAUSSIAN))
    noisy = as_degraded(noise(clean[None], torch.Generator().manual_seed(0))).noisy[0].clamp(0, 1)
    restored = restorekit.denoise(noisy, name, force=True)

    for panel, image, title in zip(panels, (noisy, restored), ("noisy", "restored"), strict=True):
        psnr = restorekit.psnr(image[None], clean[None]).item()
        panel.imshow(image.movedim(0, 2).numpy(), cmap="gray", vmin=0, vmax=1)
        panel.set_title(f"{name}: {title}, {psnr:.1f} dB")
        panel.set_axis_off()
plt.show()

# %%
# The measured figures are in ``examples/recipes/results.json``, each with its command. These are
# the gains over the noisy picture. Published figures of other methods are crosses.

results = json.loads(Path("../recipes/results.json").read_text(encoding="utf-8"))
figure, panels = plt.subplots(1, 3, figsize=(12, 4.4), layout="constrained", sharey=True)
shown = ("CBSD68", "Kodak24", "Set12")
for panel, folder in zip(panels, shown, strict=True):
    found = next(
        each
        for each in results["measured"]
        if each["data"]["folder"] == folder and not each["protocol"]
    )
    for model in dict.fromkeys(row["model"] for row in found["rows"]):
        rows = [row for row in found["rows"] if row["model"] == model]
        sigma = [int(row["noise"].split(":")[1]) for row in rows]
        panel.plot(sigma, [row["psnr"] - row["psnr_noisy"] for row in rows], "o-", label=model)
    noisy_psnr = {row["noise"]: row["psnr_noisy"] for row in found["rows"]}
    for other in results["compared"]:
        if other["command"] == found["command"] and "goal_of" not in other:
            sigma = [int(noise.split(":")[1]) for noise in other["psnr"]]
            gains = [value - noisy_psnr[noise] for noise, value in other["psnr"].items()]
            panel.plot(sigma, gains, "x", label=other["name"])
    panel.set(title=f"{folder}, Gaussian noise", xlabel="sigma of 255", xticks=[15, 25, 50])
    panel.legend(fontsize=8)
panels[0].set_ylabel("gain in PSNR, dB")
plt.show()
