"""Objectives without clean images, against the theory that each of them rests on."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import Generator, Tensor, nn
from torch.nn import functional

from restorekit import InputError, create_noise, create_objective
from restorekit.objective.blind2unblind import surrounding
from restorekit.objective.blind_spots import hide, lattice, widened
from restorekit.objective.neighbor2neighbor import subimages
from restorekit.records import Degraded, NoisyImages, Restoration, TaskBatch

GRAY = torch.full((4, 1, 64, 64), 0.5)
RANDOM = torch.rand(4, 3, 24, 32, generator=Generator().manual_seed(3))


class Unchanged(nn.Module):
    """A noise model that adds nothing, so that tests know the noisy image."""

    def forward(self, clean: Tensor) -> Degraded:
        return Degraded(clean)


def made(name: str, images: Tensor, noise: Any = None, **arguments: Any) -> TaskBatch:
    """The batch of an objective at step 1; without a noise the images are the noisy ones."""
    objective = create_objective(name, noise or Unchanged(), **arguments)
    batch: TaskBatch = objective.make_batch(images, 0, 1, range(len(images)))
    return batch


def smooth(noisy: Tensor, sigma: Tensor | None = None, *, exact: bool = False) -> Restoration:
    """A linear network: the mean of 3x3 pixels."""
    channels = noisy.shape[1]
    kernel = torch.full((channels, 1, 3, 3), 1 / 9)
    padded = functional.pad(noisy, (1, 1, 1, 1), "circular")
    return Restoration(functional.conv2d(padded, kernel, groups=channels))


def risk(objective: Any, batch: TaskBatch, restore: Any = smooth) -> dict[str, float]:
    """The terms of an objective's own risk with a linear network and the squared loss."""

    def compare(answer: Any, target: Tensor) -> Tensor:
        return (getattr(answer, "image", answer) - target).square().mean()

    return {name: float(value) for name, value in objective.risk(restore, batch, compare).items()}


class TestNoise2Void:
    @pytest.mark.parametrize("structure", ["none", "horizontal", "vertical", "cross"])
    @pytest.mark.parametrize("strategy", ["uniform", "median"])
    def test_a_target_has_no_influence_on_the_input(self, strategy: str, structure: str) -> None:
        """A change of all hidden pixels, and of those hidden with them, leaves the input alone."""
        arguments = {"strategy": strategy, "structure": structure, "extent": 3, "spacing": 8}
        first = made("noise2void", RANDOM, **arguments)
        assert first.mask is not None
        hidden = torch.stack(
            [
                widened(
                    mask[0],
                    3 if structure in ("horizontal", "cross") else 0,
                    3 if structure in ("vertical", "cross") else 0,
                )
                for mask in first.mask
            ]
        )[:, None]
        other = made("noise2void", torch.where(hidden, 9.0, RANDOM), **arguments)
        assert torch.equal(first.input, other.input)
        assert torch.equal(first.mask, other.mask)
        kept = ~hidden.expand_as(RANDOM)
        assert torch.equal(first.input[kept], RANDOM[kept])

    def test_every_pixel_is_hidden_equally_often(self) -> None:
        """Over the steps, at 1 of spacing^2."""
        objective = create_objective("noise2void", Unchanged(), spacing=4)
        masks = [objective.make_batch(GRAY, 0, step, range(4)).mask for step in range(200)]
        share = torch.cat(masks).float().mean(0)
        assert float(share.mean()) == pytest.approx(1 / 16)
        assert float(share.max() - share.min()) < 0.1  # a standard deviation is 0.0086

    def test_a_hidden_pixel_gets_a_value_of_its_neighbourhood(self) -> None:
        """All channels from the same neighbour, at most `radius` pixels away."""
        rows = torch.arange(32.0)[:, None].expand(32, 32)
        image = torch.stack([rows, rows.T])
        spots = lattice(image, 4, 1, 2)
        found = hide(image, spots, 2, Generator().manual_seed(0), median=False)
        away = (found - image)[:, spots]
        assert float(away.abs().max()) <= 2
        assert bool((away != 0).any(0).all())
        others = ~spots[found[0].long(), found[1].long()]
        assert bool(others.all())

    def test_the_median_is_that_of_numpy(self) -> None:
        """Of the 24 neighbours of a pixel alone."""
        image = torch.rand(1, 5, 5, generator=Generator().manual_seed(0))
        spots = torch.zeros(5, 5, dtype=torch.bool)
        spots[2, 2] = True
        others = sorted(image[0][~spots].tolist())
        found = hide(image, spots, 2, Generator(), median=True)
        assert float(found[0, 2, 2]) in others[11:13]

    def test_images_without_neighbours_are_refused(self) -> None:
        """In one line."""
        spots = torch.ones(1, 1, dtype=torch.bool)
        with pytest.raises(InputError, match="1x1 pixels is too small for blind spots"):
            hide(RANDOM[0, :, :1, :1], spots, 2, Generator(), median=False)


class TestNeighbor2Neighbor:
    def test_the_subimages_have_no_pixel_in_common(self) -> None:
        """Each pixel of both is in the same cell, next to the other one."""
        numbers = torch.arange(63.0).reshape(1, 1, 7, 9).expand(4, 1, 7, 9)
        batch = made("neighbor2neighbor", numbers)
        assert batch.input.shape == (4, 1, 3, 4)
        first, second = (torch.stack((x // 9, x % 9)) for x in (batch.input, batch.target))
        assert bool(((first - second).abs().sum(0) == 1).all())
        assert torch.equal(first // 2, second // 2)

    def test_the_target_of_pixel_independent_noise_is_independent(self) -> None:
        """Correlation of the noises of both, which is near 0 for 4,096 values of variance 1."""
        noise = create_noise("gaussian", std=0.1)
        batch = made("neighbor2neighbor", GRAY, noise)
        pair = torch.stack((batch.input.flatten(), batch.target.flatten()))
        assert abs(float(torch.corrcoef(pair)[0, 1])) < 4 / 4096**0.5

    def test_the_second_term_is_zero_where_the_network_explains_the_difference(self) -> None:
        """A network that copies: f(g1) - g2 equals g1(f(y)) - g2(f(y))."""
        objective = create_objective("neighbor2neighbor", Unchanged(), gamma=3.0, ramp=0)
        batch = objective.make_batch(RANDOM, 0, 1, range(4))
        copy = risk(objective, batch, lambda noisy, sigma: Restoration(noisy))
        assert copy["consistency"] == 0
        expected = float((batch.input - batch.target).square().mean())
        assert copy["neighbours"] == pytest.approx(expected)
        black = risk(objective, batch, lambda noisy, sigma: Restoration(0 * noisy))
        assert black["consistency"] == pytest.approx(3 * float(batch.target.square().mean()))

    def test_all_pairs_are_drawn_equally_often(self) -> None:
        """Of the eight ordered pairs of neighbours."""
        cells = torch.arange(4.0).reshape(1, 1, 2, 2).repeat(4, 1, 32, 32)
        batch = made("neighbor2neighbor", cells)
        counts = (4 * batch.input + batch.target).long().flatten().bincount(minlength=16)
        assert int((counts > 0).sum()) == 8
        assert int(counts.max()) < 2 * int(counts[counts > 0].min())  # 512 each, on average

    def test_subimages_of_a_level_map(self) -> None:
        """A level for each pixel is that of the pixels of the input."""

        class Uneven(nn.Module):
            def forward(self, clean: Tensor) -> Degraded:
                return Degraded(clean, clean[:, :1])

        batch = made("neighbor2neighbor", RANDOM, Uneven())
        assert batch.sigma is not None
        assert torch.equal(batch.sigma, batch.input[:, :1])
        assert torch.equal(batch.sigma, subimages(RANDOM, batch.extras["choice"])[0][:, :1])


class TestRecorrupted:
    @pytest.mark.parametrize("alpha", [0.2, 0.5])
    def test_gaussian_pairs_are_independent(self, alpha: float) -> None:
        """The covariance of their noises is 0; the variances are v / (1 - a) and v / a."""
        noise = create_noise("gaussian", std=0.1)
        batch = made("recorrupted2recorrupted", GRAY, noise, alpha=alpha)
        pair = torch.stack((batch.input.flatten(), batch.target.flatten()))
        assert abs(float(torch.corrcoef(pair)[0, 1])) < 4 / GRAY.numel() ** 0.5
        assert float(batch.input.var()) == pytest.approx(0.01 / (1 - alpha), rel=0.05)
        assert float(batch.target.var()) == pytest.approx(0.01 / alpha, rel=0.05)
        assert float(batch.target.mean()) == pytest.approx(0.5, abs=0.01)
        assert batch.sigma is not None
        assert float(batch.sigma[0]) == pytest.approx(0.1 / (1 - alpha) ** 0.5)

    def test_poisson_pairs_are_independent(self) -> None:
        """Binomial parts of Poisson numbers are independent Poisson numbers."""
        gain, alpha = 0.05, 0.3
        photons = torch.poisson(GRAY / gain, generator=Generator().manual_seed(0))
        batch = made(
            "recorrupted2recorrupted", gain * photons, kind="poisson", gain=gain, alpha=alpha
        )
        pair = torch.stack((batch.input.flatten(), batch.target.flatten()))
        assert abs(float(torch.corrcoef(pair)[0, 1])) < 4 / GRAY.numel() ** 0.5
        for image, share in ((batch.input, 1 - alpha), (batch.target, alpha)):
            assert float(image.mean()) == pytest.approx(0.5, abs=0.01)
            # Of photons with a share of the mean, each worth 1 / share of the gain.
            assert float(image.var()) == pytest.approx(gain * 0.5 / share, rel=0.06)
        parts = (1 - alpha) * batch.input + alpha * batch.target
        torch.testing.assert_close(parts, gain * photons)

    def test_an_unknown_level_is_refused(self) -> None:
        """With what to do."""
        with pytest.raises(InputError, match="needs the noise level of the images: give it sigma"):
            made("recorrupted2recorrupted", GRAY)

    def test_gain_belongs_to_poisson(self) -> None:
        """Neither without the other."""
        for arguments in ({"kind": "poisson"}, {"gain": 0.1}):
            with pytest.raises(ValueError, match='gain is for the kind "poisson"'):
                create_objective("recorrupted2recorrupted", Unchanged(), **arguments)


class TestNoisier2Noise:
    @pytest.mark.parametrize("alpha", [0.5, 1.0])
    def test_the_noise_of_the_target_is_uncorrelated_with_the_input(self, alpha: float) -> None:
        """So the best squared prediction of the target is that of the clean image."""
        noise = create_noise("gaussian", std=0.1)
        batch = made("noisier2noise", GRAY, noise, alpha=alpha)
        pair = torch.stack((batch.input.flatten(), batch.target.flatten()))
        assert abs(float(torch.corrcoef(pair)[0, 1])) < 4 / GRAY.numel() ** 0.5
        assert float(batch.input.std()) == pytest.approx(0.1 * (1 + alpha**2) ** 0.5, rel=0.03)

    def test_a_range_of_levels_adds_the_level_of_each_image(self) -> None:
        """The variance of input and image have the ratio of 1 + a^2 in each image."""
        noise = create_noise("gaussian", std=(0.02, 0.2))
        batch = made("noisier2noise", GRAY, noise)
        assert batch.sigma is not None
        levels = batch.input.flatten(1).std(1)
        torch.testing.assert_close(levels, batch.sigma.flatten(), rtol=0.06, atol=0)
        assert float(levels.max() / levels.min()) > 1.3

    def test_another_noise_can_be_added(self) -> None:
        """To pictures that are noisy themselves, for which the run has no noise."""
        extra = {"name": "uniform", "amplitude": 0.2}
        batch = made("noisier2noise", GRAY, extra=extra)
        assert 0.18 < float((batch.input - GRAY).abs().max()) <= 0.2001
        torch.testing.assert_close(batch.input + batch.target, 2 * GRAY)


class TestSURE:
    def test_equals_the_true_error_of_a_linear_filter(self) -> None:
        """In expectation over noise and probes, for Gaussian noise."""
        noise = create_noise("gaussian", std=0.1)
        objective = create_objective("sure", noise)
        clean = functional.interpolate(RANDOM[:, :1, :8, :8], size=64, mode="bilinear")
        found, true = [], []
        for step in range(30):
            batch = objective.make_batch(clean, 0, step, range(4))
            found.append(risk(objective, batch)["sure"])
            true.append(float((smooth(batch.input).image - clean).square().mean()))
        means = torch.tensor([found, true]).mean(1)
        assert float(means[0]) == pytest.approx(float(means[1]), rel=0.03)

    def test_equals_the_true_error_for_poisson_gaussian_noise(self) -> None:
        """With a variance that depends on the brightness."""
        gain, read = 0.02, 0.05
        clean = functional.interpolate(RANDOM[:, :1, :8, :8], size=64, mode="bilinear")
        objective = create_objective("sure", Unchanged(), gain=gain, read=read)
        source = Generator().manual_seed(0)
        found, true = [], []
        for step in range(30):
            noisy = gain * torch.poisson(clean / gain, generator=source)
            noisy = noisy + read * torch.randn(noisy.shape, generator=source)
            batch = objective.make_batch(noisy, 0, step, range(4))
            found.append(risk(objective, batch)["sure"])
            true.append(float((smooth(noisy).image - clean).square().mean()))
        means = torch.tensor([found, true]).mean(1)
        assert float(means[0]) == pytest.approx(float(means[1]), rel=0.04)

    def test_the_level_can_be_given_or_is_needed(self) -> None:
        """For pictures that are noisy themselves."""
        with pytest.raises(InputError, match="objective 'sure' needs the noise level"):
            made("sure", GRAY)
        with pytest.raises(ValueError, match="read must be from 0 to 1 and needs a gain"):
            create_objective("sure", Unchanged(), read=0.1)


class TestUNSURE:
    def test_the_penalty_is_the_squared_divergence(self) -> None:
        """A ninth of each pixel comes from itself in the mean of 3x3 pixels."""
        objective = create_objective("unsure", Unchanged(), penalty=2.0)
        found = [
            risk(objective, objective.make_batch(RANDOM, 0, step, range(4)))["derivative"]
            for step in range(200)
        ]
        assert sum(found) / len(found) == pytest.approx(2 / 81, rel=0.1)

    def test_a_filter_without_the_pixel_itself_has_no_penalty(self) -> None:
        """Its derivative by that pixel is 0, as that of a blind spot network."""
        objective = create_objective("unsure", Unchanged())
        found = [
            risk(
                objective,
                objective.make_batch(RANDOM, 0, step, range(4)),
                lambda noisy, sigma, exact: Restoration(surrounding(noisy)),
            )["derivative"]
            for step in range(200)
        ]
        assert abs(sum(found) / len(found)) < 2e-3


class TestBlind2Unblind:
    def test_the_blind_image_does_not_see_a_pixel(self) -> None:
        """The term of a pixel does not depend on what the network makes of that pixel."""
        objective = create_objective("blind2unblind", Unchanged(), visible=(0.0, 0.0))
        batch = objective.make_batch(RANDOM, 0, 1, range(4))
        copied = risk(objective, batch, lambda noisy, sigma: Restoration(noisy))
        expected = (surrounding(RANDOM) - RANDOM).square().mean()
        assert copied["blind"] == pytest.approx(float(expected), rel=1e-5)
        assert copied["visible"] == pytest.approx(float(expected), rel=1e-5)

    def test_the_weight_of_the_visible_image_grows(self) -> None:
        """From the first to the last value, linearly."""
        objective = create_objective("blind2unblind", Unchanged(), visible=(2.0, 20.0), ramp=100)
        weights = [
            float(objective.make_batch(RANDOM, 0, step, range(4)).extras["visible"][0])
            for step in (0, 50, 100, 500)
        ]
        assert weights == [2, 11, 20, 20]

    def test_the_mean_of_the_neighbours(self) -> None:
        """Sides count twice as much as corners; a plane keeps its values inside."""
        plane = torch.arange(48.0).reshape(1, 1, 6, 8)
        torch.testing.assert_close(surrounding(plane)[..., 1:-1, 1:-1], plane[..., 1:-1, 1:-1])
        point = torch.zeros(1, 1, 5, 5)
        point[..., 2, 2] = 1
        found = surrounding(point)[0, 0]
        assert [float(found[2, 2]), float(found[2, 1]), float(found[1, 1])] == pytest.approx(
            [0, 1 / 6, 1 / 12]
        )


def test_noise2noise_gives_independent_shots() -> None:
    """Two noises on the same scene."""
    batch = made("noise2noise", GRAY, create_noise("gaussian", std=0.1))
    pair = torch.stack((batch.input.flatten(), batch.target.flatten()))
    assert abs(float(torch.corrcoef(pair)[0, 1])) < 4 / GRAY.numel() ** 0.5


class TestNoisyPictures:
    def test_get_no_further_noise(self) -> None:
        """The run's noise model is for clean images."""
        objective = create_objective("noise2void", create_noise("gaussian", std=0.1))
        batch = objective.make_batch(NoisyImages(RANDOM), 0, 1, range(4))
        assert torch.equal(batch.target, RANDOM)
        assert batch.sigma is None

    def test_have_the_level_that_is_given_or_measured(self) -> None:
        """As a number for all, or measured on each image."""
        noisy = GRAY + 0.1 * torch.randn(GRAY.shape, generator=Generator().manual_seed(0))
        for level, error in ((0.1, 1e-6), ("estimate", 0.01)):
            objective = create_objective("sure", Unchanged(), sigma=level)
            sigma = objective.make_batch(NoisyImages(noisy), 0, 1, range(4)).sigma
            assert sigma.shape == (4, 1, 1, 1)
            torch.testing.assert_close(sigma.flatten(), torch.full((4,), 0.1), rtol=0, atol=error)

    def test_noise2noise_learns_from_the_second_shot(self) -> None:
        """And says what it needs where there is none."""
        objective = create_objective("noise2noise", Unchanged())
        batch = objective.make_batch(NoisyImages(RANDOM, second=1 - RANDOM), 0, 1, range(4))
        assert torch.equal(batch.input, RANDOM)
        assert torch.equal(batch.target, 1 - RANDOM)
        with pytest.raises(InputError, match="needs two noisy shots of each scene"):
            objective.make_batch(NoisyImages(RANDOM), 0, 1, range(4))


@pytest.mark.parametrize(
    "name",
    [
        *("noise2noise", "noise2void", "neighbor2neighbor", "recorrupted2recorrupted"),
        *("noisier2noise", "sure", "unsure", "blind2unblind", "blind_spot"),
    ],
)
def test_only_noisy_images_are_seen(name: str) -> None:
    """Two clean images that are equal with their noise give equal batches."""

    class Constant(nn.Module):
        def forward(self, clean: Tensor) -> Degraded:
            return Degraded(torch.full_like(clean, 0.25), 0.1)

    for_one, for_other = (made(name, images, Constant()) for images in (RANDOM, 1 - RANDOM))
    for one, other in (
        (for_one.input, for_other.input),
        (for_one.target, for_other.target),
        *zip(for_one.extras.values(), for_other.extras.values(), strict=True),
    ):
        assert torch.equal(one, other)
