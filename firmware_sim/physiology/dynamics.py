"""Building blocks of slow processes: first-order responses and noise, exact for any length of step."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

__all__ = ["Lag", "OrnsteinUhlenbeck", "SlowNoise"]


class Lag:
    """A first-order response: it closes the fraction 1 − e^(−Δt/τ) of the gap to its target in Δt.

    Args:
        tau_s: time constant, seconds, above 0.
        value: where it starts.
    """

    def __init__(self, tau_s: float, value: float = 0.0) -> None:
        self.tau_s = tau_s
        self.value = value

    def towards(self, target: float, elapsed_s: float) -> float:
        """Move towards `target` for `elapsed_s` seconds and return the new value."""
        self.value += (target - self.value) * -math.expm1(-elapsed_s / self.tau_s)
        return self.value


class OrnsteinUhlenbeck:
    """Noise that forgets: mean 0, stationary deviation σ, autocorrelation e^(−|Δt|/τ). It starts stationary.

    Args:
        tau_s: time constant, seconds, above 0.
        deviation: stationary standard deviation σ.
        generator: where its randomness comes from.
    """

    def __init__(self, tau_s: float, deviation: float, generator: np.random.Generator) -> None:
        self.tau_s = tau_s
        self.deviation = deviation
        self._generator = generator
        self.value = deviation * float(generator.standard_normal())

    def step(self, elapsed_s: float) -> float:
        """Advance by `elapsed_s` seconds with the exact transition and return the new value."""
        kept = math.exp(-elapsed_s / self.tau_s)
        spread = self.deviation * math.sqrt(1 - kept * kept)
        self.value = kept * self.value + spread * float(self._generator.standard_normal())
        return self.value


class SlowNoise:
    """Noise whose power falls as 1/f between the corners of its components.

    Octave-spaced first-order processes of equal variance add up to a 1/f spectrum (Keshner 1982, Proc. IEEE 70:212).

    Args:
        taus_s: time constants of the components, octaves apart.
        deviation: standard deviation of the sum.
        generator: where its randomness comes from.
    """

    def __init__(self, taus_s: Sequence[float], deviation: float, generator: np.random.Generator) -> None:
        self._taus: NDArray[np.float64] = np.asarray(taus_s, dtype=np.float64)
        self._each = deviation / math.sqrt(len(self._taus))
        self._generator = generator
        self._values: NDArray[np.float64] = self._each * generator.standard_normal(len(self._taus))

    @property
    def value(self) -> float:
        """The present value of the sum."""
        return float(self._values.sum())

    def step(self, elapsed_s: float) -> float:
        """Advance by `elapsed_s` seconds and return the new value."""
        kept = np.exp(-elapsed_s / self._taus)
        spread = self._each * np.sqrt(1 - kept * kept)
        self._values = kept * self._values + spread * self._generator.standard_normal(len(self._taus))
        return self.value
