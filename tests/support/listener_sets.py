"""Writes tiny data sets of listeners in the formats of the real ones: HetRec, Deezer, SiTunes, HKU956, WESAD."""

from __future__ import annotations

import gzip
import hashlib
import json
from collections.abc import Iterable
from pathlib import Path

import numpy as np

ARTISTS = 40
USERS = 60
TRACKS = 30
PEOPLE = 8
WORDS = (
    "rock",
    "80s",
    "german",
    "soundtrack",
    "ambient",
    "hip-hop",
    "k-pop",
    "favorites",
    "metal",
    "jazz",
    "00s",
    "pop",
)


def write(data: Path) -> None:
    """Write all sets and SHA256SUMS into an empty folder."""
    _hetrec(data / "hetrec-lastfm")
    _deezer(data / "deezer-mood")
    _situnes(data / "situnes")
    _hku(data / "hku956")
    _wesad(data / "wesad-features")
    sum_up(data)


def sum_up(data: Path) -> None:
    """Write SHA256SUMS."""
    files = sorted(path for path in data.rglob("*") if path.is_file() and path.name != "SHA256SUMS")
    lines = [f"{hashlib.sha256(path.read_bytes()).hexdigest()}  ./{path.relative_to(data)}" for path in files]
    (data / "SHA256SUMS").write_text("\n".join(lines) + "\n", "utf-8")


def _table(path: Path, columns: str, rows: Iterable[Iterable[object]]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    text = "\n".join([columns, *(",".join(map(str, row)) for row in rows)]) + "\n"
    if path.suffix == ".gz":
        path.write_bytes(gzip.compress(text.encode()))
    else:
        path.write_text(text, "utf-8")


def _hetrec(folder: Path) -> None:
    """Two tastes: users and artists of even and odd numbers keep to themselves."""
    generator = np.random.default_rng(1)
    plays, tags = [], []
    for user in range(USERS):
        own = np.arange(user % 2, ARTISTS, 2)
        chosen = generator.choice(own, 12, replace=False)
        plays += [(user + 2, artist + 1, int(generator.integers(1, 1000))) for artist in chosen]
        for artist in generator.choice(own, 9, replace=False):
            for word in generator.choice(len(WORDS) // 2, 2, replace=False):
                month, year = generator.integers(1, 13), generator.integers(2008, 2011)
                tags.append((user + 2, artist + 1, 2 * word + artist % 2 + 1, 1, month, year))
    tags.append((2, 1, 1, 1, 1, 1956))
    tags.append((2, 9999, 1, 1, 1, 2009))
    _table(folder / "artists.csv.gz", "id,name", [(artist + 1, f"Artist {artist}") for artist in range(ARTISTS)])
    _table(folder / "tags.csv.gz", "tagID,tagValue", [(i + 1, word) for i, word in enumerate(WORDS)])
    _table(folder / "user_artists.csv.gz", "userID,artistID,weight", plays)
    _table(folder / "user_taggedartists.csv.gz", "userID,artistID,tagID,day,month,year", tags)


def _deezer(folder: Path) -> None:
    generator = np.random.default_rng(2)
    rows = [
        (i, "SO", "TR", *generator.normal(0, 1, 2).round(3), f"The Artist {i % 30}", f"Song {i}") for i in range(60)
    ]
    columns = "dzr_sng_id,MSD_sng_id,MSD_track_id,valence,arousal,artist_name,track_name"
    _table(folder / "train.csv.gz", columns, rows[:40])
    _table(folder / "validation.csv.gz", columns, rows[40:])


def _situnes(folder: Path) -> None:
    generator = np.random.default_rng(3)
    tracks = []
    for i in range(TRACKS):
        singer = f"Artist {i}" if i % 3 else ""
        numbers = ("", "", "") if i == 7 else (i, *generator.random(2).round(3))
        tracks.append((i * 3 + 1, *numbers, f"Title {i}", singer))
    _table(folder / "music_info.csv", "item_id,popularity,valence,energy,music,singer", tracks)
    lab, daily, environment, wrist = [], [], {}, []
    for user in range(1, PEOPLE + 1):
        for i in range(5):
            track, rating = generator.integers(0, TRACKS) * 3 + 1, generator.integers(1, 6)
            lab.append((user, track, i + 1, 1_625_000_000 + user * 1000 + i * 100, rating, 90, *_felt(generator)))
        for i in range(6):
            number = len(daily) + 1
            track, rating = generator.integers(0, TRACKS) * 3 + 1, generator.integers(1, 6)
            time = 1_626_000_000 + i * 86_400 + user
            felt = (*_felt(generator), *_felt(generator))
            daily.append((number, user, track, time, rating, *felt, "", ""))
            environment[str(number)] = {"time": 1 + i % 3, "weather": [i % 3, 1000, 20, 60], "GPS": [0, 0, 0]}
            minutes = np.stack([generator.normal(10, 8, 30), generator.random(30) * 90, np.zeros(30), np.zeros(30)], 1)
            if i == 3:
                minutes[:10] = 0
                minutes[:10, 3] = 3
            wrist.append(minutes)
    _table(
        folder / "stage1_interactions.csv",
        "user_id,item_id,No.,timestamp,rating,duration,emo_valence,emo_arousal",
        lab,
    )
    _table(
        folder / "stage2_interactions.csv",
        "inter_id,user_id,item_id,timestamp,rating,emo_pre_valence,emo_pre_arousal,emo_post_valence,emo_post_arousal,"
        "duration,rec_type",
        daily,
    )
    (folder / "stage2_env.json").write_text(json.dumps(environment), "utf-8")
    ids = np.arange(1, len(daily) + 1, dtype=np.int32)
    np.savez(folder / "stage2_wrist.npz", inter_id=ids, wrist=np.array(wrist, np.float32))


def _felt(generator: np.random.Generator) -> tuple[float, float]:
    valence, arousal = generator.uniform(-0.8, 0.8, 2).round(3)
    return float(valence), float(arousal)


def _hku(folder: Path) -> None:
    generator = np.random.default_rng(4)
    rows = []
    (folder / "signals").mkdir(parents=True)
    for person in range(PEOPLE):
        signals = {}
        for song in range(4):
            identifier = 100 + (person + song) % 7
            rows.append((f"hku{person}", song, identifier, *generator.uniform(-9, 9, 2).round(1), "", "", 30))
            seconds = np.arange(30 * 64) / 64
            prefix = f"{song:02d}_{identifier}/"
            signals[prefix + "BVP"] = 50 * np.sin(2 * np.pi * 1.2 * seconds) + generator.normal(0, 1, len(seconds))
            signals[prefix + "EDA"] = 1 + 0.1 * generator.random(120)
            signals[prefix + "HR"] = 72 + generator.normal(0, 1, 30)
            signals[prefix + "TEMP"] = 33 + 0.01 * generator.random(120)
            signals[prefix + "IBI"] = np.full(20, 0.83)
        np.savez(folder / "signals" / f"hku{person}.npz", **{name: v.astype(np.float32) for name, v in signals.items()})
    _table(
        folder / "ratings.csv",
        "participant_id,song_no,song_id,valence_rating,arousal_rating,valence,arousal,play_duration",
        rows,
    )


def _wesad(folder: Path) -> None:
    generator = np.random.default_rng(5)
    pulse, skin = [], []
    for subject in range(2, 2 + PEOPLE):
        for label, rate, activity, count in ((1, 70, 0.02, 8), (2, 95, 0.4, 5), (0, 71, 0.02, 4)):
            for _ in range(count):
                pulse.append((rate + generator.normal(0, 2), 120, 100, subject, label))
                spread = activity * float(np.exp(generator.normal(0, 0.3)))
                skin.append((spread, spread, spread, 0.0001 * generator.normal(), subject, label))
    _table(folder / "ppg_hrv_120s.csv.gz", "HR_mean,RMSSD,SDNN,subject,label", pulse)
    _table(folder / "e4_resp_std.csv.gz", "EDA_phasic_std,EDA_smna_std,EDA_tonic_std,TEMP_slope,subject,label", skin)
