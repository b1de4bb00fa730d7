"""The benchmark: compares models under the same noises, by one protocol.

`benchmark` runs models over `benchmark_pictures`. The `protocol` makes them noisy and says what is
measured. `benchmark_results` holds what was found, of models with a `model_identity`; `tables` and
`plots` show it.
"""
