"""A folder of tiny data sets in the formats of the real ones, so that the trainer's tests need no research data."""

from __future__ import annotations

import hashlib
import io
import zipfile
from contextlib import suppress
from importlib import import_module
from pathlib import Path
from types import ModuleType

import listener_sets as listener_sets_module
import numpy as np
import pretty_midi
import pytest
import soundfile

# Once TensorFlow is in a process, the older runtime breaks there unless it came first; some tests run bundles.
with suppress(ImportError):
    import_module("tflite_runtime.interpreter")

RATE = 22_050
QUADRANTS = (1, 2, 3, 4)


def midi_bytes(pitches: list[int], *, length_s: float = 0.4, velocity: int = 80) -> bytes:
    midi = pretty_midi.PrettyMIDI()
    piano = pretty_midi.Instrument(program=0)
    for number, pitch in enumerate(pitches):
        start = number * length_s
        piano.notes.append(pretty_midi.Note(velocity=velocity, pitch=pitch, start=start, end=start + length_s))
    midi.instruments.append(piano)
    stream = io.BytesIO()
    midi.write(stream)
    return stream.getvalue()


def _melody(number: int) -> list[int]:
    random = np.random.default_rng(number)
    return [int(pitch) for pitch in random.integers(48, 84, 45)]


def _emopia(folder: Path) -> None:
    folder.mkdir()
    rows = ["clip_id,quadrant,annotator,song_id,official_split,valence_sign,arousal_sign,duration_s,n_notes"]
    with zipfile.ZipFile(folder / "midi.zip", "w") as archive:
        for number in range(12):
            quadrant = QUADRANTS[number % 4]
            name = f"Q{quadrant}_song{number // 2}_{number % 2}"
            split = "val" if number >= 8 else "train"
            archive.writestr(f"{name}.mid", midi_bytes(_melody(number)))
            rows.append(f"{name},{quadrant},A,song{number // 2},{split},1,1,20.0,45")
    (folder / "labels.csv").write_text("\n".join(rows) + "\n", "utf-8")


def _vgmidi(folder: Path) -> None:
    folder.mkdir()
    rows = ["midi,valence_mean,arousal_mean"]
    with zipfile.ZipFile(folder / "midi.zip", "w") as archive:
        for number in range(10):
            name = f"Series_NES_Game_Theme Number{number} Arranged.mid"
            archive.writestr(name, midi_bytes(_melody(100 + number)))
            rows.append(f"{name},{0.1 * number - 0.4},{0.4 - 0.1 * number}")
    (folder / "pieces_va.csv").write_text("\n".join(rows) + "\n", "utf-8")


def _emotify(folder: Path) -> None:
    (folder / "audio").mkdir(parents=True)
    emotions = (
        "amazement",
        "solemnity",
        "tenderness",
        "nostalgia",
        "calmness",
        "power",
        "joyful_activation",
        "tension",
    )
    rows = ["track_id,genre," + ",".join((*emotions, "sadness"))]
    random = np.random.default_rng(5)
    for number in range(1, 25):
        genre = ("classical", "rock", "electronic", "pop")[number % 4]
        shares = ",".join(f"{share:.3f}" for share in random.random(9))
        rows.append(f"{number},{genre},{shares}")
        sound = 0.1 * random.normal(size=RATE * 3)
        soundfile.write(folder / "audio" / f"{number:03d}.ogg", sound, RATE)
    (folder / "tracks.csv").write_text("\n".join(rows) + "\n", "utf-8")


def _piano(folder: Path) -> None:
    folder.mkdir()
    times = np.arange(RATE) / RATE
    for octave in range(9):
        for note, semitone in (("C", 0), ("Ds", 3), ("Fs", 6), ("A", 9)):
            pitch = semitone + 12 * (octave + 1)
            if 21 <= pitch <= 108:
                frequency_hz = 440.0 * 2 ** ((pitch - 69) / 12)
                sound = 0.2 * np.sin(2 * np.pi * frequency_hz * times) * np.exp(-3 * times)
                soundfile.write(folder / f"{note}{octave}.ogg", sound, RATE)


@pytest.fixture(scope="session")
def tiny_data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Music sets of a dozen pieces each, with SHA256SUMS."""
    data = tmp_path_factory.mktemp("data")
    _emopia(data / "emopia")
    _vgmidi(data / "vgmidi")
    _emotify(data / "emotify")
    _piano(data / "piano-samples")
    files = sorted(path for path in data.rglob("*") if path.is_file())
    lines = [f"{hashlib.sha256(path.read_bytes()).hexdigest()}  ./{path.relative_to(data)}" for path in files]
    (data / "SHA256SUMS").write_text("\n".join(lines) + "\n", "utf-8")
    return data


@pytest.fixture(scope="session")
def listener_sets() -> ModuleType:
    return listener_sets_module


@pytest.fixture(scope="session")
def listener_data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Sets of listeners, tiny, written once."""
    data = tmp_path_factory.mktemp("listeners")
    listener_sets_module.write(data)
    return data
