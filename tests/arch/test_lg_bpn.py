"""LG-BPN: the patch that it does not see, its masked convolutions, and its checkpoints."""

from __future__ import annotations

import copy
from functools import cache
from pathlib import Path

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional

from restorekit import create_layout, create_model, create_noise, create_objective, load_model
from restorekit.arch.lg_bpn import HIDDEN, Form, JointAttention, PatchMaskedConv, merge, split
from restorekit.arch.transformer_unet import TransposedAttention
from restorekit.errors import ArgumentError, CheckpointError
from restorekit.records import restore_batch

# Size and spacing of the masked convolutions, with their ratios for SIDD and for DND.
MASKED = [
    *((9, 1, ratio) for ratio in (0.72, 0.46, 0.5, 0.4)),
    *((11, 2, ratio) for ratio in (0.8, 0.43, 0.65, 0.35)),
]


@cache
def network(channels: int = 3, **arguments: object) -> nn.Module:
    """The smallest size, in float64, all of its weights random."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        model = create_model("lg_bpn", preset="tiny", channels=channels, **arguments)
        for weight in model.parameters():
            nn.init.normal_(weight, std=weight[0].numel() ** -0.5 if weight.ndim > 1 else 0.1)
    return model.double().eval()


def without_scores(model: nn.Module) -> nn.Module:
    """The network with the same attention between all channels, whatever the image."""
    model = copy.deepcopy(model)
    for name, weight in model.named_parameters():
        if name.endswith("temperature"):
            nn.init.zeros_(weight)
    return model


def picture(*shape: int) -> Tensor:
    """A batch in [0, 1]."""
    return torch.rand(shape, generator=torch.Generator().manual_seed(0), dtype=torch.float64)


def influence(model: nn.Module, size: int, place: tuple[int, int]) -> tuple[Tensor, Tensor]:
    """On the blind estimate of a pixel: that of all pixels, and their distances |y| + |x|."""
    noisy = picture(1, 1, size, size).requires_grad_()
    mean = model(noisy).extras["blind_mean"][0, 0, place[0], place[1]]
    (slope,) = torch.autograd.grad(mean, noisy)
    rows, columns = ((torch.arange(size) - each).abs() for each in place)
    return slope[0, 0].abs(), rows[:, None] + columns


class TestBlindPatch:
    @pytest.mark.parametrize(("size", "place"), [(60, (30, 31)), (64, (32, 33)), (61, (8, 52))])
    def test_the_patch_has_no_influence_except_by_the_scores(
        self, size: int, place: tuple[int, int]
    ) -> None:
        """At the published depth, at sizes where paths between subimages would lead into it, and
        eight pixels from the border."""
        model = without_scores(network(1, width=8, depth=9, blocks=6))
        slope, distance = influence(model, size, place)
        assert float(slope[distance <= HIDDEN].max()) == 0
        assert int((slope != 0).sum()) > 100

    def test_all_pixels_around_the_patch_are_seen(self) -> None:
        """Of the 9x9 pixels around one, the 40 outside of the diamond; at more the even ones."""
        slope, distance = influence(without_scores(network(1, width=16)), 60, (30, 30))
        near = slice(26, 35)
        assert int((distance[near, near] > HIDDEN).sum()) == 40
        assert bool((slope[near, near][distance[near, near] > HIDDEN] > 0).all())
        assert bool((slope[20:41:2, 20:41:2][distance[20:41:2, 20:41:2] > HIDDEN] > 0).all())

    def test_the_scores_let_little_through(self) -> None:
        """With the attention of the image, the patch counts less than a hundredth of the rest."""
        slope, distance = influence(network(1, width=16), 60, (30, 31))
        inside, outside = slope[distance <= HIDDEN], slope[distance > HIDDEN]
        assert 0 < float(inside.max()) < 0.01 * float(outside.max())

    def test_training_and_restoring_have_the_same_blind_estimate(self) -> None:
        """The image of the training mode, in which the masked convolutions are used as they are."""
        model, noisy = network(), picture(1, 3, 21, 26)
        answer = model(noisy)
        trained = copy.deepcopy(model).train()(noisy)
        assert torch.equal(trained.image, answer.extras["blind_mean"])
        assert not torch.allclose(answer.image, trained.image, atol=1e-3)


class TestMaskedConvolution:
    @pytest.mark.parametrize(("size", "spacing", "ratio"), MASKED)
    def test_it_is_one_of_interpolated_taps(self, size: int, spacing: int, ratio: float) -> None:
        """Each tap read from the image by `grid_sample`, at pixels of the border too."""
        torch.manual_seed(0)
        layer = PatchMaskedConv(2, 3, size, spacing).double()
        image = picture(1, 2, 25, 18)
        border = spacing * (size // 2)
        wide = functional.pad(image, (border,) * 4, "reflect")
        rows, columns = (torch.arange(n, dtype=torch.float64) for n in (25, 18))
        total = layer.bias[None, :, None, None].expand(1, 3, 25, 18)
        for row in range(size):
            for column in range(size):
                y, x = (spacing * (each - size // 2) for each in (row, column))
                if abs(y) + abs(x) <= 4:
                    continue
                at = torch.stack(
                    torch.broadcast_tensors(
                        (columns + border + x * ratio) * 2 / (wide.shape[3] - 1) - 1,
                        (rows[:, None] + border + y * ratio) * 2 / (wide.shape[2] - 1) - 1,
                    ),
                    dim=-1,
                )
                read = functional.grid_sample(wide, at[None], align_corners=True)
                total = total + torch.einsum("oc,bchw->bohw", layer.weight[..., row, column], read)
        torch.testing.assert_close(layer(image, ratio), total)

    @pytest.mark.parametrize(("size", "spacing", "hidden"), [(9, 1, 41), (11, 2, 13)])
    def test_the_diamond_is_hidden(self, size: int, spacing: int, hidden: int) -> None:
        """An impulse is answered at all taps but those of |y| + |x| <= 4; both sizes reach."""
        layer = PatchMaskedConv(1, 1, size, spacing)
        nn.init.ones_(layer.weight)
        nn.init.zeros_(layer.bias)
        image = torch.zeros(1, 1, 61, 61)
        image[..., 30, 30] = 1
        rows, columns = layer(image)[0, 0].nonzero(as_tuple=True)
        away = (rows - 30).abs() + (columns - 30).abs()
        assert len(away) == size**2 - hidden
        assert int(away.min()) > 4
        reach = spacing * (size // 2)
        assert (int(rows.min()), int(rows.max())) == (30 - reach, 30 + reach)
        assert set((rows % spacing).tolist()) == {0}


class TestSubimages:
    def test_they_are_put_together_again(self) -> None:
        """Each is every third pixel; its border is mirrored or zero."""
        image = picture(2, 3, 12, 15)
        apart = split(image, 3, 2, mirror=True)
        assert apart.shape == (18, 3, 8, 9)
        for number in range(9):
            part = image[:, :, number // 3 :: 3, number % 3 :: 3]
            assert torch.equal(apart[number::9], functional.pad(part, (2,) * 4, "reflect"))
        assert torch.equal(merge(apart, 3, 2), image)
        assert float(split(image, 3, 2, mirror=False)[..., :2].abs().max()) == 0

    @pytest.mark.parametrize(
        ("name", "stride", "border"), [("local_branch", 4, 8), ("global_branch", 5, 0)]
    )
    def test_in_training_they_are_a_wider_dilation(
        self, name: str, stride: int, border: int
    ) -> None:
        """Of the whole image, with zeros around it; so they share the scores of the attention.

        The local branch has a border of two pixels around each subimage, of eight in the image.
        """
        branch, features = getattr(network().bsn, name), picture(2, 4, 40, 60)
        wide = copy.deepcopy(branch)
        for layer in wide.modules():
            if isinstance(layer, nn.Conv2d) and layer.dilation != (1, 1):
                layer.dilation = layer.padding = tuple(stride * each for each in layer.dilation)
        found, expected = (
            functional.pad(each(features, Form(step, 1.0, training=True)), (-border,) * 4)
            for each, step in ((branch, stride), (wide, 1))
        )
        torch.testing.assert_close(found, expected)

    def test_images_share_their_scores_as_one_large_image(self) -> None:
        """For features of single pixels: images in a row are the same as successive ones."""
        shared, alone = JointAttention(4, 2, dilation=3), TransposedAttention(4, 2)
        alone.load_state_dict(shared.state_dict())
        for each in (shared, alone):
            weight = each.qkv_dwconv.weight.data
            weight.copy_(functional.pad(weight[..., 1:2, 1:2], (1,) * 4))
        images = picture(6, 4, 5, 7).float()
        rows = [torch.cat(tuple(images[first : first + 3]), dim=-1) for first in (0, 3)]
        expected = torch.cat([row for each in alone(torch.stack(rows)) for row in each.split(7, 2)])
        found = shared(images, images=3).flatten(0, 1)
        torch.testing.assert_close(found, expected)


class TestLGBPN:
    def test_size(self) -> None:
        """That of the authors' network, without taps of 21x21 pixels that its mask hides."""
        with torch.device("meta"):
            model = create_model("lg_bpn")
        count = sum(weight.numel() for weight in model.parameters())
        assert count + 24 * 128 * (21**2 - 11**2) == 4_558_879

    def test_all_values_replaced_is_the_refining_form_on_the_noisy_image(self) -> None:
        """Mirrored at the border by two pixels, whatever the first result is."""
        noisy = picture(1, 3, 16, 18)
        answers = [network(replaced=1.0, strides=strides)(noisy) for strides in ((3, 4), (1, 2))]
        torch.testing.assert_close(answers[0].image, answers[1].image)
        model = network(replaced=1.0)
        wide = functional.pad(noisy, (2, 2, 2, 2), "reflect")
        expected = model.bsn(wide, (Form(2, 0.46), Form(4, 0.43)))[:, :, 2:-2, 2:-2]
        torch.testing.assert_close(answers[0].image, expected)

    def test_the_refinement_is_the_same_in_every_network(self) -> None:
        """Its places do not depend on the random numbers of a program."""
        patterns = []
        for seed in (0, 1):
            torch.manual_seed(seed)
            patterns.append(create_model("lg_bpn", preset="tiny", refinements=8).pattern)
        assert torch.equal(*patterns)
        assert float(patterns[0].float().mean()) == pytest.approx(0.16, abs=0.02)

    def test_arguments_out_of_range_are_refused(self) -> None:
        """Named, in one line."""
        for arguments in (
            {"width": 5},
            {"head_width": 0},
            {"blocks": 0},
            {"strides": (0, 4)},
            {"train_strides": (3, 5)},
            {"train_strides": (4, 4)},
            {"refined_strides": (2, 0)},
            {"ratios": (0.0, 0.5)},
            {"refined_ratios": (0.5, 1.5)},
            {"refinements": -1},
            {"replaced": 1.5},
        ):
            with pytest.raises(ArgumentError, match=f"'{next(iter(arguments))}' must be") as caught:
                create_model("lg_bpn", **arguments)
            assert "\n" not in str(caught.value)

    def test_it_learns_from_images_with_correlated_noise(self) -> None:
        """Smooth images, noise that neighbours share: two thirds of it are gone after 80 steps."""
        torch.manual_seed(1)
        model = create_model("lg_bpn", preset="tiny", channels=1, width=16, head_width=8)
        objective = create_objective("blind_spot", create_noise("gaussian", std=0.0))
        optimizer = torch.optim.Adam(model.parameters(), 3e-3)
        clean = functional.interpolate(torch.rand(4, 1, 3, 3), size=40, mode="bicubic")
        noisy = clean + functional.avg_pool2d(0.3 * torch.randn(4, 1, 42, 42), 3, stride=1)
        for step in range(80):
            batch = objective.make_batch(noisy, 0, step, range(4))
            terms = objective.risk(lambda *given: restore_batch(model, *given), batch, squared)
            optimizer.zero_grad()
            sum(terms.values()).backward()
            optimizer.step()
        with torch.no_grad():
            blind = model.eval()(noisy).extras["blind_mean"]
        assert float(squared(blind, clean)) < float(squared(noisy, clean)) / 3


def squared(restored: Tensor, target: Tensor) -> Tensor:
    """The mean squared error."""
    return (restored - target).square().mean()


def published(model: nn.Module) -> dict[str, Tensor]:
    """The state dict of the authors' network for images in [0, 255], as their trainer saves it.

    What no computation uses is random: masks, copies of the masked convolutions, hidden taps.
    """
    state = {}
    for key, tensor in model.state_dict().items():
        name = key.replace("masked", "Maskconv").replace("local_branch", "branch1")
        name = name.replace("global_branch.blocks", "branch2.body.encoder_level1")
        name = name.replace("global_branch.output", "branch2.body.output")
        name = name.replace("global_branch", "branch2")
        if name == "bsn.branch2.Maskconv.weight":
            taps, tensor = tensor, torch.rand(*tensor.shape[:2], 21, 21)
            tensor[..., ::2, ::2] = taps
        if name == "bsn.head.0.weight":
            tensor = tensor / 255
        state[name] = tensor * 255 if name.startswith("bsn.tail.6.") else tensor.clone()
        if "Maskconv" in name:
            path, _, part = name.rpartition(".")
            state[f"{path}.test_conv.{part}"] = torch.rand(tensor.shape)
            if part == "weight":
                state[f"{path}.mask"] = torch.rand(tensor.shape)
    return state


class TestCheckpoints:
    @pytest.mark.parametrize("preset", ["sidd", "dnd"])
    def test_those_of_the_authors_load(self, preset: str, tmp_path: Path) -> None:
        """With the form of the named layout; the file of both has the same keys and shapes."""
        for_dnd = {
            "strides": (2, 4),
            "refined_strides": (2, 2),
            "ratios": (0.5, 0.65),
            "refined_ratios": (0.4, 0.35),
        }
        model = network(refinements=8, blocks=2, **(for_dnd if preset == "dnd" else {}))
        ours = copy.deepcopy(model).float()
        path = tmp_path / "LGBPN_20.pth"
        torch.save({"epoch": 20, "model_weight": {"denoiser": published(ours)}}, path)
        loaded = load_model(path, layout="lg_bpn_authors_dnd" if preset == "dnd" else None)
        noisy = picture(1, 3, 17, 20).float()
        torch.testing.assert_close(loaded(noisy).image, ours(noisy).image)

    def test_sizes_are_read_from_the_shapes(self) -> None:
        """Channels, features, and the blocks of both branches."""
        state = published(create_model("lg_bpn", preset="tiny", channels=1, depth=3, blocks=2))
        assert create_layout("lg_bpn_authors")(state).arguments == {
            "channels": 1,
            "head_width": 4,
            "width": 4,
            "depth": 3,
            "blocks": 2,
        }

    def test_shapes_that_do_not_fit_are_refused(self) -> None:
        """Keys of its layout with another kernel; other keys are left to other layouts."""
        state = published(network())
        layout = create_layout("lg_bpn_authors")
        assert layout({key: state[key] for key in state if "branch2" not in key}) is None
        state["bsn.branch2.Maskconv.weight"] = torch.zeros(4, 4, 11, 11)
        with pytest.raises(CheckpointError, match=r"'bsn\.branch2\.Maskconv\.weight' is") as caught:
            layout(state)
        assert "\n" not in str(caught.value)
