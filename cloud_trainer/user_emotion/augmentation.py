"""What a training batch looks like: examples disturbed so that the model meets what a device will show it.

Any subset of wearables must work, so whole groups of features are hidden at random; histories are cut short, because a
session has a beginning; movement raises the heart rate without changing the feeling. What a data set never recorded
(whether a song was liked, how still the arm was) is filled in with what a device would have seen, so that no input
reaches the device untrained.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Final

import numpy as np
import numpy.typing as npt

from cloud_trainer.user_emotion.examples import Examples
from models.physiology.schema import INDEX, PHYSIOLOGY, STEP_S, STEPS

__all__ = ["BODY_HIDDEN", "GROUPS", "KITS", "Batch", "disturb"]

Array = npt.NDArray[np.float64]
Batch = tuple[npt.NDArray[np.float32], npt.NDArray[np.float32], npt.NDArray[np.float32]]
"""steps, mask, label"""

GROUPS: Final[tuple[tuple[str, ...], ...]] = (
    ("heart_rate", "heart_rate_slope", "usual_heart_rate", "worn"),
    ("rmssd", "sdnn", "respiration_rate"),
    ("pulse_amplitude",),
    ("eda_level", "eda_slope", "eda_responses"),
    ("skin_temperature", "skin_temperature_slope"),
    ("motion",),
    ("heard_valence", "heard_arousal"),
    ("heard_share", "liked", "skipped", "completed"),
    ("reported_valence", "reported_arousal"),
    ("usual_valence", "usual_arousal", "reports"),
)
"""Features that a wearable or a habit of the listener brings or lacks together."""

KITS: Final[tuple[tuple[int, ...], ...]] = (
    # indices into GROUPS that a kind of wearable brings
    (0,),  # a gym watch that tells its heart rate
    (0, 5),  # a watch with movement
    (0, 1),  # a chest strap
    (0, 1, 5),  # a chest strap with movement
    (0, 2, 5),  # a wristband with an optical sensor
    (0, 1, 4),  # a ring
    (3,),  # a skin conductance sensor
    (0, 3, 4, 5),  # a wristband with everything but beats
)
_IN_KITS: Final = 0.6
"""Share of examples that show what one kind of wearable brings; in the others each group is hidden for itself."""
_BODY_GROUPS: Final = 6
_FRESH: Final = 0.4
"""Share of examples of which nothing is known but the history itself: the first minutes of a wearable."""
_HIDE_GROUP, _HIDE_ALL = 0.25, 0.03
BODY_HIDDEN: Final = 0.08
"""Share of examples of which nothing of the body is shown: nobody wears anything."""
_FICKLE: Final = ("heart_rate_slope", "sdnn", "respiration_rate", "eda_slope", "skin_temperature_slope")
"""Features that need a long clean window, so they are often unknown while the others of their group are known."""
_HIDE_FICKLE: Final = 0.4
_CUT_SHORT: Final = 0.4
_OWN_WORD: Final = 0.1
"""Share of examples in which the listener has just said how he or she feels, give or take `_OWN_WORD_SD`."""
_OWN_WORD_SD: Final = 0.1
_MUSIC_EFFECT: Final = np.array([0.2, 0.35])
"""How much of the music's valence and arousal is felt, where a set without music is given some: a cautious reading of
HKU956, where other listeners' mean rating of a song correlates with one's own by .24 and .52."""
_TEMPER_SD: Final = 0.2
"""Standard deviation of persons' usual valence and arousal (HKU956: 12 % of a variance of .19 each)."""
_STILL, _BPM_PER_MOTION = -1.5, 10.0
"""ln(m/s²) above which the body moves, and the heart rate that each unit above it costs."""
_FEATURE_NOISE: Final = 0.1


def disturb(
    examples: Examples, generator: np.random.Generator, *, body_hidden: float = BODY_HIDDEN, body_offset: float = 0.0
) -> Batch:
    """Return a batch of disturbed examples: steps and mask `(n, 32, F)`, labels `(n, 2)`.

    Args:
        examples: what is disturbed.
        generator: of everything random.
        body_hidden: share of examples of which nothing of the body is shown.
        body_offset: standard deviation of what each feature of the body is moved by, the same in all steps of an
            example, in the feature's scales.
    """
    raw, label = examples.raw.copy(), examples.label + generator.normal(size=examples.label.shape) * examples.label_sd
    present = np.isfinite(raw).any(axis=2)
    _time_scale(raw, present, generator)
    _temper(raw, label, present, examples, generator)
    _music(raw, label, present, examples, generator)
    _reception(raw, present, generator)
    _motion(raw, present, generator)
    _own_word(raw, label, generator)
    _begin_late(raw, generator)
    fresh = generator.random(len(raw)) < _FRESH
    steps, mask = replace(examples, raw=raw, label=label).normalised(fresh)
    _hide(mask, examples.kind == "wesad", body_hidden, generator)
    body = len(PHYSIOLOGY)
    if body_offset:
        steps[:, :, :body] += generator.normal(0, body_offset, (len(steps), 1, body)).astype(np.float32)
    steps[:, :, :body] += generator.normal(0, _FEATURE_NOISE, steps[:, :, :body].shape).astype(np.float32)
    return steps * mask, mask, np.clip(label, -1, 1).astype(np.float32)


def _chance(count: int, share: float, generator: np.random.Generator) -> npt.NDArray[np.bool_]:
    return generator.random(count) < share


def _time_scale(raw: Array, present: npt.NDArray[np.bool_], generator: np.random.Generator) -> None:
    """Call some steps five seconds long, whatever they were: the device's are."""
    rows = _chance(len(raw), 0.3, generator)[:, None] & present
    raw[rows, INDEX["step_length"]] = np.log(STEP_S)


def _temper(
    raw: Array, label: Array, present: npt.NDArray[np.bool_], examples: Examples, generator: np.random.Generator
) -> None:
    """Give persons without reports a temper of their own, and reports that betray it."""
    rows = np.flatnonzero((examples.kind == "wesad") & _chance(len(raw), 0.5, generator))
    for row in rows:
        reports = int(generator.integers(1, 40))
        temper = generator.normal(0, _TEMPER_SD, 2)
        label[row] += temper
        seen = temper + generator.normal(0, 0.4 / np.sqrt(reports), 2)
        raw[row, present[row], INDEX["usual_valence"]] = seen[0]
        raw[row, present[row], INDEX["usual_arousal"]] = seen[1]
        raw[row, present[row], INDEX["reports"]] = np.log1p(reports)


def _music(
    raw: Array, label: Array, present: npt.NDArray[np.bool_], examples: Examples, generator: np.random.Generator
) -> None:
    """Let music play where a set had none; noise on what is known of the music where it had."""
    heard = [INDEX["heard_valence"], INDEX["heard_arousal"]]
    raw[:, :, heard] += generator.normal(0, 0.12, (len(raw), 1, 2))
    for row in np.flatnonzero((examples.kind == "wesad") & _chance(len(raw), 0.6, generator)):
        emotion = np.clip(generator.normal(0, 0.4, 2), -1, 1)
        since = int(generator.integers(0, STEPS - 1))
        playing = present[row] & (np.arange(STEPS) >= since)
        for column, value in zip(heard, emotion, strict=True):
            raw[row, playing, column] = value
        raw[row, playing, INDEX["heard_share"]] = 1
        raw[row, present[row] & ~playing, INDEX["heard_share"]] = 0
        label[row] += _MUSIC_EFFECT * emotion


def _reception(raw: Array, present: npt.NDArray[np.bool_], generator: np.random.Generator) -> None:
    """Fill in what a device notes of every track: no like, no skip, and sometimes an end."""
    rows = _chance(len(raw), 0.6, generator)[:, None] & present
    playing = rows & (raw[:, :, INDEX["heard_share"]] > 0)
    silent = rows & ~playing & ~np.isfinite(raw[:, :, INDEX["heard_share"]])
    raw[silent, INDEX["heard_share"]] = 0
    for name in ("liked", "skipped", "completed"):
        missing = playing & ~np.isfinite(raw[:, :, INDEX[name]])
        raw[missing, INDEX[name]] = 0
    ended = playing & (generator.random(raw.shape[:2]) < 0.05)
    raw[ended, INDEX["completed"]] = 1
    # Whoever dislikes a track skips it, on the device.
    skipped = (raw[:, :, INDEX["liked"]] < 0) & (generator.random(raw.shape[:2]) < 0.5)
    raw[skipped, INDEX["skipped"]] = 1


def _motion(raw: Array, present: npt.NDArray[np.bool_], generator: np.random.Generator) -> None:
    """Add movement where none was recorded; above stillness it costs heartbeats, and says nothing of the feeling."""
    unknown = ~np.isfinite(raw[:, :, INDEX["motion"]]).any(axis=1)
    rows = np.flatnonzero(unknown & _chance(len(raw), 0.6, generator))
    for row in rows:
        level = generator.uniform(-1.5, 1.0) if generator.random() < 0.3 else generator.normal(-3.0, 0.6)
        moves = level + generator.normal(0, 0.3, STEPS)
        raw[row, present[row], INDEX["motion"]] = moves[present[row]]
        effort = _BPM_PER_MOTION * np.maximum(moves - _STILL, 0)
        raw[row, :, INDEX["heart_rate"]] += effort
        raw[row, :, INDEX["rmssd"]] -= 0.02 * effort


def _own_word(raw: Array, label: Array, generator: np.random.Generator) -> None:
    for row in np.flatnonzero(_chance(len(raw), _OWN_WORD, generator)):
        said = np.clip(label[row] + generator.normal(0, _OWN_WORD_SD, 2), -1, 1)
        place = STEPS - 1 - int(generator.integers(0, 3))
        raw[row, place, [INDEX["reported_valence"], INDEX["reported_arousal"]]] = said


def _begin_late(raw: Array, generator: np.random.Generator) -> None:
    """Cut histories short: a session has a beginning. Whoever is new to the device has no more levels than that."""
    for row in np.flatnonzero(_chance(len(raw), _CUT_SHORT, generator)):
        raw[row, : STEPS - int(generator.integers(1, STEPS + 1))] = np.nan


def _hide(
    mask: npt.NDArray[np.float32], seated: npt.NDArray[np.bool_], body_hidden: float, generator: np.random.Generator
) -> None:
    count = len(mask)
    moved = mask[:, :, INDEX["motion"]].any(axis=1) & ~seated
    kit = np.where(_chance(count, _IN_KITS, generator), generator.integers(0, len(KITS), count), -1)
    for place, group in enumerate(GROUPS):
        rows = _chance(count, _HIDE_GROUP, generator)
        if place < _BODY_GROUPS:
            brought = np.array([place in members for members in KITS])
            rows = np.where(kit >= 0, ~brought[kit], rows)
        for name in group:
            mask[rows, :, INDEX[name]] = 0
    for name in _FICKLE:
        mask[_chance(count, _HIDE_FICKLE, generator), :, INDEX[name]] = 0
    # A heart rate from daily life without the movement behind it would teach that it means nothing.
    unexplained = moved & ~mask[:, :, INDEX["motion"]].any(axis=1)
    for name in GROUPS[0]:
        mask[unexplained, :, INDEX[name]] = 0
    mask[_chance(count, body_hidden, generator), :, : len(PHYSIOLOGY)] = 0
    everything = _chance(count, _HIDE_ALL, generator)
    mask[everything, :, : INDEX["step_length"]] = 0
