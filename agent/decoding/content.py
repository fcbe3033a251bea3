"""What an audio file is, told from its first bytes; names of files prove nothing.

A decoder is never left to guess: libav's probing knows playlists and streaming formats, and a file of one of those,
named like a song, would make the player open whatever addresses stand in it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import BinaryIO, Final

__all__ = ["Content", "identify"]


@dataclass(frozen=True)
class Content:
    """How to decode a kind of file.

    Attributes:
        name: for messages and logs.
        libav_format: the demuxer's name for libav; empty where libav is not to try.
        sndfile_first: whether libsndfile, which seeks to the exact sample, is to try first.
    """

    name: str
    libav_format: str
    sndfile_first: bool


# libsndfile knows formats by their own headers only, so it may try what we do not recognise.
_UNKNOWN: Final = Content("unknown", "", sndfile_first=True)
_MPEG: Final = Content("MP3", "mp3", sndfile_first=True)
_ADTS: Final = Content("AAC", "aac", sndfile_first=False)
_OPUS: Final = Content("Opus", "ogg", sndfile_first=False)
_OGG: Final = Content("Ogg", "ogg", sndfile_first=True)

_MAGIC: Final = (
    (0, b"fLaC", Content("FLAC", "flac", sndfile_first=True)),
    (0, b"RIFF", Content("WAV", "wav", sndfile_first=True)),
    (0, b"RF64", Content("WAV", "wav", sndfile_first=True)),
    (0, b"RIFX", Content("WAV", "wav", sndfile_first=True)),
    (0, b"FORM", Content("AIFF", "aiff", sndfile_first=True)),
    (0, b"caff", Content("CAF", "caf", sndfile_first=True)),
    (0, b".snd", Content("AU", "au", sndfile_first=True)),
    (4, b"ftyp", Content("MP4", "mp4", sndfile_first=False)),
    (0, b"\x1a\x45\xdf\xa3", Content("Matroska", "matroska", sndfile_first=False)),
    (0, b"\x30\x26\xb2\x75\x8e\x66\xcf\x11", Content("WMA", "asf", sndfile_first=False)),
    (0, b"wvpk", Content("WavPack", "wv", sndfile_first=False)),
    (0, b"MAC ", Content("Monkey's Audio", "ape", sndfile_first=False)),
    (0, b"TTA1", Content("TTA", "tta", sndfile_first=False)),
    (0, b"MPCK", Content("Musepack", "mpc8", sndfile_first=False)),
    (0, b"MP+", Content("Musepack", "mpc", sndfile_first=False)),
    (0, b"DSD ", Content("DSF", "dsf", sndfile_first=False)),
)
_HEAD_BYTES: Final = 64
# Taggers leave empty space behind a removed tag; a whole cover picture's worth of zeros still is the same song.
_PADDING_LIMIT: Final = 1 << 20


def identify(file: BinaryIO) -> Content:
    """Tells what an open file holds; what is not recognised is left to libsndfile alone.

    Args:
        file: seekable; its position afterwards is anywhere.
    """
    head = _after_tags(file)
    for offset, magic, content in _MAGIC:
        if head[offset : offset + len(magic)] == magic:
            return content
    if head[:4] == b"OggS":
        return _OPUS if b"OpusHead" in head else _OGG
    if len(head) >= 2 and head[0] == 0xFF:
        # ISO 13818-7: twelve bits of sync, then layer 0. ISO 11172-3: eleven bits, then a layer that is not 0.
        if head[1] & 0xF6 == 0xF0:
            return _ADTS
        if head[1] & 0xE0 == 0xE0 and head[1] & 0x06:
            return _MPEG
    return _UNKNOWN


def _after_tags(file: BinaryIO) -> bytes:
    """Returns the first bytes behind ID3v2 tags, which are found in front of MP3, AAC and even FLAC, and padding."""
    offset = 0
    while True:
        file.seek(offset)
        head = file.read(_HEAD_BYTES)
        if head[:3] != b"ID3" or len(head) < 10:
            break
        # ID3v2.4 section 3.1: seven bits in each of four bytes, without the header's own ten, plus a footer if bit 4.
        size = sum((byte & 0x7F) << shift for byte, shift in zip(head[6:10], (21, 14, 7, 0), strict=True))
        offset += 10 + size + (10 if head[5] & 0x10 else 0)
    if offset and head[:1] == b"\x00":
        file.seek(offset)
        head = file.read(_PADDING_LIMIT).lstrip(b"\x00")[:_HEAD_BYTES]
    return head
