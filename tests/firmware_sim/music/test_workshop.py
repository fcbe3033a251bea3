from __future__ import annotations

import operator
import os
from pathlib import Path

import pytest

from firmware_sim.music.workshop import Workshop
from models.errors import AttuneError


def test_jobs_come_back_with_their_results():
    with Workshop(2) as workshop:
        results = dict(workshop.run(operator.mul, [(number, (number, number)) for number in range(6)]))
    assert results == {number: number * number for number in range(6)}


def test_an_error_in_a_worker_reaches_the_caller(tmp_path: Path):
    with Workshop(1) as workshop, pytest.raises(FileNotFoundError, match="missing"):
        list(workshop.run(os.stat, [("a", (tmp_path / "missing",))]))


def test_a_worker_that_dies_is_reported_with_a_remedy():
    with Workshop(1) as workshop, pytest.raises(AttuneError, match="--workers 1"):
        list(workshop.run(os._exit, [("a", (9,))]))
