"""Denoising of image layers in napari."""

from __future__ import annotations

from restorekit_napari.denoise_widget import denoise_layer
from restorekit_napari.layer_data import restore_layer_data

__all__ = ["denoise_layer", "restore_layer_data"]
