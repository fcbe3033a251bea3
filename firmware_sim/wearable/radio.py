"""The radio link between wearable and gateway: it breaks off now and then."""

from __future__ import annotations

import math

import numpy as np

__all__ = ["Radio"]

# Gaps are mostly short (a turned back, a passing body) and sometimes long (another room).
_LENGTH_SPREAD = 0.8


class Radio:
    """Two states, up and down (Gilbert 1960, Bell Syst. Tech. J. 39:1253): gaps begin at random and last log-normally.

    Args:
        gaps_per_hour: how often it breaks off.
        gap_s: median length of a gap, seconds.
        generator: where its randomness comes from.
    """

    def __init__(self, gaps_per_hour: float, gap_s: float, generator: np.random.Generator) -> None:
        self._rate = gaps_per_hour / 3600
        self._gap_s = gap_s
        self._generator = generator
        self._down_until_s = 0.0

    def is_up(self, t_s: float, block_s: float) -> bool:
        """Whether packs get through in the block that ends `t_s` seconds after the start; ask once per block."""
        if t_s <= self._down_until_s:
            return False
        if self._generator.random() < -math.expm1(-self._rate * block_s):
            length_s = self._gap_s * math.exp(_LENGTH_SPREAD * float(self._generator.standard_normal()))
            self._down_until_s = t_s + length_s
            return False
        return True
