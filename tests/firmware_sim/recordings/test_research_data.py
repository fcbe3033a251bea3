"""HKU956 and the test signals: on made-up files for what can go wrong, on the real ones where they are."""

from __future__ import annotations

import gzip
from pathlib import Path

import numpy as np
import pytest

from firmware_sim.recordings import hku956, signals
from models.errors import DataError, Reason
from models.wire.quantities import QUANTITIES

RATINGS = """participant_id,song_no,song_id,valence_rating,arousal_rating,valence,arousal,play_duration
hku1,1,77,-4,10,negative,positive,30
hku1,0,55,6,2,positive,positive,40
hku2,0,55,1,1,positive,positive,40
"""


@pytest.fixture
def data(tmp_path: Path) -> Path:
    (tmp_path / "ratings.csv").write_text(RATINGS)
    (tmp_path / "signals").mkdir()
    write(tmp_path)
    return tmp_path


def write(folder: Path, **changed: np.ndarray) -> None:
    arrays = {
        f"{song}/{name}": np.full(int(seconds * rate), level, dtype=np.float32)
        for song, seconds in (("00_55", 40), ("01_77", 30))
        for name, rate, level in (("BVP", 64, 3.0), ("EDA", 4, 0.5), ("HR", 1, 70.0), ("TEMP", 4, 33.0))
    }
    np.savez(folder / "signals" / "hku1.npz", **(arrays | changed))


def refused(folder: Path, participant: str = "hku1") -> DataError:
    with pytest.raises(DataError) as caught:
        hku956.read(folder, participant)
    assert str(folder) in str(caught.value)
    return caught.value


def test_the_songs_are_laid_one_after_another_in_the_order_heard(data: Path) -> None:
    recording = hku956.read(data, "hku1")
    assert {quantity: len(series.times) for quantity, series in recording.series.items()} == {
        "ppg": 70 * 64,
        "eda": 70 * 4,
        "hr": 70,
        "temp": 70 * 4,
    }
    times = recording.series["hr"].times
    assert times[40] - times[39] == 1.0 + hku956.PAUSE_S
    assert recording.series["eda"].values[0] == 0.5e-6
    first, second = recording.truths
    assert (first.valence, first.arousal) == (0.6, 0.2)
    assert (second.valence, second.arousal) == (-0.4, 1.0)
    assert first.t == times[39] + 1.0, "a song is rated when it is over"


def test_a_participant_that_is_not_there_names_those_that_are(data: Path) -> None:
    error = refused(data, "hku9")
    assert error.reason is Reason.MISSING
    assert "hku1, hku2" in str(error)
    assert refused(data, "hku2").reason is Reason.MISSING, "rated, yet without signals"
    assert refused(data / "nowhere").reason is Reason.MISSING


def test_a_missing_column_and_a_rating_that_is_no_number_are_named(data: Path) -> None:
    (data / "ratings.csv").write_text(RATINGS.replace("song_id", "track"))
    assert "song_id" in str(refused(data))
    (data / "ratings.csv").write_text(RATINGS.replace("-4", "good"))
    assert "good" in str(refused(data))
    (data / "ratings.csv").write_text(RATINGS.replace("-4", "nan"))
    assert "finite" in str(refused(data))
    (data / "ratings.csv").write_text("")
    assert refused(data).reason is Reason.MALFORMED


def test_signals_that_lack_a_song_or_hold_no_numbers_are_refused(data: Path) -> None:
    write(data, **{"01_77/EDA": np.array([np.nan], dtype=np.float32)})
    assert "01_77/EDA" in str(refused(data))
    (data / "ratings.csv").write_text(RATINGS.replace("1,77", "1,78"))
    assert "01_78" in str(refused(data))


def test_a_damaged_archive_is_refused(data: Path) -> None:
    path = data / "signals" / "hku1.npz"
    content = path.read_bytes()
    for bad in (b"", b"PK nothing", content[: len(content) // 2], np.arange(3).tobytes()):
        path.write_bytes(bad)
        assert refused(data).reason is Reason.CORRUPT


@pytest.mark.parametrize("name", signals.NAMES)
def test_every_signal_becomes_plausible_samples_no_denser_than_the_wire(shared_data: Path, name: str) -> None:
    recording = signals.read(shared_data / "signals", name)
    assert recording.series
    for quantity, series in recording.series.items():
        spec = QUANTITIES[quantity]
        assert np.isfinite(series.values).all()
        assert ((series.values >= spec.low) & (series.values <= spec.high)).mean() > 0.99
        if quantity in {"ecg", "ppg"}:
            assert np.median(np.diff(series.times)) >= 1 / 135


def test_a_real_participant_is_read(shared_data: Path) -> None:
    recording = hku956.read(shared_data / "hku956", "hku1904")
    assert len(recording.truths) > 10
    assert np.median(recording.series["temp"].values) > 29


def test_a_real_pulse_rises_with_each_systole(shared_data: Path) -> None:
    pulse = hku956.read(shared_data / "hku956", "hku1914").series["ppg"]
    rise = np.diff(pulse.values[: 60 * 64])
    assert (rise**3).mean() > 0, "a pulse rises faster than it falls"


def test_an_unknown_signal_names_those_there_are(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="bio-resting-5min"):
        signals.read(tmp_path, "eeg")


@pytest.mark.parametrize(
    ("text", "reason", "named"),
    [
        ("PPG,RSP\n1,2\n", Reason.MALFORMED, "'ECG'"),
        ("", Reason.MALFORMED, "'ECG'"),
        ("ECG,PPG,RSP\n", Reason.EMPTY, "no sample"),
        ("ECG,PPG,RSP\n1,2\n", Reason.MALFORMED, "line 2"),
        ("ECG,PPG,RSP\n1,2,3\n1,nan,3\n", Reason.MALFORMED, "line 3"),
    ],
)
def test_a_malformed_signal_is_refused(tmp_path: Path, text: str, reason: Reason, named: str) -> None:
    path = tmp_path / "neurokit" / "bio_resting_5min_100hz.csv.gz"
    path.parent.mkdir()
    path.write_bytes(gzip.compress(text.encode()))
    with pytest.raises(DataError) as caught:
        signals.read(tmp_path, "bio-resting-5min")
    assert caught.value.reason is reason
    assert named in str(caught.value)


def test_a_missing_signal_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError) as caught:
        signals.read(tmp_path, "e0103")
    assert caught.value.reason is Reason.MISSING
