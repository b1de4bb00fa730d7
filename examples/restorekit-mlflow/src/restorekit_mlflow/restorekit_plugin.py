"""The entry point: declares the logger, without importing MLflow."""

from __future__ import annotations

from restorekit import Component, hookimpl


@hookimpl
def restorekit_loggers() -> Component:
    return Component(
        "mlflow",
        "restorekit_mlflow.logger:MLflow",
        "a run of MLflow, with its configuration, metrics and best weights",
        "https://mlflow.org",
        ("offline",),
    )
