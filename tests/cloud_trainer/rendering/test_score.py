from __future__ import annotations

import io

import pretty_midi
import pytest

from cloud_trainer.rendering.score import read_midi
from models.errors import DataError, Reason


def _content(notes: list[tuple[int, float, float]], pedal: list[tuple[float, int]] = []) -> bytes:  # noqa: B006
    midi = pretty_midi.PrettyMIDI()
    piano = pretty_midi.Instrument(program=0)
    piano.notes = [pretty_midi.Note(velocity=90, pitch=pitch, start=start, end=end) for pitch, start, end in notes]
    piano.control_changes = [pretty_midi.ControlChange(number=64, value=value, time=time) for time, value in pedal]
    drums = pretty_midi.Instrument(program=0, is_drum=True)
    drums.notes = [pretty_midi.Note(velocity=90, pitch=40, start=0.0, end=1.0)]
    midi.instruments = [piano, drums]
    stream = io.BytesIO()
    midi.write(stream)
    return stream.getvalue()


def test_notes_come_in_order_and_without_drums():
    score = read_midi(_content([(64, 1.0, 1.5), (60, 0.0, 0.5)]))
    assert score.pitch.tolist() == [60, 64]
    assert score.start_s == pytest.approx([0.0, 1.0], abs=2e-3)
    assert score.duration_s == pytest.approx(1.5, abs=2e-3)


def test_the_pedal_holds_a_note_until_it_comes_up():
    score = read_midi(_content([(60, 0.0, 0.5)], pedal=[(0.2, 127), (2.0, 0)]))
    assert score.release_s[0] == pytest.approx(0.5, abs=2e-3)
    assert score.end_s[0] == pytest.approx(2.0, abs=2e-3)


def test_a_pedal_that_is_up_again_holds_nothing():
    score = read_midi(_content([(60, 0.0, 0.5)], pedal=[(0.1, 127), (0.3, 0)]))
    assert score.end_s[0] == pytest.approx(0.5, abs=2e-3)


def test_the_next_stroke_of_a_key_ends_a_held_note():
    score = read_midi(_content([(60, 0.0, 0.5), (60, 1.0, 1.5)], pedal=[(0.0, 127), (3.0, 0)]))
    assert score.end_s == pytest.approx([1.0, 3.0], abs=2e-3)


def test_a_pedal_that_never_comes_up_ends_with_the_last_note():
    score = read_midi(_content([(60, 0.0, 0.5), (62, 1.0, 1.5)], pedal=[(0.0, 127)]))
    assert score.end_s == pytest.approx([1.5, 1.5], abs=2e-3)


@pytest.mark.parametrize("content", [b"", b"RIFF....WAVE", b"MThd\x00\x00\x00\x06\x00\x01\x00"])
def test_what_is_no_midi_is_refused(content: bytes):
    with pytest.raises(DataError) as refused:
        read_midi(content)
    assert refused.value.reason is Reason.MALFORMED


def test_transposing_moves_pitches_and_nothing_else():
    score = read_midi(_content([(60, 0.0, 0.5)]))
    assert score.transposed(3).pitch.tolist() == [63]
    assert score.transposed(3).end_s is score.end_s
