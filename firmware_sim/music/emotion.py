"""From an intended emotion to musical parameters.

Which cue carries which emotion is the best-replicated knowledge of music psychology. The mapping below follows

- Juslin & Laukka (2004), "Expression, Perception, and Induction of Musical Emotions", J. New Music Research 33(3):
  table 1 of acoustic cues per emotion (tempo, level, articulation, timbre, register, mode, micro-timing);
- Gabrielsson & Lindström (2010), "The role of structure in the musical expression of emotions", in Juslin & Sloboda
  (eds.), Handbook of Music and Emotion: harmony, intervals, contour, rhythm;
- Eerola, Friberg & Bresin (2013), "Emotional expression in music: contribution, linearity, and additivity of primary
  musical cues", Frontiers in Psychology 4:487: mode, tempo, register, dynamics, articulation and timbre act nearly
  linearly and additively, mode first for valence, tempo and dynamics first for arousal.

| parameter | follows | low end -> high end |
| --- | --- | --- |
| tempo | arousal (a little valence) | 55 -> 155 beats a minute, geometric |
| mode | valence | phrygian, harmonic minor, aeolian, dorian, mixolydian, ionian, lydian |
| dissonance | negative valence, more with arousal | plain and added sixths, sevenths -> seconds, tritones, diminished |
| register | valence | dark and low -> light and high, 11 semitones |
| articulation | arousal, valence | legato with pedal -> staccato (anger stays heavier than joy) |
| density | arousal | 1.0 -> 4.4 melody notes a second |
| contour | valence; leaps with arousal | falling, narrow -> rising, wide |
| dynamics | arousal | velocity 0.3 -> 0.9; uneven where valence is negative and arousal high |
| brightness | arousal (anger brightest) | 0.1 -> 1 of the way from the soft to the hard layer of each instrument |
| attack | arousal | 120 ms -> 8 ms for held sounds |
| loudness | arousal, moderately | -23.5 -> -14.5 dB RMS |
| irregularity | negative valence with arousal | even, on the beat -> syncopated, accented off the beat |
| percussion | arousal | none -> full kit |
| space | low arousal | 0.9 -> 2.4 s of reverberation |
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

__all__ = ["Character", "Emotion", "character_of", "quadrant", "spread"]

# Kronecker sequence with the plastic number, the most even known for two dimensions (Roberts 2018, "R2").
_PLASTIC = 1.32471795724474602596
_STARTS = 32


@dataclass(frozen=True, slots=True)
class Emotion:
    """A point of the valence-arousal plane, both in [-1, 1]."""

    valence: float
    arousal: float


@dataclass(frozen=True, slots=True)
class Character:
    """What an emotion asks of the music.

    Attributes:
        tempo_bpm: beats a minute.
        mode_brightness: -1 (darkest mode) to 1 (brightest).
        dissonance: 0 (consonant) to 1 (harsh).
        richness: 0 (triads) to 1 (sixths, sevenths and ninths): the colour of calm.
        register: shift of the melody's centre, in semitones.
        articulation: sounding share of a note's time, 0.45 (staccato) to 1.08 (legato).
        density: melody notes a second.
        rise: -1 (falling contours) to 1 (rising).
        leap: 0 (stepwise) to 1 (wide).
        velocity: mean key velocity, 0 to 1.
        unevenness: standard deviation of velocity.
        brightness: 0 to 1.
        attack_s: attack of held sounds in seconds.
        loudness_db: RMS of the finished piece, dB relative to full scale.
        irregularity: 0 to 1, share of off-beat onsets and accents.
        percussion: 0 (none) to 1 (full kit).
        reverberation_s: time in which the room decays by 60 dB.
        weight: 0 to 1, how heavy and low the accompaniment is (tension, anger).
    """

    tempo_bpm: float
    mode_brightness: float
    dissonance: float
    richness: float
    register: float
    articulation: float
    density: float
    rise: float
    leap: float
    velocity: float
    unevenness: float
    brightness: float
    attack_s: float
    loudness_db: float
    irregularity: float
    percussion: float
    reverberation_s: float
    weight: float


def character_of(emotion: Emotion, rng: np.random.Generator) -> Character:
    """Musical parameters for an emotion, with a little seeded variety around the table of this module."""
    v, a = emotion.valence, emotion.arousal
    energy, pleasure = (a + 1) / 2, (v + 1) / 2
    tension = (1 - pleasure) * energy  # 1 in the corner of anger and fear
    vary = rng.normal(size=6).clip(-2, 2)
    return Character(
        tempo_bpm=float(92 * 2 ** (0.62 * a + 0.12 * v + 0.05 * vary[0])),
        mode_brightness=float(np.clip(v + 0.06 * vary[1], -1, 1)),
        dissonance=float(np.clip(0.15 * (1 - pleasure) + 0.85 * tension**1.3, 0, 1)),
        richness=float(np.clip(0.85 - 0.8 * energy, 0, 1)),
        register=5.5 * v + 0.8 * float(vary[2]),
        articulation=float(np.clip(1.08 - 0.35 * energy - 0.2 * energy * pleasure + 0.03 * vary[3], 0.45, 1.08)),
        density=float(1.0 * 4.4**energy),
        rise=float(np.clip(0.8 * v, -1, 1)),
        leap=float(np.clip(0.15 + 0.45 * energy + 0.2 * pleasure * energy, 0, 1)),
        velocity=float(np.clip(0.3 + 0.58 * energy + 0.04 * tension, 0.25, 0.95)),
        unevenness=float(0.05 + 0.1 * tension),
        brightness=float(np.clip(0.1 + 0.65 * energy + 0.2 * tension + 0.08 * pleasure * energy, 0, 1)),
        attack_s=float(0.12 * (0.008 / 0.12) ** energy),
        loudness_db=float(-19 + 4.5 * a + 0.3 * vary[4]),
        irregularity=float(np.clip(0.08 + 0.15 * energy + 0.5 * tension, 0, 1)),
        percussion=float(np.clip(1.25 * energy - 0.2 + 0.08 * vary[5], 0, 1)),
        reverberation_s=float(2.4 - 1.5 * energy),
        weight=float(np.clip(tension * 1.2, 0, 1)),
    )


def spread(count: int, rng: np.random.Generator) -> NDArray[np.float64]:
    """Points that cover the plane evenly: `float64[count, 2]`, valence and arousal in [-1, 1].

    A low-discrepancy sequence with a seeded start: unlike random points it leaves no holes, unlike a grid it has no
    rows. Of several starts the one with the least correlation of valence and arousal is taken, so that no ranking can
    pass for a good one by following arousal alone.
    """
    steps = np.arange(1, count + 1)[:, None] * np.array([1 / _PLASTIC, 1 / _PLASTIC**2])
    starts: NDArray[np.float64] = rng.random((_STARTS, 2))
    candidates = [(start + steps) % 1 * 2 - 1 for start in starts]
    return min(candidates, key=lambda points: abs(float(np.mean(points[:, 0] * points[:, 1]))))


def quadrant(valence: float, arousal: float) -> int:
    """Russell's quadrant: 1 (pleasant, excited), 2 (unpleasant, excited), 3 (unpleasant, calm), 4 (pleasant, calm)."""
    if arousal >= 0:
        return 1 if valence >= 0 else 2
    return 4 if valence >= 0 else 3
