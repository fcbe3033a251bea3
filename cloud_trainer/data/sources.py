"""What the research data sets are: licence, citation, checksums.

Checksums stand in the file SHA256SUMS at the root of the data. A set's fingerprint is the SHA-256 of its sorted lines
there: it changes with any file of the set, and costs no reading of the files.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import msgspec

from cloud_trainer.artefact import TrainingData
from models.errors import DataError, Reason

__all__ = ["SOURCES", "Source", "check", "checksums", "fingerprint", "require", "sources", "training_data", "verify"]

_BLOCK_BYTES = 1 << 20


@dataclass(frozen=True)
class Source:
    """A research data set as its documentation describes it."""

    description: str
    licence: str
    citation: str = ""


SOURCES: Mapping[str, Source] = {
    "emopia": Source(
        "piano MIDI in four quadrants of emotion",
        "CC BY-NC-SA 4.0",
        "Hung et al., EMOPIA: A Multi-Modal Pop Piano Dataset for Emotion Recognition and Emotion-based Music "
        "Generation, ISMIR 2021",
    ),
    "vgmidi": Source(
        "piano MIDI of game music with continuous valence and arousal",
        "not stated",
        "Ferreira & Whitehead, Learning to Generate Music with Sentiment, ISMIR 2019",
    ),
    "emotify": Source(
        "recordings in four genres with induced emotions",
        "audio CC BY-NC-SA (Magnatune); annotations for research",
        "Aljanaki, Wiering, Veltkamp, Studying emotion induced by music through a crowdsourcing game, Information "
        "Processing & Management 2016",
    ),
    "deam-features": Source(
        "audio features of songs with valence and arousal",
        "CC BY-NC 4.0",
        "Aljanaki, Yang, Soleymani, Developing a benchmark for emotional analysis of music, PLoS ONE 2017",
    ),
    "deezer-mood": Source(
        "song titles with valence and arousal from tags",
        "not stated (research)",
        "Delbouys et al., Music Mood Detection Based on Audio and Lyrics with Deep Neural Net, ISMIR 2018",
    ),
    "hku956": Source(
        "wristband signals while listening, with ratings",
        "CC BY-NC 4.0",
        "Hu, Li, Liu, Detecting Music-Induced Emotion Based on Acoustic Analysis and Physiological Sensing, Applied "
        "Sciences 12(18):9354, 2022",
    ),
    "situnes": Source(
        "music recommendation with wrist data, situation and mood",
        "not stated (research)",
        "Grigorev et al., SiTunes: A Situational Music Recommendation Dataset with Physiological and Psychological "
        "Signals, CHIIR 2024",
    ),
    "hetrec-lastfm": Source(
        "play counts and tags of artists",
        "non-commercial, Last.fm terms",
        "Cantador, Brusilovsky, Kuflik, HetRec 2011 (RecSys 2011)",
    ),
    "incarmusic": Source(
        "music ratings in the car", "not stated (research)", "Baltrunas et al., InCarMusic, EC-Web 2011"
    ),
    "nowplaying": Source("listening sessions", "not stated (research)"),
    "ml-100k": Source("film ratings, for parity of SVD++ and NCF", "GroupLens: research, no redistribution"),
    "ml-1m-seq": Source("film sequences, for parity of sequence models", "GroupLens: research, no redistribution"),
    "exam-stress-e4": Source(
        "wristband recordings of exams", "PhysioNet ODC-By 1.0", "Amin et al. 2022; Goldberger et al. 2000 (PhysioNet)"
    ),
    "wesad-features": Source(
        "window features of stress and amusement", "research only", "Schmidt et al., Introducing WESAD, ICMI 2018"
    ),
    "signals": Source("physiological signals with annotations", "mixed, by file"),
    "audio-clips": Source("music clips and fixtures of formats", "mixed, by file"),
    "piano-samples": Source("thirty notes of a grand piano", "CC BY 3.0", "Alexander Holm, Salamander Grand Piano"),
    "lexicons": Source("valence and arousal of words", "mixed, by file"),
}


def sources(data: Path) -> Mapping[str, Source]:
    """Return what the sets in a folder are: those of research, unless the folder says in `sources.json` what it holds.

    Generated data comes in the formats of research data, under its names; its licence is another.

    Raises:
        DataError: `sources.json` is malformed.
    """
    told = data / "sources.json"
    if not told.is_file():
        return SOURCES
    try:
        own = msgspec.json.decode(told.read_bytes(), type=dict[str, Source])
    except (OSError, msgspec.DecodeError) as error:
        raise DataError(
            f"{told} does not tell what the data sets are: {error}",
            reason=Reason.MALFORMED,
            remedy="Restore it, or remove it where the folder holds the research data",
        ) from error
    return {name: own.get(name, source) for name, source in SOURCES.items()}


def checksums(data: Path) -> dict[str, str]:
    """Return the recorded SHA-256 by path relative to the data root.

    Raises:
        DataError: there is no SHA256SUMS, or a line of it is not `<64 hex digits>  <path>`.
    """
    listing = data / "SHA256SUMS"
    try:
        lines = listing.read_text("utf-8").splitlines()
    except OSError as error:
        raise DataError(
            f"cannot read {listing}: {error.strerror}",
            reason=Reason.MISSING,
            remedy="Point --data at the folder that holds the data sets and SHA256SUMS",
        ) from error
    recorded = {}
    for number, line in enumerate(lines, 1):
        digest, _, path = line.partition("  ")
        if len(digest) != hashlib.sha256().digest_size * 2 or not path:
            raise DataError(
                f"line {number} of {listing} is not '<sha256>  <path>'",
                reason=Reason.MALFORMED,
                remedy="Write it anew with sha256sum",
            )
        recorded[path.removeprefix("./")] = digest
    return recorded


def fingerprint(data: Path, name: str) -> str:
    """Return the SHA-256 over the recorded checksums of a set's files.

    Raises:
        DataError: SHA256SUMS is unreadable or lists no file of the set.
    """
    lines = sorted(f"{digest}  {path}" for path, digest in checksums(data).items() if path.startswith(f"{name}/"))
    if not lines:
        raise DataError(
            f"SHA256SUMS in {data} lists no file of the data set {name!r}",
            reason=Reason.MISSING,
            remedy="Run 'attune-trainer data list' to see what is there",
        )
    return hashlib.sha256("\n".join(lines).encode()).hexdigest()


def training_data(data: Path, name: str, *, rows: int) -> TrainingData:
    """Return the manifest's entry for a set that a model was trained on."""
    source = sources(data)[name]
    return TrainingData(
        name=name, sha256=fingerprint(data, name), licence=source.licence, rows=rows, citation=source.citation
    )


def check(data: Path, names: set[str] | None = None) -> Iterator[tuple[str, str]]:
    """Compare files with their recorded checksums.

    Args:
        data: root of the data sets.
        names: sets to check, all of them if `None`.

    Yields:
        The path of each recorded file and what is wrong with it: `` (nothing), `missing` or `changed`.

    Raises:
        DataError: SHA256SUMS is unreadable.
    """
    for path, recorded in checksums(data).items():
        if names is not None and path.split("/", 1)[0] not in names:
            continue
        file = data / path
        if not file.is_file():
            yield path, "missing"
        else:
            yield path, "" if _sha256(file) == recorded else "changed"


def verify(data: Path, names: Iterable[str]) -> None:
    """Refuse data sets of which a file is missing or is not what SHA256SUMS records.

    Args:
        data: root of the data sets.
        names: sets that are about to be used.

    Raises:
        DataError: SHA256SUMS is unreadable or lists no file of a set, or a file is missing or changed.
    """
    for name in names:
        fingerprint(data, name)
        for path, what in check(data, {name}):
            if what:
                raise DataError(
                    f"{data / path} is {'missing' if what == 'missing' else 'not the file that SHA256SUMS records'}",
                    reason=Reason.MISSING if what == "missing" else Reason.CORRUPT,
                    remedy="Restore it, or write SHA256SUMS anew where the change is meant",
                )


def require(path: Path) -> Path:
    """Return the path of a data file.

    Raises:
        DataError: it is not there.
    """
    if not path.is_file():
        raise DataError(
            f"the data file {path} is missing",
            reason=Reason.MISSING,
            remedy="Run 'attune-trainer data check' to see which files are missing or changed",
        )
    return path


def _sha256(file: Path) -> str:
    digest = hashlib.sha256()
    with file.open("rb") as stream:
        while block := stream.read(_BLOCK_BYTES):
            digest.update(block)
    return digest.hexdigest()
