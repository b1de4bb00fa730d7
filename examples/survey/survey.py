"""What ten minutes buy: train every registered network for the same processor time.

    python examples/survey/survey.py PHOTOGRAPHS TESTSETS --state runs/survey [NETWORK ...]

survey.json is the recipe: one training configuration for all networks, the minutes, and the test. A
network is written as NAME or NAME:PRESET; without names, each registered one is trained with its
default arguments, the cheapest first. Methods without weights, such as bm3d, and the references of
the recipe are only tested. TESTSETS is the folder of the test sets that the recipe names.

The script can be stopped and started again at any time: STATE/survey.json has what is done, and a
network that was stopped goes on. The file is copied to docs/zoo_survey.json for the page.
"""

from __future__ import annotations

import argparse
import contextlib
import copy
import itertools
import json
import logging
import statistics
import sys
import tempfile
import time
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

import torch
from torch import nn

import restorekit
from restorekit.errors import in_one_line
from restorekit.evaluate.environment import describe_environment
from restorekit.storage.atomic import atomic_path
from restorekit.zoo.entries import ZooEntry
from restorekit.zoo.update import counted

RECIPE = Path(__file__).with_name("survey.json")
CALIBRATION = 30.0  # seconds of steps that are timed to find how many fit into the minutes
CHECKPOINTS = 20  # of a run
LOGGER = logging.getLogger("survey")


class ProcessorTime:
    """A callback that adds up the processor time of a run, across restarts.

    Args:
        file: keeps the seconds until the newest checkpoint.
    """

    def __init__(self, file: Path) -> None:
        self.file = file
        self.seconds = float(file.read_text(encoding="utf-8")) if file.exists() else 0.0
        self.since = time.process_time()

    def restorekit_train_start(self, trainer: object) -> None:
        """The preparations of a run are not counted."""
        self.since = time.process_time()

    def restorekit_step_end(self, step: int) -> None:
        """Count the steps since the last call; a checkpoint follows."""
        self.count()

    def restorekit_train_end(self, outcome: restorekit.TrainOutcome | None) -> None:
        """Count the steps before a signal; otherwise only the validation is after the last call."""
        if outcome is not None and outcome.exit_code:
            self.count()

    def count(self) -> None:
        """Add the time since the last call."""
        now = time.process_time()
        self.seconds, self.since = self.seconds + now - self.since, now
        with atomic_path(self.file) as temporary:
            temporary.write_text(f"{self.seconds}\n", encoding="utf-8")


class StepTimes:
    """A callback that records when each step ended, and ends a run after some seconds.

    Args:
        seconds: the processor time after which the run ends, if there are enough steps.
    """

    least = 6  # steps; the first ones take longer

    def __init__(self, seconds: float) -> None:
        self.limit = seconds
        self.ends: list[float] = []

    def restorekit_step_end(self, step: int) -> None:
        """Record it."""
        self.ends.append(time.process_time())
        if step >= self.least and self.ends[-1] - self.ends[0] > self.limit:
            raise SystemExit

    @property
    def median(self) -> float:
        """The median time of the steps in the later half of the run."""
        later = self.ends[len(self.ends) // 2 - 1 :]
        return float(statistics.median(b - a for a, b in itertools.pairwise(later)))


def main() -> None:
    """Train and test what is not done yet."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0] if __doc__ else "")
    parser.add_argument("photographs", type=Path, help="the folder to train on")
    parser.add_argument("testsets", type=Path, help="the folder of the test sets")
    parser.add_argument("networks", nargs="*", metavar="NETWORK", help="NAME or NAME:PRESET")
    parser.add_argument("--state", type=Path, required=True, help="the folder of runs and results")
    parser.add_argument("--minutes", type=float, help="instead of those of the recipe")
    given = parser.parse_intermixed_args()
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s")
    torch.set_num_threads(1)  # the processor time of one thread is also the time of the work
    recipe = json.loads(RECIPE.read_text(encoding="utf-8"))
    recipe["train"]["dataset"]["path"] = str(given.photographs)
    recipe["minutes"] = given.minutes or recipe["minutes"]
    survey = Survey(recipe, given.state, given.testsets)
    names = given.networks or sorted(restorekit.list_models(), key=cost)
    for name in [*recipe["references"], *names]:
        survey.add(name)


def cost(name: str) -> float:
    """The multiplications of a network: the cheapest ones come first."""
    return counted(ZooEntry(name)).gmacs or 0.0


class Survey:
    """The results so far, and what adds to them.

    Args:
        recipe: the content of survey.json, with the folder of the photographs.
        state: the folder of the runs and of the results.
        testsets: the folder of the test sets.
    """

    def __init__(self, recipe: dict[str, Any], state: Path, testsets: Path) -> None:
        self.recipe, self.state, self.testsets = recipe, state, testsets
        self.file = state / "survey.json"
        state.mkdir(parents=True, exist_ok=True)
        self.rows: dict[str, dict[str, Any]] = {}
        if self.file.exists():
            found = json.loads(self.file.read_text(encoding="utf-8"))
            self.rows = {row["network"]: row for row in found["networks"]}
        self.dataset: Any = None
        self.side = 0  # of the patches of the dataset

    def add(self, name: str) -> None:
        """Train and test a network, unless that is done."""
        if name in self.rows and "error" not in self.rows[name]:
            return
        LOGGER.info("%s: begins", name)
        try:
            row = self.measured(name)
        except Exception as error:  # one network that fails must not end the survey of the others
            row = {"error": in_one_line(error).replace(f"{self.state}", "STATE")}
        self.rows[name] = {"network": name, **row}
        LOGGER.info("%s: %s", name, {k: v for k, v in row.items() if k != "environment"})
        self.write()

    def measured(self, name: str) -> dict[str, Any]:
        """The row of a network."""
        architecture, _, preset = name.partition(":")
        chosen: dict[str, Any] = {"preset": preset} if preset else {}
        if name in self.recipe["references"]:
            return {"kind": "reference", **self.tested(name, restorekit.load_model(name))}
        chosen |= self.own("arguments", {"name": architecture}) or {}
        torch.manual_seed(0)
        model = restorekit.create_model(architecture, **chosen)
        if not list(model.parameters()):
            return {"kind": "without weights", **self.tested(name, model)}
        return self.trained(name, {"name": architecture, **chosen})

    def trained(self, name: str, model: dict[str, Any]) -> dict[str, Any]:
        """Train a network for the minutes of the recipe, and test it."""
        folder = self.state / name.replace(":", "_")
        folder.mkdir(parents=True, exist_ok=True)
        timer, plan = ProcessorTime(folder / "seconds.txt"), folder / "steps.txt"
        if not plan.exists():
            with atomic_path(plan) as temporary:
                temporary.write_text(f"{self.steps_for(model)}\n", encoding="utf-8")
        steps = int(plan.read_text(encoding="utf-8"))
        part = max(steps // CHECKPOINTS, 1)
        outcome = self.trainer(
            model,
            folder / "run",
            [timer],
            steps=steps,
            warmup_steps=steps // 20,
            log_every=part,
            checkpoint_every=part,
            validate_every=steps,
        ).fit(resume=True)
        if outcome.exit_code:
            sys.exit(outcome.exit_code)
        return {
            "kind": "trained",
            "steps": steps,
            "minutes": round(timer.seconds / 60, 2),
            "held_out": rounded(outcome.best),
            **self.tested(name, restorekit.load_model(folder / "run" / "last.safetensors")),
        }

    def steps_for(self, model: dict[str, Any]) -> int:
        """How many steps a network makes in the minutes of the recipe."""
        seconds = 60 * float(self.recipe["minutes"])
        times = StepTimes(min(CALIBRATION, seconds))
        settings: dict[str, Any] = {"steps": 1000, "log_every": 1, "validation_split": 0.0}
        code = 0
        with tempfile.TemporaryDirectory() as folder, contextlib.suppress(SystemExit):
            code = self.trainer(model, Path(folder), [times], **settings).fit().exit_code
        if code:  # stopped by a signal
            sys.exit(code)
        return max(round(seconds / times.median), 1)

    def trainer(
        self, model: dict[str, Any], folder: Path, callbacks: list[object], **settings: Any
    ) -> restorekit.Trainer:
        """A run of the configuration of the recipe."""
        config = copy.deepcopy(self.recipe["train"])
        if loss := self.own("losses", model):
            config["loss"] = loss
        if objective := self.own("objectives", model):
            config["objective"] = objective
        if patches := self.own("patches", model):
            config["dataset"]["patch_size"] = patches["patch_size"]
            config["train"]["batch_size"] = patches["batch_size"]
        if rate := self.own("rates", model):
            config["train"]["learning_rate"] = rate
        return restorekit.Trainer(
            {**config, "model": model},
            dataset=self.photographs(config["dataset"]),
            save_weight_path=folder,
            callbacks=callbacks,
            **settings,
        )

    def own(self, kind: str, model: Mapping[str, Any]) -> Any:
        """What the recipe has for this network alone; None for what all networks have."""
        return self.recipe.get(f"own_{kind}", {}).get(model["name"])

    def photographs(self, wanted: Mapping[str, Any]) -> Any:
        """The photographs, decoded before a network is timed, so that no network pays for it."""
        if self.side != wanted["patch_size"]:
            # Only one at a time is kept, because decoded photographs take much memory.
            self.dataset, self.side = None, wanted["patch_size"]
            arguments = dict(wanted)
            self.dataset = restorekit.create_dataset(arguments.pop("name"), **arguments)
            for index in range(0, len(self.dataset), wanted["patches_per_image"]):
                self.dataset[index]
        return self.dataset

    def tested(self, name: str, model: nn.Module) -> dict[str, Any]:
        """What is known of a network, and its results on the test sets."""
        test = self.recipe["test"]
        found: dict[str, Any] = {}
        for each in test["sets"]:
            protocol = restorekit.Protocol(crop=test["crop"], limit=test["limit"])
            results = restorekit.benchmark(
                {name: model}, self.testsets / each, test["noise"], protocol, device="cpu"
            )
            if results.refusals:
                raise RuntimeError(results.refusals[0].describe())
            found[each] = rounded(results.means(results.rows[0]))
        return {
            "parameters": sum(weight.numel() for weight in model.parameters()),
            "precision": results.rows[0].precision,
            "tests": found,
            "environment": asdict(describe_environment(torch.device("cpu"), "auto")),
        }

    def write(self) -> None:
        """Write the results."""
        recipe = copy.deepcopy(self.recipe)
        recipe["train"]["dataset"]["path"] = "PHOTOGRAPHS"
        content = {"recipe": recipe, "networks": list(self.rows.values())}
        with atomic_path(self.file) as temporary:
            temporary.write_text(json.dumps(content, indent=1) + "\n", encoding="utf-8")


def rounded(means: Mapping[str, Any]) -> dict[str, float]:
    """The results that the table shows."""
    return {key: round(float(means[key]), 4) for key in ("psnr_noisy", "psnr", "ssim")}


if __name__ == "__main__":
    main()
