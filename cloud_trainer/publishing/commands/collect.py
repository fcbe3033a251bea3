"""`attune-trainer collect`: what listeners gave back for training."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Annotated

import typer

from cloud_trainer.commands.options import Config, Json
from cloud_trainer.publishing.commands.options import Host, Port, publishing_settings

__all__ = ["collect"]


def collect(
    *,
    out: Annotated[Path, typer.Option("--out", help="Parquet file; replaced by all that was ever collected.")],
    wait: Annotated[float, typer.Option(min=0.1, help="End when nothing has come for so many seconds.")] = 3.0,
    host: Host = None,
    port: Port = None,
    config: Config = None,
    as_json: Json = False,
) -> None:
    """Take from the broker what players whose listeners agreed have sent, and write it as a table for training.

    The broker keeps for this command what is sent while it does not run: give it once before the first report and then
    every week or so (cron).

    Example: attune-trainer collect --out feedback.parquet
    """
    from cloud_trainer.publishing.collecting import take
    from cloud_trainer.publishing.feedback import Spool, as_table, check, write_table
    from models.errors import WireError
    from models.wire.topics import feedback_filter

    settings = publishing_settings(config, host, port)
    spool = Spool(settings.feedback)
    new = 0
    with spool.opened() as known:

        def keep(topic: str, payload: bytes, retained: bool) -> None:
            nonlocal new
            try:
                entry = check(topic, payload, retained=retained, now=time.time())
            except WireError as error:
                spool.refused[error.reason.value] += 1
                typer.echo(f"attune-trainer: left out: {error.message}", err=True)
                return
            if (entry.device, entry.report.week) in known:
                spool.repeated += 1
                return
            spool.keep(entry)
            known.add((entry.device, entry.report.week))
            new += 1

        taken = take(settings, feedback_filter(), keep, quiet_s=wait)
        entries = spool.entries()
    write_table(as_table(entries), out.expanduser())
    answer = {
        "new": new,
        "repeated": spool.repeated,
        "left_out": dict(spool.refused),
        "reports": len(entries),
        "players": len({entry.device for entry in entries}),
        "weeks": len({entry.report.week for entry in entries}),
        "resumed": taken.resumed,
        "file": str(out),
    }
    if as_json:
        typer.echo(json.dumps(answer))
        return
    more = f", {spool.repeated} repeated" if spool.repeated else ""
    more += f", {spool.refused.total()} left out" if spool.refused else ""
    typer.echo(f"{new} new reports{more}")
    typer.echo(f"{out}: {answer['reports']} reports of {answer['players']} players in {answer['weeks']} weeks")
    if not taken.resumed:
        typer.echo("the broker keeps reports for this command from now on; what was sent before is not among them")
