"""The built-in components, declared through the same hooks that plugins implement."""

from __future__ import annotations

from restorekit.components.component_records import Component
from restorekit.components.hookspecs import hookimpl


@hookimpl
def restorekit_models() -> list[Component]:
    return [*_networks(), *_classical_methods()]


def _networks() -> list[Component]:
    return [
        Component(
            "dncnn",
            "restorekit.arch.dncnn:DnCNN",
            "plain convolutional network that predicts the noise",
            "Zhang et al., Beyond a Gaussian Denoiser, IEEE TIP 2017, https://arxiv.org/abs/1608.03981",
            ("convolutional", "residual"),
        ),
        Component(
            "ffdnet",
            "restorekit.arch.ffdnet:FFDNet",
            "plain convolutional network at half size that takes the noise level as input",
            "Zhang et al., FFDNet, IEEE TIP 2018, https://arxiv.org/abs/1710.04026",
            ("convolutional", "conditional"),
        ),
        Component(
            "swift",
            "restorekit.arch.swift:Swift",
            "small U-shaped network without biases, made for quality per second on a CPU",
            "restorekit; after DRUNet, Zhang et al., IEEE TPAMI 2021, https://arxiv.org/abs/2008.13751",
            ("convolutional", "multiscale", "residual"),
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


def _classical_methods() -> list[Component]:
    return [
        Component(
            "median",
            "restorekit.arch.classical.median:Median",
            "median of the pixels around; only of salt and pepper with switching=true",
            "Hwang and Haddad, Adaptive Median Filters, IEEE TIP 1995, "
            "https://doi.org/10.1109/83.370679",
            ("classical", "blind"),
        ),
        Component(
            "bilateral",
            "restorekit.arch.classical.bilateral:Bilateral",
            "mean of the pixels around, weighted by distance and by difference of colour",
            "Tomasi and Manduchi, Bilateral Filtering, ICCV 1998, "
            "https://doi.org/10.1109/ICCV.1998.710815",
            ("classical",),
        ),
        Component(
            "tv",
            "restorekit.arch.classical.tv:TV",
            "total variation denoising (extra: classical)",
            "Chambolle, JMIV 2004, https://doi.org/10.1023/B:JMIV.0000011325.36760.1e",
            ("classical",),
        ),
        Component(
            "nlm",
            "restorekit.arch.classical.nlm:NLM",
            "non-local means (extra: classical)",
            "Buades et al., CVPR 2005, https://doi.org/10.1109/CVPR.2005.38",
            ("classical",),
        ),
        Component(
            "wavelet",
            "restorekit.arch.classical.wavelet:Wavelet",
            "wavelet shrinkage, BayesShrink (extra: classical)",
            "Chang et al., IEEE TIP 2000, https://doi.org/10.1109/83.862633",
            ("classical",),
        ),
        Component(
            "bm3d",
            "restorekit.arch.classical.bm3d:BM3D",
            "block matching and 3D filtering (extra: bm3d, licensed for non-commercial use)",
            "Dabov et al., IEEE TIP 2007, https://doi.org/10.1109/TIP.2007.901238",
            ("classical",),
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
            "every picture below folders, whole or as random patches",
            tags=("files",),
        ),
        Component(
            "pairs",
            "restorekit.data.paired_pictures:PairedPictures",
            "noisy and clean pictures of the same scenes, or several noisy ones of each",
            tags=("files", "real noise"),
        ),
        Component(
            "image_list",
            "restorekit.data.image_list:ImageList",
            "the pictures or pairs that a CSV or JSON Lines file lists",
            tags=("files", "real noise"),
        ),
        Component(
            "shards",
            "restorekit.data.shards:Shards",
            "pictures or pairs in tar files, as of WebDataset",
            tags=("files", "real noise"),
        ),
        Component(
            "hdf5",
            "restorekit.data.hdf5_stacks:HDF5Stacks",
            "gray frames of arrays in HDF5 files (extra: hdf5)",
            tags=("files", "micrographs"),
        ),
        Component(
            "zarr",
            "restorekit.data.zarr_stacks:ZarrStacks",
            "gray frames of arrays in Zarr stores (extra: zarr)",
            tags=("files", "micrographs"),
        ),
        Component(
            "noisy",
            "restorekit.data.noisy_pictures:NoisyPictures",
            "the pictures of another dataset, which are noisy themselves",
            tags=("real noise", "composition"),
        ),
        Component(
            "mixture",
            "restorekit.data.mixture:Mixture",
            "several datasets with weights",
            tags=("composition",),
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


@hookimpl
def restorekit_measurements() -> list[Component]:
    return [
        Component(
            "content",
            "restorekit.estimate.content:MeasureContent",
            "what kind of picture it is",
            tags=("kind",),
        ),
        Component(
            "noise_curve",
            "restorekit.estimate.noise_curve:MeasureNoiseCurve",
            "variance of the noise as a function of the signal",
            "Foi et al., IEEE TIP 2008, https://doi.org/10.1109/TIP.2008.2001399",
            ("noise", "poisson-gaussian"),
        ),
        Component(
            "impulses",
            "restorekit.estimate.impulses:MeasureImpulses",
            "share of salt, pepper, hot and dead pixels",
            tags=("defect",),
        ),
        Component(
            "jpeg",
            "restorekit.estimate.jpeg:MeasureJpeg",
            "quality of JPEG compression, and the grid of its blocks",
            tags=("defect",),
        ),
        Component(
            "noise_scales",
            "restorekit.estimate.noise_scales:MeasureNoiseScales",
            "level of the noise per channel and scale, luma and chroma apart",
            tags=("noise",),
        ),
        Component(
            "correlation",
            "restorekit.estimate.correlation:MeasureCorrelation",
            "how coarse the noise is: the blur of white noise that is alike",
            tags=("noise",),
        ),
    ]


@hookimpl
def restorekit_formats() -> list[Component]:
    module = "restorekit.pictures.builtin_formats"
    return [
        Component(
            "png",
            f"{module}:PNG",
            ".png: 8 or 16 bits, transparency",
            tags=("lossless", "transparency"),
        ),
        Component(
            "jpeg", f"{module}:JPEG", ".jpg, .jpeg, .jpe, .jfif: 8 bits, lossy", tags=("lossy",)
        ),
        Component(
            "tiff",
            f"{module}:TIFF",
            ".tif, .tiff: integers or floats, pages, channels",
            tags=("lossless", "pages"),
        ),
        Component("bmp", f"{module}:BMP", ".bmp: 8 bits", tags=("lossless",)),
        Component(
            "webp",
            f"{module}:WebP",
            ".webp: 8 bits, transparency, lossless or lossy",
            tags=("lossless", "lossy", "transparency"),
        ),
    ]
