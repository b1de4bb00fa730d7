"""The built-in networks, declared through the hook of plugins.

Presets are published sizes, and "tiny": a few thousand parameters, for tests and first tries.
"""

from __future__ import annotations

from restorekit.components.component_records import Component
from restorekit.components.hookspecs import hookimpl


@hookimpl
def restorekit_models() -> list[Component]:
    return [*_until_2019(), *_since_2020()]


def _until_2019() -> list[Component]:
    return [
        Component(
            "autoencoder",
            "restorekit.arch.autoencoder:Autoencoder",
            "convolutional denoising autoencoder, without skip connections",
            "Gondara, Medical Image Denoising Using Convolutional "
            "Denoising Autoencoders, ICDM Workshops 2016, "
            "https://arxiv.org/abs/1608.04667",
            ("convolutional", "multiscale", "blind"),
            {
                "tiny": {"width": 8},
            },
        ),
        Component(
            "cbdnet",
            "restorekit.arch.cbdnet:CBDNet",
            "noise estimation, then a U-Net that uses the estimate",
            "Guo et al., Toward Convolutional Blind Denoising of Real Photographs, CVPR 2019, "
            "https://arxiv.org/abs/1807.04686",
            ("convolutional", "multiscale", "residual", "blind", "real-noise"),
            {
                "color": {"channels": 3},
                "tiny": {"width": 4, "estimator_width": 4},
            },
        ),
        Component(
            "didn",
            "restorekit.arch.didn:DIDN",
            "large network of blocks that repeatedly halve and double the resolution",
            "Yu et al., Deep Iterative Down-Up CNN for Image Denoising, CVPR Workshops 2019, "
            "https://openaccess.thecvf.com/content_CVPRW_2019/html/NTIRE/Yu_Deep_Iterative_Down-Up_"
            "CNN_for_Image_Denoising_CVPRW_2019_paper.html",
            ("convolutional", "multiscale", "residual", "blind"),
            {
                "color": {"channels": 3},
                "gray": {"channels": 1},
                "tiny": {"width": 4, "blocks": 2},
            },
        ),
        Component(
            "dncnn",
            "restorekit.arch.dncnn:DnCNN",
            "plain convolutional network that predicts the noise",
            "Zhang et al., Beyond a Gaussian Denoiser, IEEE TIP 2017, https://arxiv.org/abs/1608.03981",
            ("convolutional", "residual", "blind"),
            {
                "s_gray": {"channels": 1, "depth": 17},
                "s_color": {"channels": 3, "depth": 17},
                "b_gray": {"channels": 1, "depth": 20},
                "b_color": {"channels": 3, "depth": 20},
                "three_gray": {"channels": 1, "depth": 20},
                "tiny": {"depth": 4, "width": 8},
            },
        ),
        Component(
            "fdncnn",
            "restorekit.arch.fdncnn:FDnCNN",
            "plain convolutional network that takes the noise level and predicts the image",
            "Zhang et al., Beyond a Gaussian Denoiser, IEEE TIP 2017, "
            "https://arxiv.org/abs/1608.03981",
            ("convolutional", "conditional"),
            {
                "gray": {"channels": 1},
                "color": {"channels": 3},
                "tiny": {"depth": 4, "width": 8},
            },
        ),
        Component(
            "ffdnet",
            "restorekit.arch.ffdnet:FFDNet",
            "plain convolutional network at half size that takes the noise level as input",
            "Zhang et al., FFDNet, IEEE TIP 2018, https://arxiv.org/abs/1710.04026",
            ("convolutional", "conditional"),
            {
                "gray": {"channels": 1, "depth": 15, "width": 64},
                "color": {"channels": 3, "depth": 12, "width": 96},
                "tiny": {"depth": 4, "width": 8},
            },
        ),
        Component(
            "ircnn",
            "restorekit.arch.ircnn:IRCNN",
            "seven dilated convolutions that predict the noise",
            "Zhang et al., Learning Deep CNN Denoiser Prior for Image Restoration, CVPR 2017, "
            "https://arxiv.org/abs/1704.03264",
            ("convolutional", "residual", "blind"),
            {
                "gray": {"channels": 1},
                "color": {"channels": 3},
                "tiny": {"width": 8},
            },
        ),
        Component(
            "memnet",
            "restorekit.arch.memnet:MemNet",
            "recursive units, and gates over all earlier states",
            "Tai et al., MemNet: A Persistent Memory Network, ICCV 2017, "
            "https://arxiv.org/abs/1708.02209",
            ("convolutional", "recurrent", "residual", "blind"),
            {
                "m6r6": {"blocks": 6, "recursions": 6},
                "m10r10": {"blocks": 10, "recursions": 10},
                "tiny": {"width": 8, "blocks": 2, "recursions": 2},
            },
        ),
        Component(
            "mwcnn",
            "restorekit.arch.mwcnn:MWCNN",
            "U-Net with Haar wavelet transforms in place of pooling",
            "Liu et al., Multi-level Wavelet-CNN for Image Restoration, CVPR Workshops 2018, "
            "https://arxiv.org/abs/1805.07071",
            ("convolutional", "multiscale", "wavelet", "residual", "blind"),
            {
                "gray": {"channels": 1},
                "color": {"channels": 3},
                "tiny": {"width": 4, "inner_width": 4, "layers": 2},
            },
        ),
        Component(
            "n3net",
            "restorekit.arch.n3net:N3Net",
            "small DnCNNs, and blocks between them that add the nearest neighbours of every patch",
            "Plötz and Roth, Neural Nearest Neighbors Networks, NeurIPS 2018, "
            "https://arxiv.org/abs/1810.12575",
            ("convolutional", "residual", "non-local", "blind"),
            {
                "gray": {"channels": 1},
                "tiny": {
                    "width": 8,
                    "depth": 3,
                    "blocks": 2,
                    "features": 2,
                    "neighbours": 2,
                    "patch_size": 4,
                    "stride": 2,
                    "window": 3,
                    "embedding_depth": 2,
                },
            },
        ),
        Component(
            "patch_mlp",
            "restorekit.arch.patch_mlp:PatchMLP",
            "fully connected layers on overlapping patches",
            "Burger et al., Image Denoising: Can Plain Neural Networks "
            "Compete with BM3D?, CVPR 2012, "
            "https://arxiv.org/abs/1211.1544",
            ("blind",),
            {
                "gray_17": {"channels": 1},
                "gray_39": {"channels": 1, "patch": 39, "widths": [3072, 3072, 2559, 2047]},
                "tiny": {"patch": 7, "restored_patch": 5, "widths": [16, 16], "stride": 2},
            },
        ),
        Component(
            "rednet",
            "restorekit.arch.rednet:REDNet",
            "convolutions and mirrored deconvolutions with skips between them",
            "Mao et al., Very Deep Convolutional Encoder-Decoder Networks, NIPS 2016, "
            "https://arxiv.org/abs/1603.09056",
            ("convolutional", "residual", "blind"),
            {
                "red10": {"depth": 10, "width": 64, "skips": False},
                "red20": {"depth": 20, "width": 64},
                "red30": {"depth": 30, "width": 128},
                "tiny": {"depth": 8, "width": 8},
            },
        ),
        Component(
            "ridnet",
            "restorekit.arch.ridnet:RIDNet",
            "residual modules with channel attention, for real photographs",
            "Anwar and Barnes, Real Image Denoising with Feature Attention, ICCV 2019, "
            "https://arxiv.org/abs/1904.07396",
            ("convolutional", "residual", "attention", "blind", "real-noise"),
            {
                "color": {"channels": 3},
                "tiny": {"width": 8, "blocks": 1},
            },
        ),
        Component(
            "ssdn",
            "restorekit.arch.ssdn:SSDN",
            "blind-spot network of four half-planes; the estimate of a pixel does not see it",
            "Laine et al., High-Quality Self-Supervised Deep Image Denoising, NeurIPS 2019, "
            "https://arxiv.org/abs/1901.10277",
            ("convolutional", "multiscale", "blind-spot"),
            {
                "tiny": {"width": 4, "depth": 2},
                "gray": {"channels": 1},
                "mean_only": {"covariance": "none"},
            },
        ),
        Component(
            "unet",
            "restorekit.arch.unet:UNet",
            "encoder and decoder with skip connections at every scale",
            "Ronneberger et al., U-Net, MICCAI 2015, https://arxiv.org/abs/1505.04597",
            ("convolutional", "multiscale", "blind"),
            {"tiny": {"width": 4, "depth": 2}},
        ),
        Component(
            "vae",
            "restorekit.arch.vae:VAE",
            "variational autoencoder with a convolutional latent, for use with kl_divergence",
            "Kingma and Welling, Auto-Encoding Variational Bayes, ICLR 2014, "
            "https://arxiv.org/abs/1312.6114",
            ("convolutional", "generative", "blind"),
            {"tiny": {"width": 4, "depth": 2, "latent_channels": 4}},
        ),
        Component(
            "vdn",
            "restorekit.arch.vdn:VDN",
            "U-Net that predicts the noise, and a network for its level, for use with the loss vdn",
            "Yue et al., Variational Denoising Network, NeurIPS 2019, "
            "https://arxiv.org/abs/1908.11314",
            ("convolutional", "multiscale", "residual", "blind", "generative", "real-noise"),
            {
                "color": {"channels": 3},
                "gray": {"channels": 1},
                "tiny": {"width": 4, "depth": 2, "sigma_width": 4, "sigma_depth": 3},
            },
        ),
        Component(
            "vqvae",
            "restorekit.arch.vqvae:VQVAE",
            "autoencoder whose latent is a map of codes, for use with the loss codebook",
            "van den Oord et al., Neural Discrete Representation Learning, NeurIPS 2017, "
            "https://arxiv.org/abs/1711.00937",
            ("convolutional", "multiscale", "blind", "generative"),
            {"tiny": {"width": 4, "depth": 1, "latent_channels": 4, "codes": 16}},
        ),
    ]


def _since_2020() -> list[Component]:
    return [
        Component(
            "adnet",
            "restorekit.arch.adnet:ADNet",
            "plain and dilated convolutions, and attention that weighs the noise",
            "Tian et al., Attention-guided CNN for Image Denoising, Neural Networks 2020, "
            "https://doi.org/10.1016/j.neunet.2019.12.024",
            ("convolutional", "residual", "attention", "blind"),
            {
                "gray": {"channels": 1},
                "color": {"channels": 3},
                "tiny": {"width": 8},
            },
        ),
        Component(
            "ap_bsn",
            "restorekit.arch.ap_bsn:APBSN",
            "blind-spot network on subimages, for noise that is correlated between pixels",
            "Lee et al., AP-BSN, CVPR 2022, https://arxiv.org/abs/2203.11799",
            ("convolutional", "residual", "blind", "blind-spot", "real-noise"),
            {
                "tiny": {"width": 4, "depth": 1, "refinements": 2},
                "gray": {"channels": 1},
            },
        ),
        Component(
            "drunet",
            "restorekit.arch.drunet:DRUNet",
            "U-Net of residual blocks without biases that takes the noise level as input",
            "Zhang et al., Plug-and-Play Image Restoration with Deep Denoiser Prior, "
            "IEEE TPAMI 2021, https://arxiv.org/abs/2008.13751",
            ("convolutional", "multiscale", "conditional"),
            {
                "color": {"channels": 3},
                "gray": {"channels": 1},
                "tiny": {"width": 4, "blocks": 1},
            },
        ),
        Component(
            "kbnet_l",
            "restorekit.arch.kbnet:KBNetL",
            "kernels mixed from a learned basis, and attention between channels, at four scales",
            "Zhang et al., KBNet, 2023, https://arxiv.org/abs/2303.02881",
            ("attention", "blind", "multiscale", "residual", "transformer"),
            {
                "color": {"channels": 3},
                "tiny": {
                    "width": 6,
                    "blocks": [1, 1, 1, 1],
                    "refinement_blocks": 1,
                    "heads": [1, 2, 2, 4],
                    "expansion": 2.0,
                },
            },
        ),
        Component(
            "kbnet_s",
            "restorekit.arch.kbnet:KBNetS",
            "U-Net whose convolution kernels are mixed at each pixel from a learned basis",
            "Zhang et al., KBNet, 2023, https://arxiv.org/abs/2303.02881",
            ("attention", "blind", "convolutional", "multiscale", "real-noise", "residual"),
            {
                "color": {"channels": 3},
                "gray": {"channels": 1},
                "real": {"expansion": 1.5, "lightweight": True},
                "tiny": {
                    "width": 8,
                    "encoder_blocks": [1],
                    "middle_blocks": 1,
                    "decoder_blocks": [1],
                },
            },
        ),
        Component(
            "lg_bpn",
            "restorekit.arch.lg_bpn:LGBPN",
            "two branches that do not see the patch around a pixel, for correlated noise",
            "Wang et al., LG-BPN, CVPR 2023, https://arxiv.org/abs/2304.00534",
            (
                "attention",
                "blind",
                "blind-spot",
                "convolutional",
                "real-noise",
                "residual",
                "transformer",
            ),
            {
                "dnd": {
                    "strides": [2, 4],
                    "refined_strides": [2, 2],
                    "ratios": [0.5, 0.65],
                    "refined_ratios": [0.4, 0.35],
                },
                "gray": {"channels": 1},
                "tiny": {"head_width": 4, "width": 4, "depth": 1, "blocks": 1, "refinements": 2},
            },
        ),
        Component(
            "lvae",
            "restorekit.arch.lvae:LVAE",
            "ladder variational autoencoder that gives diverse restorations and their mean",
            "Prakash et al., Interpretable Unsupervised Diversity Denoising, ICLR 2022, "
            "https://arxiv.org/abs/2104.01374",
            ("convolutional", "multiscale", "blind", "generative"),
            {"tiny": {"width": 8, "depth": 2, "latent_channels": 4, "blocks": 1, "samples": 2}},
        ),
        Component(
            "mirnet",
            "restorekit.arch.mirnet:MIRNet",
            "features of three sizes in parallel, with spatial and channel attention",
            "Zamir et al., Learning Enriched Features for Real Image Restoration and Enhancement, "
            "ECCV 2020, https://arxiv.org/abs/2003.06792",
            ("convolutional", "multiscale", "residual", "blind", "attention", "real-noise"),
            {
                "color": {"channels": 3},
                "tiny": {"width": 8, "groups": 1, "blocks": 1, "reduction": 2},
            },
        ),
        Component(
            "mprnet",
            "restorekit.arch.mprnet:MPRNet",
            "three stages with channel attention, for quarters, halves and the whole image",
            "Zamir et al., Multi-Stage Progressive Image Restoration, CVPR 2021, "
            "https://arxiv.org/abs/2102.02808",
            ("convolutional", "multiscale", "residual", "blind", "attention", "real-noise"),
            {
                "denoising": {"width": 80, "step": 48, "full_step": 32},
                "deblurring": {"width": 96, "step": 48, "full_step": 32},
                "deraining": {"width": 40, "step": 20, "full_step": 16},
                "tiny": {"width": 8, "step": 2, "full_step": 2, "blocks": 1, "reduction": 1},
            },
        ),
        Component(
            "nafnet",
            "restorekit.arch.nafnet:NAFNet",
            "U-Net of gated convolutions with channel attention, without activation functions",
            "Chen et al., Simple Baselines for Image Restoration, ECCV 2022, "
            "https://arxiv.org/abs/2204.04676",
            ("attention", "blind", "convolutional", "multiscale", "real-noise", "residual"),
            {
                "w32": {"width": 32},
                "w64": {"width": 64},
                "tiny": {
                    "width": 8,
                    "encoder_blocks": [1],
                    "middle_blocks": 1,
                    "decoder_blocks": [1],
                },
            },
        ),
        Component(
            "restormer",
            "restorekit.arch.restormer:Restormer",
            "transformer blocks at four scales, with attention between channels",
            "Zamir et al., Restormer, CVPR 2022, https://arxiv.org/abs/2111.09881",
            ("attention", "blind", "multiscale", "real-noise", "residual", "transformer"),
            {
                "color": {"channels": 3},
                "gray": {"channels": 1},
                "real": {"channels": 3},
                "tiny": {
                    "width": 8,
                    "blocks": [1, 1, 1, 1],
                    "refinement_blocks": 1,
                    "heads": [1, 2, 2, 4],
                },
            },
        ),
        Component(
            "scunet",
            "restorekit.arch.scunet:SCUNet",
            "U-Net whose blocks are half convolution, half attention in windows",
            "Zhang et al., SCUNet, Machine Intelligence Research 2023, https://arxiv.org/abs/2203.13278",
            ("attention", "blind", "convolutional", "multiscale", "real-noise", "transformer"),
            {
                "color": {"channels": 3},
                "gray": {"channels": 1},
                # A normalisation over fewer than four features is close to a step function.
                "tiny": {"width": 8, "blocks": [2, 1, 1, 1, 1, 1, 1], "head_width": 2, "window": 2},
            },
        ),
        Component(
            "swift",
            "restorekit.arch.swift:Swift",
            "small U-shaped network without biases, made for quality per second on a CPU",
            "restorekit; after DRUNet, Zhang et al., IEEE TPAMI 2021, https://arxiv.org/abs/2008.13751",
            ("convolutional", "multiscale", "residual", "conditional"),
            {
                "small": {"size": "small"},
                "large": {"size": "large"},
                "gray": {"channels": 1, "size": "small"},
                "large_optional_sigma": {"size": "large", "optional_sigma": True},
                "blind": {"blind": True},
                "tiny": {"size": "tiny"},
            },
        ),
        Component(
            "swinir",
            "restorekit.arch.swinir:SwinIR",
            "transformer blocks at full size, with attention in shifted windows",
            "Liang et al., SwinIR, ICCV Workshops 2021, https://arxiv.org/abs/2108.10257",
            ("attention", "blind", "residual", "transformer"),
            {
                "color": {"channels": 3},
                "gray": {"channels": 1},
                "lightweight": {"width": 60, "depths": [6, 6, 6, 6]},
                "tiny": {"width": 12, "depths": [2], "heads": 2, "window": 4},
            },
        ),
        Component(
            "uformer",
            "restorekit.arch.uformer:Uformer",
            "U-Net of transformer blocks with attention in windows and depthwise convolutions",
            "Wang et al., Uformer, CVPR 2022, https://arxiv.org/abs/2106.03106",
            ("attention", "blind", "multiscale", "real-noise", "residual", "transformer"),
            {
                "t": {"width": 16, "blocks": [2] * 9},
                "s": {"width": 32, "blocks": [2] * 9},
                "b": {"width": 32, "blocks": [1, 2, 8, 8, 2, 8, 8, 2, 1]},
                "tiny": {"width": 8, "blocks": [2, 1, 1], "window": 4},
            },
        ),
        Component(
            "xformer",
            "restorekit.arch.xformer:Xformer",
            "two coupled U-Nets, with attention in windows and attention between channels",
            "Zhang et al., Xformer, ICLR 2024, https://arxiv.org/abs/2303.06440",
            ("attention", "blind", "multiscale", "real-noise", "residual", "transformer"),
            {
                "color": {"channels": 3},
                "gray": {"channels": 1, "bias_free": True, "shift_bottom": True},
                "tiny": {
                    "width": 4,
                    "channel_blocks": [1, 1, 1],
                    "spatial_blocks": [2, 1, 1, 1],
                    "refinement_blocks": 1,
                    "window": 2,
                },
            },
        ),
    ]
