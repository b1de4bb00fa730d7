"""What can be learned from a picture alone: the level of its noise, and what kind of picture it is.

Estimators map a picture to the standard deviation of its noise;
`restorekit.restore.noise_estimation` can use any of them. Measurements map an `ImageSample` to a
record; `restorekit.analyze` runs all of them. One component a file.
"""
