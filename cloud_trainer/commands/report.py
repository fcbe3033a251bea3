"""`attune-trainer report`: what the tables found, on one page."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from cloud_trainer.commands.options import Config, Json, Results
from cloud_trainer.settings import TrainerSettings
from models.settings import load

__all__ = ["report"]


def report(
    *,
    out: Annotated[Path | None, typer.Option(help="Folder of page and pictures; overrides [tables] report.")] = None,
    results: Results = None,
    config: Config = None,
    as_json: Json = False,
) -> None:
    """Write one HTML page that needs no other file, a PNG per figure and a text per table, from stored results alone.

    Example: attune-trainer report --out report
    """
    import json

    from cloud_trainer.report.free import free_section, read_beside
    from cloud_trainer.report.more import attention_section, quantisation_section, search_section
    from cloud_trainer.report.page import write_report
    from cloud_trainer.report.quantisation import read_tables
    from cloud_trainer.search.log import read_log
    from cloud_trainer.tables.results import read_all

    settings = load(TrainerSettings, program="trainer", config=config)
    folder = (results or settings.tables.results).expanduser()
    searches = [read_log(path) for path in sorted((folder / "search").glob("*.json"))]
    more = attention_section(folder / "attention.png")
    more += quantisation_section(read_tables(folder / "quantisation"))
    more += search_section(searches)
    more += free_section(read_beside(folder / "free"))
    written = write_report(read_all(folder), (out or settings.tables.report).expanduser(), more=more)
    if as_json:
        typer.echo(json.dumps([str(path) for path in written]))
        return
    for path in written:
        typer.echo(path)
