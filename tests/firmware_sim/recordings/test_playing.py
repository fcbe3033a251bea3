from __future__ import annotations

import asyncio
import json
import math
import time
from pathlib import Path
from typing import Any

import aiomqtt
import numpy as np
import pytest
from typer.testing import CliRunner

from firmware_sim.cli import app
from firmware_sim.demo.workspace import free_port
from firmware_sim.recordings.playing import Played, Stretch, play, restamped
from firmware_sim.settings import BrokerSection
from models.errors import BrokerError, DataError, Reason
from models.wire import senml, topics
from models.wire.messages import Truth, encode
from models.wire.session import Entry, Header, SessionReader, SessionWriter

T = 1_600_000_000.0
HR = topics.sense("walker", "band", "hr")
PPG = topics.sense("walker", "band", "ppg")
AFFECT = "attune/1/device/living-room/affect"


def heart_rate(after_s: float, late_s: float = 0.1) -> Entry:
    return Entry(T + after_s, HR, senml.encode("hr", [T + after_s - late_s], [60.0 + after_s], sequence=int(after_s)))


def session(path: Path, *entries: Entry) -> Path:
    with SessionWriter(path, Header(t=T)) as writer:
        writer.write(entries)
    return path


def test_a_sample_keeps_its_distance_from_its_arrival() -> None:
    played = Played()
    message = restamped(heart_rate(3.0, late_s=0.25), 1e8, "me", played)
    assert message is not None
    assert message.topic == topics.sense("me", "band", "hr")
    assert message.qos == 1
    pack = senml.decode(message.payload, quantity="hr", now=0.0)
    np.testing.assert_allclose(pack.times, [T + 1e8 + 3.0 - 0.25], atol=1e-6)
    assert (pack.values.tolist(), pack.sequence) == ([63.0], 3)
    assert played.packs == {"band hr": 1}


def test_a_time_that_is_relative_stays_so() -> None:
    message = restamped(Entry(T, HR, b'[{"v": 70, "t": -2}]'), 50.0, "me", Played())
    assert message is not None
    assert senml.decode(message.payload, quantity="hr", now=0.0).times.tolist() == [T + 48.0]


def test_dense_streams_go_out_as_the_wire_has_them() -> None:
    message = restamped(Entry(T, PPG, senml.encode("ppg", [T], [0.5])), 0.0, "me", Played())
    assert message is not None
    assert message.qos == 0


def test_what_nobody_can_read_goes_out_as_it_came() -> None:
    played = Played()
    for topic, payload in ((HR, b"not senml"), ("attune/1/listener/walker/sense/band/glucose", b'[{"v": 5}]')):
        message = restamped(Entry(T, topic, payload), 50.0, "me", played)
        assert message is not None
        assert message.payload == payload
    assert played.unreadable == 2


def test_what_a_player_said_is_not_sent_and_what_was_felt_is() -> None:
    played = Played()
    assert restamped(Entry(T, AFFECT, b"{}"), 50.0, "me", played) is None
    assert played.left_out == 1
    message = restamped(Entry(T, topics.truth("walker"), encode(Truth(T, 0.5, -0.5))), 50.0, "me", played)
    assert message is not None
    assert message.topic == topics.truth("me")
    assert json.loads(message.payload) == {"t": T + 50.0, "valence": 0.5, "arousal": -0.5}


async def played_to(port: int, file: Path, expected: int, **options: Any) -> tuple[Played, list[aiomqtt.Message]]:
    """Play a file to a listening client; returns what it heard as well."""
    heard: list[aiomqtt.Message] = []
    async with aiomqtt.Client("127.0.0.1", port) as client:
        await client.subscribe("attune/1/listener/me/sense/#", qos=1)
        with SessionReader(file) as content:
            stretch = options.pop("stretch", Stretch())
            stop = options.pop("stop", asyncio.Event())
            broker = BrokerSection(port=port)
            played = await play(content, broker, listener="me", stretch=stretch, stop=stop, **options)
        async with asyncio.timeout(20):
            while len(heard) < expected:
                heard.append(await anext(aiter(client.messages)))
    return played, heard


def times(messages: list[aiomqtt.Message]) -> list[float]:
    packs = [senml.decode(bytes(message.payload), quantity="hr", now=0.0) for message in messages]
    return [float(pack.times[0]) for pack in packs]


async def test_a_session_is_played_over_the_wire_as_if_it_happened_now(mosquitto: int, tmp_path: Path) -> None:
    file = session(tmp_path / "x.gz", *(heart_rate(i / 10) for i in range(8)))
    begun = time.time()
    played, heard = await played_to(mosquitto, file, 8)
    stamps = times(heard)
    np.testing.assert_allclose(np.diff(stamps), 0.1, atol=1e-5)
    assert begun - 0.2 <= stamps[0]
    assert stamps[-1] <= time.time(), "nothing is stamped ahead of its time"
    assert played.packs == {"band hr": 8}
    assert (played.lost, played.is_cut) == (0, False)
    assert played.seconds >= 0.7


async def test_a_stretch_begins_and_ends_where_it_is_told_to(mosquitto: int, tmp_path: Path) -> None:
    file = session(tmp_path / "x.gz", *(heart_rate(i) for i in range(0, 3600, 2)))
    played, heard = await played_to(mosquitto, file, 1, stretch=Stretch(1999.9, 2000.1))
    assert played.packs == {"band hr": 1}
    pack = senml.decode(bytes(heard[0].payload), quantity="hr", now=0.0)
    assert pack.values.tolist() == [2060.0]
    assert abs(pack.times[0] - time.time()) < 60.0


async def test_a_session_is_ended_from_outside(mosquitto: int, tmp_path: Path) -> None:
    file = session(tmp_path / "x.gz", heart_rate(0.0), *(heart_rate(3600.0 + i) for i in range(200)))
    stop = asyncio.Event()
    playing = asyncio.create_task(played_to(mosquitto, file, 1, stop=stop))
    asyncio.get_running_loop().call_later(0.1, stop.set)
    played, _ = await asyncio.wait_for(playing, 20)
    assert played.packs.total() <= 1


async def test_a_session_that_was_cut_is_played_up_to_there(mosquitto: int, tmp_path: Path) -> None:
    file = tmp_path / "x.gz"
    with SessionWriter(file, Header(t=T)) as writer:
        writer.write([heart_rate(0.0), heart_rate(0.1)])
        writer.flush()
        size = file.stat().st_size
    file.write_bytes(file.read_bytes()[:size])
    played, _ = await played_to(mosquitto, file, 2)
    assert played.packs.total() == 2
    assert played.is_cut


async def test_damage_is_told_after_what_stands_before_it_was_read(mosquitto: int, tmp_path: Path) -> None:
    file = session(tmp_path / "x.gz", heart_rate(0.0), *(heart_rate(i / 1000) for i in range(1, 2000)))
    content = bytearray(file.read_bytes())
    content[-6] ^= 1
    file.write_bytes(bytes(content))
    with pytest.raises(DataError) as caught:
        await played_to(mosquitto, file, 0)
    assert caught.value.reason is Reason.CORRUPT


async def test_without_a_broker_it_says_where_it_looked(tmp_path: Path) -> None:
    port = free_port(0)
    with SessionReader(session(tmp_path / "x.gz", heart_rate(0.0))) as content, pytest.raises(BrokerError) as caught:
        await play(
            content, BrokerSection(port=port), listener="me", stretch=Stretch(0.0, math.inf), stop=asyncio.Event()
        )
    assert str(port) in str(caught.value)


def run(*arguments: str) -> tuple[int, str]:
    result = CliRunner().invoke(app, list(arguments))
    assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
    return result.exit_code, result.output


def test_the_command_line_converts_and_refuses_in_words(tmp_path: Path) -> None:
    folder = tmp_path / "e4"
    folder.mkdir()
    (folder / "HR.csv").write_text(f"{T}\n1.0\n60\n61\n")
    out = tmp_path / "walk.session.gz"
    code, told = run("convert", "e4", str(folder), "--out", str(out), "--listener", "walker")
    assert (code, "hr 2" in told) == (0, True)
    with SessionReader(out) as content:
        assert [entry.topic for entry in content] == [topics.sense("walker", "e4", "hr")] * 2
    code, told = run("convert", "e4", str(folder), "--out", str(out))
    assert (code, "exists already" in told, "Traceback" in told) == (1, True, False)
    code, told = run("convert", "hku956", "hku1", "--out", str(out), "--data", str(tmp_path))
    assert (code, "ratings.csv" in told) == (1, True)
    code, told = run("convert", "exam-stress", "S1", "Final", "--out", str(out), "--data", str(tmp_path))
    assert (code, "--data" in told) == (1, True)
    code, told = run("convert", "signals", "nothing", "--out", str(out), "--data", str(tmp_path))
    assert (code, "nothing" in told) == (1, True)
    code, told = run("convert", "e4", str(folder), "--out", str(tmp_path / "b.gz"), "--listener", "Not A Name")
    assert (code, "Not A Name" in told) == (1, True)


def test_the_command_line_plays_and_refuses_in_words(mosquitto: int, tmp_path: Path) -> None:
    file = session(tmp_path / "x.gz", heart_rate(0.0), heart_rate(0.1), Entry(T + 0.2, AFFECT, b"{}"))
    code, told = run("replay", str(file), "--host", "127.0.0.1", "--port", str(mosquitto), "--json")
    answer = json.loads(told)
    assert code == 0
    assert answer["packs"] == {"band hr": 2}
    assert answer["left_out"] == 1
    code, told = run("replay", str(file), "--port", str(mosquitto), "--to", "0.05")
    assert (code, "1 packs" in told) == (0, True)
    code, told = run("replay", str(tmp_path / "none.gz"), "--port", str(mosquitto))
    assert (code, "does not exist" in told) == (1, True)
    code, told = run("replay", str(file), "--port", str(free_port(0)))
    assert (code, "No broker answers" in told) == (1, True)
    code, told = run("replay", str(file), "--port", str(mosquitto), "--listener", "a/b")
    assert (code, "a/b" in told) == (1, True)
