"""The U-shape of NAFNet and KBNet: blocks at every scale, joined by additive skip connections."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from torch import Tensor, nn

from restorekit.arch.checkpointing import Blocks
from restorekit.arch.padding import check_at_least, check_batch, crop, pad_to_multiple
from restorekit.errors import ArgumentError


class BlockUNet(nn.Module):
    """Encoder, middle and decoder of equal blocks. The image is added to the output.

    From one scale to the next the number of channels doubles, while height and width halve. For
    other sizes zeros are added at the bottom and the right, as in the published implementations.

    Args:
        name: the registered name of the model, for messages.
        make_block: makes a block for a number of channels.
        channels: channels of the image.
        width: feature channels at full size.
        encoder_blocks: number of blocks at each scale of the encoder, from full size.
        middle_blocks: number of blocks at the smallest size.
        decoder_blocks: number of blocks at each scale of the decoder, from the smallest size.
        checkpoint: compute blocks again in the backward pass, to save memory.

    Raises:
        ArgumentError: a number is below 1, or encoder and decoder have different lengths.
    """

    def __init__(
        self,
        name: str,
        make_block: Callable[[int], nn.Module],
        channels: int,
        width: int,
        encoder_blocks: Sequence[int],
        middle_blocks: int,
        decoder_blocks: Sequence[int],
        checkpoint: bool,
    ) -> None:
        super().__init__()
        check_at_least(1, name, channels=channels, width=width, middle_blocks=middle_blocks)
        check_at_least(1, name, encoder_blocks=min(encoder_blocks, default=0))
        check_at_least(1, name, decoder_blocks=min(decoder_blocks, default=0))
        if len(encoder_blocks) != len(decoder_blocks):
            raise ArgumentError(
                f"model '{name}': 'encoder_blocks' has {len(encoder_blocks)} scales and "
                f"'decoder_blocks' {len(decoder_blocks)}; they must have the same number"
            )
        self.name = name
        self.channels = channels
        self.size_multiple = 2 ** len(encoder_blocks)

        def stage(scale: int, count: int) -> Blocks:
            blocks = (make_block(width * 2**scale) for _ in range(count))
            return Blocks(*blocks, checkpoint=checkpoint)

        scales = range(len(encoder_blocks))
        self.intro = nn.Conv2d(channels, width, 3, padding=1)
        self.encoders = nn.ModuleList(map(stage, scales, encoder_blocks))
        self.downs = nn.ModuleList(halve(width * 2**scale) for scale in scales)
        self.middle_blks = stage(len(scales), middle_blocks)
        self.ups = nn.ModuleList(double(width * 2 ** (scale + 1)) for scale in reversed(scales))
        self.decoders = nn.ModuleList(map(stage, reversed(scales), decoder_blocks))
        self.ending = nn.Conv2d(width, channels, 3, padding=1)

    def forward(self, noisy: Tensor, sigma: Tensor | None = None) -> Tensor:
        """Restore a batch.

        Args:
            noisy: batch, (B, C, H, W), in about [0, 1].
            sigma: ignored.

        Returns:
            The restored batch, (B, C, H, W), in the dtype of `noisy`; not clamped.

        Raises:
            InputError: `noisy` is not a float batch of `channels` channels.
        """
        check_batch(noisy, self.channels, self.name)
        image, size = pad_to_multiple(noisy, self.size_multiple, mode="zero")
        features = self.intro(image)
        skips = []
        for encoder, down in zip(self.encoders, self.downs, strict=True):
            skips.append(encoder(features))
            features = down(skips[-1])
        features = self.middle_blks(features)
        for up, decoder in zip(self.ups, self.decoders, strict=True):
            features = decoder(up(features) + skips.pop())
        return (noisy + crop(self.ending(features), size)).to(noisy.dtype)


def halve(width: int) -> nn.Conv2d:
    """A convolution (B, width, H, W) -> (B, 2 width, H/2, W/2)."""
    return nn.Conv2d(width, 2 * width, 2, stride=2)


def double(width: int) -> nn.Sequential:
    """A pixel shuffle (B, width, H, W) -> (B, width / 2, 2 H, 2 W), after a 1x1 convolution."""
    return nn.Sequential(nn.Conv2d(width, 2 * width, 1, bias=False), nn.PixelShuffle(2))
