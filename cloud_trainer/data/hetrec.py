"""HetRec 2011 Last.fm: who played which artist how often, and who tagged which artist how and when.

Rows where the year of a tag is before Last.fm existed (2002) are typing errors of the source and are left out. The day
is always the first of the month in the file at hand, so time is counted in months.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from cloud_trainer.data.tables import floats, positions, read_table

__all__ = ["HetRec", "load"]

_FIRST_YEAR = 2002
_MONTHS = 12

Ints = npt.NDArray[np.int64]


@dataclass(frozen=True)
class HetRec:
    """The set as arrays; users, artists and tags are positions in their tables.

    Attributes:
        artists: names, shape `(A,)`.
        tags: the tags' words, shape `(T,)`.
        users: number of users U.
        play_user, play_artist: one row per pair, the user's fifty most played artists.
        play_count: how often, at least 1.
        tag_user, tag_artist, tag_word: one row per assignment.
        tag_month: months since the year 0.
    """

    artists: tuple[str, ...]
    tags: tuple[str, ...]
    users: int
    play_user: Ints
    play_artist: Ints
    play_count: npt.NDArray[np.float32]
    tag_user: Ints
    tag_artist: Ints
    tag_word: Ints
    tag_month: Ints


def load(data: Path) -> HetRec:
    """Read the set.

    Args:
        data: root of the data sets.

    Raises:
        DataError: a file is missing or damaged.
    """
    folder = data / "hetrec-lastfm"
    artist_ids, artists = _names(folder / "artists.csv.gz", "id", "name")
    tag_ids, tags = _names(folder / "tags.csv.gz", "tagID", "tagValue")
    path = folder / "user_artists.csv.gz"
    plays = read_table(path, {"userID": "int", "artistID": "int", "weight": "float"})
    tagged_path = folder / "user_taggedartists.csv.gz"
    tagged = read_table(
        tagged_path, {"userID": "int", "artistID": "int", "tagID": "int", "month": "int", "year": "int"}
    )
    # Some tags were given to artists that the list of artists does not hold.
    sane = (tagged["year"] >= _FIRST_YEAR) & np.isin(tagged["artistID"], artist_ids)
    tagged = {name: values[sane] for name, values in tagged.items()}
    user_ids = np.union1d(plays["userID"], tagged["userID"])
    return HetRec(
        artists=artists,
        tags=tags,
        users=len(user_ids),
        play_user=positions(plays["userID"], user_ids, path, "userID"),
        play_artist=positions(plays["artistID"], artist_ids, path, "artistID"),
        play_count=floats(plays["weight"]),
        tag_user=positions(tagged["userID"], user_ids, tagged_path, "userID"),
        tag_artist=positions(tagged["artistID"], artist_ids, tagged_path, "artistID"),
        tag_word=positions(tagged["tagID"], tag_ids, tagged_path, "tagID"),
        tag_month=tagged["year"] * _MONTHS + tagged["month"] - 1,
    )


def _names(path: Path, key: str, name: str) -> tuple[Ints, tuple[str, ...]]:
    table = read_table(path, {key: "int", name: "text"})
    order = np.argsort(table[key], kind="stable")
    return table[key][order], tuple(table[name][order])
