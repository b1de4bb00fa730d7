"""Restoring pictures with a trained network."""
