"""Datasets, patches, and image files in and out."""
