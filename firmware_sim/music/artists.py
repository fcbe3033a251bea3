"""The invented artists of the demo catalogue, each with an ensemble and habits that hold whatever the emotion.

An artist plays in every mood: which figures a mood calls for is part of the style, which instruments sound is not. So
neither artist nor genre tells the emotion. Instruments marked with an entry level join when the music is excited
enough.
"""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["ARTISTS", "Artist", "Mood", "Seat"]


@dataclass(frozen=True, slots=True)
class Seat:
    """A player of an ensemble.

    Attributes:
        role: lead, comp, pad, bass, drums or colour (a second melody voice in the later sections).
        instrument: a key of `instruments.INSTRUMENTS`.
        gain_db: level in the mix.
        pan: -1 (left) to 1 (right).
        send_db: reverberation.
        octave: octaves above (below) where the role usually lies.
        entry: least `percussion` of the character at which the player joins; 0 always.
        leave: greatest `percussion` up to which the player stays; 1 always.
    """

    role: str
    instrument: str
    gain_db: float = 0.0
    pan: float = 0.0
    send_db: float = -12.0
    octave: int = 0
    entry: float = 0.0
    leave: float = 1.0


@dataclass(frozen=True, slots=True)
class Mood:
    """The figures that suit one region of the plane: names out of `accompaniment` and `rhythm`."""

    comp: tuple[str, ...]
    bass: tuple[str, ...] = ("root",)
    groove: str = ""


@dataclass(frozen=True, slots=True)
class Artist:
    """Who plays.

    Attributes:
        name: invented.
        genre: as it stands in the tags.
        seats: the ensemble.
        calm, tender, lively, bright, dark, fierce: figures from low to high arousal; `calm` (pleasant or not) below
            -0.5, `tender` around -0.25, `lively` around 0.3, then `bright` (pleasant) or `dark` and `fierce`
            (unpleasant).
        swing: 0 to 1.
        waltz: share of pieces in three.
        drive: overdrive of electric guitars at full arousal.
        tilt: how far the mix grows brighter with arousal, 0 to 1; little for a piano in a hall, recorded as it is.
    """

    name: str
    genre: str
    seats: tuple[Seat, ...]
    calm: Mood
    tender: Mood
    lively: Mood
    bright: Mood
    dark: Mood
    fierce: Mood
    swing: float = 0.0
    waltz: float = 0.15
    drive: float = 0.0
    tilt: float = 1.0

    def mood(self, valence: float, arousal: float) -> Mood:
        """The figures for a point of the plane."""
        if arousal < -0.5:
            return self.calm
        if arousal < 0.0:
            return self.tender
        if valence >= 0:
            return self.lively if arousal < 0.45 else self.bright
        return self.dark if arousal < 0.45 else self.fierce


_SOLO = (Seat("lead", "piano", 0.0, 0.12, -13), Seat("comp", "piano", -2.5, -0.12, -13))

ARTISTS: tuple[Artist, ...] = (
    Artist(
        name="Edda Vorholt",
        genre="Classical",
        seats=_SOLO,
        calm=Mood(("rolled", "arpeggio")),
        tender=Mood(("arpeggio", "rising")),
        lively=Mood(("alberti", "offbeat")),
        bright=Mood(("offbeat", "alberti")),
        dark=Mood(("pulse", "arpeggio")),
        fierce=Mood(("hammer", "tremolo")),
        waltz=0.3,
        tilt=0.2,
    ),
    Artist(
        name="Ottilie Brandmark",
        genre="Contemporary Classical",
        seats=(Seat("lead", "piano", -1.0, 0.1, -10), Seat("comp", "piano", -2.0, -0.1, -10)),
        calm=Mood(("arpeggio", "rising")),
        tender=Mood(("rising", "rolled")),
        lively=Mood(("rising", "pulse")),
        bright=Mood(("pulse", "rising")),
        dark=Mood(("arpeggio", "pulse")),
        fierce=Mood(("pulse", "hammer")),
        waltz=0.2,
        tilt=0.2,
    ),
    Artist(
        name="Bastian Quill",
        genre="Soundtrack",
        seats=(
            Seat("lead", "piano", 0.0, 0.1, -11),
            Seat("comp", "piano", -3.0, -0.1, -11),
            Seat("pad", "strings", -10.0, 0.0, -6),
            Seat("colour", "strings", -9.0, 0.25, -6),
            Seat("drums", "kit", -4.0, 0.0, -10, entry=0.5),
        ),
        calm=Mood(("arpeggio", "rolled")),
        tender=Mood(("rising", "arpeggio")),
        lively=Mood(("alberti", "pulse")),
        bright=Mood(("offbeat", "pulse"), groove="timpani"),
        dark=Mood(("pulse", "tremolo")),
        fierce=Mood(("hammer", "pulse"), groove="timpani"),
        tilt=0.4,
    ),
    Artist(
        name="Perpetua Lindgaard Trio",
        genre="Jazz",
        seats=(
            Seat("lead", "piano", 0.0, 0.15, -14),
            Seat("comp", "piano", -4.5, -0.15, -14),
            Seat("bass", "upright bass", -2.0, -0.05, -20),
            Seat("drums", "kit", -2.0, 0.1, -15, entry=0.15),
        ),
        calm=Mood(("rolled",), ("root and fifth",)),
        tender=Mood(("rolled", "comping"), ("root and fifth",), "soft"),
        lively=Mood(("comping",), ("walking",), "swing"),
        bright=Mood(("comping", "offbeat"), ("walking",), "swing"),
        dark=Mood(("comping", "pulse"), ("walking",), "swing"),
        fierce=Mood(("hammer", "comping"), ("driving",), "driving"),
        swing=0.75,
        waltz=0.2,
        tilt=0.6,
    ),
    Artist(
        name="Corwin Ashgrove",
        genre="Ambient",
        seats=(
            Seat("lead", "piano", 0.0, 0.0, -7),
            Seat("comp", "electric piano", -4.0, -0.25, -8),
            Seat("pad", "warm pad", -9.0, 0.0, -6),
            Seat("bass", "synth bass", -6.0, 0.0, -24, entry=0.35),
            Seat("drums", "machine", -8.0, 0.0, -14, entry=0.3),
        ),
        calm=Mood(("rolled", "arpeggio")),
        tender=Mood(("arpeggio", "rising"), ("root",)),
        lively=Mood(("rising", "arpeggio"), ("root and fifth",), "light"),
        bright=Mood(("rising", "pulse"), ("octaves",), "four"),
        dark=Mood(("pulse", "rising"), ("root",), "light"),
        fierce=Mood(("tremolo", "pulse"), ("driving",), "driving"),
    ),
    Artist(
        name="Hollis & Wren",
        genre="Folk",
        seats=(
            Seat("lead", "nylon guitar", 0.0, 0.2, -13),
            Seat("comp", "steel guitar", -3.5, -0.3, -14),
            Seat("bass", "upright bass", -5.0, 0.0, -20, entry=0.2),
            Seat("colour", "flute", -8.0, 0.35, -9),
            Seat("drums", "kit", -9.0, 0.0, -14, entry=0.4),
        ),
        calm=Mood(("rolled", "arpeggio")),
        tender=Mood(("arpeggio", "rising"), ("root",)),
        lively=Mood(("strum", "alberti"), ("root and fifth",), "light"),
        bright=Mood(("strum", "offbeat"), ("root and fifth",), "backbeat"),
        dark=Mood(("rising", "pulse"), ("root and fifth",), "light"),
        fierce=Mood(("pulse", "strum"), ("driving",), "driving"),
        waltz=0.25,
    ),
    Artist(
        name="Signal Row Nine",
        genre="Rock",
        seats=(
            Seat("lead", "electric guitar", -2.0, 0.25, -12, leave=0.55),
            Seat("lead", "overdriven guitar", -3.0, 0.25, -12, entry=0.55),
            Seat("comp", "electric guitar", -4.0, -0.35, -14),
            Seat("pad", "organ", -13.0, 0.2, -10),
            Seat("bass", "electric bass", -2.0, 0.0, -26),
            Seat("drums", "kit", -5.0, 0.0, -15, entry=0.12),
        ),
        calm=Mood(("arpeggio",), ("root",)),
        tender=Mood(("arpeggio", "rising"), ("root",), "soft"),
        lively=Mood(("strum", "comping"), ("driving",), "backbeat"),
        bright=Mood(("strum", "pulse"), ("driving",), "backbeat"),
        dark=Mood(("pulse", "power"), ("driving",), "backbeat"),
        fierce=Mood(("power",), ("driving",), "driving"),
        waltz=0.05,
        drive=1.0,
    ),
    Artist(
        name="Kelvin Drift",
        genre="Electronic",
        seats=(
            Seat("lead", "synth lead", 0.0, 0.1, -9),
            Seat("comp", "synth pluck", -3.0, -0.2, -10),
            Seat("pad", "warm pad", -10.0, 0.0, -8),
            Seat("bass", "synth bass", -2.0, 0.0, -28),
            Seat("drums", "machine", -6.0, 0.0, -16, entry=0.12),
        ),
        calm=Mood(("arpeggio",), ("root",)),
        tender=Mood(("rising", "arpeggio"), ("root",), "light"),
        lively=Mood(("rising", "comping"), ("octaves",), "four"),
        bright=Mood(("rising", "offbeat"), ("octaves",), "four"),
        dark=Mood(("pulse", "rising"), ("driving",), "four"),
        fierce=Mood(("tremolo", "pulse"), ("driving",), "driving"),
        waltz=0.0,
    ),
    Artist(
        name="Marigold Tandem",
        genre="Pop",
        seats=(
            Seat("lead", "vibraphone", 1.0, 0.2, -10, leave=0.5),
            Seat("lead", "synth lead", -1.0, 0.1, -11, entry=0.5),
            Seat("comp", "piano", -3.0, -0.15, -14),
            Seat("pad", "strings", -13.0, 0.0, -8),
            Seat("bass", "electric bass", -3.0, 0.0, -26, entry=0.1),
            Seat("drums", "kit", -6.0, 0.0, -15, entry=0.15),
        ),
        calm=Mood(("rolled", "arpeggio")),
        tender=Mood(("arpeggio", "rising"), ("root",), "soft"),
        lively=Mood(("pulse", "comping"), ("root and fifth",), "backbeat"),
        bright=Mood(("offbeat", "pulse"), ("octaves",), "four"),
        dark=Mood(("pulse", "alberti"), ("driving",), "backbeat"),
        fierce=Mood(("hammer", "pulse"), ("driving",), "driving"),
        waltz=0.05,
    ),
)
