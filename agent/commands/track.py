"""`attune-agent track`: what is known of a track, from its sound and from its words."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from agent.commands.options import ConfigOption, JsonOption, print_json
from models.errors import Reason, StorageError

if TYPE_CHECKING:
    from agent.storage import KnownFile, TrackTable

__all__ = ["track"]


def track(
    files: Annotated[list[Path], typer.Argument(metavar="FILE", help="Music files that were scanned.")],
    *,
    config: ConfigOption = None,
    as_json: JsonOption = False,
) -> None:
    """Show what is known of tracks: what their sound expresses, what their words say, what is wrong with them.

    The ranking rests on the sound. Words are shown beside it: dominance, which no sound tells, comes from them alone.

    Example: attune-agent track ~/Music/Song.flac
    """
    from agent import settings

    found = asyncio.run(_find(settings.load(config).storage.folder, files))
    if as_json:
        print_json(found)
    else:
        typer.echo("\n\n".join("\n".join(f"{name:<8} {value}" for name, value in _lines(each)) for each in found))


async def _find(folder: Path, files: list[Path]) -> list[dict[str, Any]]:
    """Returns what is known of files, in their order.

    Raises:
        StorageError: there is no catalogue, it cannot be read, or a file is not in it.
    """
    from agent.storage import Database
    from agent.storage.database import DATABASE_NAME

    if not await asyncio.to_thread((folder / DATABASE_NAME).exists):
        raise StorageError(
            f"there is no catalogue in {folder}", reason=Reason.MISSING, remedy="Scan your music: attune-agent scan DIR"
        )
    async with await Database.open(folder) as database:
        known = {file.path: file for file in await database.known_files()}
        table = await database.load_tracks()
        return [_facts(await asyncio.to_thread(_known, known, path), table) for path in files]


def _known(known: dict[bytes, KnownFile], path: Path) -> KnownFile:
    real = os.path.realpath(path.expanduser())
    if (file := known.get(os.fsencode(real))) is not None:
        return file
    raise StorageError(
        f"{_shown(real)} is not in the catalogue",
        reason=Reason.UNKNOWN_TRACK,
        remedy="Scan its folder: attune-agent scan DIR",
    )


def _facts(file: KnownFile, table: TrackTable) -> dict[str, Any]:
    import msgspec

    from agent.catalogue.telling import told_words

    words = file.words
    facts: dict[str, Any] = {
        "id": file.id,
        "path": _shown(os.fsdecode(file.path)),
        "missing": file.missing,
        "error": file.error,
        "words": msgspec.to_builtins(told_words(words)),
        "lyrics": {"from": words.lyrics, "problem": words.problem} if words is not None else None,
    }
    if file.id in table.ids:
        row = table.ids.index(file.id)
        facts |= {
            "title": table.title[row],
            "artist": table.artist[row],
            "album": table.album[row],
            "duration_s": round(float(table.duration_s[row]), 2),
            "valence": round(float(table.emotion[row, 0]), 4),
            "arousal": round(float(table.emotion[row, 1]), 4),
        }
    return facts


def _lines(facts: dict[str, Any]) -> Iterator[tuple[str, str]]:
    from agent.commands.live.palette import duration
    from agent.commands.live.words import words_line
    from models.wire.messages import TrackWords

    yield "file", facts["path"]
    if "title" in facts:
        yield "title", " — ".join(text for text in (facts["title"], facts["artist"], facts["album"]) if text)
        yield "length", duration(facts["duration_s"])
        yield "sound", f"valence {facts['valence']:+.2f}, arousal {facts['arousal']:+.2f}"
    yield "words", "say nothing" if facts["words"] is None else words_line(TrackWords(**facts["words"]))
    lyrics = facts["lyrics"]
    if lyrics is None:
        yield "lyrics", "not read yet: attune-agent scan"
    else:
        where = {"tags": "in its tags", "file": "in the .lrc file beside it", "": "none"}[lyrics["from"]]
        yield "lyrics", f"{where}; {lyrics['problem']}" if lyrics["problem"] else where
    if facts["missing"]:
        yield "missing", "the file is gone; when it is back, so is the track"
    if facts["error"]:
        yield "error", facts["error"]


def _shown(path: str) -> str:
    """Returns a path that can be printed, whatever bytes its name is made of."""
    return path.encode("utf-8", "replace").decode()
