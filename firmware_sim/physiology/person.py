"""What makes one body unlike another: resting values and reactivity, drawn from a seed."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

__all__ = ["Person"]

# Correlation of resting heart rate and ln RMSSD between people: slow hearts vary more (Sacha 2014, Front. Physiol.
# 5:306, gives the mechanism; -0.5 lies in the middle of what short recordings show).
_RATE_AND_VARIABILITY = -0.5


@dataclass(frozen=True, slots=True)
class Person:
    """One body at quiet rest, arousal and valence 0.

    Attributes:
        heart_rate_bpm: resting heart rate, beats a minute.
        rmssd_s: root mean square of successive RR differences at rest, seconds.
        slow_s: standard deviation of the RR intervals below 0.04 Hz, seconds.
        breaths_per_minute: resting breathing rate.
        conductance_us: tonic skin conductance, microsiemens.
        responses_per_minute: skin conductance responses at rest.
        temperature_c: skin temperature at the wrist, degrees Celsius.
        pulse_amplitude: of the optical pulse, arbitrary units.
        reactivity: how strongly the body answers to feeling; 1 is the average.
        restlessness: movements of the hand per minute at rest.
    """

    heart_rate_bpm: float
    rmssd_s: float
    slow_s: float
    breaths_per_minute: float
    conductance_us: float
    responses_per_minute: float
    temperature_c: float
    pulse_amplitude: float
    reactivity: float
    restlessness: float

    @classmethod
    def average(cls) -> Person:
        """The middle of every distribution that `drawn` draws from."""
        return cls(
            heart_rate_bpm=70.0,
            rmssd_s=0.040,
            slow_s=0.035,
            breaths_per_minute=14.5,
            conductance_us=0.6,
            responses_per_minute=2.5,
            temperature_c=32.9,
            pulse_amplitude=50.0,
            reactivity=1.0,
            restlessness=2.0,
        )

    @classmethod
    def drawn(cls, seed: int) -> Person:
        """Draw somebody from the population.

        - Heart rate: 926 ms mean RR lying down (Nunan et al. 2010, PACE 33:1407), 74 ± 10 seated with a wristband
          (medians of the 24 people of HKU956): 70 ± 8, kept within 52 to 92.
        - RMSSD: 42 ms, between-study SD 15 ms (Nunan et al. 2010): logarithmic with σ 0.35 around 40 ms.
        - Slow variation: what SDNN of 50 ms (Nunan et al. 2010) leaves after the faster bands.
        - Breathing: 12 to 18 a minute in healthy adults at rest.
        - Skin conductance at the wrist: logarithmic; medians of HKU956's people have mean -0.55 and SD 1.2 of the
          logarithm in uS; the SD is cut to 0.8 because theirs includes bands that sat badly.
        - Skin conductance responses: 1 to 3 a minute at rest (Dawson, Schell & Filion 2007, The Electrodermal System).
        - Temperature: 32.9 ± 1.5 (HKU956); cut to ± 1, since theirs includes bands that were warming up.
        - Reactivity: heart-rate reactions to the same task differ with a coefficient of variation of about a third to a
          half between people (WESAD, stress minus baseline: 23.5 ± 14.9 beats/min in 12 people): σ 0.3.
        - Pulse amplitude: 50 in the E4's units (median SD of HKU956's pulse signal); only its changes mean anything.
        - Restlessness: an assumption, a couple of movements a minute for somebody who sits and listens.
        """
        generator = np.random.default_rng([seed, 0x706572])
        normal = generator.standard_normal(10)
        across = math.sqrt(1 - _RATE_AND_VARIABILITY**2)
        variability = _RATE_AND_VARIABILITY * normal[0] + across * normal[1]
        rmssd_s = float(np.clip(0.040 * math.exp(0.35 * variability), 0.015, 0.100))
        return cls(
            heart_rate_bpm=float(np.clip(70 + 8 * normal[0], 52, 92)),
            rmssd_s=rmssd_s,
            slow_s=0.875 * rmssd_s * math.exp(0.2 * normal[2]),
            breaths_per_minute=float(np.clip(14.5 + 1.8 * normal[3], 10.5, 19)),
            conductance_us=float(np.clip(0.6 * math.exp(0.8 * normal[4]), 0.1, 8)),
            responses_per_minute=2.5 * math.exp(0.4 * normal[5]),
            temperature_c=float(np.clip(32.9 + normal[6], 30, 35.5)),
            pulse_amplitude=50 * math.exp(0.4 * normal[7]),
            reactivity=float(np.clip(math.exp(0.3 * normal[8]), 0.5, 1.8)),
            restlessness=2.0 * math.exp(0.4 * normal[9]),
        )
