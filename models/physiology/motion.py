"""Motion of a worn accelerometer: how much, and what its wearer does.

Rules:

- Everything is told from the magnitude of the acceleration: it does not matter how the sensor sits, and gravity, which
  moves the mean alone, drops out.
- Steps shake a body at 1.4–2.3 Hz when it walks and up to 3.5 Hz when it runs; 140 steps a minute part the two
  (Tudor-Locke et al. 2018, Br J Sports Med 52:776, and Ducharme et al. 2021 for the transition). Steps are taken for
  such only where their rhythm and its harmonics hold most of the power: a hand at work has none.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from models.physiology.windows import Floats

__all__ = ["MOTION_S", "STILLEST", "Activity", "Movement", "motion", "movement"]

MOTION_S: Final = 10.0
"""Length of the window, seconds: fifteen steps of a stroll."""
STILLEST: Final = 0.01
"""m/s². What is less is the noise of the best sensors; the feature's logarithm needs a floor."""

_STILL_MS2: Final = 0.25
"""Below this only pulse, breath and posture move a wrist."""
_WALKING_MS2: Final = 0.6
"""The softest walk with a hand in the pocket still shakes it by more."""
_RUNNING_MS2: Final = 4.0
"""Landing on both feet in turn, with flight between: nobody runs more softly."""
_STEPS_HZ: Final = (1.2, 3.6)
_RUNNING_HZ: Final = 140.0 / 60.0
_GRID_HZ: Final = 16.0
_BAND_HZ: Final = (0.5, 8.0)
_RHYTHM_SHARE: Final = 0.45
"""Share of the power between 0.5 and 8 Hz that a rhythm holds: noise stays below .28 in 95 of 100 windows, desk work
below .36, and 95 of 100 windows of an Empatica E4 on walking students hold more than .54."""
_MULTIPLES: Final = (0.5, 1.0, 2.0)
"""Of the steps' frequency: an arm swings once in two steps, and a heel strikes sharply."""
_HALF_WIDTH_HZ: Final = 0.15
_LEAST_S: Final = 4.0
_LEAST: Final = 20
_STEADY_S: Final = 6.0
"""A rhythm needs some steps to show."""
_NAN: Final = float("nan")


class Activity(StrEnum):
    """What a wearer does, as far as one accelerometer tells."""

    STILL = "still"
    HAND = "hand moving"
    WALKING = "walking"
    RUNNING = "running"


class Movement(NamedTuple):
    """Ten seconds of acceleration.

    Attributes:
        activity: None where the window is too short to say.
        motion_ms2: standard deviation of the magnitude, m/s², at least `STILLEST`; NaN where unknown.
        steps_hz: steps a second; NaN without any.
    """

    activity: Activity | None
    motion_ms2: float
    steps_hz: float


def motion(times: Floats, values: Floats) -> float:
    """Standard deviation of the magnitude over a 10 s window, m/s², at least 0.01.

    Args:
        times: [n], seconds.
        values: [n, 3], m/s².

    Returns:
        NaN below 20 samples or below 4 s.
    """
    if len(times) < _LEAST or times[-1] - times[0] < _LEAST_S:
        return _NAN
    return max(float(_magnitude(values).std()), STILLEST)


def movement(times: Floats, values: Floats) -> Movement:
    """Tell the activity of a 10 s window.

    Args:
        times: [n], seconds, ascending.
        values: [n, 3], m/s².
    """
    strength = motion(times, values)
    if np.isnan(strength):
        return Movement(None, _NAN, _NAN)
    if strength < _STILL_MS2:
        return Movement(Activity.STILL, strength, _NAN)
    steps = _steps_hz(times, _magnitude(values)) if strength >= _WALKING_MS2 else _NAN
    if np.isnan(steps):
        return Movement(Activity.HAND, strength, _NAN)
    runs = strength >= _RUNNING_MS2 and steps >= _RUNNING_HZ
    return Movement(Activity.RUNNING if runs else Activity.WALKING, strength, steps)


def _magnitude(values: Floats) -> NDArray[np.float64]:
    magnitude: NDArray[np.float64] = np.sqrt(np.einsum("ij,ij->i", values, values, dtype=np.float64))
    return magnitude


def _steps_hz(times: Floats, magnitude: NDArray[np.float64]) -> float:
    """Frequency of the steps; NaN where no rhythm of steps holds most of the power."""
    edges = np.arange(times[0], times[-1], 1.0 / _GRID_HZ)
    if len(edges) < _STEADY_S * _GRID_HZ or len(times) < len(edges):
        return _NAN
    # Means over the bins: what is faster than the grid is averaged out, and no gap is filled with more than its ends.
    area = np.concatenate(([0.0], np.cumsum(0.5 * np.diff(times) * (magnitude[1:] + magnitude[:-1]))))
    series = np.diff(np.interp(edges, times, area))
    series = (series - series.mean()) * np.hanning(len(series))
    size = 512
    power = np.abs(np.fft.rfft(series, size)) ** 2
    frequency = np.fft.rfftfreq(size, 1.0 / _GRID_HZ)
    inside = (frequency >= _BAND_HZ[0]) & (frequency < _BAND_HZ[1])
    steps = (frequency >= _STEPS_HZ[0]) & (frequency <= _STEPS_HZ[1])
    found = float(frequency[steps][np.argmax(power[steps])])
    away = np.abs(frequency - found * np.array(_MULTIPLES)[:, np.newaxis]).min(axis=0)
    rhythm = inside & (away <= _HALF_WIDTH_HZ)
    whole = float(power[inside].sum())
    return found if whole > 0.0 and power[rhythm].sum() >= _RHYTHM_SHARE * whole else _NAN
