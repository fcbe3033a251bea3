"""FLAC content with tags, in memory: so that a file appears on the disk whole or not at all."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any, BinaryIO

from firmware_sim.music.instruments import SAMPLE_RATE, Audio
from firmware_sim.music.plan import CatalogueSettings, PlannedPiece

__all__ = ["encode", "playing_time_s", "signature", "tags_of"]

# Part of every file's signature: another version of the composer makes other music from the same seed.
COMPOSER_VERSION = 1


def signature(settings: CatalogueSettings) -> str:
    """What stands under `encoded-by`: which run a file belongs to. It knows nothing of the piece."""
    asked = f"count {settings.count}; seconds {settings.seconds:g}; seed {settings.seed}"
    return f"attune-sim music {COMPOSER_VERSION}; {asked}"


def tags_of(piece: PlannedPiece, settings: CatalogueSettings) -> dict[str, str]:
    """Vorbis comments of a piece. The intended emotion has no part in any of them."""
    return {
        "title": piece.title,
        "artist": piece.artist.name,
        "albumartist": piece.artist.name,
        "album": piece.album,
        "genre": piece.artist.genre,
        "date": piece.date,
        "tracknumber": str(piece.track),
        "tracktotal": str(piece.tracks),
        "encoded-by": signature(settings),
    }


def encode(audio: Audio, tags: dict[str, str]) -> bytes:
    """A tagged FLAC file, 16 bit.

    Args:
        audio: `float32[n, 2]` at 44.1 kHz, within ±1.
        tags: Vorbis comments.
    """
    import soundfile

    content = io.BytesIO()
    soundfile.write(content, audio, SAMPLE_RATE, format="FLAC", subtype="PCM_16")
    content.seek(0)
    flac = _flac(content)
    flac.update(tags)
    content.seek(0)
    flac.save(content)
    return content.getvalue()


def playing_time_s(path: Path, tags: dict[str, str]) -> float | None:
    """How long a file of ours plays; None if it is no FLAC file or carries other tags, and so is not ours.

    Args:
        path: an existing file.
        tags: what it carries if it is ours.

    Raises:
        OSError: the file cannot be opened.
    """
    from mutagen import MutagenError

    with path.open("rb") as opened:
        try:
            flac = _flac(opened)
        except MutagenError:
            return None
    found = {} if flac.tags is None else {key: values[0] for key, values in flac.tags.as_dict().items()}
    return float(flac.info.length) if found == tags else None


def _flac(content: BinaryIO) -> Any:  # noqa: ANN401 - mutagen publishes no types
    from mutagen import flac

    open_flac: Any = flac.FLAC
    return open_flac(content)
