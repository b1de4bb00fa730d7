"""Restoring many picture files: planning outputs, sharing the work, and reporting losses."""
