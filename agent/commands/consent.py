"""`attune-agent consent`: whether counts of what was heard are given back for training."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Final

import typer

from agent.commands.options import ConfigOption, JsonOption, print_json

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["app"]

app = typer.Typer(
    no_args_is_help=True, help="Give counts of what you heard back for training, or not. Off unless you say so."
)

_WHAT: Final = """\
Once a week this player would send a table of counts: how often music of each of four emotions was heard through,
skipped, liked or disliked while you felt each of the four, or while that was unknown. At most 12 events of a day are
counted, and every number is blurred so that no single day of yours can be told from it (differential privacy, epsilon
1 for a day). No track, no artist, no time of day, no reading of a wearable, no estimate of how you felt is sent.
docs/feedback.md describes every field; what was sent stays readable in {folder}/sent.
"""


@app.command()
def give(config: ConfigOption = None) -> None:
    """Agree: from now on each whole week's counts are sent.

    Example: attune-agent consent give
    """
    from agent.feedback import consent

    folder = _folder(config)
    typer.echo(_WHAT.format(folder=folder))
    consent.give(folder, now=time.time())
    typer.echo("Thank you. Take it back at any time: attune-agent consent withdraw")


@app.command()
def withdraw(config: ConfigOption = None) -> None:
    """Take it back: nothing is sent any more, and what waits is deleted.

    Example: attune-agent consent withdraw
    """
    from agent.feedback import consent

    deleted = consent.withdraw(_folder(config))
    typer.echo(f"Nothing is sent any more; {deleted} reports that waited were deleted.")


@app.command()
def show(config: ConfigOption = None, as_json: JsonOption = False) -> None:
    """Tell what was agreed to, what waits and what was sent.

    Example: attune-agent consent show
    """
    from agent.feedback import consent

    folder = _folder(config)
    given = consent.read(folder)
    waiting = sorted(path.stem for path in folder.glob("????-W??.json"))
    sent = sorted(path.stem for path in (folder / "sent").glob("????-W??.json"))
    if as_json:
        print_json({"given_t": given.given_t if given else None, "waiting": waiting, "sent": sent})
        return
    if given is None:
        typer.echo("You have not agreed: nothing is collected and nothing is sent.\n")
        typer.echo(_WHAT.format(folder=folder), nl=False)
        return
    typer.echo(f"You agreed on {time.strftime('%Y-%m-%d', time.localtime(given.given_t))}.")
    typer.echo(f"{len(waiting)} weeks wait to be sent, {len(sent)} were sent{': ' + ', '.join(sent) if sent else ''}.")


def _folder(config: Path | None) -> Path:
    from agent import settings

    return settings.load(config).storage.folder / "feedback"
