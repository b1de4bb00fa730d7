"""Measures of image quality, and the benchmark that takes them of models under noises.

`metrics` measures one image. `benchmark` runs models over `pictures` under `noises`, all by one
`protocol`; what it finds are `results` of models with an `identity`, shown as `tables` and `plots`.
"""
