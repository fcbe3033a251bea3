"""What a body says of a feeling, and how soon a body's own level is known: the figures behind the affect state.

    python -m benchmarks.body_and_feeling [--data DIR] [--output FILE]

Writes docs/tables/body_and_feeling.md. Everything is measured on the shared recordings; intervals are bootstraps over
persons with a fixed seed.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from cloud_trainer.data import hku956, situnes, wesad
from cloud_trainer.evaluation.bootstrap import bootstrap
from cloud_trainer.user_emotion.hku_examples import session_features
from models.physiology.baseline import WITHIN, weight
from models.physiology.schema import FEATURES, INDEX, PHYSIOLOGY, STEP_S

Array = NDArray[np.float64]
REPOSITORY = Path(__file__).resolve().parents[1]
NEWEST_STEPS = 6
"""The half minute before a rating stands for the body at the rating."""
AHEAD_STEPS = 360
"""The half hour that an own level is to foretell."""
PAST_S = (5, 30, 60, 120, 300, 600)
SEED = 1


class Song:
    """A song that a person heard: features [n, len(PHYSIOLOGY)] of its steps, and valence and arousal felt [2]."""

    def __init__(self, person: str, steps: Array, felt: Array) -> None:
        self.person, self.steps, self.felt = person, steps, felt


def songs(data: Path) -> list[Song]:
    """All listenings of HKU956 in their order."""
    return [
        Song(person, session_features(listening), listening.felt.astype(np.float64))
        for person, listenings in hku956.load(data).items()
        for listening in listenings
    ]


def centred(values: Array, person: NDArray[np.str_]) -> Array:
    """Values without their person's mean."""
    free = values.copy()
    for one in np.unique(person):
        free[person == one] -= values[person == one].mean(axis=0)
    return free


def slope(x: Array, y: Array, person: NDArray[np.str_]) -> str:
    """The difference in y for one standard deviation of x, with its interval; both without their person's mean."""
    spread = float(x.std())
    found = bootstrap(person, lambda at: spread * float(x[at] @ y[at] / (x[at] @ x[at])), seed=SEED)
    return f"{found.value:+.3f} ({found.low:+.3f} to {found.high:+.3f})"


def _correlation(x: Array, y: Array) -> str:
    found = bootstrap(np.arange(len(x)), lambda at: float(np.corrcoef(x[at], y[at])[0, 1]), seed=SEED)
    return f"{found.value:+.2f} ({found.low:+.2f} to {found.high:+.2f})"


def within(heard: Sequence[Song]) -> list[str]:
    """How much the feeling differs, within a person, with each feature of the body."""
    person = np.array([song.person for song in heard])
    felt = np.stack([song.felt for song in heard])
    rows = []
    for feature in PHYSIOLOGY:
        newest = [song.steps[-NEWEST_STEPS:, INDEX[feature.name]] for song in heard]
        known = np.array([np.isfinite(values).any() for values in newest])
        if known.sum() < 100:
            rows.append(f"| {feature.name} | {known.sum()} | | too rarely known | |")
            continue
        body = np.array([np.nanmean(values) for values, some in zip(newest, known, strict=True) if some])
        x, y = centred(body, person[known]), centred(felt[known], person[known])
        spread = float(x.std())
        cells = [slope(x, y[:, axis], person[known]) for axis in (1, 0)]
        rows.append(f"| {feature.name} | {known.sum()} | {spread:.2f} {feature.unit} | {' | '.join(cells)} |")
    return [
        "## Within a person, while music plays",
        "",
        (
            "HKU956: the half minute before a rating against the rating, both without the person's mean. The "
            "figure is the difference in the rating (-1 to 1) for one standard deviation of the feature, with its "
            "95 % interval over persons."
        ),
        "",
        "| feature | songs | deviation within a person | arousal | valence |",
        "| --- | --- | --- | --- | --- |",
        *rows,
    ]


def between(heard: Sequence[Song]) -> list[str]:
    """Whether people whose hearts beat faster feel otherwise."""
    people = sorted({song.person for song in heard})
    rate = np.array(
        [np.nanmean(np.concatenate([s.steps[:, INDEX["heart_rate"]] for s in heard if s.person == p])) for p in people]
    )
    mood = np.array([np.mean([s.felt for s in heard if s.person == p], axis=0) for p in people])
    cells = [f"{name} r = {_correlation(rate, mood[:, axis])}" for axis, name in ((1, "arousal"), (0, "valence"))]
    return [
        "## Between people",
        "",
        (
            f"HKU956, {len(people)} people: a person's mean heart rate (deviation between people "
            f"{rate.std(ddof=1):.1f} beats a minute) against their mean rating: {'; '.join(cells)}."
        ),
    ]


def daily(data: Path) -> list[str]:
    """Whether the half hour before tells the mood, within a person, in daily life."""
    listenings = situnes.load(data).daily
    rate = listenings.heart_rate.astype(np.float64)
    still = np.where(listenings.intensity < np.nanmedian(listenings.intensity) + 5.0, rate, np.nan)
    known = np.isfinite(still).sum(axis=1) >= 10
    mean = np.nanmean(still[known], axis=1)
    person = listenings.user[known].astype(str)
    x, y = centred(mean, person), centred(listenings.before[known].astype(np.float64), person)
    spread = float(x.std())
    cells = [f"{name} {slope(x, y[:, axis], person)}" for axis, name in ((1, "arousal"), (0, "valence"))]
    return [
        "## In daily life",
        "",
        (
            f"SiTunes, {known.sum()} half hours of {len(np.unique(person))} people, minutes at rest: the mean heart "
            f"rate differs by {spread:.1f} beats a minute within a person. The mood reported then, for one such "
            "deviation: "
            f"{'; '.join(cells)}."
        ),
    ]


def stress(data: Path) -> list[str]:
    """How much a social stress test raises the heart rate."""
    pulse = wesad.load(data).pulse
    rises = []
    for subject in np.unique(pulse.subject):
        own = pulse.subject == subject
        rate = {
            name: pulse.columns["heart_rate"][own & (pulse.condition == code)]
            for code, name in enumerate(wesad.CONDITIONS)
        }
        rises.append(float(np.median(rate["stress"]) - np.median(rate["baseline"])))
    return [
        "## Under stress",
        "",
        (
            f"WESAD, {len(rises)} people: the Trier social stress test raises the heart rate by {np.mean(rises):.1f} ± "
            f"{np.std(rises, ddof=1):.1f} beats a minute over the baseline. The body is loud when the feeling is, and "
            "nearly mute while somebody sits and listens."
        ),
    ]


def settling(heard: Sequence[Song]) -> list[str]:
    """How far the last seconds tell a person's level of the next half hour."""
    by_person: dict[str, list[Array]] = {}
    for song in heard:
        by_person.setdefault(song.person, []).append(song.steps)
    sessions = {person: np.concatenate(parts) for person, parts in by_person.items()}
    rows = []
    for name in WITHIN:
        cells = [_settled(sessions, INDEX[name], past_s) for past_s in PAST_S]
        rows.append(f"| {name} | {' | '.join(cells)} |")
    formula = np.stack([weight(np.full(len(FEATURES), float(s))) for s in PAST_S])
    ours = [f"| {name} | {' | '.join(f'{w:.2f}' for w in formula[:, INDEX[name]])} |" for name in WITHIN]
    head = ["| feature | " + " | ".join(f"{s} s" for s in PAST_S) + " |", "| --- |" + " --- |" * len(PAST_S)]
    return [
        "## How soon a body's own level is known",
        "",
        (
            "HKU956: regression of a person's mean over the next half hour on the mean of the seconds before, both as "
            "deviations from everybody's. 1 would take the person at their word, 0 everybody's mean."
        ),
        "",
        *head,
        *rows,
        "",
        (
            "The weights of `models.physiology.baseline`, which are lower because a session is not a life: from one "
            "hour to another a body differs as well (SiTunes above; the sessions of the exam recordings)."
        ),
        "",
        *head,
        *ours,
    ]


def _settled(sessions: Mapping[str, Array], column: int, past_s: int) -> str:
    past = int(past_s / STEP_S)
    known = {person: steps[np.isfinite(steps[:, column]), column] for person, steps in sessions.items()}
    known = {person: values for person, values in known.items() if len(values) > past + 30}
    if len(known) < 8:
        return ""
    everybody = float(np.mean([np.median(values) for values in known.values()]))
    before, later = [], []
    for values in known.values():
        for start in range(0, len(values) - past - 30, 60):
            before.append(values[start : start + past].mean() - everybody)
            later.append(values[start + past : start + past + AHEAD_STEPS].mean() - everybody)
    x, y = np.array(before), np.array(later)
    return f"{x @ y / (x @ x):.2f}"


def main() -> int:
    """Measure, print, write."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--data", type=Path, default=REPOSITORY.parent / "shared" / "data")
    parser.add_argument("--output", type=Path, default=REPOSITORY / "docs" / "tables" / "body_and_feeling.md")
    options = parser.parse_args()
    heard = songs(options.data)
    parts = [
        ["# What a body says of a feeling", "", "Written by `python -m benchmarks.body_and_feeling`."],
        within(heard),
        between(heard),
        daily(options.data),
        stress(options.data),
        settling(heard),
    ]
    text = "\n\n".join("\n".join(part) for part in parts) + "\n"
    sys.stdout.write(text)
    options.output.parent.mkdir(parents=True, exist_ok=True)
    options.output.write_text(text, encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
