"""A network with its own weights, for restorekit."""
