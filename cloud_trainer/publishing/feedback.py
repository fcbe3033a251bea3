"""What players sent for training: checked, kept line by line, written as a table.

Rules:

- A report is on the disk before the broker hears that it was taken (`Spool.keep` syncs), so none is lost in between.
- Of a player and a week the first report counts: a player makes it once, and a second one with other noise would blur
  less than was promised.
- What is not a report is counted and left out; it never stops the collecting.
"""

from __future__ import annotations

import fcntl
import math
import os
import re
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final

import msgspec
from msgspec import Meta

from cloud_trainer.publishing.folder import write_whole
from models.errors import DeliveryError, Reason, WireError
from models.wire.messages import FeedbackReport, decode
from models.wire.topics import parse_feedback

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["Entry", "Spool", "as_table", "check", "write_table"]

FORMAT: Final = 1
_VERSION: Final = re.compile(r"\d{4}\.\d{1,2}\.\d{1,6}")
_WORD: Final = re.compile(r"[a-z_]{1,32}")
_LARGEST: Final = 65_536
_MOST_WORDS: Final = 32
_LARGEST_COUNT: Final = 1_000_000
"""Twelve events a day and their noise stay far below."""


class Entry(msgspec.Struct, frozen=True):
    """A report as it is kept.

    Attributes:
        device: that sent it.
        received: in seconds since the epoch.
        report: as it was sent.
    """

    device: str
    received: Annotated[float, Meta(ge=0.0)]
    report: FeedbackReport


def check(topic: str, payload: bytes, *, retained: bool, now: float) -> Entry:
    """Read a message.

    Args:
        topic: on which it came.
        payload: of it.
        retained: whether the broker had kept it, which players do not ask for.
        now: seconds since the epoch.

    Raises:
        WireError: it is no report; the reason says why.
    """
    device = parse_feedback(topic)
    if device is None:
        raise _refuse(f"{topic[:80]!r} is no topic of feedback", Reason.MALFORMED)
    if retained:
        raise _refuse(f"the report of {device} was retained", Reason.RETAINED)
    if len(payload) > _LARGEST:
        raise _refuse(f"the report of {device} has {len(payload)} bytes", Reason.OVERSIZED)
    report = decode(payload, FeedbackReport)
    if report.format != FORMAT:
        raise _refuse(f"the report of {device} has format {report.format}, not {FORMAT}", Reason.UNSUPPORTED)
    if not math.isfinite(report.epsilon) or report.events_a_day > _LARGEST_COUNT:
        raise _refuse(f"the report of {device} says nothing sensible of its noise", Reason.WRONG_VALUE)
    if not _VERSION.fullmatch(report.bundle):
        raise _refuse(f"the report of {device} names no version of a bundle", Reason.WRONG_VALUE)
    _check_table(device, report)
    _check_week(device, report.week, now)
    return Entry(device, now, report)


@dataclass(slots=True)
class Spool:
    """The reports on the disk, one in a line.

    Args:
        folder: where it lies.

    Attributes:
        refused: messages that were none, by reason.
        repeated: reports of a player and week that were there already.
    """

    folder: Path
    refused: Counter[str] = field(default_factory=Counter)
    repeated: int = 0

    @property
    def path(self) -> Path:
        """The file."""
        return self.folder / "reports.jsonl"

    @contextmanager
    def opened(self) -> Iterator[set[tuple[str, str]]]:
        """Keep other collectors off; yields which players and weeks are there.

        Raises:
            DeliveryError: WRONG_STATE: another one is at work; READ_ONLY: the folder cannot be written to.
        """
        try:
            self.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
            handle = os.open(self.folder / "lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        except OSError as error:
            raise _no_spool(self.folder, error) from error
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            yield {(entry.device, entry.report.week) for entry in self.entries()}
        except BlockingIOError:
            raise DeliveryError(
                f"another attune-trainer collects into {self.folder}",
                reason=Reason.WRONG_STATE,
                remedy="Wait until it is done and give the command again",
            ) from None
        finally:
            os.close(handle)

    def entries(self) -> list[Entry]:
        """All reports; a last line that was cut with the power is none."""
        try:
            lines = self.path.read_bytes().split(b"\n")
        except FileNotFoundError:
            return []
        except OSError as error:
            raise _no_spool(self.path, error) from error
        found: dict[tuple[str, str], Entry] = {}
        for line in lines:
            try:
                entry = msgspec.json.decode(line, type=Entry)
            except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
                continue
            found.setdefault((entry.device, entry.report.week), entry)
        return list(found.values())

    def keep(self, entry: Entry) -> None:
        """Write a report and sync.

        Raises:
            DeliveryError: the disk refuses.
        """
        # The line feed comes first, so that what a cut left of the line before does not spoil this one.
        content = b"\n" + msgspec.json.encode(entry)
        try:
            handle = os.open(self.path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o600)
            try:
                while content:
                    content = content[os.write(handle, content) :]
                os.fsync(handle)
            finally:
                os.close(handle)
        except OSError as error:
            raise _no_spool(self.path, error) from error


def as_table(entries: list[Entry]) -> pd.DataFrame:
    """One row for each player, week, felt, music and outcome."""
    import pandas as pd

    rows = [
        (
            *(entry.device, entry.report.week, felt, music, outcome),
            *(entry.report.counts[f][m][o], entry.report.epsilon, entry.report.events_a_day, entry.report.bundle),
            entry.received,
        )
        for entry in sorted(entries, key=lambda entry: (entry.report.week, entry.device))
        for f, felt in enumerate(entry.report.felt)
        for m, music in enumerate(entry.report.music)
        for o, outcome in enumerate(entry.report.outcome)
    ]
    kinds = {
        **dict.fromkeys(("device", "week", "felt", "music", "outcome"), "string"),
        "count": "int32",
        "epsilon": "float64",
        "events_a_day": "int32",
        "bundle": "string",
    }
    table = pd.DataFrame(rows, columns=[*kinds, "received"]).astype(kinds)
    table["received"] = pd.to_datetime(table["received"].astype("float64"), unit="s", utc=True)
    return table


def write_table(table: pd.DataFrame, path: Path) -> None:
    """Write a table as Parquet, whole or not at all.

    Raises:
        DeliveryError: the place cannot be written to.
    """
    buffer = BytesIO()
    table.to_parquet(buffer, engine="pyarrow", index=False)
    write_whole(path, buffer.getvalue())


def _check_table(device: str, report: FeedbackReport) -> None:
    for name, words in (("felt", report.felt), ("music", report.music), ("outcome", report.outcome)):
        well_formed = all(_WORD.fullmatch(word) for word in words) and len(set(words)) == len(words)
        if not well_formed or not 1 <= len(words) <= _MOST_WORDS:
            raise _refuse(f"the report of {device} names {name} that are none", Reason.WRONG_VALUE)
    shape = {len(report.felt)}, {len(report.music)}, {len(report.outcome)}
    tables = report.counts
    real = {len(tables)}, {len(rows) for rows in tables}, {len(cells) for rows in tables for cells in rows}
    if real != shape:
        raise _refuse(f"the counts of {device} have another shape than their names", Reason.WRONG_VALUE)
    if any(abs(cell) > _LARGEST_COUNT for rows in tables for cells in rows for cell in cells):
        raise _refuse(f"a count of {device} is beyond all listening", Reason.WRONG_VALUE)


def _check_week(device: str, week: str, now: float) -> None:
    year, number = week.split("-W")
    try:
        begins = date.fromisocalendar(int(year), int(number), 1)
    except ValueError as error:
        raise _refuse(f"{device} reports of {week}, which is no week", Reason.WRONG_VALUE) from error
    # A day of grace: the player's clock decides when its week is over.
    if begins.toordinal() > datetime.fromtimestamp(now, UTC).toordinal() + 1:
        raise _refuse(f"{device} reports of {week}, which has not begun", Reason.FUTURE)


def _refuse(what: str, reason: Reason) -> WireError:
    return WireError(what, reason=reason, remedy="See docs/feedback.md")


def _no_spool(path: Path, error: OSError) -> DeliveryError:
    return DeliveryError(
        f"{path} cannot be used: {error.strerror}",
        reason=Reason.READ_ONLY,
        remedy="Check [publishing] feedback, who owns it, and the room on its disk",
    )
