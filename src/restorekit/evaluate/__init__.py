"""Measures of image quality, and the benchmark that takes them of models under noises."""
