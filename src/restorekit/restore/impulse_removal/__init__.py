"""Finds impulses and lone hot or dead pixels, and fills them before a network is used."""
