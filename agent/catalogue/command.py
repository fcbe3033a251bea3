"""`attune-agent scan`: brings the catalogue up to date with the music folders."""

from __future__ import annotations

import asyncio
import logging
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from agent.commands.options import ConfigOption, JsonOption, log_to_stderr, print_json
from models.errors import DataError, Reason, SettingsError

if TYPE_CHECKING:
    from agent.catalogue.files import Problem
    from agent.catalogue.scan import ScanProgress, ScanReport
    from agent.settings import AgentSettings
    from models.lyrics.sentiment import Lexicon

__all__ = ["scan"]

_log = logging.getLogger(__name__)


def scan(
    folders: Annotated[
        list[Path] | None,
        typer.Argument(
            metavar="DIR",
            exists=True,
            file_okay=False,
            help="Folders to look through; without any, those of the settings.",
            show_default=False,
        ),
    ] = None,
    config: ConfigOption = None,
    as_json: JsonOption = False,
    rescan: Annotated[bool, typer.Option("--rescan", help="Examine every file again, not only new ones.")] = False,
) -> None:
    """Read the tags of your music and hear what each track expresses.

    Only files that are new or changed are examined, and a scan that was stopped goes on where it was. Lyrics come from
    the tags, else from an .lrc file beside the track. Files and lyrics that cannot be used are listed at the end; they
    do not make the scan fail.

    Example: attune-agent scan ~/Music
    """
    from agent import settings

    loaded = settings.load(config)
    log_to_stderr("warning")
    chosen = _existing(folders or list(loaded.library.folders))
    began = time.perf_counter()
    try:
        with _progress_bar() as on_progress:
            report = asyncio.run(_scan(loaded, chosen, rescan=rescan, on_progress=on_progress))
    except KeyboardInterrupt:
        typer.echo("attune-agent scan: stopped; what was examined is stored, run it again to go on", err=True)
        raise typer.Exit(1) from None
    seconds = time.perf_counter() - began
    if as_json:
        print_json(_answer(report, seconds))
    else:
        typer.echo(_sentences(report, seconds))


async def _scan(
    loaded: AgentSettings, folders: Sequence[Path], *, rescan: bool, on_progress: Callable[[ScanProgress], None]
) -> ScanReport:
    from agent.catalogue.analysis import Analyser
    from agent.catalogue.scan import scan as scan_folders
    from agent.delivery.starting import in_use
    from agent.storage import Database
    from models.bundle.reader import Bundle

    # Vectors of the space that the agent ranks in: another bundle than the one that ships may run.
    folder = in_use(loaded.storage.folder, folder=loaded.bundle.folder)
    bundle = Bundle.open(folder, runtime=loaded.bundle.runtime)
    analyser = Analyser.of_bundle(bundle)
    async with await Database.open(loaded.storage.folder) as database:
        return await scan_folders(
            folders,
            database,
            analyser,
            clock=time.time,
            lexicon=await asyncio.to_thread(_lexicon),
            rescan=rescan,
            on_progress=on_progress,
        )


def _lexicon() -> Lexicon | None:
    """Returns the values of words, None where they cannot be had: the music is scanned without them."""
    from models.lyrics.sentiment import default_lexicon

    try:
        return default_lexicon()
    except DataError as error:
        _log.warning("%s. Until then the words of the music say nothing", error)
        return None


def _existing(folders: Sequence[Path]) -> Sequence[Path]:
    """Returns the folders if there is any of them; a disk that is not plugged in leaves the others to be scanned.

    Raises:
        SettingsError: there is none.
    """
    if any(folder.expanduser().is_dir() for folder in folders):
        return folders
    raise SettingsError(
        f"there is no music folder {' or '.join(map(str, folders)) or 'in the settings'}",
        reason=Reason.MISSING,
        remedy="Name one (attune-agent scan DIR), or set [library] folders",
    )


@contextmanager
def _progress_bar() -> Iterator[Callable[[ScanProgress], None]]:
    """Yields what shows progress: a bar on a terminal, nothing elsewhere."""
    if not sys.stderr.isatty():
        yield lambda _: None
        return
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    columns = (
        TextColumn("Listening"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeRemainingColumn(),
        TextColumn("{task.fields[name]}", markup=False),
    )
    with Progress(*columns, console=Console(stderr=True), transient=True) as progress:
        task = progress.add_task("scan", total=None, name="")

        def show(state: ScanProgress) -> None:
            name = state.path.name.encode("utf-8", "replace").decode()
            progress.update(task, completed=state.done, total=state.total, name=name[:40])

        yield show


def _answer(report: ScanReport, seconds: float) -> dict[str, Any]:
    return {
        "found": report.found,
        "new": report.new,
        "changed": report.changed,
        "moved": report.moved,
        "unchanged": report.unchanged,
        "returned": report.returned,
        "gone": report.gone,
        "reworded": report.reworded,
        "unusable": [_problem(each) for each in report.unusable],
        "lyrics": [_problem(each) for each in report.lyrics],
        "audio_s": round(report.audio_s, 1),
        "seconds": round(seconds, 2),
    }


def _problem(problem: Problem) -> dict[str, str]:
    return {"path": _shown(problem.path), "reason": problem.reason.value, "message": _shown(problem.message)}


def _sentences(report: ScanReport, seconds: float) -> str:
    counts = [
        f"{count} {name}"
        for name in ("new", "changed", "moved", "returned", "gone", "unchanged")
        if (count := getattr(report, name))
    ]
    lines = [f"{report.found} music files: {', '.join(counts) or 'nothing to do'} ({seconds:.1f} s)."]
    if report.reworded:
        lines.append(f"The words of {report.reworded} were read anew; their sound is as it was.")
    if report.unusable:
        lines.append(f"{len(report.unusable)} could not be used:")
        lines += [f"  {each.reason.value}: {_shown(each.path)}" for each in report.unusable]
    if report.lyrics:
        lines.append(f"Lyrics of {len(report.lyrics)} could not be used as a whole; mend or remove them:")
        lines += [f"  {each.reason.value}: {_shown(each.message)}" for each in report.lyrics]
    return "\n".join(lines)


def _shown(path: Path | str) -> str:
    """Returns a path, or a text with one in it, that can be printed, whatever bytes its name is made of."""
    return str(path).encode("utf-8", "replace").decode()
