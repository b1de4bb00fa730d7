"""Noise level estimators: a picture in, the standard deviation of its noise out."""
