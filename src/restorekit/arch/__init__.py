"""Architectures, one per file. Each maps a noisy batch to a restored tensor or `Restoration`."""
