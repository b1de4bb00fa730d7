"""The model card of published weights: README.md with metadata that the hub reads."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence

from restorekit.untrusted.text import one_line
from restorekit.weights.card_fields import WeightsCard
from restorekit.weights.card_words import figures, in_words, released_facts
from restorekit.weights.hub import import_hub

# Identifiers of the hub; any other licence is "other", with its name.
_LICENSES = {"mit", "apache-2.0", "bsd-2-clause", "bsd-3-clause", "cc0-1.0", "cc-by-4.0"} | {
    *("cc-by-sa-4.0", "cc-by-nc-4.0", "gpl-3.0", "lgpl-3.0", "agpl-3.0", "mpl-2.0", "unlicense")
}
_MEASURES = {"psnr": "PSNR (dB)", "ssim": "SSIM"}


def write_model_card(card: WeightsCard, title: str, name: str, sha256: str) -> str:
    """The text of README.md.

    Args:
        card: the card of the weights.
        title: the heading.
        name: what the weights are loaded by.
        sha256: the digest of the weights file.

    Raises:
        MissingExtraError: huggingface_hub, which writes the metadata, is not installed.
    """
    parts = [
        f"---\n{_metadata(card, title)}\n---",
        f"# {title}",
        _escaped(card.get("summary") or "An image denoiser trained with restorekit."),
        "## Use",
        f"```shell\npip install {_packages(card)}\nrestorekit denoise photo.jpg -m {name}\n```",
        f'```python\nimport restorekit\n\nrestorekit.denoise("photo.jpg", "{name}")\n```',
        "## Description",
        _table(("", ""), [*released_facts(card).items(), *_of_file(card, sha256)]),
        *_results(card),
    ]
    return "\n\n".join(parts) + "\n"


def _packages(card: WeightsCard) -> str:
    """The packages to install: restorekit, and the plugin with the architecture."""
    provider = str(card["model"].get("provider") or "restorekit")
    plugin = provider != "restorekit" and re.fullmatch(r"[\w.-]+", provider)
    return f"'restorekit[hub]' {provider}" if plugin else "'restorekit[hub]'"


def _metadata(card: WeightsCard, title: str) -> str:
    hub = import_hub("a model card")
    results = [
        hub.EvalResult(
            task_type="image-to-image",
            task_name="image denoising",
            dataset_type=re.sub(r"[^a-z0-9]+", "-", data.lower()).strip("-") or "pictures",
            dataset_name=data,
            metric_type=metric,
            metric_name=f"{_MEASURES[metric]}, {noise}" if noise else _MEASURES[metric],
            metric_value=value,
        )
        for data, noise, metric, value in _measured(card)
    ]
    architecture = card["model"]["name"]
    data = hub.ModelCardData(
        library_name="restorekit",
        pipeline_tag="image-to-image",
        tags=["denoising", "image-restoration", *([architecture] if architecture else [])],
        model_name=title,
        eval_results=results or None,
        **_license(card),
    )
    return str(data.to_yaml())


def _license(card: WeightsCard) -> dict[str, str]:
    given = card.get("license")
    if not given:
        return {}
    known = str(given).lower()
    return {"license": known} if known in _LICENSES else {"license": "other", "license_name": given}


def _measured(card: WeightsCard) -> Iterator[tuple[str, str, str, float]]:
    """Test set, noise, metric and value of each figure: of a release, or of the run."""
    psnr = card.get("psnr")
    for data, noise, value in figures(psnr) if isinstance(psnr, Mapping) else ():
        if isinstance(value, (int, float)):
            yield data, noise, "psnr", value
    metrics, added = card.get("metrics"), card.get("noise", "")
    noise = "real" if added is None else in_words(added)
    for metric in _MEASURES if isinstance(metrics, Mapping) else ():
        value = (metrics or {}).get(metric)
        if isinstance(value, (int, float)) and value == value:  # not NaN
            yield "validation images of the run", noise, metric, value


def _of_file(card: WeightsCard, sha256: str) -> Iterator[tuple[str, str]]:
    if card.get("step"):
        yield "steps", f"{card['step']:,}"
    if card.get("restorekit"):
        yield "written by", f"restorekit {card['restorekit']}"
    yield "SHA-256", sha256


def _results(card: WeightsCard) -> Iterator[str]:
    rows = [
        (data, noise, f"{_MEASURES[metric]} {value:.4g}")
        for data, noise, metric, value in _measured(card)
    ]
    if rows:
        yield "## Results"
        yield _table(("pictures", "noise", "result"), rows)
        if card.get("measured"):
            yield _escaped(str(card["measured"]))


def _table(head: tuple[str, ...], rows: Sequence[tuple[str, ...]]) -> str:
    lines = [head, ("---",) * len(head), *rows]
    return "\n".join(f"| {' | '.join(_escaped(cell) for cell in line)} |" for line in lines)


def _escaped(text: str) -> str:
    """One line of Markdown without HTML, links or columns, since a card may come from others."""
    return re.sub(r"([\\`*\[\]<>|])", r"\\\1", one_line(text))
