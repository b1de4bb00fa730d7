"""
A plugin in one file
====================

A noise and a denoiser of your own, used by their names like built-in ones. ``restorekit new-
plugin`` writes a package around such a file.
"""

# %%
# A module with two components and the hooks that declare them. The noise shifts each row, as the
# row amplifiers of a sensor do. The denoiser measures these shifts and subtracts them.

import matplotlib.pyplot as plt
import torch
from skimage import data
from torch import Generator, Tensor

import restorekit
from restorekit.testing import check_noise, temporary_plugin


class Rows(torch.nn.Module):
    """Shift every row by a random amount.

    Args:
        std: standard deviation of the shifts.
    """

    def __init__(self, std: float = 0.05) -> None:
        super().__init__()
        self.std = std

    def forward(self, clean: Tensor, generator: Generator | None = None) -> Tensor:
        rows = torch.randn(*clean.shape[:3], 1, generator=generator, device=clean.device)
        return clean + self.std * rows.to(clean.dtype)


class LevelRows(torch.nn.Module):
    """Subtract from each row how far its median is from that of its neighbours.

    Args:
        rows: number of neighbours on each side.
    """

    def __init__(self, rows: int = 4) -> None:
        super().__init__()
        self.rows = rows

    def forward(self, noisy: Tensor) -> Tensor:
        medians = noisy.median(dim=3).values
        padded = torch.nn.functional.pad(medians, (self.rows, self.rows), mode="replicate")
        around = padded.unfold(2, 2 * self.rows + 1, 1).median(dim=3).values
        return noisy - (medians - around).unsqueeze(3)


class Plugin:
    """What an entry point of a package would name: a module with these functions."""

    @restorekit.hookimpl
    def restorekit_noises(self) -> restorekit.Component:
        return restorekit.Component("rows", Rows, "every row shifted by a random amount")

    @restorekit.hookimpl
    def restorekit_models(self) -> restorekit.Component:
        return restorekit.Component("level_rows", LevelRows, "rows brought to one level")


# %%
# Without an installation, the plugin is known within a block. ``check_noise`` runs the checks
# that the noises of restorekit pass too.

photograph = torch.from_numpy(data.camera()[60:252, 150:342].copy())[None, None] / 255
with temporary_plugin(Plugin()):
    check_noise("rows")
    noise = restorekit.create_noise("rows", std=0.06)
    noisy = noise(photograph, torch.Generator().manual_seed(0))
    restored = restorekit.create_model("level_rows")(noisy)

figure, panels = plt.subplots(1, 2, figsize=(9, 4.8), layout="constrained")
for panel, image, title in zip(panels, (noisy, restored), ("rows", "level_rows"), strict=True):
    psnr = restorekit.psnr(image.clamp(0, 1), photograph).item()
    panel.imshow(image[0, 0].numpy(), cmap="gray", vmin=0, vmax=1)
    panel.set_title(f"{title}, {psnr:.1f} dB")
    panel.set_axis_off()
plt.show()
