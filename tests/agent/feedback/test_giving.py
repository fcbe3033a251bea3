"""Nothing leaves without consent; with it, each whole week's counts leave once."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import msgspec
import pytest
from stand_in_library import track_rows

from agent.feedback import consent
from agent.feedback.aggregate import FELT, MUSIC, OUTCOMES, bounds
from agent.feedback.reports import Shelf, events_of
from agent.feedback.sending import Giving
from agent.storage import Database
from agent.storage.records import AffectRow, Feedback, Play
from models.wire.messages import FeedbackReport

MONDAY, NEXT_MONDAY = bounds("2026-W47")
TRACK = f"{0:016x}"


class Wire:
    """Stands for the broker; away until it is told to take what comes."""

    def __init__(self) -> None:
        self.taken: list[FeedbackReport] = []
        self.away = False

    async def send(self, content: bytes) -> None:
        if self.away:
            raise OSError("the broker is away")
        self.taken.append(msgspec.json.decode(content, type=FeedbackReport))


@pytest.fixture
async def database(tmp_path: Path) -> AsyncIterator[Database]:
    async with await Database.open(tmp_path / "store") as opened:
        await opened.upsert_tracks(track_rows(4, "space"))
        play = Play(track_id=TRACK, started_t=MONDAY + 10, ended_t=MONDAY + 200, played_s=190, outcome="completed")
        await opened.record_play(play)
        yield opened


@pytest.fixture
def wire() -> Wire:
    return Wire()


def giving(tmp_path: Path, database: Database, wire: Wire, *, now: float) -> Giving:
    return Giving(tmp_path / "f", database, send=wire.send, bundle=lambda: "2026.11.2", clock=lambda: now)


async def test_without_consent_nothing_is_made_and_nothing_is_sent(
    tmp_path: Path, database: Database, wire: Wire
) -> None:
    assert await giving(tmp_path, database, wire, now=NEXT_MONDAY + 60).look() == 0
    assert wire.taken == []
    assert not (tmp_path / "f").exists()


async def test_a_whole_week_since_the_consent_is_sent_once(tmp_path: Path, database: Database, wire: Wire) -> None:
    consent.give(tmp_path / "f", now=MONDAY - 60)
    task = giving(tmp_path, database, wire, now=NEXT_MONDAY + 60)
    assert await task.look() == 1
    assert await task.look() == 0
    (report,) = wire.taken
    assert (report.week, report.epsilon, report.bundle) == ("2026-W47", 1.0, "2026.11.2")
    assert [len(report.counts), len(report.counts[0]), len(report.counts[0][0])] == [5, 4, 4]


async def test_a_week_that_began_before_the_consent_is_nobodys_business(
    tmp_path: Path, database: Database, wire: Wire
) -> None:
    consent.give(tmp_path / "f", now=MONDAY + 60)
    assert await giving(tmp_path, database, wire, now=NEXT_MONDAY + 60).look() == 0


async def test_a_report_that_waits_for_the_broker_is_not_noised_anew(
    tmp_path: Path, database: Database, wire: Wire
) -> None:
    consent.give(tmp_path / "f", now=MONDAY - 60)
    task, wire.away = giving(tmp_path, database, wire, now=NEXT_MONDAY + 60), True
    with pytest.raises(OSError, match="away"):
        await task.look()
    ((_, kept),) = Shelf(tmp_path / "f").waiting()
    wire.away = False
    await task.look()
    assert msgspec.json.decode(kept, type=FeedbackReport) == wire.taken[0]


async def test_withdrawing_deletes_what_waits_and_ends_it(tmp_path: Path, database: Database, wire: Wire) -> None:
    consent.give(tmp_path / "f", now=MONDAY - 60)
    task, wire.away = giving(tmp_path, database, wire, now=NEXT_MONDAY + 60), True
    with pytest.raises(OSError, match="away"):
        await task.look()
    assert consent.withdraw(tmp_path / "f") == 1
    wire.away = False
    assert await task.look() == 0
    assert wire.taken == []


def test_an_event_counts_with_the_feeling_that_was_known_then() -> None:
    def state(t: float, sd: float) -> AffectRow:
        return AffectRow(
            t=t,
            valence=-0.5,
            arousal=-0.5,
            sd_valence=sd,
            sd_arousal=sd,
            rho=0.0,
            quality=1.0,
            calibrated=True,
            model="",
        )

    def felt(*states: AffectRow) -> str:
        said = Feedback(track_id=TRACK, t=MONDAY + 100, kind="liked")
        (event,) = events_of("2026-W47", plays=[], judged=[said], states=states, emotions={TRACK: (0.5, 0.5)})
        assert (MUSIC[event.music], OUTCOMES[event.outcome]) == ("excited", "liked")
        return FELT[event.felt]

    assert felt(state(MONDAY + 90, 0.2)) == "sad"
    assert felt(state(MONDAY + 90, 0.6)) == "unknown"
    assert felt(state(MONDAY - 90, 0.2)) == "unknown"
    assert felt() == "unknown"


@pytest.mark.parametrize("content", [b"", b"{", b'{"statement": 0, "given_t": 1, "epsilon": "1"}', b"[]"])
def test_a_consent_that_cannot_be_read_or_is_to_other_words_is_none(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "consent.json").write_bytes(content)
    assert consent.read(tmp_path) is None
