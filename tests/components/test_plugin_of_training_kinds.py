"""A plugin adds a metric, an optimizer, a schedule and an objective through one entry point."""

from __future__ import annotations

from pathlib import Path

from tests.components.plugin_site import HEAD, Site

PLUGIN = (
    HEAD
    + """
import torch

class Worst:
    \"\"\"Largest error.\"\"\"
    higher_is_better = False
    def __call__(self, restored, target):
        return (restored - target).abs().flatten(1).amax(1)

class Plain(torch.optim.SGD):
    \"\"\"Gradient descent.\"\"\"
    def __init__(self, params, lr: float = 1e-3, speed: float = 1.0) -> None:
        super().__init__(params, lr=lr * speed)

class Falling:
    \"\"\"A straight line.\"\"\"
    def __init__(self, last: float = 0.0) -> None:
        self.last = last
    def __call__(self, done):
        return 1 - (1 - self.last) * done

class Reversed:
    \"\"\"From clean images to noisy ones.\"\"\"
    def __init__(self, noise) -> None:
        self.noise = noise
    def make_batch(self, images, seed, step, places):
        from restorekit.objective.base import TaskBatch, corrupt
        noisy = corrupt(self.noise, images, seed, "noise", step, places).noisy
        return TaskBatch(images, noisy)

@hookimpl
def restorekit_metrics():
    return Component("worst", Worst)

@hookimpl
def restorekit_optimizers():
    return Component("plain", Plain)

@hookimpl
def restorekit_schedules():
    return Component("falling", Falling)

@hookimpl
def restorekit_objectives():
    return Component("reversed", Reversed)
"""
)
RUN = """
import json, torch, restorekit
outcome = restorekit.Trainer(
    {
        "model": {"name": "dncnn", "depth": 3, "width": 8, "batch_norm": False},
        "noise": {"name": "gaussian", "std": 0.1},
        "objective": "reversed",
        "dataset": {"class": "list"},
        "save_weight_path": FOLDER,
        "train": {
            "steps": 4,
            "batch_size": 2,
            "validate_every": 1,
            "optimizer": {"name": "plain", "speed": 0.5},
            "schedule": {"name": "falling", "last": 0.5},
            "validation_metric": "worst",
        },
    },
    dataset=list(torch.rand(8, 3, 16, 16, generator=torch.Generator().manual_seed(0))),
).fit()
rows = [json.loads(line) for line in (outcome.folder / "metrics.jsonl").read_text().splitlines()]
print(json.dumps({
    "best": outcome.best["step"],
    "worst": {r["step"]: r["worst"] for r in rows if r["phase"] == "validation"},
    "rate": [r["learning_rate"] for r in rows if r["phase"] == "train"][-1],
    "written": json.loads((outcome.folder / "config.json").read_text()),
}))
"""


def test_a_run_uses_one_component_of_each_from_a_plugin(tmp_path: Path) -> None:
    """By name in the configuration, with arguments; the smallest value of the metric is best."""
    site = Site(tmp_path)
    site.add("mine", PLUGIN)
    found = site.run(f"FOLDER = {str(tmp_path / 'run')!r}\n{RUN}")
    assert str(found["best"]) == min(found["worst"], key=found["worst"].get)
    assert found["rate"] == 1e-3 * (1 - 0.5 * 0.75)
    written = found["written"]
    assert written["objective"] == {"name": "reversed"}
    assert written["train"]["schedule"] == {"name": "falling", "last": 0.5}
    assert written["train"]["optimizer"] == {"name": "plain", "speed": 0.5}
