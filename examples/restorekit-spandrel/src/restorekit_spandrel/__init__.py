"""The restoration networks and checkpoints of spandrel, for restorekit."""
