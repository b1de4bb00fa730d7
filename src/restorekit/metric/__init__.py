"""Measures of a restored image against the clean one."""
