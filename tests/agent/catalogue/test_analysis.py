from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest
import soundfile

from agent.catalogue.analysis import Analyser, listen
from models.audio.descriptors import DESCRIPTORS
from models.audio.patches import PATCH_SAMPLES, PATCH_SECONDS, FrontEnd, patch
from models.errors import AudioError, BundleError, Reason
from models.metadata import METADATA_SIZE, MetadataTable, value_key

RATE = 22_050


class FakeModel:
    """Answers with the loudness of the patch, and notes what it was asked."""

    def __init__(self, answer: float | None = None) -> None:
        self.answer = answer
        self.inputs: list[dict[str, np.ndarray]] = []

    def run(self, **inputs: np.ndarray) -> dict[str, np.ndarray]:
        self.inputs.append(inputs)
        value = float(inputs["log_mel"].mean()) if self.answer is None else self.answer
        embedding = np.zeros((1, 128), dtype=np.float32)
        embedding[0, len(self.inputs) % 2] = 1.0
        return {"emotion": np.array([[value, -value]], dtype=np.float32), "embedding": embedding}


def analyser(model: FakeModel) -> Analyser:
    table = MetadataTable(
        np.array([value_key("genre", "rock")], dtype=np.uint64), np.ones((1, METADATA_SIZE), dtype=np.float32)
    )
    return Analyser(model, FrontEnd(mean=-30.0, scale=50.0), table, "space-1")


def write(path: Path, seconds: float, *, rate: int = RATE, scale: float = 0.1) -> np.ndarray:
    samples = np.random.default_rng(0).normal(scale=scale, size=int(seconds * rate)).clip(-1, 1).astype(np.float32)
    soundfile.write(path, samples, rate, subtype="FLOAT" if path.suffix == ".wav" else None)
    return samples


def test_up_to_four_pieces_are_heard_at_even_positions(tmp_path: Path):
    for seconds, pieces in ((5.0, 1), (20.0, 2), (200.0, 4)):
        samples = write(tmp_path / "a.wav", seconds)
        duration_s, heard = listen(tmp_path / "a.wav")
        assert duration_s == pytest.approx(seconds)
        assert len(heard) == pieces
        assert all(piece.size == min(PATCH_SAMPLES, samples.size) for piece in heard)
    start = round(0.5 / 4 * 200.0 * RATE - PATCH_SAMPLES / 2)
    np.testing.assert_allclose(heard[0], samples[start : start + PATCH_SAMPLES], atol=1e-6)


def test_emotion_is_the_mean_and_the_embedding_has_unit_length(tmp_path: Path):
    samples = write(tmp_path / "a.wav", PATCH_SECONDS)
    model = FakeModel()
    analysis = analyser(model).analyse(tmp_path / "a.wav", [("genre", "rock")])
    expected = patch(samples, front_end=FrontEnd(mean=-30.0, scale=50.0))
    np.testing.assert_allclose(model.inputs[0]["log_mel"][0, :, :, 0], expected, atol=1e-3)
    np.testing.assert_array_equal(model.inputs[0]["metadata"], np.ones((1, METADATA_SIZE)))
    assert analysis.valence == pytest.approx(float(expected.mean()), abs=1e-4)
    assert analysis.arousal == pytest.approx(-analysis.valence)
    assert analysis.descriptors.shape == (len(DESCRIPTORS),)

    write(tmp_path / "b.wav", 40.0)
    assert np.linalg.norm(analyser(FakeModel()).analyse(tmp_path / "b.wav", []).embedding) == pytest.approx(1.0)


def test_emotion_stays_in_its_range(tmp_path: Path):
    write(tmp_path / "a.wav", 2.0)
    assert analyser(FakeModel(answer=7.0)).analyse(tmp_path / "a.wav", []).valence == 1.0


def test_a_model_that_gives_no_numbers_is_the_bundles_fault(tmp_path: Path):
    write(tmp_path / "a.wav", 2.0)
    with pytest.raises(BundleError):
        analyser(FakeModel(answer=float("nan"))).analyse(tmp_path / "a.wav", [])


def test_another_rate_is_resampled(tmp_path: Path):
    write(tmp_path / "a.flac", 30.0, rate=48_000)
    duration_s, heard = listen(tmp_path / "a.flac")
    assert duration_s == pytest.approx(30.0)
    assert [piece.size for piece in heard] == [PATCH_SAMPLES] * 3


def test_a_file_that_breaks_off_is_judged_by_what_is_there(tmp_path: Path):
    write(tmp_path / "a.flac", 100.0)
    content = (tmp_path / "a.flac").read_bytes()
    for share in (0.7, 0.05):
        (tmp_path / "cut.flac").write_bytes(content[: int(len(content) * share)])
        duration_s, heard = listen(tmp_path / "cut.flac")
        assert duration_s == pytest.approx(100.0)
        assert heard[0].size > 3 * RATE


def test_a_stream_that_does_not_state_its_length_is_read_to_tell_it(tmp_path: Path):
    write(tmp_path / "a.flac", 35.0)
    content = bytearray((tmp_path / "a.flac").read_bytes())
    # STREAMINFO (RFC 9639, 8.2): 36 bits of total samples from the second half of byte 21 on; zero is "unknown".
    content[21] &= 0xF0
    content[22:26] = bytes(4)
    (tmp_path / "stream.flac").write_bytes(content)
    duration_s, heard = listen(tmp_path / "stream.flac")
    assert duration_s == pytest.approx(35.0, abs=0.1)
    assert len(heard) == 3


def test_a_very_short_sound_is_heard(tmp_path: Path):
    write(tmp_path / "a.wav", 0.05)
    duration_s, heard = listen(tmp_path / "a.wav")
    assert duration_s == pytest.approx(0.05, abs=0.01)
    assert heard[0].size > 0


def test_ten_hours_are_sought_not_decoded(tmp_path: Path):
    path = tmp_path / "a.wav"
    soundfile.write(path, np.zeros(1, dtype=np.float32), RATE, subtype="PCM_U8")
    size = RATE * 36_000
    header = bytearray(path.read_bytes()[:44])
    header[4:8] = (36 + size).to_bytes(4, "little")
    header[40:44] = size.to_bytes(4, "little")
    path.write_bytes(header)
    os.truncate(path, 44 + size)
    duration_s, heard = listen(path)
    assert duration_s == pytest.approx(36_000, rel=0.001)
    assert [piece.size for piece in heard] == [PATCH_SAMPLES] * 4


def test_what_is_no_audio_is_refused(tmp_path: Path):
    (tmp_path / "a.mp3").write_text("no music at all" * 100)
    with pytest.raises(AudioError) as refusal:
        listen(tmp_path / "a.mp3")
    assert refusal.value.reason is Reason.NOT_AUDIO
