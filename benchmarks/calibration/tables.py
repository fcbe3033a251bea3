"""The page: every figure with its interval and its peer, the protocol and the cost."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict
from textwrap import fill
from typing import Final

import numpy as np
import numpy.typing as npt

from benchmarks.calibration.people import KINDS
from benchmarks.calibration.recordings import PAUSE_S
from benchmarks.calibration.replay import Played
from benchmarks.calibration.scores import DRAWS, LEVEL, Scores, mean_by_person, over_people, r_squared, score
from benchmarks.calibration.studies import AFTER_S, FORECASTS, Found, Plan
from cloud_trainer.evaluation.bootstrap import Interval
from cloud_trainer.user_emotion.training import Settings

__all__ = ["page", "told_rows"]

Array = npt.NDArray[np.float64]
Rows = npt.NDArray[np.bool_]
_AXES: Final = ("valence", "arousal")
_ENOUGH: Final = (0.85, 0.95)
_MOST_REPORTS: Final = 10
_ENOUGH_REPORTS: Final = 5
"""Reports after which the estimate must fit the person better."""
_GAIN: Final = [
    "mean error",
    "NLL",
    "Δ error to none",
    "ΔNLL to none",
    "people with smaller error",
    "the prior's Δ error",
]


def page(found: Found, *, folds: int, seed: int, settings: Settings, plan: Plan) -> str:
    """Return the whole page as markdown."""
    parts = [
        "# Calibration of the affect state on held-out people",
        "Written by `python -m benchmarks.calibration`; not to be edited by hand.",
        "![Reliability curves](../images/calibration.png)",
        *_protocol(found, folds=folds, seed=seed, settings=settings, plan=plan),
        _verdict(found),
        *(_kind(found, kind, title) for kind, (_, title) in KINDS.items() if (found.filter.kind == kind).any()),
        _worth(found),
        _along(found),
        _reports(found),
        _relaxation(found),
    ]
    return "\n\n".join(parts) + "\n"


def _protocol(found: Found, *, folds: int, seed: int, settings: Settings, plan: Plan) -> list[str]:
    persons = np.unique(found.filter.person)
    hku = sum(person.startswith("hku") for person in persons)
    trained, replayed = found.cost_s.sum(axis=0) / 60.0
    training = ", ".join(f"{name} {value}" for name, value in asdict(settings).items())
    return [
        _text(
            f"**Protocol.** {len(persons)} people ({hku} of HKU956, {len(persons) - hku} of SiTunes), dealt into "
            f"{folds} folds (seed {seed}; {len(found.cost_s)} of them here), each held out once. `user_emotion` is "
            f"trained on the others ({training}); a fifth of them decide when to stop and how wide the "
            "variances are. A held-out person's recording goes through the real `AffectStation` on the recording's "
            "clock, and the state at each rating is compared with the rating *before* it is told: no forecast has seen "
            "the rating that it is judged on, nor a later one."
        ),
        _text(
            "HKU956: features every 5 s of each song, from pulse, skin conductance, heart rate and skin temperature; "
            f"{PAUSE_S:.0f} s without anything between two songs. SiTunes: the wristband told one number a minute, "
            "which stands from its minute's end until the next one's and is evaluated every 5 s, for the last "
            f"{plan.minutes} of the 30 minutes before each track. In the lab and while a track plays nothing of the "
            "body was recorded."
        ),
        _text(
            f"Intervals are 95 %, from {DRAWS} resamples of people. NLL is in nats, CRPS in the rating's unit; smaller "
            "is better. R² is against the mean of the very ratings. The *constant* knows the training people's mean "
            "and covariance for that very question; the *personal prior* is `Profile.prior()` with the same earlier "
            "reports as the filter; its population figures come from both data sets as a whole, which favours both."
        ),
        f"**Cost.** {trained:.0f} min of training, {replayed:.0f} min of replays, on two cores shared with other work.",
    ]


def _scores(found: Found, name: str, rows: Rows) -> Scores:
    mean, covariance = found.forecast(name)
    return score(found.filter.truth[rows], mean[rows], covariance[rows])


def _verdict(found: Found) -> str:
    head = [
        "ratings of",
        "n",
        f"{LEVEL:.0%} ellipse holds",
        "ΔNLL of both axes",
        "ΔCRPS valence",
        "ΔCRPS arousal",
        "people with smaller NLL",
        "worst person's ΔNLL",
        "holds",
    ]
    kinds = [(found.filter.kind == kind, title) for kind, (_, title) in KINDS.items()]
    everything = (np.ones(len(found.filter), bool), "all ratings")
    lines = [_verdict_line(found, rows, title) for rows, title in (*kinds, everything) if rows.any()]
    text = _text(
        "Filter with reports minus the personal prior with the same reports, paired by rating. It holds where the "
        f"ellipse covers {_ENOUGH[0]:.0%} to {_ENOUGH[1]:.0%} *and* the NLL and both CRPS are below the prior's."
    )
    return f"## The state against the personal prior\n\n{text}\n\n{_table(head, lines)}"


def _verdict_line(found: Found, rows: Rows, title: str) -> list[str]:
    person = found.filter.person[rows]
    ours, prior = _scores(found, "filter", rows), _scores(found, "prior", rows)
    region = over_people(person, ours.inside_region)
    less = over_people(person, ours.joint_nll - prior.joint_nll)
    crps = [over_people(person, ours.crps[:, axis] - prior.crps[:, axis]) for axis in range(2)]
    _, each = mean_by_person(person, ours.joint_nll - prior.joint_nll)
    held = _ENOUGH[0] <= region.value <= _ENOUGH[1] and max(less.value, *(one.value for one in crps)) < 0.0
    return [
        title,
        str(int(rows.sum())),
        _percent(region),
        _signed(less),
        *(_signed(one) for one in crps),
        f"{int((each < 0).sum())} of {len(each)}",
        f"{each.max():+.2f}",
        "yes" if held else "**no**",
    ]


def _kind(found: Found, kind: str, title: str) -> str:
    joint, single = [], []
    for name, label in FORECASTS.items():
        rows = (found.filter.kind == kind) & np.isfinite(found.forecast(name)[0]).all(axis=1)
        if rows.any():
            joint.append([label, *_joint_line(found, name, rows)])
            single += [[label, *line] for line in _axis_lines(found, name, rows)]
    sure = f"{LEVEL:.0%} ellipse holds"
    first = ["forecast", "n", "NLL of both axes", "ΔNLL to prior", sure, "worst person's NLL", "worst person's ellipse"]
    second = ["forecast", "axis", "RMSE", "R²", "NLL", "ΔNLL to prior", "CRPS", "ΔCRPS to prior"]
    second += [f"{LEVEL:.0%} interval holds", "worst person's RMSE"]
    persons = len(np.unique(found.filter.person[found.filter.kind == kind]))
    return f"## {title} ({persons} people)\n\n{_table(first, joint)}\n\n{_table(second, single)}"


def _joint_line(found: Found, name: str, rows: Rows) -> list[str]:
    person, ours, prior = found.filter.person[rows], _scores(found, name, rows), _scores(found, "prior", rows)
    return [
        str(int(rows.sum())),
        _plain(over_people(person, ours.joint_nll)),
        _signed(over_people(person, ours.joint_nll - prior.joint_nll)),
        _percent(over_people(person, ours.inside_region)),
        f"{mean_by_person(person, ours.joint_nll)[1].max():.2f}",
        f"{mean_by_person(person, ours.inside_region)[1].min():.0%}",
    ]


def _axis_lines(found: Found, name: str, rows: Rows) -> list[list[str]]:
    person, truth = found.filter.person[rows], found.filter.truth[rows]
    ours, prior = _scores(found, name, rows), _scores(found, "prior", rows)
    return [
        [
            axis_name,
            _plain(Interval(*np.sqrt(over_people(person, ours.squared[:, axis])))),
            _plain(r_squared(person, truth[:, axis], ours.squared[:, axis])),
            _plain(over_people(person, ours.nll[:, axis])),
            _signed(over_people(person, ours.nll[:, axis] - prior.nll[:, axis])),
            _plain(over_people(person, ours.crps[:, axis])),
            _signed(over_people(person, ours.crps[:, axis] - prior.crps[:, axis])),
            _percent(over_people(person, ours.inside[:, axis])),
            f"{np.sqrt(mean_by_person(person, ours.squared[:, axis])[1].max()):.2f}",
        ]
        for axis, axis_name in enumerate(_AXES)
    ]


def told_rows(told: Mapping[int, Played]) -> Rows:
    """Return which ratings the study of reports is judged on: those that come after all that any replay was told."""
    return np.asarray(next(iter(told.values())).number >= max(told))


def _worth(found: Found) -> str:
    """Say whether reports make the estimate fit the person better: soon after them, and much later."""
    tunes = np.char.startswith(found.filter.person, "situnes") & (found.filter.told >= _ENOUGH_REPORTS)
    pairs = [(f"on the way: {_ENOUGH_REPORTS} or more were told, the newest often minutes ago", tunes)]
    lines = [_worth_line(name, found.filter.take(rows), found.silent.take(rows)) for name, rows in pairs if rows.any()]
    for scope, told in found.told.items():
        count, rows = _ENOUGH_REPORTS if scope == "daily" and _ENOUGH_REPORTS in told else max(told), told_rows(told)
        if rows.any():
            name = f"hours or days later: the first {count} {_FIRST[scope]} were told and none since"
            lines.append(_worth_line(name, told[count].take(rows), told[0].take(rows)))
    text = _text(
        "The station with reports minus the same station without any, paired by rating. Better or worse where both "
        "intervals, or one of them, say so."
    )
    head = ["question", "n", "Δ error", "ΔNLL", "people with smaller error", "the estimate fits"]
    return f"## After five reports (SiTunes)\n\n{text}\n\n{_table(head, lines)}"


def _worth_line(name: str, ours: Played, nothing: Played) -> list[str]:
    error, nll = _gains(ours, nothing)
    _, each = mean_by_person(ours.person, error)
    gains = [over_people(ours.person, error), over_people(ours.person, nll)]
    better, worse = all(one.high < 0.0 for one in gains), any(one.low > 0.0 for one in gains)
    fits = "**better**" if better else "worse" if worse else "neither better nor worse"
    return [name, str(len(ours)), *map(_signed, gains), f"{int((each < 0).sum())} of {len(each)}", fits]


_FIRST: Final = {"daily": "of daily life", "whole": "reports, nearly all in the lab,"}


def _reports(found: Found) -> str:
    text = _text(
        "Each person's first reports are told, and no later one; judged on the same later ratings, before and after "
        "music in daily life. These come hours or days after the last word, so that nothing helps but what was learned "
        "of the person. The error is the distance in the plane."
    )
    return "\n\n".join(["## Hours later (SiTunes)", text, *(_told(scope, told) for scope, told in found.told.items())])


_SCOPES: Final = {
    "daily": "Reports of daily life, judged on later daily life",
    "whole": "Reports in the order of the study, the lab first, judged on later daily life",
}


def _told(scope: str, told: Mapping[int, Played]) -> str:
    rows = told_rows(told)
    if not rows.any():
        return f"### {_SCOPES[scope]}\n\nNobody gave enough ratings."
    nothing = told[0].take(rows)
    lines = [[str(count), *_gain(played.take(rows), nothing)] for count, played in told.items()]
    people = len(np.unique(nothing.person))
    table = _table(["first reports told", *_GAIN], lines)
    return f"### {_SCOPES[scope]} ({int(rows.sum())} ratings of {people} people)\n\n{table}"


def _along(found: Found) -> str:
    tunes = np.char.startswith(found.filter.person, "situnes")
    told, kind = found.filter.told, found.filter.kind
    enough = tunes & (told >= _ENOUGH_REPORTS)
    table = [
        *((str(count), tunes & (told == count)) for count in range(_MOST_REPORTS)),
        (f"{_MOST_REPORTS} or more", tunes & (told >= _MOST_REPORTS)),
        (f"**{_ENOUGH_REPORTS} or more**", enough),
        *((f"… {title.removeprefix('SiTunes, ')}", enough & (kind == name)) for name, (_, title) in KINDS.items()),
    ]
    lines = [
        [name, str(int(rows.sum())), *_gain(found.filter.take(rows), found.silent.take(rows))]
        for name, rows in table
        if rows.any()
    ]
    text = _text(
        "As a listener meets it: every earlier report is told, the newest often minutes ago. The same ratings are "
        "forecast without any report beside it."
    )
    return f"## Along the way (SiTunes)\n\n{text}\n\n{_table(['earlier reports', 'n', *_GAIN], lines)}"


def _gain(ours: Played, nothing: Played) -> list[str]:
    """Return what reports gained over none on the same ratings, cells for the columns `_GAIN`."""
    person = ours.person
    error, nll = _gains(ours, nothing)
    prior = _distance(ours.truth, ours.prior_mean) - _distance(ours.truth, nothing.prior_mean)
    _, each = mean_by_person(person, error)
    return [
        _plain(over_people(person, _distance(ours.truth, ours.mean))),
        _plain(over_people(person, score(ours.truth, ours.mean, ours.covariance).joint_nll)),
        _signed(over_people(person, error)),
        _signed(over_people(person, nll)),
        f"{int((each < 0).sum())} of {len(each)}",
        _signed(over_people(person, prior)),
    ]


def _gains(ours: Played, nothing: Played) -> tuple[Array, Array]:
    """Return per rating the change of the error and of the NLL, [n] each."""
    error = _distance(ours.truth, ours.mean) - _distance(ours.truth, nothing.mean)
    nll, peer = (score(one.truth, one.mean, one.covariance).joint_nll for one in (ours, nothing))
    return error, nll - peer


def _distance(truth: Array, mean: Array) -> Array:
    return np.asarray(np.linalg.norm(truth - mean, axis=1))


def _relaxation(found: Found) -> str:
    lines = []
    for seconds, row in zip(AFTER_S, np.median(found.relaxed, axis=0), strict=True):
        shown = f"{seconds} s" if seconds < 60 else f"{seconds // 60} min"
        share = np.hypot(row[0], row[1]) / np.hypot(row[2], row[3])
        lines.append([shown, f"{row[0]:.3f}", f"{row[1]:.3f}", f"{share:.0%}", f"{row[4]:.0%}"])
    head = ["after the last report", "sd valence", "sd arousal", "of the prior's", "distance to the prior left"]
    text = _text(
        f"After the last song of HKU956's {len(found.relaxed)} held-out people: the rating is told, the wristband "
        "comes off, the music stops. Medians over people."
    )
    return f"## Without wearables\n\n{text}\n\n{_table(head, lines)}"


def _text(words: str) -> str:
    return fill(words, 120, break_long_words=False, break_on_hyphens=False)


def _table(head: Sequence[str], lines: Iterable[Sequence[str]]) -> str:
    rows = [head, ["---"] * len(head), *lines]
    return "\n".join("| " + " | ".join(row) + " |" for row in rows)


def _plain(interval: Interval) -> str:
    return f"{interval.value:.3f} [{interval.low:.3f}, {interval.high:.3f}]"


def _signed(interval: Interval) -> str:
    return f"{interval.value:+.3f} [{interval.low:+.3f}, {interval.high:+.3f}]"


def _percent(interval: Interval) -> str:
    return f"{interval.value:.1%} [{interval.low:.1%}, {interval.high:.1%}]"
