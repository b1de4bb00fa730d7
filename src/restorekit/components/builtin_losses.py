"""The built-in losses."""

from __future__ import annotations

from restorekit.components.component_records import Component
from restorekit.components.hookspecs import hookimpl


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
            "huber",
            "restorekit.loss.pixel:Huber",
            "squared error of small differences, absolute error of large ones",
            "Huber, 1964, https://doi.org/10.1214/aoms/1177703732",
            ("pixel",),
        ),
        Component(
            "psnr",
            "restorekit.loss.pixel:PSNR",
            "100 dB minus the peak signal-to-noise ratio of each image",
            tags=("pixel",),
        ),
        Component(
            "gradient",
            "restorekit.loss.differences:Gradient",
            "mean absolute error of the differences of neighbouring pixels",
            tags=("structure",),
        ),
        Component(
            "edge",
            "restorekit.loss.differences:Edge",
            "smooth absolute error of the Laplacians",
            tags=("structure",),
        ),
        Component(
            "frequency",
            "restorekit.loss.frequency:Frequency",
            "mean absolute error of the Fourier coefficients",
            "Cho et al., Rethinking Coarse-to-Fine, ICCV 2021, https://arxiv.org/abs/2108.05054",
            ("frequency",),
        ),
        Component(
            "focal_frequency",
            "restorekit.loss.frequency:FocalFrequency",
            "squared error of the Fourier coefficients, more weight on those that are wrong most",
            "Jiang et al., Focal Frequency Loss, ICCV 2021, https://arxiv.org/abs/2012.12821",
            ("frequency",),
        ),
        Component(
            "wavelet",
            "restorekit.loss.scales:Wavelet",
            "mean absolute error of the Haar wavelet coefficients",
            tags=("frequency",),
        ),
        Component(
            "colour",
            "restorekit.loss.scales:Colour",
            "mean squared error of the blurred images",
            "Ignatov et al., DSLR-Quality Photos, ICCV 2017, https://arxiv.org/abs/1704.02470",
            ("colour",),
        ),
        Component(
            "multi_scale",
            "restorekit.loss.scales:MultiScale",
            "another loss, averaged over the images and smaller versions of them",
            tags=("composition",),
        ),
        Component(
            "every_stage",
            "restorekit.loss.stages:EveryStage",
            "another loss, summed over the images of all stages of a network such as mprnet",
            "Zamir et al., MPRNet, CVPR 2021, https://arxiv.org/abs/2102.02808",
            ("composition",),
        ),
        Component(
            "perceptual",
            "restorekit.loss.perceptual:Perceptual",
            "error of the features of a network that the user gives",
            "Johnson et al., Perceptual Losses, ECCV 2016, https://arxiv.org/abs/1603.08155",
            ("perceptual",),
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
            "restorekit.loss.regularizers:TotalVariation",
            "mean absolute difference of neighbouring pixels of the restored image",
            "Rudin et al., Physica D 1992",
            ("regularizer",),
        ),
        Component(
            "codebook",
            "restorekit.loss.codebook:Codebook",
            "distance of a VQ-VAE's features from their codes, which trains the codes",
            "van den Oord et al., VQ-VAE, NeurIPS 2017, https://arxiv.org/abs/1711.00937",
            ("regularizer", "generative"),
        ),
        Component(
            "vdn",
            "restorekit.loss.variational:VDN",
            "negative lower bound of the likelihood of the noisy image, for the model vdn",
            "Yue et al., Variational Denoising Network, NeurIPS 2019, "
            "https://arxiv.org/abs/1908.11314",
            ("generative",),
        ),
        Component(
            "cbdnet",
            "restorekit.loss.level_estimate:CBDNet",
            "squared error, and terms of the estimated noise level, for the model cbdnet",
            "Guo et al., CBDNet, CVPR 2019, https://arxiv.org/abs/1807.04686",
            ("composition",),
        ),
        Component(
            "kl_divergence",
            "restorekit.loss.regularizers:KLDivergence",
            "divergence of a VAE's latent from the standard normal, per sample",
            "Kingma and Welling, https://arxiv.org/abs/1312.6114",
            ("regularizer", "generative"),
        ),
    ]
