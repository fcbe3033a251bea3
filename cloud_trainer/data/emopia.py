"""EMOPIA: pop piano in four quadrants (Hung et al., ISMIR 2021).

Splits: the official validation part is held out as the test (the official test part is not published with the data that
this project uses); a validation part for early stopping is carved out of the official training part by song. Clips that
the official split leaves out join the training part unless another clip of their song is held out.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from cloud_trainer.data.labels import emopia_signs
from cloud_trainer.data.pieces import Piece, number, read_rows, split_by_group
from cloud_trainer.data.sources import require

__all__ = ["load"]

_VALIDATION_SHARE = 0.1
_COLUMNS = ("clip_id", "quadrant", "song_id", "official_split")


def load(data: Path, *, seed: int) -> list[Piece]:
    """Return the clips with their signs and sides.

    Args:
        data: root of the data sets.
        seed: of the split of the training part.

    Raises:
        DataError: a file is missing or damaged.
    """
    labels, midi = require(data / "emopia" / "labels.csv"), require(data / "emopia" / "midi.zip")
    rows = list(read_rows(labels, _COLUMNS))
    held_out = {row["song_id"] for row in rows if row["official_split"] == "val"}
    clips = []
    for row in rows:
        valence, arousal = emopia_signs(int(number(row, "quadrant", labels)))
        clips.append(
            Piece(
                dataset="emopia",
                name=row["clip_id"],
                group=row["song_id"],
                split="test" if row["song_id"] in held_out else "train",
                valence=valence,
                arousal=arousal,
                label="sign",
                file=midi,
                member=f"{row['clip_id']}.mid",
                genre="pop",
            )
        )
    # One clip that the official split leaves out belongs to a held-out song: neither side may have it.
    official = {row["clip_id"]: row["official_split"] for row in rows}
    test = [clip for clip in clips if clip.split == "test" and official[clip.name] == "val"]
    train = [clip for clip in clips if clip.split == "train"]
    return split_by_group(train, shares={"validation": _VALIDATION_SHARE}, seed=seed) + [
        replace(clip, split="test") for clip in test
    ]
