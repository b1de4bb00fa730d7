"""Noise models, one family per file. Each maps a clean batch to a `Degraded`."""
