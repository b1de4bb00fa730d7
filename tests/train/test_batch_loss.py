"""Objectives that compute a risk of their own in place of the run's loss."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import pytest
import torch
from torch import Tensor

from restorekit import ArgumentError, Trainer
from restorekit.objective.base import Compare, Restore, TaskBatch
from restorekit.objective.supervised import Supervised
from restorekit.records import Restoration
from restorekit.train.batch_loss import batch_loss
from restorekit.train.weighted_losses import read_losses

Make = Callable[..., Trainer]


class OwnRisk:
    """A user's objective whose risk is the squared distance of two answers of the network."""

    result: Any = None

    def make_batch(self, images: Tensor, seed: int, step: int, places: Sequence[int]) -> TaskBatch:
        moved = {"moved": images + 0.1}
        return TaskBatch(images, images, extras=moved)

    def risk(self, restore: Restore, batch: TaskBatch, compare: Compare) -> Mapping[str, Tensor]:
        if self.result is not None:
            return {"mine": self.result}
        answer = restore(batch.extras["moved"]).image - restore(batch.input).image
        return {
            "mine": answer.square().mean(),
            "usual": 2 * compare(batch.target + 0.5, batch.input),
        }


def test_the_terms_of_a_risk_are_added_and_logged(tiny: Make) -> None:
    """The run's own loss is what `compare` gives, and nothing else is minimised."""
    trainer = tiny(objective=OwnRisk(), loss={"l1": 3.0})
    measured = trainer.step(1, torch.rand(4, 3, 24, 24))
    assert sorted(measured) == ["loss", "mine", "usual"]
    assert float(measured["usual"]) == pytest.approx(2 * 3 * 0.5, rel=1e-4)
    assert float(measured["loss"]) == pytest.approx(float(measured["mine"]) + 3.0, rel=1e-4)


def test_the_names_of_its_terms_are_in_the_records(tiny: Make) -> None:
    """Under the names that the objective gives them."""
    rows = []

    class Watch:
        def restorekit_step_end(self, metrics: Mapping[str, Any]) -> None:
            rows.append(metrics)

    tiny(objective=OwnRisk(), callbacks=[Watch()]).fit()
    assert sorted(rows[0]["terms"]) == ["mine", "usual"]


@pytest.mark.parametrize("result", [torch.zeros(2), 1.0])
def test_a_risk_that_is_no_number_is_refused(tiny: Make, result: Any) -> None:
    """In one line with the objective and the term."""
    objective = OwnRisk()
    objective.result = result
    with pytest.raises(ArgumentError, match=r"objective OwnRisk gives .* as the risk 'mine'"):
        tiny(objective=objective).step(1, torch.rand(4, 3, 24, 24))


def test_exact_computes_in_float32(tiny: Make) -> None:
    """Small differences would vanish in bfloat16."""
    seen: list[Restoration] = []

    class Both(OwnRisk):
        def risk(
            self, restore: Restore, batch: TaskBatch, compare: Compare
        ) -> Mapping[str, Tensor]:
            seen.extend(restore(batch.input, exact=exact) for exact in (False, True))
            return {"mine": seen[0].image.float().mean()}

    tiny(objective=Both(), precision="bfloat16").step(1, torch.rand(4, 3, 24, 24))
    small, exact = (each.image.detach() for each in seen)
    assert exact.dtype == torch.float32
    assert 0 < float((small.float() - exact).abs().max()) < 0.1


def test_pixels_outside_of_the_mask_do_not_count_in_any_stage() -> None:
    """The loss of the images of all stages is that of the pixels in the mask alone."""
    target, mask = torch.rand(2, 3, 8, 8), torch.rand(2, 1, 8, 8) < 0.3
    stages = {f"stage_{number}": torch.rand(2, 3, 8, 8) for number in (1, 2)}
    answer = Restoration(torch.rand(2, 3, 8, 8), {**stages, "noise": torch.rand(2, 3, 8, 8)})
    batch = TaskBatch(target, target, mask=mask)
    terms = read_losses({"every_stage": {"loss": "l1"}})
    found = batch_loss(Supervised(torch.nn.Identity()), batch, lambda *_: answer, terms)
    images = [answer.image, *stages.values()]
    expected = sum(((image - target).abs() * mask).mean() for image in images)
    torch.testing.assert_close(found["loss"], expected)
    assert batch.masked(answer).extras["noise"] is answer.extras["noise"]
