"""Restoring pictures with a trained network.

`denoiser` is the entry point. `image_types` opens an image as a `canvas`; `noise_level` holds its
noise (found by `noise_estimation`, `defects` and `sampling`); `safeguard` decides whether and how
far it may change. `pipeline` runs the network in `tiles`, `detail` returns fine
detail that went with the noise, and `outcome` records the result.
"""
