"""Generated tastes: artists of genres, listeners who like some of them, tags in the order of months.

Popularity falls as in music charts (a power law); a listener's plays fall in few genres; tags of one month stay near
each other. No artist of the real world is among them: to a player they are all unknown, and what it learns from them is
how tastes hang together, and how the sound stands for an artist that nobody knows.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
import numpy.typing as npt

from cloud_trainer.generated.files import write_table
from cloud_trainer.progress import Progress

__all__ = ["TasteSizes", "Tastes", "write_tastes"]

Floats = npt.NDArray[np.float64]

_GENRES: Final = {
    # genre: valence and arousal of its middle
    "rock": (0.1, 0.5),
    "metal": (-0.4, 0.8),
    "punk": (0.0, 0.8),
    "pop": (0.5, 0.3),
    "dance": (0.5, 0.7),
    "techno": (0.1, 0.7),
    "ambient": (0.1, -0.8),
    "classical": (0.1, -0.4),
    "jazz": (0.3, -0.1),
    "blues": (-0.3, -0.2),
    "folk": (0.1, -0.4),
    "soul": (0.4, 0.0),
    "funk": (0.6, 0.5),
    "reggae": (0.6, -0.1),
    "hip hop": (0.1, 0.4),
    "country": (0.3, 0.0),
    "gothic": (-0.6, 0.1),
    "soundtrack": (0.0, -0.2),
}
_DECADES: Final = ("60s", "70s", "80s", "90s", "00s")
_NATIONS: Final = ("american", "british", "german", "french", "japanese", "korean", "brazilian", "swedish")
_GENRES_OF_A_LISTENER: Final = 3
_YEARS: Final = (2006, 2011)


@dataclass(frozen=True)
class TasteSizes:
    """How many artists, listeners, plays a listener, months of tags, songs with an emotion."""

    artists: int
    listeners: int
    plays: int
    tags: int
    songs: int


@dataclass(frozen=True)
class Tastes:
    """The artists.

    Attributes:
        names: of all.
        emotions: of their music, `(artists, 2)`.
    """

    names: list[str]
    emotions: Floats


def write_tastes(root: Path, sizes: TasteSizes, *, seed: int, progress: Progress) -> Tastes:
    """Write sets in the formats of HetRec and Deezer's moods, and return the artists.

    Raises:
        StorageError: the disk refuses.
    """
    random = np.random.default_rng([seed, 3])
    names = [f"Generated Artist {number:04d}" for number in range(sizes.artists)]
    genre = random.integers(0, len(_GENRES), sizes.artists)
    middle = np.array(list(_GENRES.values()))
    emotions = np.clip(middle[genre] + random.normal(0, 0.2, (sizes.artists, 2)), -1, 1)
    popularity = 1.0 / (1.0 + random.permutation(sizes.artists)) ** 0.8
    words = [*_GENRES, *_DECADES, *_NATIONS]
    decade, nation = random.integers(0, len(_DECADES), sizes.artists), random.integers(0, len(_NATIONS), sizes.artists)
    said = np.stack([genre, len(_GENRES) + decade, len(_GENRES) + len(_DECADES) + nation], axis=1)
    plays, tagged = [], []
    with progress.task("generate tastes", sizes.listeners) as advance:
        for listener in range(sizes.listeners):
            liked = random.choice(len(_GENRES), _GENRES_OF_A_LISTENER, replace=False)
            chance = popularity * np.where(np.isin(genre, liked), 1.0, 0.04)
            chosen = random.choice(sizes.artists, sizes.plays, replace=False, p=chance / chance.sum())
            plays += [(listener + 2, artist + 1, int(np.exp(random.normal(5.0, 1.3))) + 1) for artist in chosen]
            tagged += _tags(listener, chosen, genre, said, months=sizes.tags, random=random)
            advance("")
    folder = root / "hetrec-lastfm"
    write_table(folder / "artists.csv.gz", ("id", "name"), [(number + 1, name) for number, name in enumerate(names)])
    write_table(
        folder / "tags.csv.gz", ("tagID", "tagValue"), [(number + 1, word) for number, word in enumerate(words)]
    )
    write_table(folder / "user_artists.csv.gz", ("userID", "artistID", "weight"), plays)
    columns = ("userID", "artistID", "tagID", "day", "month", "year")
    write_table(folder / "user_taggedartists.csv.gz", columns, tagged)
    _write_songs(root / "deezer-mood", names, emotions, sizes.songs, random)
    return Tastes(names, emotions)


def _tags(
    listener: int,
    chosen: npt.NDArray[np.int64],
    genre: npt.NDArray[np.int64],
    said: npt.NDArray[np.int64],
    *,
    months: int,
    random: np.random.Generator,
) -> list[tuple[int, ...]]:
    """Return the tags of a listener: a genre a month, its artists with one or two words each."""
    rows: list[tuple[int, ...]] = []
    first = int(random.integers(_YEARS[0] * 12, _YEARS[1] * 12 - months))
    for month in range(first, first + months):
        wanted = genre[random.choice(chosen)]
        near = chosen[genre[chosen] == wanted]
        for artist in random.choice(near, min(3, len(near)), replace=False):
            about = (listener + 2, int(artist) + 1)
            given = random.choice(said[artist], 2, replace=False)
            rows += [(*about, int(word) + 1, 1, month % 12 + 1, month // 12) for word in given]
    return rows


def _write_songs(folder: Path, names: list[str], emotions: Floats, count: int, random: np.random.Generator) -> None:
    rows = []
    for song in range(count):
        artist = int(random.integers(len(names)))
        heard = 2.5 * np.clip(emotions[artist] + random.normal(0, 0.25, 2), -1, 1)
        rows.append((song, "SO", "TR", *map(float, heard), names[artist], f"Song {song}"))
    columns = "dzr_sng_id MSD_sng_id MSD_track_id valence arousal artist_name track_name"
    write_table(folder / "train.csv.gz", columns.split(), rows[: 3 * count // 4])
    write_table(folder / "validation.csv.gz", columns.split(), rows[3 * count // 4 :])
