"""`attune-trainer repack`: a changed bundle without training."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from cloud_trainer.commands.options import Json

if TYPE_CHECKING:
    from models.bundle.manifest import Precision

__all__ = ["repack"]


def repack(
    out: Annotated[Path, typer.Option("--out", help="Folder of the new bundle; must not exist.")],
    source: Annotated[Path | None, typer.Argument(metavar="[BUNDLE]", help="The one that ships unless named.")] = None,
    prefer: Annotated[
        list[str] | None, typer.Option("--prefer", help="MODEL=float32 or MODEL=int8; as often as needed.")
    ] = None,
    version: Annotated[str | None, typer.Option("--version", help="The next number unless given.")] = None,
    as_json: Json = False,
) -> None:
    """Make a bundle from another one: its models in other precisions, under a new version, tested by itself.

    Example: attune-trainer repack --prefer user_emotion=float32 --out changed
    """
    import json

    from cloud_trainer.build import self_test
    from cloud_trainer.repack import repack as repack_bundle
    from models.bundle.reader import default_bundle

    manifest = repack_bundle(source or default_bundle(), out, prefer=_precisions(prefer or []), version=version)
    differences = self_test(out)
    if as_json:
        typer.echo(json.dumps({"version": manifest.version, "folder": str(out), "self_test": differences}))
        return
    typer.echo(f"bundle {manifest.version} in {out}; its models answer as measured in training")


def _precisions(wanted: list[str]) -> dict[str, Precision]:
    precisions: dict[str, Precision] = {}
    for each in wanted:
        name, _, precision = each.partition("=")
        match precision:
            case "float32" | "int8":
                precisions[name] = precision
            case _:
                raise typer.BadParameter(f"{each!r} is not MODEL=float32 or MODEL=int8", param_hint="--prefer")
    return precisions
