"""The bundled weights, every file in the folder `pretrained` of the package, and the layouts."""

from __future__ import annotations

import importlib.resources
from pathlib import Path

from restorekit.components.component_records import Component
from restorekit.components.hookspecs import hookimpl
from restorekit.components.pretrained_weights import PretrainedWeights

_DEFAULTS = {"swift-photo"}
_LAYOUTS = "restorekit.weights.layouts"


@hookimpl
def restorekit_weights() -> list[PretrainedWeights]:
    folder = Path(str(importlib.resources.files("restorekit"))) / "pretrained"
    return [
        PretrainedWeights(path.stem, path, default=path.stem in _DEFAULTS)
        for path in sorted(folder.glob("*.safetensors"))
    ]


@hookimpl
def restorekit_layouts() -> list[Component]:
    return [
        Component(
            "ap_bsn_authors",
            f"{_LAYOUTS}.ap_bsn_layout:APBSNAuthors",
            "AP-BSN",
            "https://github.com/wooseoklee4/AP-BSN",
            ("ap_bsn",),
        ),
        Component(
            "kair",
            f"{_LAYOUTS}.kair_layouts:KAIR",
            "KAIR's DnCNN, FDnCNN, FFDNet and IRCNN",
            "https://github.com/cszn/KAIR",
            ("dncnn", "fdncnn", "ffdnet", "ircnn"),
        ),
        # After "kair", which recognises all of its networks but one.
        Component(
            "kair_dncnn",
            f"{_LAYOUTS}.kair_layouts:KAIRDnCNN",
            "KAIR's DnCNN, if it is named",
            "https://github.com/cszn/KAIR",
            ("dncnn",),
        ),
        Component(
            "lg_bpn_authors",
            f"{_LAYOUTS}.lg_bpn_layout:LGBPNAuthors",
            "LG-BPN for SIDD",
            "https://github.com/Wang-XIaoDingdd/LGBPN",
            ("lg_bpn",),
        ),
        # After "lg_bpn_authors", which recognises all of its networks.
        Component(
            "lg_bpn_authors_dnd",
            f"{_LAYOUTS}.lg_bpn_layout:LGBPNAuthorsDND",
            "LG-BPN for DND, if it is named",
            "https://github.com/Wang-XIaoDingdd/LGBPN",
            ("lg_bpn",),
        ),
        Component(
            "memnet_qrnn3d",
            f"{_LAYOUTS}.memnet_layout:MemNetPyTorch",
            "QRNN3D's PyTorch MemNet",
            "https://github.com/Vandermode/QRNN3D",
            ("memnet",),
        ),
        Component(
            "ssdn_pytorch",
            f"{_LAYOUTS}.ssdn_layout:SSDNPyTorch",
            "the PyTorch reproduction of SSDN",
            "https://github.com/COMP6248-Reproducability-Challenge/selfsupervised-denoising",
            ("ssdn",),
        ),
        Component(
            "dncnn_pytorch",
            f"{_LAYOUTS}.dncnn_layouts:DnCNNPyTorch",
            "the PyTorch DnCNN of SaoYan and cszn",
            "https://github.com/SaoYan/DnCNN-PyTorch, https://github.com/cszn/DnCNN",
            ("dncnn",),
        ),
        Component(
            "dncnn_deepinv",
            f"{_LAYOUTS}.dncnn_layouts:DnCNNDeepinv",
            "deepinv's DnCNN",
            "https://github.com/deepinv/deepinv",
            ("dncnn",),
        ),
        Component(
            "didn",
            f"{_LAYOUTS}.didn_layout:DIDNAuthors",
            "the authors' DIDN",
            "https://github.com/SonghyunYu/DIDN",
            ("didn",),
        ),
        Component(
            "mirnet",
            f"{_LAYOUTS}.mirnet_layout:MIRNetAuthors",
            "the authors' MIRNet",
            "https://github.com/swz30/MIRNet",
            ("mirnet",),
        ),
        Component(
            "mprnet",
            f"{_LAYOUTS}.mprnet_layout:MPRNetAuthors",
            "the authors' MPRNet",
            "https://github.com/swz30/MPRNet",
            ("mprnet",),
        ),
        Component(
            "vdn",
            f"{_LAYOUTS}.vdn_layout:VDNAuthors",
            "the authors' VDN",
            "https://github.com/zsyOAOA/VDNet",
            ("vdn",),
        ),
        Component(
            "drunet_kair",
            f"{_LAYOUTS}.drunet_layout:DRUNetKAIR",
            "KAIR's DRUNet",
            "https://github.com/cszn/KAIR, https://github.com/cszn/DPIR",
            ("drunet",),
        ),
        Component(
            "ffdnet_ipol",
            f"{_LAYOUTS}.ffdnet_layouts:FFDNetIPOL",
            "the IPOL FFDNet",
            "Tassano et al., IPOL 2019, https://doi.org/10.5201/ipol.2019.231",
            ("ffdnet",),
        ),
        Component(
            "nafnet_authors",
            f"{_LAYOUTS}.nafnet_layout:NAFNetAuthors",
            "NAFNet",
            "https://github.com/megvii-research/NAFNet",
            ("nafnet",),
        ),
        Component(
            "kbnet_s_authors",
            f"{_LAYOUTS}.kbnet_layout:KBNetSAuthors",
            "KBNet_s",
            "https://github.com/zhangyi-3/KBNet",
            ("kbnet_s",),
        ),
        Component(
            "kbnet_l_authors",
            f"{_LAYOUTS}.kbnet_layout:KBNetLAuthors",
            "KBNet_l",
            "https://github.com/zhangyi-3/KBNet",
            ("kbnet_l",),
        ),
        Component(
            "restormer_authors",
            f"{_LAYOUTS}.restormer_layout:RestormerAuthors",
            "Restormer",
            "https://github.com/swz30/Restormer",
            ("restormer",),
        ),
        Component(
            "scunet_authors",
            f"{_LAYOUTS}.scunet_layout:SCUNetAuthors",
            "SCUNet",
            "https://github.com/cszn/SCUNet",
            ("scunet",),
        ),
        Component(
            "swinir_authors",
            f"{_LAYOUTS}.swinir_layout:SwinIRAuthors",
            "SwinIR for denoising",
            "https://github.com/JingyunLiang/SwinIR",
            ("swinir",),
        ),
        Component(
            "rednet_pytorch",
            f"{_LAYOUTS}.rednet_layout:REDNetPyTorch",
            "yjn870's PyTorch RED-Net",
            "https://github.com/yjn870/REDNet-pytorch",
            ("rednet",),
        ),
        Component(
            "adnet_authors",
            f"{_LAYOUTS}.adnet_layout:ADNetAuthors",
            "the authors' ADNet",
            "https://github.com/hellloxiaotian/ADNet",
            ("adnet",),
        ),
        Component(
            "n3net_authors",
            f"{_LAYOUTS}.n3net_layout:N3NetAuthors",
            "the authors' N3Net",
            "https://github.com/visinf/n3net",
            ("n3net",),
        ),
        Component(
            "ridnet_authors",
            f"{_LAYOUTS}.ridnet_layout:RIDNetAuthors",
            "the authors' RIDNet",
            "https://github.com/saeed-anwar/RIDNet",
            ("ridnet",),
        ),
        Component(
            "mwcnn_authors",
            f"{_LAYOUTS}.mwcnn_layout:MWCNNAuthors",
            "the authors' PyTorch MWCNN",
            "https://github.com/lpj0/MWCNN_PyTorch",
            ("mwcnn",),
        ),
        Component(
            "cbdnet_pytorch",
            f"{_LAYOUTS}.cbdnet_layout:CBDNetPyTorch",
            "IDKiro's PyTorch CBDNet",
            "https://github.com/IDKiro/CBDNet-pytorch",
            ("cbdnet",),
        ),
        Component(
            "uformer_authors",
            f"{_LAYOUTS}.uformer_layout:UformerAuthors",
            "Uformer",
            "https://github.com/ZhendongWang6/Uformer",
            ("uformer",),
        ),
        Component(
            "xformer_authors",
            f"{_LAYOUTS}.xformer_layout:XformerAuthors",
            "Xformer",
            "https://github.com/gladzhang/Xformer",
            ("xformer",),
        ),
    ]
