"""A model card from a bundle's manifest and the written part (Mitchell et al. 2019, Model Cards for Model Reporting).

A card says nothing that the manifest does not: rebuilding a bundle changes it, and a test holds the two together.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from math import sqrt
from pathlib import Path
from typing import Final

from cloud_trainer.cards.texts import texts
from cloud_trainer.report.text import number
from cloud_trainer.tables.results import write_whole
from models.bundle.manifest import Figure, Manifest, Model, Tensor, TrainingSet

__all__ = ["card", "cards", "wilson", "write_cards"]

_INTERVAL: Final = re.compile(r"; 95 % interval over [^;]*? (-?\d+\.\d+) to (-?\d+\.\d+)")
_Z: Final = 1.959964
_READ: Final = (
    "Each figure beside its trivial peer on the same rows; 95 % intervals in brackets: bootstrap over people, listeners"
    " or pieces; Wilson's for accuracies without one. Where none stands, the tables of docs/evaluation.md have it."
)
_COSTS: Final = (".largest_loss", ".largest_difference", ".size_ratio", "_ms", ".ms")


def cards(manifest: Manifest) -> dict[str, str]:
    """Return the card of every model by file name, and the list of them."""
    known = texts().models
    names = [name for name in manifest.models if name in known]
    listing = [
        f"# Model cards of bundle {manifest.version}",
        "",
        f"Built {manifest.created}. {_rights(manifest)}",
        "",
        *(f"- [{known[name].title}]({name}.md)" for name in names),
        "",
    ]
    return {"README.md": "\n".join(listing)} | {f"{name}.md": card(name, manifest) for name in names}


def write_cards(manifest: Manifest, folder: Path) -> list[Path]:
    """Write every card into a folder and return the paths.

    Raises:
        StorageError: the disk refuses.
    """
    written = []
    for name, text in cards(manifest).items():
        write_whole(folder / name, text.encode())
        written.append(folder / name)
    return written


def card(name: str, manifest: Manifest) -> str:
    """Return a model's card as Markdown.

    Args:
        name: of a model of the manifest of which `texts` knows.
        manifest: of the bundle.
    """
    model, text = manifest.models[name], texts().models[name]
    lines = [
        f"# {text.title}",
        "",
        f"Bundle {manifest.version}, built {manifest.created}, trained in {model.cost_s:.0f} s. {_rights(manifest)}",
        "",
        model.description,
        "",
        "## What it is for",
        "",
        text.use,
        "",
        "## What it must not be used for",
        "",
        *(f"- {line}" for line in _wrong_uses(text.wrong, manifest)),
        "",
        "## Limits",
        "",
        *(f"- {line}" for line in text.limits),
        "",
        "## Inputs and outputs",
        "",
        *_tensors(model),
        "",
        "## What it reaches on held-out data",
        "",
        _READ,
        "",
        *_figures(model.metrics),
        "",
        "## Variants",
        "",
        *_variants(model),
        "",
        "## Data",
        "",
        *_data(model.training_data),
        "",
    ]
    return "\n".join(lines)


def wilson(share: float, count: int) -> tuple[float, float]:
    """Return Wilson's 95 % interval of a share of `count` rows (Wilson 1927, JASA 22:209)."""
    middle = share + _Z**2 / (2 * count)
    half = _Z * sqrt(share * (1 - share) / count + _Z**2 / (4 * count**2))
    return (middle - half) / (1 + _Z**2 / count), (middle + half) / (1 + _Z**2 / count)


def _licence(manifest: Manifest) -> str:
    return manifest.producer.get("weights_licence", "CC BY-NC-SA 4.0")


def _wrong_uses(own: Iterable[str], manifest: Manifest) -> list[str]:
    commercial = [] if "-NC-" not in _licence(manifest) else [texts().non_commercial]
    return [*own, *texts().for_all, *commercial]


def _rights(manifest: Manifest) -> str:
    return (
        f"Weights: {_licence(manifest)}, see licence.txt in the bundle; code: Apache 2.0. Written by "
        "`attune-trainer cards` from the bundle's manifest; do not edit."
    )


def _row(*cells: str) -> str:
    return "| " + " | ".join(cells) + " |"


def _head(*names: str) -> list[str]:
    return [_row(*names), _row(*("---" for _ in names))]


def _tensors(model: Model) -> list[str]:
    def told(kind: str, tensors: Iterable[Tensor]) -> list[str]:
        return [
            _row(kind, f"`{one.name}`", "×".join(map(str, one.shape)), one.unit, one.description) for one in tensors
        ]

    front = ", ".join(f"{name} {value}" for name, value in model.front_end.items())
    lines = [*_head("", "name", "shape", "unit", "meaning"), *told("in", model.inputs), *told("out", model.outputs)]
    return [*lines, "", f"In front of it: {front}."] if front else lines


def _figures(metrics: Mapping[str, Figure]) -> list[str]:
    protocols: dict[str, list[str]] = {}
    for name, figure in metrics.items():
        if not name.endswith(_COSTS):
            protocols.setdefault(_INTERVAL.sub("", figure.protocol), []).append(name)
    lines: list[str] = []
    for protocol, names in protocols.items():
        lines += [f"{protocol[:1].upper()}{protocol[1:]}:", "", *_head("figure", "value", "peer", "its value", "rows")]
        for name in names:
            figure = metrics[name]
            lines.append(
                _row(name, _value(name, figure), figure.baseline_name, number(figure.baseline), str(figure.count))
            )
        lines.append("")
    return lines[:-1]


def _value(name: str, figure: Figure) -> str:
    """Return a figure with its interval: the protocol's, or Wilson's for an accuracy."""
    if found := _INTERVAL.search(figure.protocol):
        return f"{number(figure.value)} ({float(found[1]):.3f} to {float(found[2]):.3f})"
    if name.endswith("_accuracy") and figure.count:
        low, high = wilson(figure.value, figure.count)
        return f"{number(figure.value)} ({number(low)} to {number(high)})"
    return number(figure.value)


def _variants(model: Model) -> list[str]:
    lines = _head("variant", "KB", "SHA-256", "largest difference that a device may show")
    for precision, file in model.variants.items():
        mark = " (runs on the device)" if precision == model.preferred else ""
        lines.append(
            _row(f"{precision}{mark}", f"{file.bytes / 1024:.0f}", file.sha256[:16], f"{model.tolerance[precision]:g}")
        )
    costs = [
        _row(name, f"{figure.value:.4g}", number(figure.baseline))
        for name, figure in model.metrics.items()
        if name.endswith(_COSTS)
    ]
    return [*lines, "", *_head("cost of quantisation", "value", "float32"), *costs] if costs else lines


def _data(sets: Iterable[TrainingSet]) -> list[str]:
    lines = _head("set", "rows", "licence", "SHA-256 of its checksums", "cite")
    return [
        *lines,
        *(_row(one.name, str(one.rows), one.licence, one.sha256[:16], one.citation or "–") for one in sets),
    ]
