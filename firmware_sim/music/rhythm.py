"""Rhythm: cells of onsets within a bar, drum patterns, and the humanised clock.

Gabrielsson & Lindström (2010): regular, smooth rhythm reads as happy or serene, irregular and rough rhythm as uneasy or
angry; more onsets a second read as more aroused. Expressive timing (slowing into phrase ends, small deviations) is what
tells a performance from a machine (Juslin & Laukka 2004).
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from firmware_sim.music.emotion import Character
from firmware_sim.music.score import Note

__all__ = ["DRUM_KEYS", "STEPS_PER_BEAT", "beat_times", "cell", "drum_bar", "subdivision"]

STEPS_PER_BEAT = 4

# General MIDI percussion keys.
DRUM_KEYS = {
    "kick": 36, "snare": 38, "clap": 39, "closed hat": 42, "open hat": 46, "low tom": 45, "crash": 49, "ride": 51,
    "shaker": 70, "brush": 40, "timpani": 47,
}  # fmt: skip

# kind -> step of a 4/4 bar in sixteenths -> what sounds, with relative velocity; waltz patterns use the first 12 steps.
_GROOVES: dict[str, dict[str, tuple[tuple[int, float], ...]]] = {
    "light": {"shaker": ((0, 0.5), (2, 0.35), (4, 0.6), (6, 0.35), (8, 0.5), (10, 0.35), (12, 0.6), (14, 0.35))},
    "soft": {
        "kick": ((0, 0.6), (8, 0.5)),
        "brush": ((4, 0.5), (12, 0.55)),
        "closed hat": ((0, 0.3), (4, 0.4), (8, 0.3), (12, 0.4)),
    },
    "swing": {
        "ride": ((0, 0.6), (4, 0.7), (6, 0.45), (8, 0.6), (12, 0.7), (14, 0.45)),
        "brush": ((4, 0.4), (12, 0.45)),
        "kick": ((0, 0.3), (8, 0.25)),
    },
    "backbeat": {
        "kick": ((0, 0.9), (6, 0.5), (8, 0.8)),
        "snare": ((4, 0.8), (12, 0.85)),
        "closed hat": tuple((step, 0.5 if step % 4 == 0 else 0.35) for step in range(0, 16, 2)),
    },
    "four": {
        "kick": ((0, 0.9), (4, 0.85), (8, 0.9), (12, 0.85)),
        "clap": ((4, 0.7), (12, 0.7)),
        "open hat": ((2, 0.4), (6, 0.4), (10, 0.4), (14, 0.4)),
        "closed hat": tuple((step, 0.3) for step in range(16)),
    },
    "driving": {
        "kick": ((0, 1.0), (3, 0.7), (6, 0.8), (8, 0.9), (11, 0.7), (14, 0.6)),
        "snare": ((4, 0.95), (12, 1.0), (15, 0.5)),
        "open hat": tuple((step, 0.55 if step % 4 == 0 else 0.35) for step in range(0, 16, 2)),
        "low tom": ((7, 0.5), (10, 0.5)),
    },
    "timpani": {"timpani": ((0, 0.8), (6, 0.45), (8, 0.65), (14, 0.5))},
}


def cell(onsets: int, beats: int, character: Character, rng: np.random.Generator) -> NDArray[np.float64]:
    """Onsets within one bar, in beats, ascending, the first note on the bar unless the character is irregular.

    Args:
        onsets: how many notes, cut to what a bar holds.
        beats: beats in the bar.
        character: its irregularity moves onsets off the beat.
        rng: chooses.
    """
    steps = beats * STEPS_PER_BEAT
    weights = np.full(steps, 0.05)
    weights[::2] = 0.3
    weights[::STEPS_PER_BEAT] = 0.8
    weights[0] = 1.5
    weights **= 2.2 - 1.8 * character.irregularity
    onsets = int(np.clip(onsets, 1, steps // 2 if onsets <= steps // 2 else steps))
    if onsets <= steps // 2 and rng.random() > character.irregularity:
        weights[1::2] = 0  # sixteenths stand out: only where the music is dense or rough
    onsets = min(onsets, int(np.count_nonzero(weights)))
    chosen = rng.choice(steps, size=onsets, replace=False, p=weights / weights.sum())
    if 0 not in chosen and rng.random() > 0.5 * character.irregularity:
        chosen[0] = 0
    onsets_in_beats: NDArray[np.float64] = np.unique(chosen) / STEPS_PER_BEAT
    return onsets_in_beats


def subdivision(target_per_s: float, beat_s: float, choices: tuple[float, ...] = (0.5, 1, 2, 4)) -> float:
    """Notes a beat whose rate comes closest to a target rate, on a logarithmic scale."""
    return min(choices, key=lambda notes: abs(np.log(notes / beat_s / target_per_s)))


def drum_bar(groove: str, start: float, beats: int, level: float) -> list[Note]:
    """One bar of a groove, as notes.

    Args:
        groove: a key of the grooves of this module.
        start: first beat of the bar.
        beats: beats in the bar; three take the groove's first three.
        level: velocity of a full stroke.
    """
    return [
        Note(start + step / STEPS_PER_BEAT, 0.25, DRUM_KEYS[drum], level * strength)
        for drum, strokes in _GROOVES[groove].items()
        for step, strength in strokes
        if step < beats * STEPS_PER_BEAT
    ]


def beat_times(beats: int, bar: int, character: Character, rng: np.random.Generator) -> NDArray[np.float64]:
    """When each beat falls: the tempo, breathing with the phrases, drifting a little, slowing at the end.

    Args:
        beats: length of the piece.
        bar: beats in a bar.
        character: its tempo; calm music breathes more (rubato), fast music keeps time.
        rng: drift.

    Returns:
        `float64[beats + 1]`, seconds, starting at 0.
    """
    position = np.arange(beats)
    rubato = 0.05 * np.clip((120 - character.tempo_bpm) / 60, 0.1, 1)
    phrase = 4 * bar
    breathing = 1 + rubato * np.cos(2 * np.pi * (position % phrase) / phrase)  # slower around the phrase's seams
    drift = np.cumsum(rng.normal(0, 0.002, beats))
    slowing = 1 + 0.45 * np.clip((position - (beats - 2.5 * bar)) / (1.5 * bar), 0, 1) ** 1.5
    lengths = 60 / character.tempo_bpm * breathing * slowing * (1 + drift - drift.mean())
    return np.concatenate([[0.0], np.cumsum(lengths)])
