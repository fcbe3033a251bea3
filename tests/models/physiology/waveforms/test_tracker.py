"""The likeliest rhythm through candidates."""

from __future__ import annotations

import math

from models.physiology.waveforms.tracker import USUAL, Candidate, Rhythm, Settled, Tracker

RATE_HZ = 100.0


def track(crests: list[tuple[int, float]], rhythm: Rhythm = USUAL) -> list[Settled]:
    tracker = Tracker(rhythm, RATE_HZ, lambda place, strength: Candidate(place, strength, math.nan))
    settled = [beat for place, strength in sorted(crests) for beat in tracker.add(place, strength)]
    return settled + tracker.finish()


def places(settled: list[Settled]) -> list[int]:
    return [beat.candidate.place for beat in settled]


def test_even_beats_are_all_taken():
    beats = list(range(50, 3000, 80))
    assert places(track([(place, 1.0) for place in beats])) == beats


def test_a_weak_beat_counts_where_one_is_due():
    beats = list(range(50, 3000, 80))
    crests = [(place, 0.35 if i == 20 else 1.0) for i, place in enumerate(beats)]
    assert places(track(crests)) == beats


def test_the_same_weakness_off_the_beat_does_not():
    beats = list(range(50, 3000, 80))
    assert places(track([(place, 1.0) for place in beats] + [(50 + 20 * 80 + 32, 0.35)])) == beats


def test_a_strong_premature_beat_counts():
    beats = [place - 35 * (i == 20) for i, place in enumerate(range(50, 3000, 80))]
    assert places(track([(place, 1.0) for place in beats])) == beats


def test_beats_far_apart_are_not_successive():
    settled = track([(place, 1.0) for place in (*range(50, 1000, 80), *range(1400, 2400, 80))])
    assert [beat.candidate.place for beat in settled if beat.before is None] == [50, 1400]


def test_the_strongest_thing_left_out_is_told():
    crests = [(place, 1.0) for place in range(50, 3000, 80)] + [(place + 30, 0.2) for place in range(50, 3000, 80)]
    settled = track(crests)
    assert {round(beat.between, 3) for beat in settled[5:]} == {0.2}


def test_the_level_follows_a_change_of_gain_within_seconds():
    beats = list(range(50, 6000, 80))
    crests = [(place, 1.0 if place < 3000 else 0.05) for place in beats]
    found = places(track(crests))
    assert [place for place in beats if place not in found and place > 3350] == []


def test_second_waves_are_told_from_beats_where_the_signal_has_them():
    crests = [(place, 1.0) for place in range(50, 6000, 110)] + [(place + 45, 0.6) for place in range(50, 6000, 110)]
    late = [place for place in places(track(crests, USUAL._replace(twin=1.5))) if place > 1500]
    assert late == [place for place in range(50, 6000, 110) if place > 1500]


def test_nothing_stays_open_once_candidates_cease():
    tracker = Tracker(USUAL, RATE_HZ, lambda place, strength: Candidate(place, strength, math.nan))
    settled = [beat for place in range(50, 1000, 80) for beat in tracker.add(place, 1.0)]
    settled += tracker.idle(1400)
    assert places(settled) == list(range(50, 1000, 80))
    assert tracker.finish() == []
