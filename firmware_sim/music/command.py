"""`attune-sim music`: the command line in front of the demo catalogue."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Annotated

import typer

from models.errors import AttuneError

__all__ = ["music"]


def music(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="Where the catalogue goes; made if it does not exist.")],
    *,
    count: Annotated[int, typer.Option(min=1, max=999, help="How many pieces.")] = 72,
    seconds: Annotated[float, typer.Option(min=10, max=600, help="Mean length of a piece in seconds.")] = 50.0,
    seed: Annotated[int, typer.Option(min=0, help="The same seed makes the same music.")] = 1,
    workers: Annotated[
        int,
        typer.Option(
            min=0, max=64, help="Processes that compose at the same time; 0 takes two where there are two cores."
        ),
    ] = 0,
    as_json: Annotated[bool, typer.Option("--json", help="Print a summary as JSON on standard output.")] = False,
) -> None:
    """Compose a demo catalogue: tagged FLAC files that cover the valence-arousal plane.

    Running it again with the same options changes nothing, and completes a run that was cut short. Files that it did
    not write are never overwritten. What each piece was meant to express stands in DIR/.intended.json, never in a tag.

    Example: attune-sim music ~/Music/demo --count 72 --seconds 50
    """
    from firmware_sim.music.catalogue import CatalogueSettings, write_catalogue
    from firmware_sim.music.progress import progress_bar

    settings = CatalogueSettings(count=count, seconds=seconds, seed=seed)
    try:
        with progress_bar(count) as advance:
            summary = write_catalogue(folder, settings, workers=workers, on_piece=advance)
    except AttuneError as error:
        typer.echo(f"attune-sim music: {error}", err=True)
        if as_json:
            typer.echo(json.dumps({"error": error.message, "code": error.reason, "remedy": error.remedy}))
        raise typer.Exit(1) from error
    except KeyboardInterrupt:
        typer.echo("attune-sim music: stopped; run the same command again to complete the catalogue", err=True)
        raise typer.Exit(1) from None
    if as_json:
        json.dump(summary.as_dict(), sys.stdout)
        sys.stdout.write("\n")
    else:
        typer.echo(summary.sentence())
