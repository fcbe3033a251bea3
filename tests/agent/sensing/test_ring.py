"""The bounded buffer against a sorted list."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from agent.sensing.ring import Ring

PACKS = st.lists(st.lists(st.integers(0, 40), min_size=1, max_size=12).map(sorted), max_size=30)


@given(PACKS, st.integers(1, 15))
def test_a_ring_holds_the_newest_samples_in_order(packs: list[list[int]], capacity: int):
    ring = Ring(capacity)
    seen: list[tuple[float, float]] = []
    number = 0
    for pack in packs:
        values = np.arange(number, number + len(pack), dtype=float)
        number += len(pack)
        ring.add(np.array(pack, dtype=float), values)
        # What fell out of a full ring is gone, a late sample does not bring it back.
        fresh = list(zip(pack, values.tolist(), strict=True))[-capacity:]
        seen = sorted([*seen, *fresh], key=lambda sample: sample[0])[-capacity:]
        assert ring.times.tolist() == [t for t, _ in seen]
        assert ring.values.tolist() == [v for _, v in seen]
        assert len(ring) == len(seen) <= capacity


def test_samples_of_several_channels_stay_together():
    ring = Ring(4, 3)
    ring.add(np.array([1.0, 3.0]), np.array([[1.0, 1.0, 1.0], [3.0, 3.0, 3.0]]))
    ring.add(np.array([2.0]), np.array([[2.0, 2.0, 2.0]]))
    assert ring.values[:, 1].tolist() == [1.0, 2.0, 3.0]
    times, values = ring.since(1.5)
    assert times.tolist() == [2.0, 3.0]
    assert values.shape == (2, 3)


def test_memory_is_set_at_construction():
    ring = Ring(100)
    before = ring._times, ring._values
    for second in range(1000):
        ring.add(second + np.arange(10) / 10, np.zeros(10))
    assert ring._times is before[0]
    assert ring._values is before[1]
    assert len(ring) == 100
