"""The oxygen saturation of the blood: nearly constant in a healthy listener, whatever they feel."""

from __future__ import annotations

import numpy as np

from firmware_sim.physiology.dynamics import OrnsteinUhlenbeck

__all__ = ["Saturation"]

# Per cent: 95 to 99 at rest at sea level (Jubran 2015, Crit. Care 19:272), and how much it wanders within minutes.
_REST, _BETWEEN, _WANDER, _WANDER_S = 97.3, 0.6, 0.35, 90.0
# Movement makes venous blood pulse, which the sensor takes for poor saturation (ibid.): per cent for 1 m/s².
_MOTION, _NOISE = 2.0, 0.2


class Saturation:
    """Yields what an oximeter reads.

    Args:
        noise: multiplies every error; 0 is a perfect sensor.
        generator: draws the listener's level, its wander and the errors.
    """

    def __init__(self, noise: float, generator: np.random.Generator) -> None:
        self._noise = noise
        self._generator = generator
        self._level = _REST + _BETWEEN * float(generator.standard_normal())
        self._wander = OrnsteinUhlenbeck(_WANDER_S, _WANDER, generator)

    def next(self, motion: float, elapsed_s: float) -> float:
        """The reading `elapsed_s` seconds after the last, per cent, while the hand moves with `motion` m/s²."""
        reading = self._level + self._wander.step(elapsed_s)
        error = _NOISE * float(self._generator.standard_normal()) - _MOTION * min(1.0, motion)
        return float(np.clip(reading + self._noise * error, 70.0, 100.0))
