"""`attune-trainer cards`: a model card per model of a bundle."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer

from cloud_trainer.commands.options import Config, Json
from cloud_trainer.settings import TrainerSettings
from models.settings import load

__all__ = ["cards"]


def cards(
    bundle: Annotated[Path | None, typer.Argument(help="Folder of a bundle; the one that ships unless given.")] = None,
    *,
    out: Annotated[Path | None, typer.Option(help="Folder of the cards; overrides [cards] folder.")] = None,
    config: Config = None,
    as_json: Json = False,
) -> None:
    """Write a model card per model: inputs, outputs, data with licences, held-out figures, limits, wrong uses.

    Example: attune-trainer cards models/default --out docs/cards
    """
    from cloud_trainer.cards.card import write_cards
    from models.bundle.reader import Bundle, default_bundle

    settings = load(TrainerSettings, program="trainer", config=config)
    opened = Bundle.open((bundle or default_bundle()).expanduser())
    written = write_cards(opened.manifest, (out or settings.cards.folder).expanduser())
    if as_json:
        typer.echo(json.dumps([str(path) for path in written]))
        return
    for path in written:
        typer.echo(path)
