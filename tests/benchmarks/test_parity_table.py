"""The parity table: how two values differ, and what stands out."""

from __future__ import annotations

import math

import pytest

from benchmarks.parity.table import Row, Section, markdown


def row(ours: float, peer: float, *, promise: str = "", held: bool = True) -> Row:
    return Row(what="rmssd_ms", on="a recording", ours=ours, peer=peer, peer_name="a peer", promise=promise, held=held)


@pytest.mark.parametrize(
    ("ours", "peer", "difference"),
    [(101.0, 100.0, 0.01), (0.0, 0.0, 0.0), (math.nan, math.nan, 0.0), (1.0, 0.0, math.inf), (-1.1, -1.0, -0.1)],
)
def test_the_difference_is_a_share_of_the_peers_value(ours: float, peer: float, difference: float):
    assert row(ours, peer).difference == pytest.approx(difference)


def test_a_promise_that_is_not_kept_stands_out():
    rows = (row(1.0, 1.0, promise="equal"), row(2.0, 1.0, promise="equal", held=False), row(math.nan, 1.0))
    text = markdown([Section(title="Beats", note="A note.", rows=rows)])
    assert "| equal: yes |" in text
    assert "| **equal: no** |" in text
    assert "| – | 1 | a peer | – |  |" in text
