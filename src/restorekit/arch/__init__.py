"""Architectures, one a file: noisy batch -> Restoration."""
