"""Making the variance of the noise constant, for networks that are made for white noise."""
