"""Every format, and every way in which a file can be wrong."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import numpy as np
import pytest
import soundfile
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from agent.decoding import open_audio
from models.errors import AudioError, Reason

RATE = 44_100
SECONDS = 3.0


@pytest.fixture(scope="module")
def ramp() -> np.ndarray:
    """A stereo signal whose every moment can be told from the others: a slow sweep, softer on the right, and noise."""
    time = np.arange(int(RATE * SECONDS)) / RATE
    sweep = 0.5 * np.sin(2 * np.pi * (200.0 + 100.0 * time) * time)
    noise = np.random.default_rng(0).normal(scale=0.02, size=time.size)
    return np.stack([sweep + noise, 0.5 * sweep - noise], axis=1).astype(np.float32)


@pytest.fixture(scope="module")
def flac(tmp_path_factory: pytest.TempPathFactory, ramp: np.ndarray) -> Path:
    path = tmp_path_factory.mktemp("flac") / "sweep.flac"
    soundfile.write(path, ramp, RATE)
    return path


def encode(path: Path, samples: np.ndarray, codec: str, rate: int = RATE) -> None:
    av = pytest.importorskip("av")
    with av.open(str(path), "w") as container:
        stream = container.add_stream(codec, rate=rate, layout="stereo")
        frame = av.AudioFrame.from_ndarray(np.ascontiguousarray(samples.reshape(1, -1)), format="flt", layout="stereo")
        frame.rate = rate
        resampler = av.AudioResampler(stream.format.name, "stereo", rate, frame_size=stream.frame_size or 0)
        for piece in [*resampler.resample(frame), *resampler.resample(None)]:
            container.mux(stream.encode(piece))
        container.mux(stream.encode(None))


def read_all(path: Path, block: int = 5000) -> np.ndarray:
    with open_audio(path) as reader:
        pieces = []
        while (piece := reader.read(block)).shape[0]:
            pieces.append(piece)
        return np.concatenate(pieces)


def refused(path: Path) -> AudioError:
    with pytest.raises(AudioError) as refusal:
        read_all(path)
    assert str(path) in str(refusal.value)
    assert refusal.value.remedy
    return refusal.value


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("dubstep.aac", "AAC"),
        ("dubstep.flac", "FLAC"),
        ("dubstep.mp3", "MP3"),
        ("dubstep.ogg", "Ogg"),
        ("dubstep.wav", "WAV"),
        ("flamenco.mp3", "MP3"),
        ("hiphop.mp3", "MP3"),
    ],
)
def test_every_format_of_the_clips_is_read(shared_data: Path, name: str, content: str):
    path = shared_data / "audio-clips" / "formats" / name
    with open_audio(path) as reader:
        assert reader.content == content
        assert reader.duration_s is not None
        duration = reader.duration_s
    samples = read_all(path)
    assert samples.dtype == np.float32
    assert samples.shape[0] == pytest.approx(duration * RATE, rel=0.01)
    assert np.isfinite(samples).all()
    assert 0.01 < np.abs(samples).max() < 2.0


def test_one_excerpt_in_five_formats_sounds_the_same(shared_data: Path):
    folder = shared_data / "audio-clips" / "formats"
    loudness = [read_all(folder / f"dubstep.{name}").std() for name in ("aac", "flac", "mp3", "ogg", "wav")]
    np.testing.assert_allclose(loudness, loudness[1], rtol=0.05)


@pytest.mark.parametrize(
    ("name", "codec", "rate"),
    [("a.m4a", "aac", RATE), ("a.opus", "libopus", 48_000), ("a.m4a", "alac", RATE), ("a.wv", "wavpack", RATE)],
)
def test_formats_that_libav_alone_knows_are_read_and_sought(
    tmp_path: Path, ramp: np.ndarray, name: str, codec: str, rate: int
):
    path = tmp_path / name
    encode(path, ramp, codec, rate)
    whole = read_all(path)
    with open_audio(path) as reader:
        assert (reader.sample_rate, reader.channels) == (rate, 2)
        assert reader.duration_s == pytest.approx(ramp.shape[0] / rate, abs=0.1)
        reader.seek(1.0)
        there = reader.read(2000)
        # Lossy decoders come back to the same place, if not to the same bit: AAC draws its noise anew.
        np.testing.assert_allclose(there, whole[rate : rate + 2000], atol=0.1)
        assert np.corrcoef(there[:, 0], there[:, 1])[0, 1] > 0.9


@pytest.mark.parametrize("suffix", ["wav", "flac", "aiff"])
def test_lossless_files_come_back_to_the_sample_after_seeking(tmp_path: Path, ramp: np.ndarray, suffix: str):
    path = tmp_path / f"sweep.{suffix}"
    soundfile.write(path, ramp, RATE, subtype="PCM_16")
    with open_audio(path) as reader:
        assert reader.duration_s == pytest.approx(SECONDS)
        for start in (RATE, 0, 2 * RATE + 17):
            reader.seek(start / RATE)
            np.testing.assert_allclose(reader.read(1000), ramp[start : start + 1000], atol=1e-4)


def test_reads_come_short_at_the_end_and_empty_after_it(flac: Path, ramp: np.ndarray):
    with open_audio(flac) as reader:
        reader.seek(SECONDS - 0.01)
        assert reader.read(RATE).shape == (441, 2)
        assert reader.read(RATE).shape == (0, 2)
        reader.seek(SECONDS + 100.0)
        assert reader.read(10).shape == (0, 2)
        reader.seek(-5.0)
        assert reader.position_s == 0.0
        np.testing.assert_allclose(reader.read(10), ramp[:10], atol=1e-4)


def test_the_name_of_a_file_changes_nothing(tmp_path: Path, flac: Path, ramp: np.ndarray):
    path = tmp_path / "really a flac.mp3"
    shutil.copy(flac, path)
    np.testing.assert_allclose(read_all(path), ramp, atol=1e-4)


def test_a_flac_behind_an_id3_tag_is_read(tmp_path: Path, flac: Path, ramp: np.ndarray):
    path = tmp_path / "tagged.flac"
    path.write_bytes(b"ID3\x04\x00\x00\x00\x00\x02\x00" + bytes(256) + flac.read_bytes())
    assert read_all(path).shape == ramp.shape


@pytest.mark.parametrize(
    "text",
    [
        "These are no sounds.\n" * 50,
        "#EXTM3U\n#EXTINF:10,\nhttp://127.0.0.1:9/a.ts\n",
        "ffconcat version 1.0\nfile /etc/passwd\n",
        "\x00" * 5000,
    ],
)
def test_text_named_like_music_is_no_audio(tmp_path: Path, text: str):
    path = tmp_path / "song.flac"
    path.write_text(text)
    assert refused(path).reason is Reason.NOT_AUDIO


def test_an_empty_file_is_empty(tmp_path: Path):
    path = tmp_path / "song.mp3"
    path.touch()
    assert refused(path).reason is Reason.EMPTY


def test_a_header_without_sound_is_empty(tmp_path: Path):
    path = tmp_path / "song.wav"
    soundfile.write(path, np.zeros((0, 2), dtype=np.float32), RATE)
    assert refused(path).reason is Reason.EMPTY


def test_a_missing_file_is_missing(tmp_path: Path):
    assert refused(tmp_path / "gone.flac").reason is Reason.MISSING


def test_folders_and_pipes_are_refused_without_waiting_on_them(tmp_path: Path):
    os.mkfifo(tmp_path / "pipe.flac")
    assert refused(tmp_path / "pipe.flac").reason is Reason.UNREADABLE
    assert refused(tmp_path).reason is Reason.UNREADABLE


def test_a_name_that_is_no_text_is_opened(tmp_path: Path, flac: Path, ramp: np.ndarray):
    path = tmp_path / os.fsdecode(b"caf\xe9.flac")
    shutil.copy(flac, path)
    assert read_all(path).shape == ramp.shape


@pytest.mark.parametrize("suffix", ["wav", "flac", "ogg", "mp3"])
def test_a_file_that_breaks_off_gives_what_is_there(tmp_path: Path, ramp: np.ndarray, suffix: str):
    whole = tmp_path / f"whole.{suffix}"
    soundfile.write(whole, ramp, RATE)
    path = tmp_path / f"half.{suffix}"
    path.write_bytes(whole.read_bytes()[: whole.stat().st_size // 2])
    samples = read_all(path)
    assert 0.2 * ramp.shape[0] < samples.shape[0] < 0.8 * ramp.shape[0]
    assert samples.std() == pytest.approx(ramp.std(), rel=0.1)


@pytest.mark.parametrize("suffix", ["flac", "mp3", "ogg"])
def test_a_hole_in_a_file_does_not_take_the_rest(tmp_path: Path, ramp: np.ndarray, suffix: str):
    whole = tmp_path / f"whole.{suffix}"
    soundfile.write(whole, ramp, RATE)
    content = bytearray(whole.read_bytes())
    middle = len(content) // 2
    content[middle : middle + 2000] = bytes(byte ^ 0x5A for byte in content[middle : middle + 2000])
    path = tmp_path / f"hole.{suffix}"
    path.write_bytes(content)
    assert read_all(path).shape[0] > 0.6 * ramp.shape[0]


def test_a_header_followed_by_garbage_is_corrupt(tmp_path: Path, flac: Path):
    path = tmp_path / "garbage.flac"
    content = flac.read_bytes()
    path.write_bytes(content[:42] + np.random.default_rng(0).bytes(20_000))
    assert refused(path).reason is Reason.CORRUPT


def test_floats_that_are_no_numbers_are_silence(tmp_path: Path):
    path = tmp_path / "nan.wav"
    soundfile.write(path, np.array([0.5, np.nan, np.inf, -0.5], dtype=np.float32), RATE, subtype="FLOAT")
    np.testing.assert_array_equal(read_all(path)[:, 0], [0.5, 0.0, 0.0, -0.5])


def test_a_ten_hour_wav_is_opened_and_sought_at_once(tmp_path: Path):
    path = tmp_path / "ten hours.wav"
    rate, seconds = 22_050, 36_000
    soundfile.write(path, np.zeros(1, dtype=np.float32), rate, subtype="PCM_U8")
    header = bytearray(path.read_bytes()[:44])
    header[4:8] = (36 + rate * seconds).to_bytes(4, "little")
    header[40:44] = (rate * seconds).to_bytes(4, "little")
    path.write_bytes(header)
    os.truncate(path, 44 + rate * seconds)
    with open_audio(path) as reader:
        assert reader.duration_s == pytest.approx(seconds, rel=0.01)
        reader.seek(seconds - 10.0)
        assert reader.read(1000).shape == (1000, 1)


def test_a_ten_hour_mp3_is_opened_and_sought_in_bounded_memory(tmp_path: Path):
    path = tmp_path / "ten hours.mp3"
    # MPEG 2.5 layer III, 8 kbit/s, 8 kHz, mono: 72 bytes are 72 ms; a frame of zeros behind its header is silence.
    frame = b"\xff\xe3\x18\xc0" + bytes(68)
    path.write_bytes(frame * 500_000)
    with open_audio(path) as reader:
        assert reader.duration_s == pytest.approx(36_000, rel=0.01)
        reader.seek(30_000.0)
        assert reader.read(8000).shape == (8000, 1)


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    head=st.sampled_from(
        [
            b"fLaC",
            b"RIFF\x00\x10\x00\x00WAVEfmt ",
            b"OggS\x00\x02",
            b"OggS\x00\x02OpusHead",
            b"ID3\x04",
            b"\xff\xfb\x90\x64",
            b"\xff\xf1\x50\x80",
            b"\x00\x00\x00\x20ftypM4A ",
            b"FORM\x00\x00\x10\x00AIFF",
            b"\x1a\x45\xdf\xa3",
            b"wvpk",
            b"MAC ",
            b"TTA1",
            b"MPCK",
            b"MP+",
            b"DSD ",
            b"caff",
            b".snd",
            b"\x30\x26\xb2\x75\x8e\x66\xcf\x11",
            b"",
        ]
    ),
    rest=st.binary(max_size=3000),
)
def test_no_bytes_make_a_reader_do_anything_but_read_or_refuse(tmp_path: Path, head: bytes, rest: bytes):
    path = tmp_path / "fuzzed.flac"
    path.write_bytes(head + rest)
    try:
        with open_audio(path) as reader:
            samples = reader.read(10_000)
            assert samples.shape[1] == reader.channels
            reader.seek(0.5)
            reader.read(10)
    except AudioError as error:
        assert error.reason in {Reason.EMPTY, Reason.NOT_AUDIO, Reason.CORRUPT}


@pytest.fixture(scope="module")
def encoded(tmp_path_factory: pytest.TempPathFactory, ramp: np.ndarray) -> list[bytes]:
    folder = tmp_path_factory.mktemp("encoded")
    for name, codec, rate in (("a.m4a", "aac", RATE), ("a.opus", "libopus", 48_000), ("a.aac", "aac", RATE)):
        encode(folder / name, ramp, codec, rate)
    for suffix in ("flac", "mp3", "ogg", "wav"):
        soundfile.write(folder / f"a.{suffix}", ramp, RATE)
    return [path.read_bytes() for path in sorted(folder.iterdir())]


@settings(max_examples=120, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(kind=st.integers(0, 6), seed=st.integers(0, 2**32 - 1), flips=st.integers(1, 100), within=st.booleans())
def test_no_damage_makes_a_reader_do_anything_but_read_or_refuse(
    tmp_path: Path, encoded: list[bytes], kind: int, seed: int, flips: int, within: bool
):
    content = bytearray(encoded[kind])
    generator = np.random.default_rng(seed)
    for place in generator.integers(0, 4000 if within else len(content), flips):
        content[place] = int(generator.integers(0, 256))
    path = tmp_path / "damaged.bin"
    path.write_bytes(content)
    try:
        with open_audio(path) as reader:
            assert np.isfinite(reader.read(RATE)).all()
            reader.seek(2.0)
            assert np.isfinite(reader.read(2 * RATE)).all()
    except AudioError as error:
        assert error.reason in {Reason.EMPTY, Reason.NOT_AUDIO, Reason.CORRUPT}


def test_no_descriptor_is_left_open_whatever_happened(tmp_path: Path, flac: Path):
    damaged = tmp_path / "damaged.flac"
    damaged.write_bytes(flac.read_bytes()[:200])
    text = tmp_path / "text.m4a"
    text.write_bytes(b"\x00\x00\x00\x20ftypM4A but no more than that")

    def open_descriptors() -> int:
        return len(list(Path("/proc/self/fd").iterdir()))

    for path in (flac, damaged, text):
        for attempt in range(3):
            if attempt == 1:
                before = open_descriptors()
            try:
                with open_audio(path) as reader:
                    reader.read(10)
            except AudioError:
                pass
        assert open_descriptors() == before
