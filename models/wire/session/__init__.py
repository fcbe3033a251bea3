"""Session files: what came over the wire while somebody recorded it, to be played again.

A session is a gzip'd text of JSON lines. The first is the header; every other one is a message as it arrived:

    {"format": "attune-session", "version": 1, "t": 1767225600.0, "source": "…", "licence": "", "marks": []}
    {"t": 1767225600.31, "topic": "attune/1/listener/me/sense/band/hr", "pack": [{"bt": …, "bu": "beat/min", "v": 71}]}
    {"t": 1767225601.02, "topic": "attune/1/device/living-room/affect", "message": {"valence": 0.12, …}}
    {"t": 1767225601.50, "topic": "attune/1/listener/me/sense/band/hr", "raw": "bm90IFNlbk1M"}

Rules:

- `t` is the moment of arrival, seconds since the epoch; it never descends.
- A pack that can be read is kept resolved: absolute times to the microsecond, the quantity's unit, its number. A file
  is therefore the same whatever encoding the wearable chose, and `zcat` shows it to anybody.
- What cannot be read is kept as it came, in base64: a fault is worth recording as much as a heartbeat.
- A file that was cut off anywhere, by a full disk or a lost battery, is read up to the last whole line.
- Keys that this version does not know are ignored; a header of a later version is refused.
"""

from __future__ import annotations

from models.wire.session.lines import FORMAT_VERSION, Entry, Header
from models.wire.session.reader import SessionReader
from models.wire.session.writer import SessionWriter

__all__ = ["FORMAT_VERSION", "Entry", "Header", "SessionReader", "SessionWriter"]
