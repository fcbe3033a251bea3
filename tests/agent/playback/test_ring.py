from __future__ import annotations

import threading

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from agent.playback.ring import Ring


def numbered(start: int, count: int):
    return np.repeat(np.arange(start, start + count, dtype=np.float32)[:, np.newaxis], 2, axis=1)


@given(st.integers(1, 64), st.lists(st.tuples(st.integers(0, 80), st.integers(0, 80)), max_size=40))
def test_what_goes_in_comes_out_in_order(size: int, turns: list[tuple[int, int]]):
    ring = Ring(size)
    for put, take in turns:
        assert ring.write(numbered(ring.written, put)) <= put
        assert 0 <= ring.free <= size
        count = min(take, ring.written - ring.read)
        expected = numbered(ring.read, count)
        out = np.empty((count, 2), dtype=np.float32)
        ring.read_into(out)
        assert np.array_equal(out, expected)


def test_a_writer_and_a_reader_in_two_threads_never_disturb_each_other():
    ring, total = Ring(100), 4_000

    def write():
        while ring.written < total:
            ring.write(numbered(ring.written, min(37, total - ring.written)))

    writer = threading.Thread(target=write)
    writer.start()
    while ring.read < total:
        start, count = ring.read, min(29, ring.written - ring.read)
        out = np.empty((count, 2), dtype=np.float32)
        ring.read_into(out)
        assert np.array_equal(out, numbered(start, count))
    writer.join()
