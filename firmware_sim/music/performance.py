"""From score to sound: players take their notes, in time but not like clockwork, and play them into a stereo field."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from firmware_sim.music.emotion import Character
from firmware_sim.music.instruments import INSTRUMENTS, SAMPLE_RATE, Audio, Instrument, tone
from firmware_sim.music.score import Note, Part, Score

__all__ = ["Performance", "perform"]

# Velocity 0 lies this far below velocity 1; a pianist's usual range is about 30 dB of it.
_DYNAMIC_RANGE_DB = 26.0
# Players scatter around the beat by about this much (Juslin & Laukka 2004 review 10-20 ms; half is already human).
_SCATTER_S = {"drums": 0.003, "bass": 0.005}
_USUAL_SCATTER_S = 0.008
# A bowed note is never shorter than this, or only its attack would be heard.
_SHORTEST_S = 0.06


@dataclass(frozen=True, slots=True)
class Performance:
    """What stands on the tape.

    Attributes:
        dry: `float32[2, n]`, what came straight from the players.
        send: `float32[n]`, what goes into the room.
    """

    dry: Audio
    send: Audio


def perform(score: Score, character: Character, seconds: float, rng: np.random.Generator) -> Performance:
    """Play a score.

    Args:
        score: what to play.
        character: brightness, attack and unevenness of the playing.
        seconds: length of the recording; notes that ring longer are cut off where it ends.
        rng: the players' timing and touch.
    """
    samples = round(seconds * SAMPLE_RATE)
    dry = np.zeros((2, samples), np.float32)
    send = np.zeros(samples, np.float32)
    for part in score.parts:
        stereo = _play(part, score, character, (samples, rng))
        if part.drive > 0.02 and "guitar" in part.instrument:
            stereo = _amplified(stereo, part.drive)
        dry += stereo
        send += stereo.sum(axis=0) * np.float32(10 ** (part.send_db / 20))
    return Performance(dry, send)


def _play(part: Part, score: Score, character: Character, room: tuple[int, np.random.Generator]) -> Audio:
    samples, rng = room
    instrument = INSTRUMENTS[part.instrument]
    starts, ends = _times(part, score, rng)
    touch = rng.normal(0, character.unevenness, len(part.notes))
    stereo = np.zeros((2, samples), np.float32)
    gain = instrument.gain * 10 ** (part.gain_db / 20)
    for note, start, end, deviation in zip(part.notes, starts, ends, touch, strict=True):
        velocity = float(np.clip(note.velocity * (1 + deviation), 0.03, 1))
        first = int(start * SAMPLE_RATE)
        sound = _note(part.instrument, note, end - start, (velocity, character))
        sound = sound[: samples - first]
        level = gain * 10 ** (_DYNAMIC_RANGE_DB * (velocity - 1) / 20)
        left, right = _panned(part, instrument, note.pitch)
        stereo[0, first : first + len(sound)] += np.float32(level * left) * sound
        stereo[1, first : first + len(sound)] += np.float32(level * right) * sound
    return stereo


def _times(part: Part, score: Score, rng: np.random.Generator) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Onsets and ends in seconds: swung, then scattered, never before the beginning."""
    begin = np.array([note.start for note in part.notes])
    finish = begin + np.array([note.beats for note in part.notes])
    if score.swing:
        offbeat = np.isclose(begin % 1, 0.5)
        begin = begin + offbeat * score.swing / 6  # 1/2 -> 2/3 of the beat at full swing
    scatter = _SCATTER_S.get(part.role, _USUAL_SCATTER_S)
    starts = np.maximum(score.seconds(begin) + rng.normal(0, scatter, len(begin)).clip(-2 * scatter, 2 * scatter), 0)
    return starts + 0.03, np.maximum(score.seconds(finish), starts + _SHORTEST_S) + 0.03


def _note(name: str, note: Note, seconds: float, touch: tuple[float, Character]) -> Audio:
    """One note: the layers mixed by touch, cut to length with a soft end."""
    velocity, character = touch
    instrument, layers = INSTRUMENTS[name], tone(name, note.pitch)
    release = round(instrument.release_s * SAMPLE_RATE)
    samples = min(layers.shape[1], round(seconds * SAMPLE_RATE) + release)
    hardness = np.float32(np.clip(0.35 * velocity + 0.8 * character.brightness - 0.15, 0, 1))
    sound: Audio = layers[0, :samples] * (1 - hardness) + layers[1, :samples] * hardness
    if instrument.held:
        attack = min(samples, max(64, round(character.attack_s * SAMPLE_RATE)))
        sound[:attack] *= _rising(attack)
    if samples < layers.shape[1] or instrument.held:
        tail = min(samples, release)
        sound[samples - tail :] *= _rising(tail)[::-1]
    return sound


@lru_cache(maxsize=256)
def _rising(samples: int) -> Audio:
    slope: Audio = (0.5 - 0.5 * np.cos(np.pi * np.arange(samples) / samples)).astype(np.float32)
    return slope


def _panned(part: Part, instrument: Instrument, pitch: int) -> tuple[float, float]:
    """Left and right gain of equal power; low notes left and high ones right, as wide as the instrument is."""
    position = float(np.clip(part.pan + instrument.spread * (pitch - 60) / 12, -0.9, 0.9))
    angle = (position + 1) * np.pi / 4
    return float(np.cos(angle)), float(np.sin(angle))


def _amplified(stereo: Audio, drive: float) -> Audio:
    """A guitar amplifier: saturation, then a loudspeaker that passes the middle."""
    from scipy.signal import butter, sosfilt

    gain = 1 + 18 * drive
    level = float(np.sqrt(np.mean(np.square(stereo)))) + 1e-9
    saturated = np.tanh(stereo * (gain * 0.12 / level))
    cabinet = butter(1, [85, 6500], "band", fs=SAMPLE_RATE, output="sos").astype(np.float32)
    shaped = sosfilt(cabinet, saturated, axis=1)
    loudness = level / (float(np.sqrt(np.mean(np.square(shaped)))) + 1e-9)
    amplified: Audio = ((1 - 0.8 * drive) * stereo + 0.8 * drive * loudness * shaped).astype(np.float32)
    return amplified
