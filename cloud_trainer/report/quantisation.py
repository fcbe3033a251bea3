"""The table of quantisation: every variant of every model, what it costs and saves, and which one ships."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

import msgspec

from cloud_trainer.evaluation.variant_choice import LARGEST_LOSS, LARGEST_RATIO, Measured, choose, measured_of
from cloud_trainer.quantisation import Mode
from cloud_trainer.tables.results import write_whole
from models.errors import DataError, Reason

__all__ = ["FORMAT", "ModelTable", "VariantRow", "as_text", "model_table", "read_tables", "write_tables"]

FORMAT: Final = 1
_NAMES: Final[Mapping[Mode, str]] = {
    "float32": "float32",
    "dynamic": "int8, dynamic range",
    "full": "int8, full integer",
    "float16": "float16",
}
_READ: Final = (
    "Size, loss and difference beside the float32 variant of the same weights. Budget of an int8 variant: at most "
    f"{LARGEST_RATIO} of its size, and at most {LARGEST_LOSS} lost in every held-out figure in which more is better "
    "(R², CCC, NDCG, AUC). Of several that keep it, the fastest ships, by the mean over the runtimes. Times are "
    "medians of one call on one x86-64 thread, variants taking turns; on Arm they are others. ◆ ships; ★ runs on the "
    "device."
)


class VariantRow(msgspec.Struct, frozen=True):
    """A variant; see `variant_choice.Measured`."""

    mode: Mode
    bytes: int
    ratio: float
    loss: float
    difference: float
    ms: dict[str, float]
    ships: bool


class ModelTable(msgspec.Struct, frozen=True):
    """A model's variants.

    Attributes:
        format: of the JSON.
        model: its name.
        origin: what was measured: the key of a build's stage, or the version of a bundle.
        rows: by variant.
        judged: rows of inputs on which losses and differences were measured.
        preferred: what the device runs, and why.
        why: in a sentence.
        operators: highest version of each operator in the int8 variant that ships.
    """

    format: int
    model: str
    origin: str
    rows: list[VariantRow]
    judged: int
    preferred: str
    why: str
    operators: dict[str, int]


def model_table(
    model: str,
    *,
    origin: str,
    values: Mapping[str, float],
    judged: int,
    float32_bytes: int,
    operators: Mapping[str, int],
    ms: Mapping[str, Mapping[Mode, float]] | None = None,
) -> ModelTable:
    """Return a model's table.

    Args:
        model: its name.
        origin: what was measured.
        values: of the model's figures, by name; see `variant_choice.as_figures`.
        judged: rows on which they were measured.
        float32_bytes: size of the float32 variant.
        operators: of the int8 variant that ships.
        ms: median milliseconds by runtime and mode, where they were measured again.

    Raises:
        DataError: the figures do not tell of both int8 variants.
    """
    measured = measured_of(values)
    if missing := [mode for mode in ("dynamic", "full") if mode not in measured]:
        raise DataError(
            f"{model} was built without measuring {', '.join(missing)}",
            reason=Reason.MISSING,
            remedy="Build it again",
        )
    measured = {mode: _timed(one, mode, ms) for mode, one in measured.items()}
    choice = choose(measured)
    ships = {"float32", choice.int8}
    return ModelTable(
        format=FORMAT,
        model=model,
        origin=origin,
        rows=[
            VariantRow(
                mode=mode,
                bytes=round(one.ratio * float32_bytes),
                ratio=one.ratio,
                loss=one.loss,
                difference=one.difference,
                ms=dict(one.ms),
                ships=mode in ships,
            )
            for mode, one in measured.items()
        ],
        judged=judged,
        preferred=choice.int8 if choice.preferred == "int8" else "float32",
        why=choice.why,
        operators=dict(operators),
    )


def _timed(one: Measured, mode: Mode, ms: Mapping[str, Mapping[Mode, float]] | None) -> Measured:
    if ms is None:
        return one
    again = {runtime: medians[mode] for runtime, medians in ms.items() if mode in medians}
    return Measured(ratio=one.ratio, loss=one.loss, difference=one.difference, ms=again)


def write_tables(tables: Sequence[ModelTable], folder: Path) -> Path:
    """Write one JSON file per model, and the text of all that lie in the folder; return the text's path.

    Raises:
        StorageError: the disk refuses.
        DataError: a table that was written before is damaged.
    """
    for table in tables:
        write_whole(folder / f"{table.model}.json", msgspec.json.format(msgspec.json.encode(table), indent=1) + b"\n")
    path = folder / "quantisation.md"
    write_whole(path, as_text(read_tables(folder)).encode())
    return path


def read_tables(folder: Path) -> list[ModelTable]:
    """Return the tables of a folder by model; none where there is no such folder.

    Raises:
        DataError: a file is no such table.
    """
    found = []
    for path in sorted(folder.glob("*.json")):
        try:
            found.append(msgspec.json.decode(path.read_bytes(), type=ModelTable))
        except (OSError, msgspec.DecodeError) as error:
            raise DataError(
                f"{path} is no table of quantisation: {error}",
                reason=Reason.CORRUPT,
                remedy="Remove it and run 'attune-trainer quantise all' again",
            ) from error
    return found


def as_text(tables: Sequence[ModelTable]) -> str:
    """Return all tables as Markdown."""
    lines = ["# What quantisation costs and saves", "", _READ]
    for table in tables:
        lines += ["", f"## {table.model}", "", *_lines(table)]
    return "\n".join(lines) + "\n"


def _lines(table: ModelTable) -> list[str]:
    runtimes = sorted({runtime for row in table.rows for runtime in row.ms}, reverse=True)
    heads = ["variant", "KB", "of float32", "largest loss", "largest difference", *(f"{name}, ms" for name in runtimes)]
    lines = ["| " + " | ".join(heads) + " |", "| " + " | ".join("---" for _ in heads) + " |"]
    for row in table.rows:
        mark = (" ◆" if row.ships else "") + (" ★" if row.mode == table.preferred else "")
        cells = [
            f"{_NAMES[row.mode]}{mark}",
            f"{row.bytes / 1024:.0f}",
            f"{row.ratio:.3f}",
            f"{row.loss:+.4f}",
            f"{row.difference:.1e}",
            *(f"{row.ms[name]:.3f}" if name in row.ms else "–" for name in runtimes),
        ]
        lines.append("| " + " | ".join(cells) + " |")
    versions = ", ".join(f"{name} {version}" for name, version in sorted(table.operators.items()))
    return [
        *lines,
        "",
        f"{table.why[:1].upper()}{table.why[1:]}. {table.judged} rows judged; {table.origin}; {versions}.",
    ]
