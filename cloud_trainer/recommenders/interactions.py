"""Artists and who listens to them, as the collaborative models see it: one row per artist, histories with confidence.

A listener is never a trained row. Models learn from *histories*: part of what a listener plays is folded in, the rest
is to be found, so that a stranger with a history is no harder than anybody else.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Literal

import numpy as np
import numpy.typing as npt

from cloud_trainer.data.hetrec import HetRec
from cloud_trainer.data.tables import grouped_rows
from models import identity

__all__ = ["ArtistSpace", "Fold", "History", "artist_space", "fold_in", "listening", "split_users", "tag_sequences"]

Fold = Literal["train", "validation", "test"]
Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float32]

_HELD_OUT: Final = 0.1


@dataclass(frozen=True)
class History:
    """What one listener plays.

    Attributes:
        items: rows of the artist space, each once.
        weights: confidence in (0, 1]: ln(1 + plays) over that of the listener's most played artist.
    """

    items: Ints
    weights: Floats


@dataclass(frozen=True)
class ArtistSpace:
    """The artists that the models know.

    Attributes:
        keys: `models.identity` keys of kind `artist`, ascending, `uint64[n]`.
        names: one spelling of each.
        row_of_artist: row of each of the data set's artists, -1 where it is too rare, shape `(A,)`.
        listeners: in how many listeners' histories each stands, `int64[n]`.
    """

    keys: npt.NDArray[np.uint64]
    names: tuple[str, ...]
    row_of_artist: Ints
    listeners: Ints

    def rows_of(self, names: Sequence[str]) -> Ints:
        """Return the row of each artist name, -1 where the name is not known."""
        wanted = np.array([identity.key("artist", name) for name in names], np.uint64)
        rows = np.minimum(np.searchsorted(self.keys, wanted), len(self.keys) - 1)
        return np.where(self.keys[rows] == wanted, rows, -1).astype(np.int64)


def artist_space(data: HetRec, *, minimum: int) -> ArtistSpace:
    """Keep the artists that at least `minimum` listeners play or tag; spellings of one name become one artist."""
    key = np.array([identity.key("artist", name) for name in data.artists], np.uint64)
    unique, of_artist = np.unique(key, return_inverse=True)
    users = np.concatenate([data.play_user, data.tag_user])
    artists = of_artist[np.concatenate([data.play_artist, data.tag_artist])]
    pairs = np.unique(users * len(unique) + artists)
    support = np.bincount(pairs % len(unique), minlength=len(unique))
    kept = support >= minimum
    row_of_key = np.where(kept, np.cumsum(kept) - 1, -1)
    first = np.unique(of_artist, return_index=True)[1]
    plays = np.unique(data.play_user * len(unique) + of_artist[data.play_artist])
    listeners = np.bincount(plays % len(unique), minlength=len(unique))
    return ArtistSpace(
        keys=unique[kept],
        names=tuple(data.artists[artist] for artist in first[kept]),
        row_of_artist=row_of_key[of_artist].astype(np.int64),
        listeners=listeners[kept],
    )


def listening(data: HetRec, space: ArtistSpace) -> list[History]:
    """Return every listener's history from play counts; empty where none of the artists is known."""
    rows = space.row_of_artist[data.play_artist]
    known = rows >= 0
    user, item, count = data.play_user[known], rows[known], np.log1p(data.play_count[known])
    histories = []
    for members in grouped_rows(user, data.users):
        items, first = np.unique(item[members], return_index=True)
        weights = count[members][first]
        histories.append(History(items, (weights / max(weights.max(initial=0), 1e-6)).astype(np.float32)))
    return histories


def tag_sequences(data: HetRec, space: ArtistSpace, *, seed: int) -> list[Ints]:
    """Return every listener's artists in the order of the month in which they were first tagged.

    Within a month the order is drawn: the file sorts it by artist number, which nobody would know beforehand.
    """
    rows = space.row_of_artist[data.tag_artist]
    known = rows >= 0
    user, item, month = data.tag_user[known], rows[known], data.tag_month[known]
    generator = np.random.default_rng(seed)
    sequences = []
    for members in grouped_rows(user, data.users):
        by_month = members[np.argsort(month[members], kind="stable")]
        items, first = np.unique(item[by_month], return_index=True)
        order = np.lexsort((generator.random(len(items)), month[by_month][first]))
        sequences.append(items[order])
    return sequences


def split_users(count: int, *, seed: int) -> npt.NDArray[np.str_]:
    """Return the fold of each user: a tenth `test`, a tenth `validation`, the rest `train`."""
    order = np.random.default_rng(seed).permutation(count)
    folds = np.full(count, "train", dtype="<U10")
    held_out = max(1, round(count * _HELD_OUT))
    folds[order[:held_out]] = "test"
    folds[order[held_out : 2 * held_out]] = "validation"
    return folds


def fold_in(
    histories: Sequence[History], users: Ints, *, seed: int, share: float = 0.8
) -> list[tuple[int, History, Ints]]:
    """Split the history of each user into the part that is given and the part that is asked for.

    Users with fewer than five artists are left out.

    Returns:
        User, given history, asked items.
    """
    generator = np.random.default_rng(seed)
    cases = []
    for user in users:
        history = histories[user]
        if len(history.items) < 5:
            continue
        order = generator.permutation(len(history.items))
        given = np.sort(order[: int(len(order) * share)])
        asked = history.items[order[len(given) :]]
        cases.append((int(user), History(history.items[given], history.weights[given]), asked))
    return cases
