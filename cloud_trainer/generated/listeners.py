"""Generated listeners: people with usual levels, moods that drift, bodies that follow arousal, and ratings.

Arousal raises heart rate and the rate of electrodermal responses and lowers the variability of the beat; valence moves
the body little (Kreibig 2010, Autonomic nervous system activity in emotion, Biological Psychology 84:394). What is felt
is drawn towards what a song expresses and towards the person's own level, with noise. The sizes of
the effects are chosen by hand to be weak; they are fitted to nothing.
"""

from __future__ import annotations

import io
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from cloud_trainer.generated.files import write_bytes, write_table
from cloud_trainer.progress import Progress

__all__ = ["ListenerSizes", "write_listeners"]

Floats = npt.NDArray[np.float64]

_DAY_S: Final = 86_400
_BVP_HZ: Final = 64
_EDA_HZ: Final = 4
_MINUTES: Final = 30
_CONDITIONS: Final = {0: (0.3, 0.2), 1: (0.1, -0.4), 2: (-0.5, 0.7)}
"""WESAD's numbers of amusement, baseline and stress, with the valence and arousal that the bodies follow."""
_WINDOWS: Final = {0: 9, 1: 34, 2: 16}


@dataclass(frozen=True)
class ListenerSizes:
    """How many people, songs that each hears, tracks in all, and days of daily life."""

    people: int
    songs: int
    tracks: int
    days: int


@dataclass(frozen=True)
class _Person:
    """A person's usual levels and how far the body follows."""

    mood: Floats
    rate_bpm: float
    rate_gain_bpm: float
    skin_us: float

    @classmethod
    def drawn(cls, random: np.random.Generator) -> _Person:
        return cls(
            mood=random.normal((0.15, 0.0), 0.18),
            rate_bpm=float(random.normal(72.0, 8.0)),
            rate_gain_bpm=float(random.normal(8.0, 3.0)),
            skin_us=float(np.exp(random.normal(0.6, 0.6))),
        )

    def feel(self, heard: Floats, random: np.random.Generator, *, carried: Floats | None = None) -> Floats:
        """Return what is felt after a song that expresses `heard`; `carried` is the mood before."""
        before = self.mood if carried is None else carried
        return np.asarray(np.clip(0.3 * heard + 0.6 * before + random.normal(0.0, 0.22, 2), -1.0, 1.0), np.float64)


def write_listeners(
    root: Path, sizes: ListenerSizes, artists: list[str], emotions: Floats, *, seed: int, progress: Progress
) -> None:
    """Write sets in the formats of HKU956, SiTunes and WESAD's features.

    Args:
        root: of the data sets.
        sizes: how much.
        artists: names of generated artists.
        emotions: of the artists' music, `(artists, 2)`.
        seed: of everything drawn.
        progress: where it is shown.

    Raises:
        StorageError: the disk refuses.
    """
    random = np.random.default_rng([seed, 2])
    people = [_Person.drawn(random) for _ in range(sizes.people)]
    with progress.task("generate listeners", sizes.people + 2) as advance:
        songs = random.uniform(-0.9, 0.9, (sizes.tracks, 2))
        ratings: list[tuple[Any, ...]] = []
        for number, person in enumerate(people):
            ratings += _session(
                root / "hku956" / "signals", f"gen{number:02d}", person, songs, count=sizes.songs, random=random
            )
            advance(f"gen{number:02d}")
        columns = "participant_id song_no song_id valence_rating arousal_rating valence arousal play_duration"
        write_table(root / "hku956" / "ratings.csv", columns.split(), ratings)
        write_table(root / "hku956" / "songs.csv", ("song_id",), [(song,) for song in range(sizes.tracks)])
        _write_personality(root / "hku956", people, random)
        _write_situnes(root / "situnes", people, sizes=sizes, artists=artists, emotions=emotions, random=random)
        advance("daily life")
        _write_wesad(root / "wesad-features", people, random)
        advance("stress")


def _session(
    folder: Path, name: str, person: _Person, songs: Floats, *, count: int, random: np.random.Generator
) -> list[tuple[Any, ...]]:
    rows, signals = [], {}
    for order, song in enumerate(random.choice(len(songs), count, replace=False)):
        felt = person.feel(songs[song], random)
        seconds = int(random.integers(30, 70))
        own = 10.0 * felt
        rows.append((name, order, song, float(own[0]), float(own[1]), "", "", seconds))
        for signal, values in _body(person, float(felt[1]), seconds, random).items():
            signals[f"{order:02d}_{song}/{signal}"] = values.astype(np.float32)
    stream = io.BytesIO()
    np.savez(stream, **signals)
    write_bytes(folder / f"{name}.npz", stream.getvalue())
    return rows


def _body(person: _Person, arousal: float, seconds: int, random: np.random.Generator) -> dict[str, Floats]:
    """Return what a wristband records: BVP 64 Hz, EDA and TEMP 4 Hz, HR 1 Hz, IBI per beat."""
    rate = person.rate_bpm + person.rate_gain_bpm * arousal + random.normal(0.0, 2.0)
    spread = float(np.clip(0.05 - 0.02 * arousal, 0.01, 0.09))
    count = int(seconds * rate / 60.0) + 2
    # Breathing every four seconds moves the beat; what is left is noise.
    beats = (
        60.0
        / rate
        * (1.0 + spread * np.sin(np.arange(count) * 60.0 / rate * np.pi / 2) + random.normal(0, 0.01, count))
    )
    times = np.cumsum(beats)
    moments = np.arange(seconds * _BVP_HZ) / _BVP_HZ
    phase = np.interp(moments, np.concatenate([[0.0], times]), np.arange(count + 1))
    pulse = 60.0 * (np.cos(2 * np.pi * phase) + 0.35 * np.cos(4 * np.pi * phase + 0.8)) + random.normal(
        0, 3, len(moments)
    )
    quarter = np.arange(seconds * _EDA_HZ) / _EDA_HZ
    skin = person.skin_us * (1.0 + 0.1 * arousal) + 0.002 * random.normal(size=len(quarter)).cumsum()
    for onset in random.uniform(0, seconds, random.poisson(seconds / 60.0 * 3.0 * np.exp(arousal))):
        late = np.clip(quarter - onset, 0.0, None)
        skin = skin + 0.15 * person.skin_us * (np.exp(-late / 4.0) - np.exp(-late / 0.7))
    hourly = np.full(seconds, rate) + random.normal(0, 0.5, seconds)
    warmth = 33.0 - 0.2 * arousal + 0.002 * random.normal(size=len(quarter)).cumsum()
    inside = times < seconds
    return {"BVP": pulse, "EDA": np.maximum(skin, 0.01), "HR": hourly, "TEMP": warmth, "IBI": beats[inside]}


def _write_personality(folder: Path, people: list[_Person], random: np.random.Generator) -> None:
    traits = ("Extroversion", "Agreeableness", "Conscientiousness", "Emotional_Stability", "Openness")
    columns = ("participant_id", *(f"{trait}_score" for trait in traits), *traits)
    rows = []
    for number in range(len(people)):
        scores = [float(score) for score in np.clip(random.normal(4.5, 1.1, len(traits)), 1, 7)]
        rows.append((f"gen{number:02d}", *scores, *("high" if score > 4.5 else "low" for score in scores)))
    write_table(folder / "personality.csv", columns, rows)


def _write_situnes(
    folder: Path,
    people: list[_Person],
    *,
    sizes: ListenerSizes,
    artists: list[str],
    emotions: Floats,
    random: np.random.Generator,
) -> None:
    singer = random.integers(0, len(artists), sizes.tracks)
    expressed = np.clip(emotions[singer] + random.normal(0, 0.25, (sizes.tracks, 2)), -1, 1)
    spotify = (expressed + 1) / 2
    write_table(
        folder / "music_info.csv",
        ("item_id", "popularity", "valence", "energy", "music", "singer"),
        [
            (
                track + 1,
                int(random.integers(0, 100)),
                *map(float, spotify[track]),
                f"Title {track}",
                artists[singer[track]],
            )
            for track in range(sizes.tracks)
        ],
    )
    lab: list[tuple[Any, ...]] = []
    daily: list[tuple[Any, ...]] = []
    surroundings: dict[str, Any] = {}
    wrist = []
    for number, person in enumerate(people, 1):
        for order in range(sizes.songs):
            track = int(random.integers(sizes.tracks))
            felt = person.feel(expressed[track], random)
            when = 1_600_000_000 + number * 10_000 + order * 120
            lab.append(
                (number, track + 1, order + 1, when, _rated(person, expressed[track], random), 90, *map(float, felt))
            )
        mood = person.mood
        for day in range(sizes.days):
            mood = np.clip(0.5 * mood + 0.5 * person.mood + random.normal(0, 0.25, 2), -1, 1)
            track, identifier = int(random.integers(sizes.tracks)), len(daily) + 1
            rating = _rated(person, expressed[track], random)
            # A song that is liked lifts.
            lifted = np.array([(rating - 3) * 0.06, 0.0])
            after = np.clip(person.feel(expressed[track], random, carried=mood) + lifted, -1, 1)
            when = 1_610_000_000 + day * _DAY_S + number
            daily.append((identifier, number, track + 1, when, rating, *map(float, mood), *map(float, after), 120, ""))
            surroundings[str(identifier)] = {
                "time": 1 + day % 3,
                "weather": [int(random.integers(3)), 1013, float(random.normal(15, 8)), 60],
                "GPS": [0.0, 0.0, 0.0],
            }
            wrist.append(_half_hour(person, float(mood[1]), random))
    columns = "user_id item_id No. timestamp rating duration emo_valence emo_arousal"
    write_table(folder / "stage1_interactions.csv", columns.split(), lab)
    columns = (
        "inter_id user_id item_id timestamp rating emo_pre_valence emo_pre_arousal emo_post_valence emo_post_arousal"
    )
    write_table(folder / "stage2_interactions.csv", f"{columns} duration rec_type".split(), daily)
    write_bytes(folder / "stage2_env.json", json.dumps(surroundings).encode())
    stream = io.BytesIO()
    np.savez(stream, inter_id=np.arange(1, len(wrist) + 1, dtype=np.int32), wrist=np.array(wrist, np.float32))
    write_bytes(folder / "stage2_wrist.npz", stream.getvalue())


def _rated(person: _Person, expressed: Floats, random: np.random.Generator) -> int:
    """Return a rating of 1 to 5: music near the own mood is liked."""
    near = 1.0 - float(np.linalg.norm(expressed - person.mood))
    return int(np.clip(round(3.0 + 1.5 * near + random.normal(0, 0.8)), 1, 5))


def _half_hour(person: _Person, arousal: float, random: np.random.Generator) -> Floats:
    """Return `[30, 4]`: heart rate from the person's own, intensity of movement, steps, kind of activity."""
    walking = random.random(_MINUTES) < 0.15
    rate = 0.5 * person.rate_gain_bpm * arousal + random.normal(0, 4, _MINUTES) + 15.0 * walking
    intensity = np.where(walking, random.uniform(30, 80, _MINUTES), random.uniform(0, 8, _MINUTES))
    return np.stack([np.where(rate == 0, 0.1, rate), intensity, 60.0 * walking, 2.0 * walking], axis=1)


def _write_wesad(folder: Path, people: list[_Person], random: np.random.Generator) -> None:
    pulse, skin = [], []
    for subject, person in enumerate(people, 2):
        for label, (_, arousal) in _CONDITIONS.items():
            for _ in range(_WINDOWS[label]):
                rate = person.rate_bpm + 2.0 * person.rate_gain_bpm * arousal + random.normal(0, 3)
                varied = float(np.exp(3.6 - 0.5 * arousal + random.normal(0, 0.25)))
                pulse.append((float(rate), varied, 1.1 * varied, subject, label))
                spread = float(np.exp(-2.5 + 1.5 * arousal + random.normal(0, 0.5)))
                slope = float(-0.0003 * arousal + random.normal(0, 0.0002))
                skin.append((spread, 1.3 * spread, 0.8 * spread, f"{slope:.7f}", subject, label))
    write_table(folder / "ppg_hrv_120s.csv.gz", ("HR_mean", "RMSSD", "SDNN", "subject", "label"), pulse)
    columns = ("EDA_phasic_std", "EDA_smna_std", "EDA_tonic_std", "TEMP_slope", "subject", "label")
    write_table(folder / "e4_resp_std.csv.gz", columns, skin)
