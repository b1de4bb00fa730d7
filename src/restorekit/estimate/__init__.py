"""Noise level estimators: a picture in, the standard deviation of its noise out.

These are the components, one a file. `restorekit.restore.noise_estimation` uses any of them.
"""
