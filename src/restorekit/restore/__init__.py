"""Restoring pictures with a trained network.

`denoiser` is the entry point. `image_types` opens an image as a `canvas` with a `value_scale`.
`noise_level` describes its noise, which `noise_estimation` measures.
`safeguard` decides whether and how far the picture may change. `pipeline` runs the network in
`tiles`, `detail` restores fine detail that was removed with the noise, and `outcome` records the
result.
"""
