"""Options that several commands share, and how far they are shown to be."""

from __future__ import annotations

import logging
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, TypeAlias

import typer

from cloud_trainer.artefact import Scale
from cloud_trainer.progress import LogProgress, Progress, TerminalProgress

__all__ = ["Config", "Data", "Json", "Results", "Seed", "Work", "progress_shown", "scale_of"]

Config: TypeAlias = Annotated[Path | None, typer.Option("--config", help="Settings file; see config/trainer.toml.")]
Data: TypeAlias = Annotated[
    Path | None, typer.Option("--data", help="Folder of the data sets; overrides [data] folder.")
]
Json: TypeAlias = Annotated[bool, typer.Option("--json", help="Answer in JSON.")]
Results: TypeAlias = Annotated[
    Path | None, typer.Option("--results", help="Folder of the tables' results; overrides [tables] results.")
]
Seed: TypeAlias = Annotated[
    int | None, typer.Option("--seed", min=0, help="Of every random number; overrides [build] seed.")
]
Work: TypeAlias = Annotated[Path | None, typer.Option("--work", help="Folder of caches; overrides [build] work.")]


def scale_of(text: str) -> Scale:
    """Return the scale that a text names.

    Raises:
        typer.BadParameter: it names none.
    """
    match text:
        case "full" | "tiny":
            return text
        case _:
            raise typer.BadParameter(f"{text!r} is neither full nor tiny", param_hint="--scale")


@contextmanager
def progress_shown() -> Iterator[Progress]:
    """Show progress as bars on a terminal, as log lines elsewhere; on standard error."""
    if sys.stderr.isatty():
        with TerminalProgress() as progress:
            yield progress
    else:
        logging.basicConfig(stream=sys.stderr, level=logging.INFO, format="%(asctime)s %(message)s")
        yield LogProgress()
