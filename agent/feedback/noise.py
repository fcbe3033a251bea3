"""Noise that hides any one day of a listener: the discrete Laplace mechanism, drawn exactly.

A count with noise X, P(X = x) ∝ exp(-|x| ε / Δ), tells at most ε about anything that changes the table by Δ in all
(Ghosh, Roughgarden & Sundararajan 2012, SIAM J. Comput. 41:1673). Floating-point Laplace noise betrays itself in its
last digits (Mironov 2012, CCS); this one is drawn from integers alone, after Canonne, Kamath & Steinke 2020 (NeurIPS),
algorithm 2.
"""

from __future__ import annotations

from fractions import Fraction
from random import Random

import numpy as np
from numpy.typing import NDArray

__all__ = ["discrete_laplace", "noised"]


def noised(counts: NDArray[np.int64], *, epsilon: Fraction, sensitivity: int, random: Random) -> NDArray[np.int64]:
    """Add noise to every count.

    Args:
        counts: int64 of any shape.
        epsilon: privacy loss, above 0.
        sensitivity: Δ, the largest change of the whole table by what is to be hidden.
        random: `random.SystemRandom()`; a generator that can be foretold hides nothing.
    """
    scale = Fraction(sensitivity) / epsilon
    noise = [discrete_laplace(scale, random) for _ in range(counts.size)]
    return counts + np.array(noise, np.int64).reshape(counts.shape)


def discrete_laplace(scale: Fraction, random: Random) -> int:
    """Draw x with P(x) ∝ exp(-|x| / scale), exactly."""
    numerator, denominator = scale.numerator, scale.denominator
    while True:
        offset = random.randrange(numerator)
        if not _happens(Fraction(offset, numerator), random):
            continue
        whole = 0
        while _happens(Fraction(1), random):
            whole += 1
        magnitude = (offset + numerator * whole) // denominator
        negative = random.randrange(2) == 1
        if magnitude or not negative:
            return -magnitude if negative else magnitude


def _happens(exponent: Fraction, random: Random) -> bool:
    """True with probability exp(-exponent), for an exponent in [0, 1]; the same source, algorithm 1."""
    tries = 1
    while random.randrange(exponent.denominator * tries) < exponent.numerator:
        tries += 1
    return tries % 2 == 1
