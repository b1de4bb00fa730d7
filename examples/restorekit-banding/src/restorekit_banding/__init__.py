"""Row banding of image sensors, and a network that removes it, for restorekit."""
