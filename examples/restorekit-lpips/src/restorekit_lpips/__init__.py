"""LPIPS as a metric and a loss for restorekit."""
