"""A library of short sounds on the disk, and the database as a scan with the bundle that ships leaves it."""

from __future__ import annotations

from functools import cache
from pathlib import Path

import numpy as np
import soundfile

from agent.catalogue.analysis import Analyser
from agent.catalogue.files import fingerprint
from agent.storage import Database, TrackRow
from models.bundle.reader import Bundle, default_bundle

__all__ = ["heard", "shipped_analyser", "write_sounds"]


def write_sounds(folder: Path, count: int, *, seconds: float = 2.0, seed: int = 3) -> list[Path]:
    """Write chords with a beat, each of its own pitch and tempo."""
    random = np.random.default_rng(seed)
    times = np.arange(int(seconds * 22_050)) / 22_050
    folder.mkdir(parents=True, exist_ok=True)
    paths = []
    for number in range(count):
        notes = 110.0 * 2 ** (random.integers(0, 36, size=3) / 12)
        beat = 0.5 + 0.5 * np.sign(np.sin(2 * np.pi * (0.5 + number / 2) * times))
        sound = 0.2 * beat * np.sin(2 * np.pi * notes[:, None] * times).sum(axis=0)
        paths.append(folder / f"{number:03d}.wav")
        soundfile.write(paths[-1], sound.astype(np.float32), 22_050)
    return paths


@cache
def shipped_analyser() -> Analyser:
    """Hears with the bundle that ships."""
    return Analyser.of_bundle(Bundle.open(default_bundle()))


async def heard(database: Database, paths: list[Path]) -> None:
    """Store what the bundle that ships hears in them."""
    analyser = shipped_analyser()
    rows = []
    for number, path in enumerate(paths):
        analysis = analyser.analyse(path, [])
        rows.append(
            TrackRow(
                id=f"{number:016x}",
                path=str(path).encode(),
                size=path.stat().st_size,
                mtime_ns=path.stat().st_mtime_ns,
                fingerprint=fingerprint(path, path.stat().st_size),
                title=path.stem,
                artist=f"Artist {number % 5}",
                duration_s=analysis.duration_s,
                valence=analysis.valence,
                arousal=analysis.arousal,
                embedding=analysis.embedding,
                descriptors=analysis.descriptors,
                embedding_space=analyser.embedding_space,
                analysed_t=0.0,
            )
        )
    await database.upsert_tracks(rows)
