"""`emotify`: valence and arousal of induced emotions, from real recordings in four genres."""

from __future__ import annotations

from pathlib import Path
from typing import Final

import numpy as np

from cloud_trainer.tables.frame import Column, Floats, Peer, Problem, Table
from cloud_trainer.tables.music.listening import HEARD
from cloud_trainer.tables.music.networks import RESIDUAL, RESIDUAL_NAME, network, network_rows
from cloud_trainer.tables.music.pieces import Music, aids_of, folded, listened, read
from cloud_trainer.tables.music.rivals import (
    BY_SIX,
    MUSIC_LEARNERS,
    committee,
    features_row,
    kernel_on_spectrum,
    learned,
    lent,
    mean,
    row,
)

__all__ = ["EMOTIFY"]

_FOLDS: Final = 5
_README: Final = "documentation of the data: log-mel mean, deviation and change, 5 folds of another seed"
_MEMBERS: Final = {
    "heard, kernel": learned("kernel", HEARD),
    "descriptors and tones, kernel": learned("kernel", ("descriptors", "tones")),
    "lent, kernel": lent(HEARD, ("tones",)),
}


def _load(data: Path, exam: Path | None, seed: int) -> Problem[Music]:
    music = read("emotify", data, exam)
    return folded(music, music.felt, folds=_FOLDS, seed=seed)


def _as_it_is(felt: Floats) -> Floats:
    return np.clip(felt, -1.0, 1.0)


EMOTIFY: Final = Table(
    name="emotify",
    title="What recordings make people feel: valence and arousal (Emotify)",
    question="How much of the valence and arousal that recordings in four genres induce is heard?",
    protocol="Real recordings. Five folds over tracks. Values in [-1, 1]. Interval: tracks resampled.",
    exam_protocol=(
        "Real recordings. Trained and tuned on all of the data but the exam's tracks, scored once on the exam's. "
        "Interval: tracks resampled."
    ),
    group="track",
    sources=("emotify",),
    aids=aids_of("emotify"),
    columns=(
        Column(name="arousal R²", metric="r2", output=1, target=0.45, peers=(Peer("SVR on log-mel", 0.38, _README),)),
        Column(name="valence R²", metric="r2", output=0, target=0.22, peers=(Peer("SVR on log-mel", 0.16, _README),)),
        Column(name="arousal RMSE", metric="rmse", output=1),
        Column(name="valence RMSE", metric="rmse", output=0),
    ),
    rows=(
        row("mean", "the training tracks' mean", mean, _as_it_is, baseline=True),
        row(
            "SVR on log-mel",
            "support vectors on mean, deviation and change of the mel bands, untuned: the earlier figure, run again",
            kernel_on_spectrum,
            _as_it_is,
            baseline=True,
        ),
        features_row("descriptors, ridge", "ridge", ("descriptors",), _as_it_is, "the contract's audio descriptors"),
        features_row("descriptors, boosting", "boosting", ("descriptors",), _as_it_is, "the contract's descriptors"),
        features_row(
            "descriptors and tones, kernel",
            "kernel",
            ("descriptors", "tones"),
            _as_it_is,
            "descriptors and pitches heard",
        ),
        features_row("heard, kernel", "kernel", HEARD, _as_it_is, "spectrum, descriptors and pitches heard"),
        row(
            "lent, kernel",
            "the kernel on what other data sets taught to hear: the score's statistics, their valence and arousal",
            _MEMBERS["lent, kernel"],
            _as_it_is,
            tuned=BY_SIX,
            grid=MUSIC_LEARNERS["kernel"].grid,
        ),
        row("committee", "mean of the three kernels", committee(_MEMBERS), _as_it_is, tuned="as its members"),
        *network_rows(_as_it_is),
        row(
            "committee with the network",
            "mean of the committee's members and of the residual CNN",
            committee({**_MEMBERS, RESIDUAL_NAME: network(RESIDUAL)}),
            _as_it_is,
            tuned="as its members",
        ),
    ),
    reference="SVR on log-mel",
    ours="committee",
    load=_load,
    prepare=listened,
    modules=tuple(
        f"cloud_trainer.tables.music.{name}"
        for name in ("emotify", "listening", "networks", "notes", "patches", "pieces", "pitches", "rivals")
    ),
    notes=(
        (
            "Valence and arousal are sums of nine induced emotions (cloud_trainer.data.labels). Half of the listeners "
            "agree with the other half at .69 in valence, .92 in arousal."
        ),
    ),
)
