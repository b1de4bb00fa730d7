"""Denoisers without weights, to stand in the same tables as networks."""
