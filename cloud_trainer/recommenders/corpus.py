"""What the stages of the recommenders share: HetRec as histories, folds of listeners, cases to rank."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from cloud_trainer.artefact import BuildContext, Scale
from cloud_trainer.data import hetrec
from cloud_trainer.recommenders.full_ranking import Case
from cloud_trainer.recommenders.interactions import (
    ArtistSpace,
    History,
    artist_space,
    fold_in,
    listening,
    split_users,
    tag_sequences,
)

__all__ = ["MIN_LISTENERS", "Corpus", "load_corpus"]

Ints = npt.NDArray[np.int64]

MIN_LISTENERS: Final[dict[Scale, int]] = {"full": 4, "tiny": 2}
"""Artists with fewer listeners have no vector worth shipping; a track of theirs gets one predicted from its sound."""
SHORTEST_HISTORY: Final = 5


@dataclass(frozen=True)
class Corpus:
    """HetRec as the recommenders see it.

    Attributes:
        space: the artists.
        histories: of every listener, from play counts.
        sequences: of every listener, from the months of tags.
        folds: of every listener.
        validation, test: cases to rank from play counts.
        plays: number of user-artist pairs with play counts.
        tags: number of tag assignments.
    """

    space: ArtistSpace
    histories: list[History]
    sequences: list[Ints]
    folds: npt.NDArray[np.str_]
    validation: list[Case]
    test: list[Case]
    plays: int
    tags: int

    def listeners(self, fold: str) -> Ints:
        """Return the listeners of a fold."""
        return np.flatnonzero(self.folds == fold)

    def training_histories(self) -> list[History]:
        """Return the training listeners' histories that are long enough to split."""
        chosen = [self.histories[user] for user in self.listeners("train")]
        return [history for history in chosen if len(history.items) >= SHORTEST_HISTORY]

    def popularity(self) -> npt.NDArray[np.float64]:
        """Return how many training listeners play each artist."""
        rows = np.concatenate([history.items for history in self.training_histories()])
        return np.bincount(rows, minlength=len(self.space.keys)).astype(np.float64)

    def popularity_scores(self, cases: Sequence[Case]) -> npt.NDArray[np.float64]:
        """Return the same popularity for every case, `(cases, artists)`."""
        return np.tile(self.popularity(), (len(cases), 1))


def load_corpus(context: BuildContext) -> Corpus:
    """Read HetRec; the same folds in every stage of a build.

    Raises:
        DataError: HetRec is absent or damaged.
    """
    data = hetrec.load(context.data)
    space = artist_space(data, minimum=MIN_LISTENERS[context.scale])
    histories = listening(data, space)
    folds = split_users(data.users, seed=context.seed)
    return Corpus(
        space=space,
        histories=histories,
        sequences=tag_sequences(data, space, seed=context.seed),
        folds=folds,
        validation=fold_in(histories, np.flatnonzero(folds == "validation"), seed=context.seed),
        test=fold_in(histories, np.flatnonzero(folds == "test"), seed=context.seed + 1),
        plays=len(data.play_user),
        tags=len(data.tag_user),
    )
