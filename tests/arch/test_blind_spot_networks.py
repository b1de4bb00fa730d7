"""Networks whose estimate of a pixel does not depend on that pixel: ssdn and ap_bsn."""

from __future__ import annotations

import copy
from functools import cache
from pathlib import Path

import pytest
import torch
from torch import Tensor, nn

from restorekit import create_layout, create_model, load_model
from restorekit.arch.ap_bsn import put_together, side_by_side
from restorekit.arch.ssdn import posterior_mean
from restorekit.errors import ArgumentError, CheckpointError
from restorekit.testing import check_model

NETWORKS = ("ssdn", "ap_bsn")
LEVEL = torch.full((1, 1, 1, 1), 0.1)


@cache
def network(name: str, channels: int = 3, **arguments: object) -> nn.Module:
    """The smallest size, in float64, all of its weights random."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        model = create_model(name, preset="tiny", channels=channels, **arguments)
        for weight in model.parameters():
            nn.init.normal_(weight, std=weight[0].numel() ** -0.5 if weight.ndim > 1 else 0.1)
    return model.double().eval()


def picture(*shape: int) -> Tensor:
    """A batch in [0, 1]."""
    return torch.rand(shape, generator=torch.Generator().manual_seed(0), dtype=torch.float64)


class TestBlindSpot:
    @pytest.mark.parametrize("name", NETWORKS)
    @pytest.mark.parametrize("place", [(0, 0), (7, 9), (16, 20), (16, 0)])
    def test_a_pixel_has_no_influence_on_its_own_estimate(
        self, name: str, place: tuple[int, int]
    ) -> None:
        """The gradient by all channels of the pixel itself is 0, also at the border; odd sizes."""
        noisy = picture(1, 3, 17, 21).requires_grad_()
        mean = network(name)(noisy).extras["blind_mean"]
        row, column = place
        (slope,) = torch.autograd.grad(mean[0, :, row, column].sum(), noisy)
        assert float(slope[0, :, row, column].abs().max()) == 0
        assert int((slope != 0).sum()) > 20

    def test_every_other_pixel_around_has_an_influence(self) -> None:
        """On the estimate of ssdn, in all four directions and on the diagonals."""
        noisy = picture(1, 1, 16, 16).requires_grad_()
        mean = network("ssdn", channels=1)(noisy).extras["blind_mean"]
        (slope,) = torch.autograd.grad(mean[0, 0, 7, 8], noisy)
        around = slope[0, 0, 5:10, 6:11] != 0
        assert int(around.sum()) == 24
        assert not bool(around[2, 2])

    def test_in_training_near_pixels_have_no_influence_on_ap_bsn(self) -> None:
        """Only those of the same subimage, every fifth row and column, far from borders."""
        model = network("ap_bsn", channels=1, width=16)
        noisy = picture(1, 1, 80, 80).requires_grad_()
        (slope,) = torch.autograd.grad(model(noisy).extras["blind_mean"][0, 0, 40, 41], noisy)
        rows, columns = (slope[0, 0] != 0).nonzero(as_tuple=True)
        assert len(rows) > 20
        assert set((rows % 5).tolist()) == {0}
        assert set((columns % 5).tolist()) == {1}


class TestSSDN:
    @pytest.mark.parametrize("covariance", ["full", "diagonal"])
    @pytest.mark.parametrize("channels", [1, 3])
    def test_the_posterior_is_that_of_two_normal_distributions(
        self, channels: int, covariance: str
    ) -> None:
        """Precisions add up: computed with inverse matrices, pixel by pixel."""
        noisy = picture(1, channels, 16, 16)
        answer = network("ssdn", channels, covariance=covariance)(noisy, LEVEL)
        mean, matrix = (answer.extras[f"blind_{each}"] for each in ("mean", "covariance"))
        if covariance == "diagonal":
            assert torch.equal(matrix, matrix * torch.eye(channels)[..., None, None])
        for row, column in ((0, 0), (7, 9)):
            one = torch.eye(channels, dtype=torch.float64)
            own = torch.linalg.inv(matrix[0, :, :, row, column] + 1e-14 * one)
            seen = one / 0.1**2
            joined = own @ mean[0, :, row, column] + seen @ noisy[0, :, row, column]
            expected = torch.linalg.solve(own + seen, joined)
            torch.testing.assert_close(answer.image[0, :, row, column], expected)

    def test_certainty_decides_between_estimate_and_pixel(self) -> None:
        """No noise gives the pixel, much noise the estimate; also where nothing is uncertain."""
        mean, noisy = picture(1, 3, 4, 4), 1 - picture(1, 3, 4, 4)
        matrix = torch.eye(3, dtype=torch.float64)[None, :, :, None, None].expand(1, 3, 3, 4, 4)
        for variance, expected in ((0.0, noisy), (1e12, mean)):
            found = posterior_mean(mean, matrix, noisy, torch.full((1, 1, 1, 1), variance).double())
            torch.testing.assert_close(found, expected)
        certain = posterior_mean(mean, 0 * matrix, noisy, torch.zeros(1, 1, 1, 1).double())
        assert torch.equal(certain, mean)

    def test_without_a_level_the_image_is_the_blind_estimate(self) -> None:
        """And always without a covariance."""
        noisy = picture(1, 3, 16, 16)
        answer = network("ssdn")(noisy)
        assert torch.equal(answer.image, answer.extras["blind_mean"])
        answer = network("ssdn", covariance="none")(noisy, LEVEL)
        assert torch.equal(answer.image, answer.extras["blind_mean"])
        assert list(answer.extras) == ["blind_mean"]

    @pytest.mark.parametrize("covariance", ["diagonal", "none"])
    def test_each_kind_of_uncertainty_keeps_to_the_contract(self, covariance: str) -> None:
        """Every check of models."""
        check_model({"name": "ssdn", "width": 4, "depth": 2, "covariance": covariance})

    def test_size(self) -> None:
        """As many weights as the network of the authors, for colour and gray."""
        for channels, expected in ((3, 1_269_129), (1, 1_265_858)):
            assert parameters("ssdn", channels=channels) == expected

    @torch.no_grad()
    @pytest.mark.parametrize(
        ("covariance", "channels", "outputs"),
        [("full", 3, 9), ("diagonal", 3, 6), ("none", 3, 3), ("full", 1, 2)],
    )
    def test_the_checkpoint_of_the_reproduction_loads(
        self, covariance: str, channels: int, outputs: int, tmp_path: Path
    ) -> None:
        """Its names, in its order of execution, with the last layer under two of them."""
        names = ["encode_block_1.0", "encode_block_1.2"]
        names += [f"encode_block_{number}.0" for number in range(2, 7)]
        names += [f"decode_block_{number}.{place}" for number in (5, 4, 3, 2, 1) for place in "02"]
        names += [f"output_block.{place}" for place in "024"]
        ours = network("ssdn", channels, depth=5, covariance=covariance)
        layers = [each for each in ours.modules() if isinstance(each, nn.Conv2d)]
        assert len(layers[-1].weight) == outputs
        state = {
            f"{name}.{part}": tensor
            for name, layer in zip(names, layers, strict=True)
            for part, tensor in layer.state_dict().items()
        }
        for part in ("weight", "bias"):
            state[f"output_conv.{part}"] = state[f"output_block.4.{part}"]
        torch.save(state, tmp_path / "ssdn.pth")
        loaded = load_model(tmp_path / "ssdn.pth").double()
        noisy = picture(1, channels, 32, 32)
        torch.testing.assert_close(loaded(noisy, LEVEL).image, ours(noisy, LEVEL).image)

    def test_a_checkpoint_without_a_blind_spot_is_refused(self) -> None:
        """The reproduction also has networks of one branch, and of other outputs."""
        layout = create_layout("ssdn_pytorch")
        state = {
            "encode_block_1.0.weight": torch.zeros(4, 3, 3, 3),
            "output_block.0.weight": torch.zeros(8, 8, 1, 1),
            "output_block.4.weight": torch.zeros(3, 8, 1, 1),
        }
        with pytest.raises(CheckpointError, match=r"'output_block\.0\.weight' is \(8, 8, 1, 1\)"):
            layout(state)
        state["output_block.0.weight"] = torch.zeros(32, 32, 1, 1)
        assert layout(state).arguments["covariance"] == "none"
        state["output_block.4.weight"] = torch.zeros(4, 8, 1, 1)
        with pytest.raises(CheckpointError, match="4 output channels for 3 of the image"):
            layout(state)


class TestAPBSN:
    def test_subimages_are_put_together_again(self) -> None:
        """Without a pixel changed, and with a border of zeros in between."""
        image = picture(2, 3, 20, 30)
        apart = side_by_side(image, 5)
        assert apart.shape == (2, 3, 40, 50)
        assert torch.equal(apart[:, :, 2:6, 2:8], image[:, :, ::5, ::5])
        assert torch.equal(apart[:, :, 10:14, 22:28], image[:, :, 1::5, 2::5])
        assert float(apart.sum()) == pytest.approx(float(image.sum()))
        assert torch.equal(put_together(apart, 5), image)

    def test_all_values_replaced_is_the_network_on_the_noisy_image(self) -> None:
        """At full size, mirrored at the border by two pixels."""
        model, noisy = network("ap_bsn", replaced=1.0), picture(1, 3, 16, 18)
        wide = nn.functional.pad(noisy, (2, 2, 2, 2), "reflect")
        expected = model.bsn(wide)[:, :, 2:-2, 2:-2]
        torch.testing.assert_close(model(noisy).image, expected)

    def test_no_refinement_is_the_image_of_the_shorter_stride(self) -> None:
        """And with a stride of 5 it is what the network is trained for."""
        noisy = picture(1, 3, 20, 20)
        model = network("ap_bsn", refinements=0, stride=5)
        answer = model(noisy)
        assert torch.equal(answer.image, answer.extras["blind_mean"])
        other = network("ap_bsn", refinements=0)(noisy)
        assert torch.equal(other.extras["blind_mean"], answer.extras["blind_mean"])
        assert not torch.allclose(other.image, answer.image)

    def test_the_pattern_has_the_stated_share(self) -> None:
        """Of 8 patterns of 16x16 values in three channels, all of which differ."""
        pattern = create_model("ap_bsn", width=2, depth=1).pattern
        assert float(pattern.float().mean()) == pytest.approx(0.16, abs=0.02)
        assert len(pattern.flatten(1).unique(dim=0)) == 8

    def test_size(self) -> None:
        """The paper states 3.7 million weights."""
        assert parameters("ap_bsn") == 3_656_131

    def test_arguments_out_of_range_are_refused(self) -> None:
        """Named, in one line."""
        for arguments in ({"width": 5}, {"width": 0}, {"replaced": 1.5}, {"stride": 0}):
            with pytest.raises(ArgumentError, match=f"'{next(iter(arguments))}' must be"):
                create_model("ap_bsn", **arguments)

    def test_the_authors_checkpoint_loads(self, tmp_path: Path) -> None:
        """Of images in [0, 255], with masks of convolutions, as their trainer saves it."""
        ours = copy.deepcopy(network("ap_bsn", refinements=8)).float()
        state = {name: value.clone() for name, value in ours.state_dict().items()}
        for branch, size in (("branch1", 3), ("branch2", 5)):
            mask = torch.ones(4, 4, size, size)
            mask[..., size // 2, size // 2] = 0
            state[f"bsn.{branch}.body.0.mask"] = mask
        # A network on [0, 255] with the same images as results.
        state["bsn.head.0.weight"] /= 255
        for name in ("weight", "bias"):
            state[f"bsn.tail.6.{name}"] *= 255
        path = tmp_path / "APBSN.pth"
        torch.save({"epoch": 1, "model_weight": {"denoiser": state}}, path)
        noisy = picture(1, 3, 17, 20).float()
        torch.testing.assert_close(load_model(path)(noisy).image, ours(noisy).image)

    def test_shapes_that_do_not_fit_are_refused(self) -> None:
        """Keys of its layout with weights of another network."""
        state = dict(network("ap_bsn").state_dict())
        assert create_layout("ap_bsn_authors")(state).arguments == {
            "channels": 3,
            "width": 4,
            "depth": 1,
        }
        state["bsn.head.0.weight"] = torch.zeros(4, 3, 3, 3)
        with pytest.raises(CheckpointError, match=r"bsn\.head\.0\.weight"):
            create_layout("ap_bsn_authors")(state)


def parameters(name: str, **arguments: object) -> int:
    """The number of trainable numbers of the published size."""
    with torch.device("meta"):
        model = create_model(name, **arguments)
    return sum(weight.numel() for weight in model.parameters())
