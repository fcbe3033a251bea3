"""What the tables of one music data set share: the rows that listen, the columns of rated axes, the modules."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, Literal

import numpy as np

from cloud_trainer.tables.frame import Column, Floats, Peer, Row
from cloud_trainer.tables.music.listening import HEARD
from cloud_trainer.tables.music.networks import RESIDUAL, RESIDUAL_NAME, network, network_rows
from cloud_trainer.tables.music.pieces import Music
from cloud_trainer.tables.music.rivals import (
    BY_SIX,
    MUSIC_LEARNERS,
    Says,
    committee,
    features_row,
    forest_on_notes,
    learned,
    lent,
    row,
)

__all__ = ["as_it_is", "forest_on_notes_row", "listening_rows", "modules", "rated_columns"]

_SHARED: Final = ("listening", "networks", "notes", "patches", "pieces", "pitches", "rivals", "rows")
_TONES: Final = ("descriptors", "tones")
_PROCESS: Final = "lent, process"


def modules(table: str) -> tuple[str, ...]:
    """Return the modules that decide a table: its own and those that all share."""
    return tuple(f"cloud_trainer.tables.music.{name}" for name in sorted((table, *_SHARED)))


def as_it_is(felt: Floats) -> Floats:
    """Return valence and arousal `(n, 2)`, kept in [-1, 1]."""
    return np.clip(felt, -1.0, 1.0)


def rated_columns(
    peer: str, source: str, *, arousal: tuple[float, float], valence: tuple[float, float]
) -> tuple[Column, ...]:
    """Return R² with targets, and RMSE, of arousal and valence.

    Args:
        peer: the row that the published figures are of.
        source: where they stand.
        arousal: target, published figure.
        valence: likewise.
    """
    axes = (("arousal", 1, arousal), ("valence", 0, valence))
    return (
        *(
            Column(name=f"{name} R²", metric="r2", output=output, target=target, peers=(Peer(peer, known, source),))
            for name, output, (target, known) in axes
        ),
        *(Column(name=f"{name} RMSE", metric="rmse", output=output) for name, output, _ in axes),
    )


def forest_on_notes_row(says: Says) -> Row[Music]:
    """Return the row that reads the score."""
    return row(
        "forest on notes",
        "random forest of 300 trees on 15 statistics of the score, untuned: reads what the others must hear",
        forest_on_notes,
        says,
        baseline=True,
    )


def listening_rows(
    says: Says,
    *,
    tones: Literal["ridge", "kernel"],
    together: str,
    more: Sequence[Row[Music]] = (),
    process: bool = False,
) -> tuple[Row[Music], ...]:
    """Return the rows that listen: single learners, a committee of three, the networks, the committee with one of them.

    Args:
        says: what the table scores, of valence and arousal.
        tones: learner that takes descriptors and pitches into the committee.
        together: what the committee is, in words.
        more: further single learners.
        process: whether a Gaussian process on what other sets taught to hear speaks as loud as the three together.
    """
    of_tones = f"descriptors and tones, {tones}"
    members = {
        "heard, kernel": learned("kernel", HEARD),
        of_tones: learned(tones, _TONES),
        "lent, kernel": lent("kernel", HEARD, ("tones",)),
    }
    if process:
        more = (*more, _process_row(says))
        members = {"the three": committee(members), _PROCESS: lent("process", HEARD)}
    return (
        features_row("descriptors, ridge", "ridge", ("descriptors",), says, "the contract's audio descriptors"),
        features_row("descriptors, boosting", "boosting", ("descriptors",), says, "the contract's descriptors"),
        features_row(of_tones, tones, _TONES, says, "descriptors and pitches heard"),
        features_row("heard, kernel", "kernel", HEARD, says, "spectrum, descriptors and pitches heard"),
        *more,
        row(
            "lent, kernel",
            "the kernel on what other data sets taught to hear: the score's statistics, their valence and arousal",
            lent("kernel", HEARD, ("tones",)),
            says,
            tuned=BY_SIX,
            grid=MUSIC_LEARNERS["kernel"].grid,
        ),
        row("committee", together, committee(members), says, tuned="as its members"),
        *network_rows(says),
        row(
            "committee with the network",
            "mean of the committee's members and of the residual CNN",
            committee({**members, RESIDUAL_NAME: network(RESIDUAL)}),
            says,
            tuned="as its members",
        ),
    )


def _process_row(says: Says) -> Row[Music]:
    return row(
        _PROCESS,
        "a Gaussian process on what other data sets taught to hear, a length for each",
        lent("process", HEARD),
        says,
        tuned=BY_SIX,
        grid=MUSIC_LEARNERS["process"].grid,
    )
