"""Restoring pictures with a trained network.

`denoiser` is the way in. `image_kinds` opens an image as a `canvas`, `noise_level` says how noisy
it is (by `estimate`, `defects` and `sampling`), and a `network`, found by `loading` and measured in
`probing`, restores it: its `passage` is in `tiles`, by choice in every turn (`ensemble`), and
`detail` puts back what went with the noise; `outcome` is the record of it all.

`files` does so with files and folders, `report` shows what was done. `export` writes networks for
other programs, `runtime` and `sessions` run them there.
"""
