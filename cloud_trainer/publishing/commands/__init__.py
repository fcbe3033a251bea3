"""The commands of `attune-trainer` that bring bundles to players."""

from __future__ import annotations

import typer

from cloud_trainer.publishing.commands.collect import collect
from cloud_trainer.publishing.commands.fleet import fleet
from cloud_trainer.publishing.commands.keys import keys_app
from cloud_trainer.publishing.commands.publish import publish, refresh
from cloud_trainer.publishing.commands.rollout import rollout_app
from cloud_trainer.publishing.commands.status import status

__all__ = ["mount"]


def mount(app: typer.Typer) -> None:
    """Add the commands to a program."""
    app.add_typer(keys_app, name="keys")
    app.command()(publish)
    app.command()(refresh)
    app.add_typer(rollout_app, name="rollout")
    app.command()(fleet)
    app.command()(status)
    app.command()(collect)
