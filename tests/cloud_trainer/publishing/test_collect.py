"""Reports of listening, from the broker to a table."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from pathlib import Path
from typing import Any

import msgspec
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from publishing_desk import Desk, Mosquitto
from typer.testing import CliRunner

from cloud_trainer import cli
from cloud_trainer.publishing.collecting import take
from cloud_trainer.publishing.feedback import Entry, Spool, as_table, check, write_table
from models.errors import BrokerError, DeliveryError, Reason, WireError
from models.wire.messages import FeedbackReport, encode
from models.wire.topics import DeviceTopics, feedback_filter

Starts = Callable[[str], AbstractAsyncContextManager[Mosquitto]]
NOW = 1_795_300_000.0  # Saturday, 21 November 2026: in 2026-W47
MUSIC = ("excited", "tense", "sad", "calm")


def a_report(**changes: Any) -> FeedbackReport:
    report = FeedbackReport(
        format=1,
        week="2026-W46",
        bundle="2026.11.2",
        felt=("unknown", *MUSIC),
        music=MUSIC,
        outcome=("completed", "skipped"),
        counts=[[[100 * f + 10 * m, -o] for o, m in enumerate(range(4))] for f in range(5)],
        epsilon=1.0,
        events_a_day=12,
    )
    return msgspec.structs.replace(report, **changes)


def message(device: str = "kitchen", **changes: Any) -> tuple[str, bytes]:
    return DeviceTopics(device).feedback, encode(a_report(**changes))


def checked(topic: str, payload: bytes) -> Entry:
    return check(topic, payload, retained=False, now=NOW)


def test_a_report_is_read_with_its_sender_and_time():
    assert checked(*message()) == Entry("kitchen", NOW, a_report())


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"format": 2}, Reason.UNSUPPORTED),
        ({"week": "2026-W54"}, Reason.WRONG_VALUE),
        ({"week": "0000-W01"}, Reason.WRONG_VALUE),
        ({"week": "2026-46"}, Reason.WRONG_VALUE),
        ({"week": "2026-W49"}, Reason.FUTURE),
        ({"bundle": "; drop"}, Reason.WRONG_VALUE),
        ({"felt": ()}, Reason.WRONG_VALUE),
        ({"felt": ("a", "a", "b", "c", "d")}, Reason.WRONG_VALUE),
        ({"music": ("Excited", "tense", "sad", "calm")}, Reason.WRONG_VALUE),
        ({"counts": []}, Reason.WRONG_VALUE),
        ({"counts": [[[1, 2]] * 4] * 4}, Reason.WRONG_VALUE),
        ({"counts": [[[1, 2]] * 4] * 4 + [[[1]] * 4]}, Reason.WRONG_VALUE),
        ({"counts": [[[1, 2]] * 4] * 4 + [[[1, 10**7]] * 4]}, Reason.WRONG_VALUE),
        ({"epsilon": 0.0}, Reason.WRONG_VALUE),
        ({"events_a_day": 10**8}, Reason.WRONG_VALUE),
    ],
)
def test_what_is_no_report_is_refused(changes: dict[str, Any], reason: Reason):
    with pytest.raises(WireError) as caught:
        checked(*message(**changes))
    assert caught.value.reason is reason


@pytest.mark.parametrize(
    ("topic", "payload", "retained", "reason"),
    [
        ("attune/1/feedback/kitchen", b"{", False, Reason.MALFORMED),
        ("attune/1/feedback/kitchen", b"", False, Reason.WRONG_VALUE),
        ("attune/1/feedback/kitchen", b" " * 70_000, False, Reason.OVERSIZED),
        ("attune/1/feedback/KITCHEN", encode(a_report()), False, Reason.MALFORMED),
        ("attune/1/feedback/a/b", encode(a_report()), False, Reason.MALFORMED),
        ("attune/1/feedback/kitchen", encode(a_report()), True, Reason.RETAINED),
    ],
)
def test_what_does_not_come_as_a_report_is_refused(topic: str, payload: bytes, retained: bool, reason: Reason):
    with pytest.raises(WireError) as caught:
        check(topic, payload, retained=retained, now=NOW)
    assert caught.value.reason is reason


@given(st.binary(max_size=300))
def test_any_bytes_are_a_report_or_refused(payload: bytes):
    with pytest.raises(WireError):
        checked("attune/1/feedback/kitchen", payload)


def test_the_first_report_of_a_player_and_a_week_counts(tmp_path: Path):
    spool = Spool(tmp_path)
    with spool.opened() as known:
        assert known == set()
        spool.keep(Entry("kitchen", 1.0, a_report(epsilon=1.0)))
        spool.keep(Entry("kitchen", 2.0, a_report(epsilon=2.0)))
        spool.keep(Entry("attic", 3.0, a_report()))
    with spool.opened() as known:
        assert known == {("kitchen", "2026-W46"), ("attic", "2026-W46")}
    assert [(entry.device, entry.report.epsilon) for entry in spool.entries()] == [("kitchen", 1.0), ("attic", 1.0)]


def test_a_line_that_was_cut_costs_only_itself(tmp_path: Path):
    spool = Spool(tmp_path)
    spool.keep(Entry("kitchen", 1.0, a_report()))
    whole = spool.path.read_bytes()
    spool.keep(Entry("attic", 1.0, a_report()))
    spool.path.write_bytes(spool.path.read_bytes()[: len(whole) + 50])
    spool.keep(Entry("cellar", 1.0, a_report()))
    assert [entry.device for entry in spool.entries()] == ["kitchen", "cellar"]


def test_two_collectors_do_not_share_a_spool(tmp_path: Path):
    with (
        Spool(tmp_path).opened(),
        pytest.raises(DeliveryError, match="another attune-trainer collects"),
        Spool(tmp_path).opened(),
    ):
        pass


def test_the_table_has_a_row_for_each_count(tmp_path: Path):
    entries = [Entry("kitchen", NOW, a_report()), Entry("attic", NOW, a_report(week="2026-W45"))]
    write_table(as_table(entries), tmp_path / "feedback.parquet")
    table = pd.read_parquet(tmp_path / "feedback.parquet")
    assert len(table) == 2 * 5 * 4 * 2
    assert list(table["device"].unique()) == ["attic", "kitchen"]
    picked = table.query("device == 'kitchen' and felt == 'calm' and music == 'sad'")
    assert picked[["outcome", "count"]].to_numpy().tolist() == [["completed", 420], ["skipped", -2]]
    assert set(table["epsilon"]) == {1.0}
    assert str(table["received"].dt.tz) == "UTC"


def test_an_empty_table_has_its_columns(tmp_path: Path):
    write_table(as_table([]), tmp_path / "feedback.parquet")
    assert list(pd.read_parquet(tmp_path / "feedback.parquet").columns)[:6] == [
        *("device", "week", "felt", "music", "outcome", "count")
    ]


class Collector:
    """The command, with a home of its own."""

    def __init__(self, folder: Path, port: int) -> None:
        self.out, self._config = folder / "feedback.parquet", folder / "trainer.toml"
        self._config.write_text(f'[publishing]\nport = {port}\nfeedback = "{folder / "spool"}"\n')

    async def __call__(self, *words: str) -> dict[str, Any]:
        command = ["collect", "--out", str(self.out), "--wait", "0.3", "--json", "--config", str(self._config), *words]
        result = await asyncio.to_thread(CliRunner().invoke, cli.app, command)
        if result.exception is not None:
            raise result.exception
        answer: dict[str, Any] = json.loads(result.stdout)
        return answer


async def send(desk: Desk, broker: Mosquitto, *messages: tuple[str, bytes]) -> None:
    async with broker.connection(desk.settings) as player:
        for topic, payload in messages:
            await player._client.publish(topic, payload, qos=1)


async def test_reports_wait_at_the_broker_until_they_are_collected(desk: Desk, broker: Mosquitto, tmp_path: Path):
    collect = Collector(tmp_path, broker.port)
    first = await collect()
    assert (first["resumed"], first["reports"]) == (False, 0)
    await send(desk, broker, message("kitchen"), message("attic"), message("kitchen"), ("attune/1/feedback/x", b"{"))
    second = await collect()
    assert (second["resumed"], second["new"], second["repeated"]) == (True, 2, 1)
    assert second["left_out"] == {"malformed": 1}
    assert len(pd.read_parquet(collect.out)) == 2 * 40
    third = await collect()
    assert (third["new"], third["reports"], third["players"]) == (0, 2, 2)


async def test_more_reports_than_the_broker_sends_at_once_all_come(desk: Desk, broker: Mosquitto, tmp_path: Path):
    collect = Collector(tmp_path, broker.port)
    await collect()
    await send(desk, broker, *(message(f"player-{number}") for number in range(60)))
    assert (await collect())["new"] == 60


async def test_what_is_not_on_the_disk_comes_again(desk: Desk, broker: Mosquitto, tmp_path: Path):
    settings = broker.at(desk.settings)
    collect = Collector(tmp_path, broker.port)
    await collect()
    await send(desk, broker, message("kitchen"), message("attic"))

    def full(_topic: str, _payload: bytes, _retained: bool) -> None:
        raise DeliveryError("no room", reason=Reason.DISK_FULL)

    with pytest.raises(DeliveryError, match="no room"):
        await asyncio.to_thread(take, settings, feedback_filter(), full, quiet_s=0.3)
    assert (await collect())["new"] == 2


async def test_without_a_broker_the_old_table_stays(broker: Mosquitto, tmp_path: Path):
    collect = Collector(tmp_path, broker.port)
    await collect()
    before = collect.out.read_bytes()
    await broker.stop()
    with pytest.raises(BrokerError, match="cannot be reached") as caught:
        await collect()
    assert caught.value.reason is Reason.UNREACHABLE
    assert collect.out.read_bytes() == before


async def test_a_broker_that_refuses_is_told(mosquitto: Starts, tmp_path: Path):
    async with mosquitto("allow_anonymous false") as broker:
        with pytest.raises(BrokerError, match="refused") as caught:
            await Collector(tmp_path, broker.port)()
    assert caught.value.reason is Reason.REFUSED
