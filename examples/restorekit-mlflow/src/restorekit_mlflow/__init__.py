"""Training runs of restorekit in MLflow."""
