"""The mixing desk: room, loudness, soft limiting, clean ends."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from firmware_sim.music.emotion import Character
from firmware_sim.music.instruments import SAMPLE_RATE, Audio
from firmware_sim.music.performance import Performance

__all__ = ["CEILING", "gated_rms_db", "limited", "master", "room"]

# -1 dBFS: head room for lossy encoders and sample-rate converters, which overshoot.
CEILING = 0.89
_FADE_IN_S = 0.01
_FADE_OUT_S = 2.2
_LOOK_AHEAD_S = 0.004
# The open or closed lid: how far the treble moves between the dullest and the brightest piece, either way.
_TILT_DB = 6.0


def master(performance: Performance, character: Character, rng: np.random.Generator, *, tilt: float = 1.0) -> Audio:
    """The finished piece, `float32[n, 2]`, within ±`CEILING`, without DC, silent at both ends.

    Args:
        performance: what the players played.
        character: loudness, reverberation and brightness.
        rng: the room's reflections.
        tilt: how far the treble follows the brightness, 0 to 1.
    """
    from scipy.signal import butter, oaconvolve, sosfilt

    samples = performance.dry.shape[1]
    response = room(character.reverberation_s, 2500 + 5000 * character.brightness, rng)
    wet = np.stack([oaconvolve(performance.send, side)[:samples] for side in response])
    mix = performance.dry + wet
    # 24 Hz: below every note, above DC and the slow drift of plucked loops.
    sections = [
        *butter(2, 24, "high", fs=SAMPLE_RATE, output="sos"),
        _shelf(tilt * _TILT_DB * (2 * character.brightness - 1)),
    ]
    mix = sosfilt(np.array(sections, np.float32), mix, axis=1)
    for _ in range(2):  # limiting takes a little loudness away; the second pass gives it back
        mix = limited(mix * np.float32(10 ** ((character.loudness_db - gated_rms_db(mix)) / 20)))
    return np.ascontiguousarray(_with_clean_ends(mix).T)


def room(decay_s: float, damping_hz: float, rng: np.random.Generator) -> Audio:
    """Impulse response of a room, `float32[2, n]`, unit energy: early reflections, then a diffuse tail.

    High frequencies die first, as air and walls swallow them (Moorer 1979, "About this reverberation business"): the
    tail is noise in three bands with decays of their own, different left and right.

    Args:
        decay_s: time to fall by 60 dB in the middle band.
        damping_hz: above it the tail fades twice as fast.
        rng: the noise.
    """
    samples = round(1.1 * decay_s * SAMPLE_RATE)
    time = np.arange(samples) / SAMPLE_RATE
    spectrum = np.fft.rfft(rng.normal(size=(2, samples)))
    hz = np.fft.rfftfreq(samples, 1 / SAMPLE_RATE)
    response = np.zeros((2, samples))
    for low, high, share, level in ((150, 700, 1.0, 1.0), (700, damping_hz, 0.85, 0.9), (damping_hz, 13_000, 0.4, 0.7)):
        band = spectrum / np.sqrt((1 + (low / np.maximum(hz, 1)) ** 4) * (1 + (hz / high) ** 4))
        response += level * np.fft.irfft(band, samples) * np.exp(-6.91 * time / (decay_s * share))
    response *= np.clip(time / 0.02, 0, 1)  # the diffuse field builds up over the first 20 ms
    for side in range(2):
        taps = (rng.uniform(0.007, 0.06, 6) * SAMPLE_RATE).astype(int)
        response[side, taps] += rng.choice([-1, 1], 6) * 6.0 * np.exp(-taps / (0.03 * SAMPLE_RATE))
    unit: Audio = (response / np.sqrt(np.sum(response**2, axis=1, keepdims=True))).astype(np.float32)
    return unit


def _shelf(gain_db: float) -> NDArray[np.float64]:
    """A second-order section that lifts or lowers what lies above 1.2 kHz: a first-order shelf, half its gain there."""
    corner, gain = np.tan(np.pi * 1200 / SAMPLE_RATE), 10 ** (gain_db / 20)
    zero, pole = corner / np.sqrt(gain), corner * np.sqrt(gain)
    scale = gain * (1 + zero) / (1 + pole)
    return np.array([scale, scale * (zero - 1) / (zero + 1), 0.0, 1.0, (pole - 1) / (pole + 1), 0.0])


def gated_rms_db(stereo: Audio) -> float:
    """Loudness in dB relative to full scale: RMS over the blocks of 0.4 s that are not much softer than the rest.

    A plain version of EBU R 128's gate (10 dB below the mean of the audible blocks), without its frequency weighting.

    Args:
        stereo: `float32[2, n]`.
    """
    block = round(0.4 * SAMPLE_RATE)
    usable = max(1, stereo.shape[1] // block) * block
    power = np.mean(np.square(stereo), axis=0)[:usable]
    blocks = power.reshape(-1, min(block, len(power))).mean(axis=1) + 1e-12
    audible = blocks[blocks > 10**-7]
    if not len(audible):
        return -120.0
    return float(10 * np.log10(np.mean(audible[audible > 0.1 * np.mean(audible)])))


def limited(stereo: Audio) -> Audio:
    """The same music with its peaks turned down: nothing above `CEILING`, no clipping, no clicks.

    The gain that each moment needs is taken as the least over a window around it and then averaged over the same
    window: such a mean never exceeds what the moment needs, and moves smoothly.

    Args:
        stereo: `float32[2, n]`.
    """
    from scipy.ndimage import minimum_filter1d, uniform_filter1d

    peak = np.max(np.abs(stereo), axis=0)
    if peak.max() <= CEILING:
        return stereo
    window = 2 * round(_LOOK_AHEAD_S * SAMPLE_RATE) + 1
    needed: NDArray[np.float32] = np.minimum(1, CEILING / np.maximum(peak, 1e-9)).astype(np.float32)
    gain = uniform_filter1d(minimum_filter1d(needed, window), window)
    # float32 averaging may err upwards by a few ulp
    quiet: Audio = np.clip(stereo * gain, -CEILING, CEILING)
    return quiet


def _with_clean_ends(stereo: Audio) -> Audio:
    for seconds, end in ((_FADE_IN_S, slice(None)), (_FADE_OUT_S, slice(None, None, -1))):
        samples = min(stereo.shape[1], round(seconds * SAMPLE_RATE))
        slope = (0.5 - 0.5 * np.cos(np.pi * np.arange(samples) / samples)).astype(np.float32)
        stereo[:, end][:, :samples] *= slope
    return stereo
