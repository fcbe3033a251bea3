"""Beats of ECG and PPG streams, and which source of beats is listened to."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from agent.sensing import Sensing
from agent.sensing.beats import BeatTrack
from agent.sensing.station import LEAST_QUALITY
from benchmarks.outfit import Outfit, Sent
from models.physiology.features import CLEAR_PULSE
from models.physiology.pulse import analyse
from models.physiology.schema import INDEX

NOW = 1.8e9
HEART = [INDEX[name] for name in ("heart_rate", "rmssd", "sdnn")]


def pulse_wave(rate_hz: float, seconds: float, *, start: float = NOW) -> tuple[np.ndarray, np.ndarray]:
    """A pulse of 75 a minute."""
    times = start + np.arange(round(seconds * rate_hz)) / rate_hz
    phase = (times - start) % 0.8 / 0.8
    return times, np.exp(-((phase - 0.25) ** 2) / 0.008) + 0.3 * np.exp(-((phase - 0.6) ** 2) / 0.01)


def hear(sensing: Sensing, packs: list[Sent], now: float) -> None:
    for pack in packs:
        assert sensing.accept(pack.topic, pack.payload, now=now).refusal is None


def follow(seconds: int, wanted: Callable[[Sent, int], bool]) -> tuple[Sensing, list[set[str]]]:
    """Hear the packs that are wanted; returns the quantities of the sources, second by second."""
    sensing, sources = Sensing("me"), []
    for second, (now, packs) in enumerate(Outfit(seed=4).seconds(NOW, seconds)):
        hear(sensing, [pack for pack in packs if wanted(pack, second)], now)
        sources.append(set(sensing.sources(now)))
    return sensing, sources


@pytest.mark.parametrize("quantity", ["ecg", "ppg"])
def test_a_waveform_alone_tells_what_the_intervals_of_the_same_heart_tell(quantity: str):
    alone, sources = follow(90, lambda pack, _: pack.quantity == quantity)
    intervals, _ = follow(90, lambda pack, _: pack.quantity == "rr")
    assert sources[-1] == {quantity}
    ours, reference = (sensing.features(NOW + 90)[0][HEART] for sensing in (alone, intervals))
    assert ours[0] == pytest.approx(reference[0], abs=1.0)
    assert ours[1:] == pytest.approx(reference[1:], abs=0.1)


def test_beats_come_from_the_strap_and_from_the_wrist_while_the_strap_is_off():
    def wanted(pack: Sent, second: int) -> bool:
        return pack.quantity in {"ecg", "rr", "ppg"} and ("strap" not in pack.topic or not 60 <= second < 110)

    sensing, sources = follow(170, wanted)
    told = ["strap" if found & {"ecg", "rr"} else "wrist" if found & {"ppg"} else "" for found in sources]
    assert set(told[40:60]) == {"strap"}
    taken_over = 60 + told[60:].index("wrist")
    assert taken_over <= 60 + 15
    assert set(told[taken_over:110]) == {"wrist"}
    assert set(told[-20:]) == {"strap"}
    # Never both: what lost is no source.
    assert not any({"ecg", "rr"} <= found for found in sources)
    assert np.isfinite(sensing.features(NOW + 170)[0][HEART]).all()


def test_good_intervals_are_no_source_only_while_a_waveform_tells_the_beats():
    sensing = Sensing("me")
    won = set()
    for second, (now, packs) in enumerate(Outfit(seed=4).seconds(NOW, 150)):
        # Every fourth interval is lost; the electrodes come loose for a while.
        lost = {"rr"} if second % 4 == 0 else set()
        loose = {"ecg"} if 60 < second < 110 else set()
        hear(sensing, [pack for pack in packs if pack.quantity not in lost | loose], now)
        sources = set(sensing.sources(now)) & {"ecg", "rr", "ppg"}
        good = [s.quality for s in sensing.streams(now) if s.quantity == "rr" and s.quality >= LEAST_QUALITY]
        if good:
            assert "rr" in sources or sources & {"ecg", "ppg"}
            won.add("rr" if "rr" in sources else "ecg" if "ecg" in sources else "ppg")
    assert {"ecg", "rr"} <= won


def test_beats_do_not_depend_on_how_the_samples_were_packed():
    times, values = pulse_wave(64.0, 40.0)
    found = []
    for size in (1, 7, 64, len(times)):
        track = BeatTrack("ppg")
        for first in range(0, len(times), size):
            track.add(times[first : first + size], values[first : first + size])
        found.append(track.pulse(NOW + 40).times)
    for other in found[1:]:
        assert other == pytest.approx(found[0][-len(other) :], abs=0.02)
    assert np.diff(found[0]) == pytest.approx(0.8, abs=0.01)


def test_late_and_repeated_samples_change_no_beat():
    times, values = pulse_wave(64.0, 30.0)
    clean, disturbed = BeatTrack("ppg"), BeatTrack("ppg")
    for first in range(0, len(times), 64):
        pack = times[first : first + 64], values[first : first + 64]
        clean.add(*pack)
        disturbed.add(*pack)
        disturbed.add(*pack)
        disturbed.add(times[:10], values[:10] + 5.0)
    assert disturbed.pulse(NOW + 30).times == pytest.approx(clean.pulse(NOW + 30).times)


@pytest.mark.parametrize("spoilt", [slice(30, 50), slice(50, 70)], ids=["before", "now"])
def test_the_beats_of_a_minute_are_judged_over_the_minute_as_in_training(spoilt: slice):
    times, values = pulse_wave(64.0, 70.0)
    there = slice(spoilt.start * 64, spoilt.stop * 64)
    values[there] += np.cumsum(np.random.default_rng(1).standard_normal(20 * 64))
    track = BeatTrack("ppg")
    for first in range(0, len(times), 64):
        track.add(times[first : first + 64], values[first : first + 64])
    lived = track.pulse(NOW + 70).quality
    assert lived == pytest.approx(analyse(times[-60 * 64 :], values[-60 * 64 :]).quality, abs=0.1)
    assert lived < CLEAR_PULSE
    # What the stream is worth now, its newest seconds tell.
    assert track.quality > CLEAR_PULSE if spoilt.stop < 60 else track.quality < lived


def test_a_stream_that_changes_its_rate_is_followed():
    track = BeatTrack("ppg")
    for start, rate in ((NOW, 64.0), (NOW + 30, 128.0)):
        times, values = pulse_wave(rate, 30.0, start=start)
        for first in range(0, len(times), 32):
            track.add(times[first : first + 32], values[first : first + 32])
    newest = track.pulse(NOW + 60)
    assert track.quality > 0.5
    intervals = newest.intervals[newest.times > NOW + 45]
    assert np.nanmedian(intervals) == pytest.approx(0.8, abs=0.01)


def test_another_rate_is_noticed_within_fifteen_packs_though_few_are_looked_at():
    track = BeatTrack("ppg")
    for start, rate, packs in ((NOW, 64.0, 40), (NOW + 20, 128.0, 15)):
        times, values = pulse_wave(rate, packs * 32 / rate, start=start)
        for first in range(0, len(times), 32):
            track.add(times[first : first + 32], values[first : first + 32])
    # A detector that begins anew cannot tell its quality at once.
    assert np.isnan(track.quality)


@pytest.mark.parametrize(
    "times",
    [np.repeat(NOW + np.arange(60.0), 64), NOW + np.arange(0.0, 60.0, 0.2), NOW + np.arange(0.0, 60.0, 1 / 5000)],
    ids=["one stamp a pack", "too slow", "too fast"],
)
def test_a_stream_in_which_no_beat_can_be_found_is_not_trusted(times: np.ndarray):
    track = BeatTrack("ppg")
    values = np.sin(8 * (times - NOW))
    for first in range(0, len(times), 64):
        track.add(times[first : first + 64], values[first : first + 64])
    assert track.quality == 0.0
    assert len(track.pulse(NOW + 60).times) == 0
