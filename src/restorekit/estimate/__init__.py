"""Noise level estimators: a picture in, the standard deviation of its noise out.

These are the components, one a file; what holds for any of them is `restorekit.restore.estimate`.
"""
