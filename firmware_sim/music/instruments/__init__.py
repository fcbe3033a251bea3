"""The instruments of the demo catalogue, by the names that scores use."""

from __future__ import annotations

from functools import lru_cache

from firmware_sim.music.instruments.drums import KIT, MACHINE
from firmware_sim.music.instruments.mallets import VIBRAPHONE
from firmware_sim.music.instruments.piano import ELECTRIC_PIANO, PIANO
from firmware_sim.music.instruments.plucked import (
    ELECTRIC_BASS,
    ELECTRIC_GUITAR,
    NYLON_GUITAR,
    OVERDRIVEN_GUITAR,
    STEEL_GUITAR,
    UPRIGHT_BASS,
)
from firmware_sim.music.instruments.sustained import (
    FLUTE,
    ORGAN,
    STRINGS,
    SYNTH_BASS,
    SYNTH_LEAD,
    SYNTH_PLUCK,
    WARM_PAD,
)
from firmware_sim.music.instruments.tone import SAMPLE_RATE, Audio, Instrument

__all__ = ["INSTRUMENTS", "SAMPLE_RATE", "Audio", "Instrument", "tone"]

INSTRUMENTS: dict[str, Instrument] = {
    "piano": PIANO,
    "electric piano": ELECTRIC_PIANO,
    "nylon guitar": NYLON_GUITAR,
    "steel guitar": STEEL_GUITAR,
    "electric guitar": ELECTRIC_GUITAR,
    "overdriven guitar": OVERDRIVEN_GUITAR,
    "upright bass": UPRIGHT_BASS,
    "electric bass": ELECTRIC_BASS,
    "synth bass": SYNTH_BASS,
    "strings": STRINGS,
    "warm pad": WARM_PAD,
    "organ": ORGAN,
    "flute": FLUTE,
    "synth lead": SYNTH_LEAD,
    "synth pluck": SYNTH_PLUCK,
    "vibraphone": VIBRAPHONE,
    "kit": KIT,
    "machine": MACHINE,
}


# Pieces share tones, so each is built once; the bound keeps a process small: a tone has up to 2.8 MB.
@lru_cache(maxsize=56)
def tone(name: str, pitch: int) -> Audio:
    """The soft and the hard layer of an instrument's tone: `float32[2, n]`, not to be changed.

    Args:
        name: a key of `INSTRUMENTS`.
        pitch: MIDI pitch; moved by octaves into the instrument's range.
    """
    instrument = INSTRUMENTS[name]
    while pitch < instrument.lowest:
        pitch += 12
    while pitch > instrument.highest:
        pitch -= 12
    built = instrument.build(pitch)
    built.flags.writeable = False
    return built
