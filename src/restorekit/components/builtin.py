"""The built-in datasets, estimators, measurements and formats, declared as plugins do."""

from __future__ import annotations

from restorekit.components.component_records import Component
from restorekit.components.hookspecs import hookimpl


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
            "parquet",
            "restorekit.data.parquet_rows:ParquetRows",
            "pictures or pairs in the rows of Parquet files, as of Hugging Face (extra: parquet)",
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
