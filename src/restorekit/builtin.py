"""The built-in components, declared through the same hooks that plugins implement."""

from __future__ import annotations

from restorekit.hookspecs import hookimpl
from restorekit.registry import Component


@hookimpl
def restorekit_models() -> list[Component]:
    return [
        Component(
            "dncnn",
            "restorekit.arch.dncnn:DnCNN",
            "plain convolutional network that predicts the noise",
            "Zhang et al., Beyond a Gaussian Denoiser, IEEE TIP 2017, https://arxiv.org/abs/1608.03981",
            ("convolutional", "residual"),
        ),
        Component(
            "unet",
            "restorekit.arch.unet:UNet",
            "encoder and decoder with skip connections at every scale",
            "Ronneberger et al., U-Net, MICCAI 2015, https://arxiv.org/abs/1505.04597",
            ("convolutional", "multiscale"),
        ),
        Component(
            "vae",
            "restorekit.arch.vae:VAE",
            "variational autoencoder with a convolutional latent, for use with kl_divergence",
            "Kingma and Welling, Auto-Encoding Variational Bayes, ICLR 2014, "
            "https://arxiv.org/abs/1312.6114",
            ("convolutional", "generative"),
        ),
    ]


@hookimpl
def restorekit_noises() -> list[Component]:
    return [
        Component(
            "gaussian",
            "restorekit.noise.additive:Gaussian",
            "additive white Gaussian noise",
            tags=("additive",),
        ),
        Component(
            "uniform",
            "restorekit.noise.additive:Uniform",
            "additive noise, uniform between -amplitude and +amplitude",
            tags=("additive",),
        ),
        Component(
            "salt_and_pepper",
            "restorekit.noise.impulse:SaltAndPepper",
            "a fraction of the pixels set to white or black",
            tags=("impulse",),
        ),
        Component(
            "one_of",
            "restorekit.noise.compose:OneOf",
            "one of several noises for each sample, chosen at random by weight",
            tags=("composition",),
        ),
        Component(
            "chain",
            "restorekit.noise.compose:Chain",
            "several noises, one after the other",
            tags=("composition",),
        ),
        Component(
            "classic_mixture",
            "restorekit.noise.presets:classic_mixture",
            "gaussian 0.1, salt-and-pepper 0.03 or uniform 0.2, chosen at random for each sample",
            tags=("composition", "preset"),
        ),
    ]


@hookimpl
def restorekit_losses() -> list[Component]:
    return [
        Component("l1", "restorekit.loss.pixel:L1", "mean absolute error", tags=("pixel",)),
        Component("mse", "restorekit.loss.pixel:MSE", "mean squared error", tags=("pixel",)),
        Component(
            "charbonnier",
            "restorekit.loss.pixel:Charbonnier",
            "sqrt(difference^2 + epsilon^2), a smooth l1",
            "Charbonnier et al., ICIP 1994; Lai et al., LapSRN, https://arxiv.org/abs/1704.03915",
            ("pixel",),
        ),
        Component(
            "ssim",
            "restorekit.loss.structure:SSIM",
            "1 - structural similarity",
            "Wang et al., Image Quality Assessment, IEEE TIP 2004",
            ("structure",),
        ),
        Component(
            "ms_ssim",
            "restorekit.loss.structure:MSSSIM",
            "1 - structural similarity over several scales",
            "Wang et al., Multiscale Structural Similarity, Asilomar 2003",
            ("structure",),
        ),
        Component(
            "total_variation",
            "restorekit.loss.regular:TotalVariation",
            "mean absolute difference of neighbouring pixels of the restored image",
            "Rudin et al., Physica D 1992",
            ("regularizer",),
        ),
        Component(
            "kl_divergence",
            "restorekit.loss.regular:KLDivergence",
            "divergence of a VAE's latent from the standard normal, per sample",
            "Kingma and Welling, https://arxiv.org/abs/1312.6114",
            ("regularizer", "generative"),
        ),
    ]


@hookimpl
def restorekit_datasets() -> list[Component]:
    return [
        Component(
            "stl10",
            "restorekit.data.torchvision_sets:STL10",
            "STL-10, 96x96 colour pictures",
            "Coates et al., AISTATS 2011, https://cs.stanford.edu/~acoates/stl10/",
            ("download",),
        ),
        Component(
            "cifar100",
            "restorekit.data.torchvision_sets:CIFAR100",
            "CIFAR-100, 32x32 colour pictures",
            "Krizhevsky 2009, https://www.cs.toronto.edu/~kriz/cifar.html",
            ("download",),
        ),
        Component(
            "folder",
            "restorekit.data.folder:Folder",
            "every picture below a folder, whole or as random patches",
            tags=("files",),
        ),
        Component(
            "samples",
            "restorekit.data.samples:Samples",
            "the public-domain and CC0 photographs that scikit-image ships",
            "https://scikit-image.org/docs/stable/api/skimage.data.html",
            ("files",),
        ),
    ]


@hookimpl
def restorekit_estimators() -> list[Component]:
    return [
        Component(
            "block_dct",
            "restorekit.estimate.block_dct:BlockDCT",
            "noise level from the high frequencies of the flattest blocks; the default",
            "Ponomarenko et al., IGARSS 2007; Colom and Buades, IPOL 2013, "
            "https://doi.org/10.5201/ipol.2013.45",
            ("blocks",),
        ),
        Component(
            "mad",
            "restorekit.estimate.mad:MAD",
            "median absolute deviation of the finest diagonal wavelet coefficients",
            "Donoho and Johnstone, Biometrika 1994",
            ("wavelet",),
        ),
    ]
