"""Deblurring, enlarging and filling by any denoiser: plug-and-play restoration."""
