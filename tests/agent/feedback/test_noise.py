"""The noise has the distribution that its promise rests on."""

from __future__ import annotations

import math
from fractions import Fraction
from random import Random

import numpy as np
import pytest
from scipy.stats import chisquare

from agent.feedback.noise import discrete_laplace, noised


@pytest.mark.parametrize("scale", [Fraction(1, 2), Fraction(2), Fraction(12)])
def test_the_noise_falls_off_exactly_as_the_mechanism_says(scale: Fraction) -> None:
    random, draws, reach = Random(7), 20_000, math.ceil(3 * scale)
    seen = np.array([discrete_laplace(scale, random) for _ in range(draws)])
    values = np.arange(-reach, reach + 1)
    keep = math.exp(-1 / scale)
    share = (1 - keep) / (1 + keep) * keep ** np.abs(values)
    observed = np.array([(seen == value).sum() for value in values])
    rest, expected_rest = draws - observed.sum(), draws * (1 - share.sum())
    result = chisquare([*observed, rest], [*(share * draws), expected_rest])
    assert result.pvalue > 1e-4


def test_a_table_keeps_its_shape_and_stays_whole_numbers() -> None:
    table = np.arange(80).reshape(5, 4, 4)
    blurred = noised(table, epsilon=Fraction(1), sensitivity=12, random=Random(1))
    assert blurred.shape == table.shape
    assert blurred.dtype == np.int64
    assert (blurred != table).any()
