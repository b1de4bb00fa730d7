"""Noise level estimators: from a picture to the standard deviation of its noise.

One component a file. `restorekit.restore.noise_estimation` can use any of them.
"""
