"""A library without files: rows on a grid of the valence–arousal plane, for sessions and for the database."""

from __future__ import annotations

import numpy as np

from agent.catalogue.library import Catalogue
from agent.repertoire import Repertoire
from agent.storage.records import TrackRow, TrackTable
from models.bundle.reader import Bundle


def track_rows(count: int, embedding_space: str, *, folder: str = "/nowhere", seed: int = 0) -> list[TrackRow]:
    random = np.random.default_rng(seed)
    side = int(np.ceil(np.sqrt(count)))
    grid = np.linspace(-0.95, 0.95, max(side, 2))
    embedding = random.normal(size=(count, 128)).astype(np.float32)
    embedding /= np.linalg.norm(embedding, axis=1, keepdims=True)
    return [
        TrackRow(
            id=f"{row:016x}",
            path=f"{folder}/{row:06d}.flac".encode(),
            size=1,
            mtime_ns=1,
            fingerprint=row.to_bytes(8, "little"),
            title=f"Track {row}",
            artist=f"Artist {row % 97}",
            album="Album",
            duration_s=180.0,
            valence=float(grid[row % side]),
            arousal=float(grid[row // side]),
            embedding=embedding[row],
            descriptors=np.zeros(78, np.float32),
            embedding_space=embedding_space,
            analysed_t=0.0,
        )
        for row in range(count)
    ]


def track_table(count: int, embedding_space: str) -> TrackTable:
    rows = track_rows(count, embedding_space)
    return TrackTable(
        embedding_space=embedding_space,
        ids=tuple(row.id for row in rows),
        path=tuple(row.path.decode() for row in rows),
        title=tuple(row.title for row in rows),
        artist=tuple(row.artist for row in rows),
        album=tuple(row.album for row in rows),
        duration_s=np.array([row.duration_s for row in rows], np.float32),
        emotion=np.array([[row.valence, row.arousal] for row in rows], np.float32).reshape(-1, 2),
        embedding=np.array([row.embedding for row in rows], np.float32).reshape(-1, 128),
        descriptors=np.zeros((count, 78), np.float32),
        identity_keys=np.zeros((count, 4), np.uint64),
        value_keys=tuple(np.empty(0, np.uint64) for _ in rows),
    )


def repertoire(count: int, bundle: Bundle) -> Repertoire:
    tables = {name: bundle.table(name) for name in ("items", "metadata")}
    catalogue = Catalogue.build(track_table(count, bundle.manifest.embedding_space), tables)
    return Repertoire.build(catalogue, bundle, queue_length=10)
