"""The built-in metrics, optimizers and schedules."""

from __future__ import annotations

from restorekit.components.component_records import Component
from restorekit.components.hookspecs import hookimpl

_QUALITY = "restorekit.metric.image_quality"


@hookimpl
def restorekit_metrics() -> list[Component]:
    return [
        Component("psnr", f"{_QUALITY}:PSNR", "peak signal-to-noise ratio in dB", tags=("pixel",)),
        Component(
            "psnr_y",
            f"{_QUALITY}:PSNRY",
            "peak signal-to-noise ratio of the luma in dB",
            "ITU-R BT.601",
            ("pixel",),
        ),
        Component(
            "ssim",
            f"{_QUALITY}:SSIM",
            "structural similarity",
            "Wang et al., Image Quality Assessment, IEEE TIP 2004, "
            "https://doi.org/10.1109/TIP.2003.819861",
            ("structure",),
        ),
        Component(
            "ms_ssim",
            f"{_QUALITY}:MSSSIM",
            "structural similarity over several scales",
            "Wang et al., Multiscale Structural Similarity, Asilomar 2003, "
            "https://doi.org/10.1109/ACSSC.2003.1292216",
            ("structure",),
        ),
        Component(
            "lpips",
            "restorekit.metric.learned_distance:LPIPS",
            "learned perceptual distance, with weights from a file (extra: quality)",
            "Zhang et al., The Unreasonable Effectiveness of Deep Features, CVPR 2018, "
            "https://arxiv.org/abs/1801.03924",
            ("perceptual",),
        ),
        Component(
            "brisque",
            "restorekit.metric.naturalness:BRISQUE",
            "blind quality without a clean image, with a regression from a file",
            "Mittal et al., No-Reference Image Quality Assessment in the Spatial Domain, "
            "IEEE TIP 2012, https://doi.org/10.1109/TIP.2012.2214050",
            ("no-reference",),
        ),
        Component(
            "niqe",
            "restorekit.metric.naturalness:NIQE",
            "distance from natural photographs without a clean image, with statistics from a file",
            "Mittal et al., Making a Completely Blind Image Quality Analyzer, IEEE SPL 2013, "
            "https://doi.org/10.1109/LSP.2012.2227726",
            ("no-reference",),
        ),
    ]


@hookimpl
def restorekit_optimizers() -> list[Component]:
    return [
        Component(
            "muon",
            "restorekit.optim.muon:Muon",
            "momentum made orthogonal, for networks of convolutions",
            "Jordan et al., 2024, https://kellerjordan.github.io/posts/muon/",
            ("convolutional",),
        ),
        *(
            Component(name, f"torch.optim:{attribute}", summary, _TORCH_OPTIM, ("torch",))
            for name, (attribute, summary) in _OF_TORCH.items()
        ),
    ]


# Those that can train a network here; `restorekit.optim.optimizers` says why the others cannot.
_OF_TORCH = {
    "adadelta": ("Adadelta", "step sizes from running averages of gradients and updates"),
    "adafactor": ("Adafactor", "Adam with factored second moments, which takes less memory"),
    "adagrad": ("Adagrad", "step sizes from the sum of squared gradients"),
    "adam": ("Adam", "running averages of the gradient and of its square"),
    "adamax": ("Adamax", "Adam with the largest gradient in place of the mean square"),
    "adamw": ("AdamW", "Adam with decoupled weight decay; the default"),
    "asgd": ("ASGD", "averaged stochastic gradient descent"),
    "nadam": ("NAdam", "Adam with Nesterov momentum"),
    "radam": ("RAdam", "Adam whose first steps are rectified"),
    "rmsprop": ("RMSprop", "step sizes from a running average of squared gradients"),
    "rprop": ("Rprop", "step sizes from the signs of the gradients, for full batches"),
    "sgd": ("SGD", "stochastic gradient descent, with momentum if it is set"),
}
_TORCH_OPTIM = "https://docs.pytorch.org/docs/stable/optim.html"


@hookimpl
def restorekit_loggers() -> list[Component]:
    return [
        Component(
            "tensorboard",
            "restorekit.train.loggers.tensorboard:TensorBoard",
            "event files for TensorBoard (extra: tensorboard)",
            "https://www.tensorflow.org/tensorboard",
            ("offline",),
        ),
        Component(
            "wandb",
            "restorekit.train.loggers.wandb:WandB",
            "a run of Weights & Biases, offline unless wanted otherwise (extra: wandb)",
            "https://docs.wandb.ai",
            ("offline",),
        ),
    ]


@hookimpl
def restorekit_schedules() -> list[Component]:
    return [
        Component(
            "constant",
            "restorekit.optim.schedules:Constant",
            "the same rate throughout",
            tags=("flat",),
        ),
        Component(
            "cosine",
            "restorekit.optim.schedules:Cosine",
            "half a cosine from the rate to 0; the default",
            "Loshchilov and Hutter, SGDR, ICLR 2017, https://arxiv.org/abs/1608.03983",
            ("falling",),
        ),
        Component(
            "step",
            "restorekit.optim.schedules:Step",
            "halved four times, evenly spaced",
            tags=("falling",),
        ),
        Component(
            "one_cycle",
            "restorekit.optim.schedules:OneCycle",
            "a rise to the rate and a longer fall to almost 0",
            "Smith and Topin, Super-Convergence, 2018, https://arxiv.org/abs/1708.07120",
            ("rising and falling",),
        ),
    ]
