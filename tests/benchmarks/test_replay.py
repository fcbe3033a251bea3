"""Sessions through the stations on the recording's own clock."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from itertools import takewhile
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from benchmarks.replay import replay
from firmware_sim.recordings import e4
from firmware_sim.recordings.recording import Recording, Series, entries, header
from models.physiology.schema import INDEX
from models.wire import topics
from models.wire.messages import Truth
from models.wire.session import Entry, SessionWriter

T = 1_600_000_000.0


class Model:
    """Answers the same, and counts how often it was asked and with music."""

    def __init__(self) -> None:
        self.asked = 0
        self.heard: list[float] = []

    def run(self, **inputs: NDArray[np.float32]) -> dict[str, NDArray[np.float32]]:
        self.asked += 1
        self.heard.append(float(inputs["steps"][0, -1, INDEX["heard_share"]]))
        return {
            "mean": np.array([[0.5, -0.5]], dtype=np.float32),
            "log_variance": np.full((1, 2), -3.0, dtype=np.float32),
            "attention": np.full((1, 32), 1 / 32, dtype=np.float32),
        }


def worn(seconds: int, *, rate_hz: float = 1.0) -> Recording:
    series = {
        "hr": Series.even(T, rate_hz, np.full(int(seconds * rate_hz), 70.0) + np.arange(int(seconds * rate_hz)) % 3),
        "temp": Series.even(T, 1.0, np.full(seconds, 33.0)),
    }
    return Recording(
        source="test", licence="", wearable="e4", series=series, truths=(Truth(T + seconds / 2, 0.4, -0.2),)
    )


def test_the_state_follows_on_the_recordings_clock_once_a_second() -> None:
    model = Model()
    found = replay(entries(worn(120, rate_hz=4.0), listener="me"), model=model)
    assert model.asked == len(found.t) or model.asked == len(found.t) - 1
    np.testing.assert_allclose(np.diff(found.t), 1.0, atol=0.26)
    assert T <= found.t[0] < found.t[-1] <= T + 120
    assert found.mean[-1][0] > 0.3
    assert found.mean[-1][1] < -0.2
    assert found.features.shape == (len(found.t), len(found.features[0]))
    assert found.trust["hr"][-1] > 0.5
    assert found.trust["ppg"].max() == 0.0
    assert found.truths == (Truth(T + 60.0, 0.4, -0.2),)
    assert found.sd.shape == found.mean.shape


def test_where_nothing_comes_time_itself_is_a_cause() -> None:
    whole = list(entries(worn(20), listener="me"))
    later = [entry._replace(t=entry.t + 100.0) for entry in entries(worn(1), listener="me")]
    found = replay([*whole, *later], model=Model())
    silent = found.t[(found.t > T + 25) & (found.t < T + 100)]
    np.testing.assert_allclose(np.diff(silent), 5.0)
    assert found.quality[-2] == 0.0
    assert (found.sd[-2] > found.sd[20]).all(), "without data it grows unsure"


def test_music_is_heard_while_it_plays() -> None:
    model = Model()
    replay(entries(worn(60), listener="me"), model=model, music=lambda t: (0.5, 0.5) if t >= T + 30 else None)
    assert max(model.heard[:25]) <= 0.0
    assert model.heard[-1] == 1.0


def test_two_runs_are_the_same() -> None:
    first, second = (replay(entries(worn(60), listener="me"), model=Model()) for _ in range(2))
    np.testing.assert_array_equal(first.mean, second.mean)
    np.testing.assert_array_equal(first.features, second.features)


def test_an_empty_session_and_one_without_a_sensor_have_no_states() -> None:
    assert len(replay([], model=None).t) == 0
    told = [
        Entry(T, "attune/1/device/x/affect", b"{}"),
        Entry(T + 60, topics.truth("me"), b'{"t":1,"valence":0,"arousal":0}'),
    ]
    found = replay(told, model=None)
    assert len(found.t) == 0
    assert len(found.truths) == 1


@pytest.fixture
def wristband(shared_data: Path) -> Iterator[Entry]:
    """Five minutes of a real wristband."""
    recording = e4.read(shared_data / "signals" / "flirt-e4")
    begin = header(recording).t
    return takewhile(lambda entry: entry.t < begin + 300, entries(recording, listener="me"))


def test_a_real_wristband_keeps_the_state_in_the_plane(wristband: Iterator[Entry]) -> None:
    found = replay(wristband, model=Model())
    assert len(found.t) > 250
    assert np.isfinite(found.mean).all()
    assert (np.abs(found.mean) <= 1.0).all()
    assert (np.linalg.eigvalsh(found.covariance) > 0.0).all()
    assert not found.counters["malformed"]


def test_as_a_program_it_tells_what_became_of_a_session(tmp_path: Path) -> None:
    recording = worn(30)
    with SessionWriter(tmp_path / "x.session.gz", header(recording)) as writer:
        writer.write(entries(recording, listener="me"))
    command = [sys.executable, "-m", "benchmarks.replay", str(tmp_path / "x.session.gz")]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert "source: test" in done.stdout
    assert "heart_rate" in done.stdout
