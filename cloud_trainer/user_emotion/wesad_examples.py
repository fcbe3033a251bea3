"""WESAD's windows as examples: what stress, rest and amusement do to the body.

The set has no valence and arousal at hand, so a condition stands for a region of the plane, and how wide that region is
enters as the label's own uncertainty (`REGIONS`; our reading of the protocol: a neutral reading task, the Trier social
stress test, funny clips). It decides what the model says about arousal when the heart beats faster; about valence it
says nothing.

What the columns can and cannot give:

- Heart rate is used as it is.
- RMSSD and SDNN of these wrist recordings rise under stress, to four times the level of a resting adult: motion while
  speaking, not the heart. They are not used. Instead, ln(RMSSD) and ln(SDNN) are drawn around a line that falls with
  the heart rate, as vagal withdrawal makes them (`RMSSD_PER_BPM`, a cautious reading of Monfredi et al. 2014,
  Hypertension 64:1334, and of the fall under mental stress in Castaldo et al. 2015, BSPC 18:370). Evaluation on
  held-out persons never sees these drawn values.
- Skin conductance comes as the spread of cvxEDA's components in an arbitrary unit. The logarithm of the sudomotor
  component's ratio to the person's own resting median, r, stands for activation; `eda_responses` and `eda_level` are
  drawn around lines in r.
- The slope of the skin temperature is used as it is.
- Pulse amplitude falls a little with activation, as the vessels of the skin narrow. Breathing rate and skin temperature
  are drawn around the person's own level whatever the condition: else their mere presence would tell the model that an
  example is of another set, where the body says less.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from cloud_trainer.data.wesad import CONDITIONS, Wesad, Windows
from cloud_trainer.user_emotion.examples import SIZE, Examples
from models.physiology.baseline import POPULATION_CENTRES
from models.physiology.normalise import SCALES
from models.physiology.schema import INDEX, STEP_S, STEPS

__all__ = ["REGIONS", "Subject", "draw", "held_out", "subjects"]

Array = npt.NDArray[np.float64]

REGIONS: Final[Mapping[str, tuple[tuple[float, float], tuple[float, float]]]] = {
    # condition: (valence, arousal), (standard deviations)
    "amusement": ((0.15, 0.0), (0.44, 0.30)),
    "baseline": ((0.15, -0.35), (0.44, 0.25)),
    "stress": ((0.15, 0.60), (0.44, 0.25)),
}
"""Valence is everybody's, with the mean and spread of HKU956's reports: the set has no condition that is aroused and
pleasant, so it would teach that a heart beating faster is displeasure, in whoever dances too."""
RMSSD_PER_BPM: Final = -0.02
"""Change of ln(RMSSD) per beat a minute within a person; SDNN falls half as fast."""
_HRV_SD: Final = 0.25
_RESPONSES_PER_RATIO: Final = 2.5
"""Responses a minute per unit of r: from some four at rest to a dozen under the social stress test."""
_LEVEL_PER_RATIO: Final = 0.15
_AMPLITUDE_PER_RATIO: Final = -0.08
"""Change of ln(pulse amplitude) per unit of r."""
_LARGEST_RATIO: Final = 3.5
_WINDOW_STEP_S: Final = 30.0
_HELD_OUT_STEPS: Final = 4
_BODY_S: Final = 10.0
"""Sympathetic effects on the heart come within five to twenty seconds (Berntson et al. 1997, Psychophysiology 34:623);
sweat glands take a few."""
_RATE_WINDOW_S: Final = 30.0
_SLOW_WINDOW_S: Final = 60.0
"""Windows of the heart rate and of everything else in the schema; a mean over one follows about half of it late."""
_CHANGES: Final = 0.5
"""Share of histories that begin at rest and turn into something else."""
_KNOWN_S: Final = (60.0, 8 * 3600.0)
"""How long a person was worn before, where own levels are known: log-uniform from a minute to the device's memory."""


@dataclass(frozen=True)
class Subject:
    """One person's windows, condition by condition.

    Attributes:
        number: WESAD's.
        rate: heart rate per condition, in order, beat/min.
        activation: r per condition, in order.
        temperature_slope: per condition, °C/min.
        resting_rate: median heart rate over the first half of the baseline windows.
    """

    number: int
    rate: Mapping[str, Array]
    activation: Mapping[str, Array]
    temperature_slope: Mapping[str, Array]
    resting_rate: float

    @property
    def person(self) -> str:
        """The identifier among all sets."""
        return f"wesad-{self.number}"


def subjects(data: Wesad) -> list[Subject]:
    """Return the persons that both files hold, each with all three conditions."""
    found = []
    for number in np.intersect1d(data.pulse.subject, data.skin.subject):
        rate = _by_condition(data.pulse, "heart_rate", int(number))
        sudomotor = _by_condition(data.skin, "sudomotor", int(number))
        slope = _by_condition(data.skin, "temperature_slope", int(number))
        if not all(len(values[name]) for values in (rate, sudomotor) for name in CONDITIONS):
            continue
        floor = 1e-4  # below it cvxEDA's output is numerical noise
        resting = np.log(np.median(_first_half(sudomotor["baseline"])) + floor)
        found.append(
            Subject(
                number=int(number),
                rate=rate,
                activation={
                    name: np.clip(np.log(values + floor) - resting, -_LARGEST_RATIO, _LARGEST_RATIO)
                    for name, values in sudomotor.items()
                },
                temperature_slope=slope,
                resting_rate=float(np.median(_first_half(rate["baseline"]))),
            )
        )
    return found


def draw(people: Sequence[Subject], count: int, generator: np.random.Generator) -> Examples:
    """Draw histories: mostly one condition throughout, sometimes rest that turns into something else.

    Life has more than three conditions: most examples are a dose of one, on the line from the person's rest to it, in
    body and label alike. And a baseline that is learned in everyday life lies above rest, by up to half of the way to
    stress; so rest shows below the baseline, as it does on a device.

    Args:
        people: training subjects.
        count: number of examples.
        generator: of everything random.
    """
    raw = np.full((count, STEPS, SIZE), np.nan)
    level, seconds = np.full((count, SIZE), np.nan), np.zeros((count, SIZE))
    label, label_sd = np.empty((count, 2)), np.empty((count, 2))
    person = []
    for row in range(count):
        subject = people[int(generator.integers(len(people)))]
        condition = CONDITIONS[int(generator.integers(len(CONDITIONS)))]
        length = int(generator.integers(1, STEPS + 1))
        begins = int(generator.integers(0, max(1, length - 5))) if generator.random() < _CHANGES else 0
        path = ["baseline"] * begins + [condition] * (length - begins)
        dose = 1.0 if generator.random() < 0.4 else float(generator.uniform(0, 1))
        raw[row, -length:] = _steps(subject, path, dose, generator)
        level[row, _OWN] = _own_baseline(subject, generator)
        seconds[row] = np.exp(generator.uniform(*np.log(_KNOWN_S)))
        rest = np.array(REGIONS["baseline"][0])
        label[row] = rest + dose * (np.array(REGIONS[condition][0]) - rest)
        label_sd[row] = REGIONS[condition][1]
        person.append(subject.person)
    return Examples(
        raw=raw,
        level=level,
        seconds=seconds,
        label=label,
        label_sd=label_sd,
        usual=np.full((count, 2), np.nan),
        person=np.array(person),
        kind=np.full(count, "wesad"),
    )


def held_out(subject: Subject) -> Examples:
    """Return a subject's windows as they are: heart rate, activation and temperature slope, nothing drawn.

    The first half of the resting windows makes the baseline and is not scored. Each window looks back on the three
    before it in the same condition.
    """
    raw, labels, spreads = [], [], []
    for condition in CONDITIONS:
        rates = subject.rate[condition]
        first = len(rates) // 2 if condition == "baseline" else 0
        for window in range(first, len(rates)):
            steps = np.full((STEPS, SIZE), np.nan)
            for back in range(min(_HELD_OUT_STEPS, window + 1)):
                place = (window - back + 0.5) / len(rates)
                steps[STEPS - 1 - back] = _measured(subject, condition, place)
                steps[STEPS - 1 - back, INDEX["step_length"]] = np.log(_WINDOW_STEP_S)
            raw.append(steps)
            labels.append(REGIONS[condition][0])
            spreads.append(REGIONS[condition][1])
    count = len(raw)
    level, seconds = np.full((count, SIZE), np.nan), np.zeros((count, SIZE))
    level[:, INDEX["heart_rate"]] = subject.resting_rate
    seconds[:, INDEX["heart_rate"]] = _WINDOW_STEP_S * len(_first_half(subject.rate["baseline"]))
    return Examples(
        raw=np.stack(raw),
        level=level,
        seconds=seconds,
        label=np.array(labels),
        label_sd=np.array(spreads),
        usual=np.full((count, 2), np.nan),
        person=np.full(count, subject.person),
        kind=np.full(count, "wesad"),
    )


_DRAWN: Final = ("rmssd", "sdnn", "eda_level", "pulse_amplitude", "respiration_rate", "skin_temperature")
"""Features whose personal level the set does not tell."""
_OWN: Final = [INDEX[name] for name in ("heart_rate", *_DRAWN, "eda_responses")]


def _by_condition(windows: Windows, column: str, subject: int) -> dict[str, Array]:
    own = windows.subject == subject
    return {
        name: windows.columns[column][own & (windows.condition == code)].astype(np.float64)
        for code, name in enumerate(CONDITIONS)
    }


def _first_half(values: Array) -> Array:
    return values[: max(1, len(values) // 2)]


def _at(values: Array, place: Array | float) -> Array:
    """Interpolate a condition's windows at a place in [0, 1] of its duration."""
    return np.asarray(np.interp(np.asarray(place) * len(values) - 0.5, np.arange(len(values)), values))


def _measured(subject: Subject, condition: str, place: float) -> Array:
    step = np.full(SIZE, np.nan)
    activation = float(_at(subject.activation[condition], place))
    step[INDEX["heart_rate"]] = _at(subject.rate[condition], place)
    step[INDEX["skin_temperature_slope"]] = _at(subject.temperature_slope[condition], place)
    step[INDEX["eda_responses"]] = POPULATION_CENTRES[INDEX["eda_responses"]] + _RESPONSES_PER_RATIO * activation
    return step


def _steps(subject: Subject, path: Sequence[str], dose: float, generator: np.random.Generator) -> Array:
    """Return raw steps along a path of conditions, `(len(path), F)`, with what the set lacks drawn; see the module."""
    count = len(path)
    step_s = STEP_S if generator.random() < 0.7 else _WINDOW_STEP_S
    start, span = generator.random(), count * step_s / 600.0
    place = np.clip(start * (1 - span) + span * np.arange(count) / count, 0, 1)
    rate, activation, slope = np.empty(count), np.empty(count), np.empty(count)
    for condition in set(path):
        here = np.array([name == condition for name in path])
        rate[here] = _at(subject.rate[condition], place[here])
        activation[here] = _at(subject.activation[condition], place[here])
        slope[here] = _at(subject.temperature_slope[condition], place[here])
    changed = np.array([name != "baseline" for name in path])
    rest = float(_at(subject.rate["baseline"], start))
    rate[changed] = rest + dose * (rate[changed] - rest)
    activation[changed] *= dose
    slope[changed] *= dose
    # A device sees a change late: the body takes its time, and a window holds what was before.
    rate, activation, slope = (
        _late(_late(values, _BODY_S, step_s), window_s / 2, step_s)
        for values, window_s in ((rate, _RATE_WINDOW_S), (activation, _SLOW_WINDOW_S), (slope, _SLOW_WINDOW_S))
    )
    rate += generator.normal(0, 1.5, count)
    raw = np.full((count, SIZE), np.nan)
    raw[:, INDEX["heart_rate"]] = rate
    raw[:, INDEX["heart_rate_slope"]] = generator.normal(0, 6, count) + _minute_slope(rate, step_s)
    fall = np.clip(RMSSD_PER_BPM * (rate - subject.resting_rate), -1.2, 0.6)
    for name, share in (("rmssd", 1.0), ("sdnn", 0.5)):
        unsteady = generator.normal(0, _HRV_SD / 2, count) + generator.normal(0, _HRV_SD / 2)
        raw[:, INDEX[name]] = _level(subject, name) + share * fall + unsteady
    amplitude = _level(subject, "pulse_amplitude") + _AMPLITUDE_PER_RATIO * activation
    raw[:, INDEX["pulse_amplitude"]] = amplitude + generator.normal(0, 0.1, count) + generator.normal(0, 0.15)
    raw[:, INDEX["respiration_rate"]] = _level(subject, "respiration_rate") + generator.normal(0, 1.5, count)
    raw[:, INDEX["skin_temperature"]] = _level(subject, "skin_temperature") + generator.normal(0, 0.5)
    own = POPULATION_CENTRES[INDEX["eda_responses"]]
    raw[:, INDEX["eda_responses"]] = np.maximum(
        own + _RESPONSES_PER_RATIO * activation + generator.normal(0, 1.5, count) + generator.normal(0, 2.5), 0
    )
    level = _level(subject, "eda_level") + _LEVEL_PER_RATIO * activation
    raw[:, INDEX["eda_level"]] = level + generator.normal(0, 0.1)
    raw[:, INDEX["eda_slope"]] = generator.normal(0, 0.15, count)
    raw[:, INDEX["skin_temperature_slope"]] = slope + generator.normal(0, 0.03, count)
    raw[:, INDEX["step_length"]] = np.log(step_s)
    return raw


def _late(values: Array, time_constant_s: float, step_s: float) -> Array:
    """Return what a first-order lag makes of values that were steady before the first."""
    share = -np.expm1(-step_s / time_constant_s)
    followed = np.empty_like(values)
    level = values[0]
    for i, value in enumerate(values):
        level += share * (value - level)
        followed[i] = level
    return followed


def _minute_slope(rate: Array, step_s: float) -> Array:
    """Return the change of the rate over the last minute; over what there is, where that is half of one at least."""
    change = np.zeros(len(rate))
    places = np.arange(len(rate))
    back = np.minimum(places, max(1, round(60 / step_s)))
    known = back * step_s >= 30
    change[known] = (rate[known] - rate[(places - back)[known]]) * 60 / (back[known] * step_s)
    return np.clip(change, -30, 30)


def _level(subject: Subject, name: str) -> float:
    """Return a fixed level of the person at rest: people differ, and the set does not say how."""
    offset = float(np.random.default_rng([subject.number, INDEX[name]]).normal(0, 0.8))
    return float(POPULATION_CENTRES[INDEX[name]] + offset * SCALES[INDEX[name]])


def _own_baseline(subject: Subject, generator: np.random.Generator) -> Array:
    share = generator.uniform(0, 0.5)
    rise = share * (float(np.median(subject.rate["stress"])) - subject.resting_rate)
    activation = share * float(np.median(subject.activation["stress"]))
    fall = float(np.clip(RMSSD_PER_BPM * rise, -1.2, 0.6))
    moved = {
        "rmssd": fall,
        "sdnn": 0.5 * fall,
        "eda_level": _LEVEL_PER_RATIO * activation,
        "pulse_amplitude": _AMPLITUDE_PER_RATIO * activation,
    }
    own = np.array(
        [
            subject.resting_rate + rise,
            *(_level(subject, name) + moved.get(name, 0.0) for name in _DRAWN),
            POPULATION_CENTRES[INDEX["eda_responses"]] + _RESPONSES_PER_RATIO * activation,
        ]
    )
    # A baseline is learned from minutes, so it is off by a little.
    return np.asarray(own + generator.normal(0, 0.15, len(own)) * SCALES[_OWN])
