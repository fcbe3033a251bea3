"""The frozen list of `user_emotion`'s inputs: what each number of a step is, in which unit, over which window.

Rules that training and device share:

- The order of `FEATURES` is the order of the model's last axis. It never changes within a `SCHEMA_VERSION`; a bundle
  names the version it was trained on and is refused by a program that has another.
- A value is normalised before it enters the model: `(x - centre) / scale`, clipped to ±`CLIP`. For features with
  `personal = True` the centre moves from the population's to the listener's own as their data come in
  (`models.physiology.baseline`); the scale is the population's, because a scale learned from few minutes is worth less
  than none.
- What is unknown is 0 with mask 0, never a made-up number.

Population figures: heart rate and variability of healthy adults at rest from short recordings (Nunan, Sandercock &
Brodie 2010, PACE 33:1407); wrist electrodermal level and skin temperature from the ranges that the E4's published
recordings span (Schmidt et al. 2018, WESAD); scales are within-person deviations of everyday sitting, rounded.
"""

from __future__ import annotations

from typing import Final, NamedTuple

__all__ = ["CLIP", "FEATURES", "INDEX", "PHYSIOLOGY", "SCHEMA_VERSION", "STEPS", "STEP_S", "Feature"]

SCHEMA_VERSION: Final = 2
STEPS: Final = 32
"""Steps that the model looks back."""
STEP_S: Final = 5.0
"""Length of a step on the device, seconds. In training it is the data's own; the feature `step_length` tells."""
CLIP: Final = 4.0
"""Normalised values beyond this many scales are artefacts more often than states, and would dominate a linear layer."""


class Feature(NamedTuple):
    """One input of `user_emotion`.

    Attributes:
        name: the name in manifests, logs and tables.
        unit: of the value before normalisation (UCUM where there is a symbol).
        window_s: seconds that the value looks back; 0 means the step itself.
        meaning: what it is and how it is computed, in a sentence.
        centre: population centre, in the unit.
        scale: what counts as one step away from the centre, in the unit.
        personal: whether the listener's own baseline replaces the centre.
    """

    name: str
    unit: str
    window_s: float
    meaning: str
    centre: float
    scale: float
    personal: bool


PHYSIOLOGY: Final[tuple[Feature, ...]] = (
    Feature(
        "heart_rate", "beat/min", 30, "Mean heart rate: from clean RR intervals, else from the hr stream.", 70, 8, True
    ),
    Feature("heart_rate_slope", "beat/min/min", 60, "Least-squares slope of the heart rate.", 0, 8, False),
    Feature("rmssd", "ln(ms)", 60, "Logarithm of the root mean square of successive RR differences.", 3.55, 0.4, True),
    Feature("sdnn", "ln(ms)", 60, "Logarithm of the standard deviation of the RR intervals.", 3.75, 0.4, True),
    Feature(
        "respiration_rate",
        "1/min",
        60,
        "Breaths a minute from the RR intervals, where two estimates agree and are clear.",
        15,
        3,
        True,
    ),
    Feature(
        "pulse_amplitude",
        "ln(1)",
        30,
        "Logarithm of the PPG's pulse amplitude; only its change has a meaning.",
        0,
        0.35,
        True,
    ),
    Feature("eda_level", "ln(uS)", 10, "Logarithm of the tonic skin conductance.", 0.0, 0.5, True),
    Feature("eda_slope", "uS/min", 30, "Least-squares slope of the skin conductance.", 0, 0.3, False),
    Feature("eda_responses", "1/min", 60, "Skin conductance responses of at least 0.01 uS.", 4, 4, True),
    Feature("skin_temperature", "Cel", 30, "Mean skin temperature at the wrist.", 32.5, 0.8, True),
    Feature("skin_temperature_slope", "Cel/min", 60, "Least-squares slope of the skin temperature.", 0, 0.15, False),
    Feature(
        "motion",
        "ln(m/s2)",
        10,
        "Logarithm of the standard deviation of the acceleration's magnitude, at least 0.01.",
        -2.5,
        1.5,
        False,
    ),
)
"""What the body says: the features that `Sensing` computes from streams."""

_HEARD: Final[tuple[Feature, ...]] = (
    Feature("heard_valence", "1", 0, "Valence of the music that played in the step.", 0, 0.5, False),
    Feature("heard_arousal", "1", 0, "Arousal of the music that played in the step.", 0, 0.5, False),
    Feature("heard_share", "1", 0, "Share of the step in which music played.", 0, 1, False),
    Feature(
        "liked",
        "1",
        0,
        "1 after a like in the step, -1 after a dislike, 0 where music played without either.",
        0,
        1,
        False,
    ),
    Feature("skipped", "1", 0, "1 where a track was skipped in the step, else 0.", 0, 1, False),
    Feature("completed", "1", 0, "1 where a track ended in the step because it was over, else 0.", 0, 1, False),
)

_REPORTED: Final[tuple[Feature, ...]] = (
    Feature("reported_valence", "1", 0, "Valence that the listener reported in the step.", 0, 0.5, False),
    Feature("reported_arousal", "1", 0, "Arousal that the listener reported in the step.", 0, 0.5, False),
    Feature("usual_valence", "1", 0, "Running mean of the listener's own earlier valence reports.", 0, 0.5, False),
    Feature("usual_arousal", "1", 0, "Running mean of the listener's own earlier arousal reports.", 0, 0.5, False),
    Feature(
        "reports", "ln(1)", 0, "Logarithm of one plus the number of the listener's own earlier reports.", 0, 1, False
    ),
)

_BASELINE: Final[tuple[Feature, ...]] = (
    Feature("usual_heart_rate", "beat/min", 0, "Mean of the listener's own heart rate at rest.", 70, 8, False),
    Feature("worn", "ln(min)", 0, "Logarithm of one plus the minutes that this mean is of.", 0, 2, False),
)
"""What the centre of the heart rate rests on: a change since the first minute means less of a level than one since
yesterday, and more of a change."""

_TIME: Final[tuple[Feature, ...]] = (
    Feature("step_length", "ln(s)", 0, "Logarithm of the step's length; ln 5 on the device.", 1.609, 1.0, False),
)

FEATURES: Final[tuple[Feature, ...]] = PHYSIOLOGY + _HEARD + _REPORTED + _BASELINE + _TIME
INDEX: Final[dict[str, int]] = {feature.name: i for i, feature in enumerate(FEATURES)}
"""Column of a feature by its name."""
