"""`attune-sim spoil`: a bundle that a player must refuse."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from models.errors import AttuneError

__all__ = ["spoil"]


def spoil(
    out: Annotated[Path, typer.Option("--out", help="Folder of the spoilt bundle; must not exist.")],
    source: Annotated[Path | None, typer.Argument(metavar="[BUNDLE]", help="The one that ships unless named.")] = None,
    how: Annotated[str, typer.Option(help="What is wrong with it: answers, weights or format.")] = "answers",
) -> None:
    """Spoil a bundle, to see a player refuse it: attune-trainer publish --untested sends it.

    Example: attune-sim spoil --how answers --out bad
    """
    from firmware_sim.bundles.spoil import HOWS
    from firmware_sim.bundles.spoil import spoil as spoil_bundle
    from models.bundle.reader import default_bundle

    chosen = next((each for each in HOWS if each == how), None)
    if chosen is None:
        raise typer.BadParameter(f"{how!r} is none of {', '.join(HOWS)}", param_hint="--how")
    try:
        manifest = spoil_bundle(source or default_bundle(), out, chosen)
    except AttuneError as error:
        typer.echo(f"attune-sim spoil: {error}", err=True)
        raise typer.Exit(1) from error
    typer.echo(f"bundle {manifest.version} in {out}: {HOWS[chosen]}")
