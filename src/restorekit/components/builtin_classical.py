"""The built-in methods without weights, declared through the hook of plugins."""

from __future__ import annotations

from restorekit.components.component_records import Component
from restorekit.components.hookspecs import hookimpl


@hookimpl
def restorekit_models() -> list[Component]:
    return [
        Component(
            "bilateral",
            "restorekit.arch.classical.bilateral:Bilateral",
            "mean of the pixels around, weighted by distance and by difference of colour",
            "Tomasi and Manduchi, Bilateral Filtering, ICCV 1998, "
            "https://doi.org/10.1109/ICCV.1998.710815",
            ("classical",),
        ),
        Component(
            "bm3d",
            "restorekit.arch.classical.bm3d:BM3D",
            "block matching and 3D filtering, own or of the authors (extra: bm3d)",
            "Dabov et al., Image Denoising by Sparse 3-D Transform-Domain Collaborative Filtering, "
            "IEEE TIP 2007, https://doi.org/10.1109/TIP.2007.901238",
            ("classical",),
        ),
        Component(
            "dct",
            "restorekit.arch.classical.dct:DCT",
            "thresholding of the cosine transform of every patch",
            "Yu and Sapiro, IPOL 2011, https://doi.org/10.5201/ipol.2011.ys-dct",
            ("classical",),
        ),
        Component(
            "guided",
            "restorekit.arch.classical.guided:Guided",
            "mean of linear models of the picture in the windows around each pixel",
            "He et al., Guided Image Filtering, IEEE TPAMI 2013, "
            "https://doi.org/10.1109/TPAMI.2012.213",
            ("classical",),
        ),
        Component(
            "median",
            "restorekit.arch.classical.median:Median",
            "median of the pixels around; only of salt and pepper with switching=true",
            "Hwang and Haddad, Adaptive Median Filters, IEEE TIP 1995, "
            "https://doi.org/10.1109/83.370679",
            ("classical", "blind"),
        ),
        Component(
            "nl_bayes",
            "restorekit.arch.classical.nl_bayes:NLBayes",
            "a Gaussian model of each group of similar patches",
            "Lebrun et al., A Nonlocal Bayesian Image Denoising Algorithm, "
            "SIAM Journal on Imaging Sciences 2013, https://doi.org/10.1137/120874989",
            ("classical", "non-local"),
        ),
        Component(
            "nlm",
            "restorekit.arch.classical.nlm:NLM",
            "non-local means (extra: classical)",
            "Buades et al., CVPR 2005, https://doi.org/10.1109/CVPR.2005.38",
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
            "wavelet",
            "restorekit.arch.classical.wavelet:Wavelet",
            "wavelet shrinkage, BayesShrink; with shifts translation-invariant (extra: classical)",
            "Chang et al., IEEE TIP 2000, https://doi.org/10.1109/83.862633",
            ("classical",),
        ),
    ]
