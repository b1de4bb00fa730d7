"""Noise models, one family a file: clean batch -> Degraded."""
