"""Causal features of a listening: the situation, the half hour on the wrist, the track, what was rated before."""

from __future__ import annotations

from typing import Final

import numpy as np

from cloud_trainer.tables.frame import Floats, Ints
from cloud_trainer.tables.situnes.recordings import TRACK_FEATURES, Recordings
from cloud_trainer.tables.situnes.reports import earlier_rows

__all__ = ["heart_rate_mean", "history_of_ratings", "situation", "track", "wrist"]

_RECENT_MIN: Final = 10
_MISSING: Final = 3
_KINDS: Final = (0, 1, 2, 4, 5)
_TIMEZONE_S: Final = 8 * 3600
"""The study's people lived in China."""
_DAY_S: Final = 86_400.0
_PRIOR_RATINGS: Final = 3.0
"""Ratings that the mean of all is worth beside those of a track or person."""


def situation(recordings: Recordings) -> Floats:
    """Return time of day and week, weather, speed, time since the last listening."""
    daily = recordings.daily
    local = daily.time + _TIMEZONE_S
    day = 2 * np.pi * (local % _DAY_S) / _DAY_S
    weekday = (local // _DAY_S + 3) % 7
    part, weather = daily.place[:, 0], daily.place[:, 1]
    earlier = earlier_rows(daily.user)
    since = np.array(
        [t - daily.time[past[-1]] if len(past) else np.nan for t, past in zip(daily.time, earlier, strict=True)]
    )
    columns = [
        np.sin(day),
        np.cos(day),
        (weekday >= 5).astype(np.float64),
        *(part == code for code in (1, 2, 3)),
        *(weather == code for code in (0, 1, 2)),
        *daily.place[:, 2:5].T,
        np.log1p(np.clip(daily.place[:, 7], 0, None)),
        np.log(np.clip(since / 3600, 0.05, 100)),
        np.array([len(past) for past in earlier]) / 30,
    ]
    return np.stack([np.asarray(column, np.float64) for column in columns], axis=1)


def heart_rate_mean(recordings: Recordings) -> Floats:
    """Return the mean heart rate of the recorded minutes, `(n, 1)`, NaN where none was recorded."""
    return _mean(_rate(recordings))[:, None]


def wrist(recordings: Recordings) -> Floats:
    """Return heart rate, movement, steps, activity of the half hour, and the heart rate from the own earlier ones."""
    minutes = recordings.daily.wrist
    rate = _rate(recordings)
    kind = minutes[..., 3]
    moving = np.where(kind == _MISSING, np.nan, minutes[..., 1])
    mean, recent = _mean(rate), _mean(rate[:, -_RECENT_MIN:])
    resting = _mean(np.where(np.isin(kind, (0, 1, 4)), rate, np.nan))
    columns = [
        mean,
        recent,
        recent - mean,
        resting,
        _spread(rate),
        mean - _own_earlier(mean, recordings.daily.user),
        _mean(moving),
        _mean(moving[:, -_RECENT_MIN:]),
        np.log1p(minutes[..., 2].sum(axis=1)),
        *((kind == code).mean(axis=1) for code in _KINDS),
        np.isnan(rate).mean(axis=1),
    ]
    return np.stack(columns, axis=1)


def track(recordings: Recordings) -> Floats:
    """Return the track's features, `(n, len(TRACK_FEATURES))`; durations as logarithms."""
    values = recordings.tracks[recordings.daily.track].copy()
    duration = TRACK_FEATURES.index("duration")
    values[:, duration] = np.log(values[:, duration])
    return values


def history_of_ratings(recordings: Recordings, train: Ints) -> Floats:
    """Return what earlier ratings say: the person's mean, the training people's of the track, how moods changed.

    A training row's own rating, and all of its person's, are left out of its track's mean; a person's own means hold
    earlier listenings alone.
    """
    daily, lab = recordings.daily, recordings.lab
    users = np.concatenate([daily.user[train], lab.user[np.isin(lab.user, daily.user[train])]])
    tracks = np.concatenate([daily.track[train], lab.track[np.isin(lab.user, daily.user[train])]])
    ratings = np.concatenate([daily.rating[train], lab.rating[np.isin(lab.user, daily.user[train])]])
    prior = float(ratings.mean())
    changes = daily.after - daily.before
    rows = []
    for row, past in enumerate(earlier_rows(daily.user)):
        others = ratings[(tracks == daily.track[row]) & (users != daily.user[row])]
        own = np.concatenate([lab.rating[lab.user == daily.user[row]], daily.rating[past]])
        rows.append(
            [
                _shrunk(others, prior),
                len(others),
                _shrunk(own, prior),
                *(changes[past].sum(axis=0) / (len(past) + _PRIOR_RATINGS)),
                *(daily.after[past].sum(axis=0) / (len(past) + _PRIOR_RATINGS)),
            ]
        )
    return np.array(rows, np.float64)


def _shrunk(values: Floats, prior: float) -> float:
    return float((values.sum() + _PRIOR_RATINGS * prior) / (len(values) + _PRIOR_RATINGS))


def _rate(recordings: Recordings) -> Floats:
    rate = recordings.daily.wrist[..., 0]
    # Zero is how the files write a minute that was not recorded.
    return np.where(rate != 0, rate, np.nan)


def _mean(values: Floats) -> Floats:
    known = np.isfinite(values).sum(axis=1)
    total = np.nansum(values, axis=1)
    return np.divide(total, known, out=np.full(len(values), np.nan), where=known > 0)


def _spread(values: Floats) -> Floats:
    return np.asarray(np.sqrt(np.maximum(_mean(values**2) - _mean(values) ** 2, 0)))


def _own_earlier(values: Floats, user: Ints) -> Floats:
    """Return the mean of a person's earlier values, NaN where there are none."""
    found = np.full(len(values), np.nan)
    for row, past in enumerate(earlier_rows(user)):
        known = values[past][np.isfinite(values[past])]
        if len(known):
            found[row] = known.mean()
    return found
