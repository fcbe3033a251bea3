from __future__ import annotations

import json
from itertools import pairwise

import numpy as np
import pytest

from firmware_sim.recordings.recording import Recording, Series, entries, header
from models.errors import DataError, Reason
from models.wire import senml, topics
from models.wire.messages import Truth

T = 1_600_000_000.0


def recording(**series: Series) -> Recording:
    return Recording(source="test", licence="CC0", wearable="e4", series=series, truths=(Truth(T + 2.0, 0.5, -0.5),))


def test_every_sample_is_sent_once_in_the_order_of_arrival() -> None:
    noise = np.random.default_rng(1)
    beats = np.cumsum(noise.uniform(0.6, 1.0, 20))
    whole = recording(
        ppg=Series.even(T, 64.0, noise.normal(size=640)),
        acc=Series.even(T + 0.3, 32.0, noise.normal(size=(320, 3))),
        hr=Series.even(T + 5.0, 1.0, noise.uniform(60, 70, 5)),
        rr=Series(T + beats, np.diff(beats, prepend=0.0)),
    )
    sent = list(entries(whole, listener="me"))
    assert all(before.t <= after.t for before, after in pairwise(sent))
    for quantity, series in whole.series.items():
        topic = topics.sense("me", "e4", quantity)
        packs = [senml.decode(e.payload, quantity=quantity, now=e.t) for e in sent if e.topic == topic]
        assert [pack.sequence for pack in packs] == list(range(len(packs)))
        np.testing.assert_allclose(np.concatenate([pack.times for pack in packs]), series.times, atol=1e-4)
        np.testing.assert_array_equal(np.concatenate([pack.values for pack in packs]), series.values)
    assert sum(entry.topic.endswith("/hr") for entry in sent) == 5, "a heart rate goes at once"
    assert 10 <= sum(entry.topic.endswith("/ppg") for entry in sent) <= 11, "a dense stream is collected for a second"


def test_nothing_arrives_before_it_was_measured() -> None:
    whole = recording(ppg=Series.even(T + 0.7, 64.0, np.zeros(300)))
    for entry in entries(whole, listener="me"):
        if "/sense/" in entry.topic:
            assert senml.decode(entry.payload, quantity="ppg", now=entry.t).times.max() <= entry.t


def test_a_stretch_without_samples_sends_nothing() -> None:
    times = np.concatenate([T + np.arange(8) / 4, T + 3600 + np.arange(8) / 4])
    whole = recording(eda=Series(times, np.full(16, 1e-6)))
    assert sum("/sense/" in entry.topic for entry in entries(whole, listener="me")) == 4


def test_what_was_felt_goes_to_the_simulators_topic() -> None:
    whole = recording(hr=Series.even(T, 1.0, np.full(5, 60.0)))
    told = [entry for entry in entries(whole, listener="me") if entry.topic == topics.truth("me")]
    assert [(entry.t, json.loads(entry.payload)["valence"]) for entry in told] == [(T + 2.0, 0.5)]


def test_the_header_names_source_and_terms() -> None:
    found = header(recording(hr=Series.even(T, 1.0, np.full(5, 60.0)), eda=Series.even(T - 3, 4.0, np.ones(2))))
    assert (found.t, found.source, found.licence) == (T - 3, "test", "CC0")


def test_a_recording_without_a_sample_or_a_date_is_refused() -> None:
    with pytest.raises(DataError) as caught:
        header(recording(hr=Series(np.empty(0), np.empty(0))))
    assert caught.value.reason is Reason.EMPTY
    with pytest.raises(DataError) as caught:
        header(recording(hr=Series.even(0.0, 1.0, np.full(5, 60.0))))
    assert caught.value.reason is Reason.WRONG_VALUE
