"""Denoisers without weights, as baselines for networks in benchmarks."""
