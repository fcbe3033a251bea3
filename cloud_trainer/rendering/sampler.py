"""A sampled piano: scores become mono sound at the models' sample rate.

    sound(t) = Σ_n g(v_n) s_{p_n, layer(v_n)}(t - t_n) · d(t - e_n), then a light room

`s_{p,l}` is the recorded note nearest to pitch p, resampled by at most one semitone and low-passed for soft strokes
(layer l): one recorded velocity serves all. `g` is the stroke's gain, `d` the damper: 1 until the note's end, then an
exponential decay; the strings above `UNDAMPED_FROM` have no dampers, as on a real piano.

The gain is the same for all pieces: how loud a piece is played is part of its expression.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Final

import numpy as np
import numpy.typing as npt

from cloud_trainer.data.sources import require
from cloud_trainer.rendering.score import Score
from models.audio.log_mel import SAMPLE_RATE
from models.errors import DataError, Reason

__all__ = ["HIGHEST_PITCH", "LOWEST_PITCH", "UNDAMPED_FROM", "Sampler", "piano_samples"]

Samples = npt.NDArray[np.float32]

LOWEST_PITCH: Final = 21
HIGHEST_PITCH: Final = 108
UNDAMPED_FROM: Final = 90
LONGEST_NOTE_S: Final = 10.0
"""Recorded notes ring up to 16 s; after ten nothing of them is heard under the notes that follow."""

_NATURALS: Final = {"C": 0, "D": 2, "E": 4, "F": 5, "G": 7, "A": 9, "B": 11}
_LARGEST_SHIFT: Final = 1
# Upper bound of velocity and cut-off in Hz of each layer: soft strokes excite fewer partials.
_LAYERS: Final = ((32, 1800.0), (56, 3000.0), (80, 5500.0), (104, 8500.0), (127, 0.0))
_GAIN_EXPONENT: Final = 1.6
_FULL_STROKE_GAIN: Final = 2.0
_DAMPER_TIME_S: Final = 0.07
_DAMPER_LENGTH_S: Final = 0.45
_ONSET_SHARE: Final = 0.02
_ONSET_LEAD_S: Final = 0.002
_ROOM_TIME_S: Final = 0.09
_ROOM_LENGTH_S: Final = 0.5
_ROOM_GAIN: Final = 0.12


class Sampler:
    """Plays scores with recorded notes.

    Args:
        notes: mono sound at 22.05 kHz by MIDI pitch, one note at least every three semitones.

    Raises:
        DataError: a pitch of the piano is more than one semitone from the nearest note.
    """

    def __init__(self, notes: Mapping[int, Samples]) -> None:
        if not notes:
            raise DataError("the sampler got no notes", reason=Reason.MISSING, remedy="Give it the piano's samples")
        self._notes = {pitch: _from_onset(sound) for pitch, sound in notes.items()}
        self._layers: dict[tuple[int, int], Samples] = {}
        self._pitched: dict[int, Samples] = {}

    def render(self, score: Score) -> Samples:
        """Return the sound of a score `[n]`, soft-limited to ±1; silence of one damper's length without notes."""
        length = int((score.duration_s + _DAMPER_LENGTH_S + _ROOM_LENGTH_S) * SAMPLE_RATE)
        mix = np.zeros(length, np.float32)
        for start_s, end_s, pitch, velocity in zip(
            score.start_s, score.end_s, score.pitch, score.velocity, strict=True
        ):
            self._strike(mix, start_s, end_s, int(np.clip(pitch, LOWEST_PITCH, HIGHEST_PITCH)), int(velocity))
        return np.tanh(_in_room(mix))

    def _strike(self, mix: Samples, start_s: float, end_s: float, pitch: int, velocity: int) -> None:
        sound = self._sound(pitch, velocity)
        gain = np.float32(_FULL_STROKE_GAIN * (velocity / 127.0) ** _GAIN_EXPONENT)
        start = int(start_s * SAMPLE_RATE)
        room_left = mix.size - start
        if pitch >= UNDAMPED_FROM:
            free = min(sound.size, room_left)
            mix[start : start + free] += gain * sound[:free]
            return
        free = min(max(int((end_s - start_s) * SAMPLE_RATE), 0), sound.size, room_left)
        mix[start : start + free] += gain * sound[:free]
        damper = _damper()
        damped = min(damper.size, sound.size - free, room_left - free)
        mix[start + free : start + free + damped] += gain * damper[:damped] * sound[free : free + damped]

    def _sound(self, pitch: int, velocity: int) -> Samples:
        layer = next(index for index, (highest, _) in enumerate(_LAYERS) if velocity <= highest)
        if (pitch, layer) not in self._layers:
            self._layers[pitch, layer] = _low_pass(self._at_pitch(pitch), _LAYERS[layer][1])
        return self._layers[pitch, layer]

    def _at_pitch(self, pitch: int) -> Samples:
        if pitch not in self._pitched:
            import soxr

            nearest = min(self._notes, key=lambda recorded: (abs(recorded - pitch), recorded))
            shift = pitch - nearest
            if abs(shift) > _LARGEST_SHIFT:
                raise DataError(
                    f"no recorded note within {_LARGEST_SHIFT} semitone of MIDI pitch {pitch}",
                    reason=Reason.MISSING,
                    remedy="Run 'attune-trainer data check'",
                )
            sound = self._notes[nearest]
            ratio = 2.0 ** (shift / 12.0)
            moved = sound if shift == 0 else soxr.resample(sound, SAMPLE_RATE * ratio, SAMPLE_RATE)
            self._pitched[pitch] = _faded(np.asarray(moved, np.float32))
        return self._pitched[pitch]


def piano_samples(data: Path) -> dict[int, Samples]:
    """Return the recorded notes of the Salamander grand piano by MIDI pitch, mono at 22.05 kHz.

    Args:
        data: root of the data sets; the notes stand in `piano-samples/<note>.ogg`, `s` marking a sharp.

    Raises:
        DataError: there are none, or one is damaged.
    """
    folder = data / "piano-samples"
    files = sorted(folder.glob("*.ogg"))
    if not files:
        require(folder / "A4.ogg")
    return {_pitch(file.stem): _read(file) for file in files}


def _pitch(note: str) -> int:
    """Return the MIDI pitch of a name such as `Ds4`: middle C is C4 = 60."""
    return _NATURALS[note[0]] + ("s" in note) + 12 * (int(note[-1]) + 1)


def _read(file: Path) -> Samples:
    import soundfile
    import soxr

    try:
        sound, rate = soundfile.read(file, dtype="float32", always_2d=True)
    except (soundfile.SoundFileError, OSError) as error:
        raise DataError(
            f"cannot read the piano note {file}: {error}",
            reason=Reason.CORRUPT,
            remedy="Run 'attune-trainer data check piano-samples'",
        ) from error
    return np.asarray(soxr.resample(sound.mean(axis=1), rate, SAMPLE_RATE), np.float32)


def _from_onset(sound: Samples) -> Samples:
    """Cut the silence before the hammer strikes, so that notes start on time."""
    loud = np.abs(sound) > _ONSET_SHARE * np.abs(sound).max(initial=1e-9)
    first = int(loud.argmax()) - int(_ONSET_LEAD_S * SAMPLE_RATE)
    return sound[max(first, 0) : max(first, 0) + int(LONGEST_NOTE_S * SAMPLE_RATE)]


def _faded(sound: Samples) -> Samples:
    fade = min(sound.size, SAMPLE_RATE // 2)
    faded = sound.copy()
    faded[faded.size - fade :] *= np.linspace(1.0, 0.0, fade, dtype=np.float32)
    return faded


def _low_pass(sound: Samples, cut_off_hz: float) -> Samples:
    if not cut_off_hz:
        return sound
    from scipy.signal import butter, sosfilt

    sections = butter(1, cut_off_hz, fs=SAMPLE_RATE, output="sos")
    return np.asarray(sosfilt(sections, sound), np.float32)


def _in_room(mix: Samples) -> Samples:
    from scipy.signal import oaconvolve

    wet = oaconvolve(mix, _room(), mode="full")[: mix.size]
    return np.asarray(mix + wet, np.float32)


@cache
def _damper() -> Samples:
    times = np.arange(int(_DAMPER_LENGTH_S * SAMPLE_RATE), dtype=np.float32) / SAMPLE_RATE
    return np.asarray(np.exp(-times / np.float32(_DAMPER_TIME_S)), np.float32)


@cache
def _room() -> Samples:
    """Return the impulse response of a small room: noise that decays, `_ROOM_GAIN` of the direct energy."""
    random = np.random.default_rng(0)
    times = np.arange(int(_ROOM_LENGTH_S * SAMPLE_RATE)) / SAMPLE_RATE
    tail = random.normal(size=times.size) * np.exp(-times / _ROOM_TIME_S)
    tail[: int(0.004 * SAMPLE_RATE)] = 0.0
    return np.asarray(tail * np.sqrt(_ROOM_GAIN) / np.linalg.norm(tail), np.float32)
