"""What is heard of pieces, and what is written of them: features by kind, computed once and kept on the disk.

    spectrum      mean, deviation and mean absolute change of each mel band over the whole piece
    descriptors   the contract's audio descriptors, mean over stretches of 15 s
    variation     their deviation over these stretches
    tones         pitches heard, `pitches.PITCH_FEATURES`
    notes         statistics of the score, NaN for recordings: no rival that listens may look at them

Scores are played on the piano, as they are.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from cloud_trainer.data.pieces import Piece
from cloud_trainer.music_emotion.corpus import Players, read_audio
from cloud_trainer.progress import Progress
from cloud_trainer.rendering.score import read_midi
from cloud_trainer.tables.music.notes import SCORE_STATISTICS, score_statistics
from cloud_trainer.tables.music.pitches import pitch_features
from cloud_trainer.tables.provenance import known_data, source_hash
from models.audio.descriptors import descriptors
from models.audio.log_mel import SAMPLE_RATE, log_mel

__all__ = ["HEARD", "KINDS", "features"]

Floats = npt.NDArray[np.float32]

HEARD: Final = ("spectrum", "descriptors", "variation", "tones")
KINDS: Final = (*HEARD, "notes")
_STRETCH_S: Final = 15.0
_LONGEST_S: Final = 180.0
"""Three minutes tell enough of a piece."""
_DECIDE: Final = (
    "cloud_trainer.tables.music.listening",
    "cloud_trainer.tables.music.pitches",
    "cloud_trainer.tables.music.notes",
    "cloud_trainer.rendering.sampler",
    "cloud_trainer.rendering.score",
    "models.audio.descriptors",
    "models.audio.log_mel",
    "models.audio.rhythm",
    "models.audio.timbre",
    "models.audio.tonality",
)


def features(
    pieces: Sequence[Piece], *, root: Path, data: Path, folder: Path, progress: Progress
) -> Mapping[str, Floats]:
    """Return `[n, width]` by kind for pieces of one data set.

    Args:
        pieces: of one data set.
        root: where they lie: the data or an exam.
        data: root of the piano's samples.
        folder: where features are kept.
        progress: where progress is shown.

    Raises:
        DataError: a file is missing or damaged.
    """
    dataset = pieces[0].dataset
    decides = [
        [[piece.name, piece.member, piece.file.name] for piece in pieces],
        known_data(root, [dataset]).fingerprints,
        known_data(data, ["piano-samples"]).fingerprints,
        source_hash(_DECIDE),
    ]
    path = folder / f"{dataset}-{hashlib.sha256(json.dumps(decides).encode()).hexdigest()[:12]}.npz"
    if not path.is_file():
        rows: list[Mapping[str, Floats]] = []
        with progress.task(f"listening to {dataset}", len(pieces)) as advance:
            for piece in pieces:
                rows.append(_of_piece(piece, data))
                advance(piece.name)
        _keep(path, {kind: np.stack([row[kind] for row in rows]) for kind in KINDS})
    with np.load(path) as archive:
        return {kind: archive[kind] for kind in KINDS}


def _keep(path: Path, columns: Mapping[str, Floats]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_suffix(".partial.npz")
    arrays: dict[str, Any] = dict(columns)
    np.savez(partial, **arrays)
    partial.replace(path)


def _of_piece(piece: Piece, data: Path) -> dict[str, Floats]:
    notes = np.full(len(SCORE_STATISTICS), np.nan, np.float32)
    if piece.member:
        score = read_midi(piece.content())
        sound, notes = _players(data).piano.render(score), score_statistics(score)
    else:
        sound = read_audio(piece.content(), f"{piece.dataset} {piece.name}")
    sound = sound[: int(_LONGEST_S * SAMPLE_RATE)]
    described = np.stack([descriptors(stretch) for stretch in _stretches(sound)])
    return {
        "spectrum": _spectrum(sound),
        "descriptors": described.mean(axis=0),
        "variation": described.std(axis=0),
        "tones": pitch_features(sound),
        "notes": notes,
    }


def _spectrum(sound: Floats) -> Floats:
    bands = log_mel(sound)
    change = np.abs(np.diff(bands, axis=1)).mean(axis=1) if bands.shape[1] > 1 else np.zeros(len(bands))
    return np.asarray(np.concatenate([bands.mean(axis=1), bands.std(axis=1), change]), np.float32)


def _stretches(sound: Floats) -> list[Floats]:
    """Return the sound in stretches of 15 s; a last one of less than half of that is left out."""
    length = int(_STRETCH_S * SAMPLE_RATE)
    count = max(round(sound.size / length), 1)
    return [sound[number * length : (number + 1) * length] for number in range(count)]


@lru_cache(maxsize=1)
def _players(data: Path) -> Players:
    return Players(data)
