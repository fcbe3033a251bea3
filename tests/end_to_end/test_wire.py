"""The agent as its users see it: a process on one side of a broker, a client on the other."""

from __future__ import annotations

import asyncio
import json
import signal
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from running_agent import RunningAgent, running_agent

from agent.integration.broker.mosquitto import find_mosquitto
from models.wire.messages import Affect, BundleStatus, Health, Now, Queue, decode
from models.wire.senml import encode


def heart_rate(value: float, t: float | None = None) -> bytes:
    return encode("hr", [time.time() if t is None else t], [value])


async def queue_after_a_sample(agent: RunningAgent) -> Any:
    """The queue that a heart rate alone has caused; one that shares its evaluation with a track's end is sent again."""
    for _ in range(20):
        seen = agent.count("queue")
        await agent.sense("hr", heart_rate(72.0))
        queue = await agent.wait("queue", after=seen)
        if queue["cause"]["kind"] == "sample":
            return queue
    raise AssertionError("no queue names a sample as its cause")


async def test_everything_that_is_published_is_as_the_wire_says(config: Path, port: int) -> None:
    async with running_agent(config, port) as agent:
        await queue_after_a_sample(agent)
        await agent.wait("health")
        kinds = {"affect": Affect, "now": Now, "queue": Queue, "health": Health, "bundle": BundleStatus}
        for part, kind in kinds.items():
            for payload in agent.log[f"attune/1/device/test/{part}"]:
                decode(payload, kind)


async def test_a_sample_leads_to_a_state_that_names_its_source_and_to_a_queue(config: Path, port: int) -> None:
    async with running_agent(config, port) as agent:
        queue = await queue_after_a_sample(agent)
        affect = await agent.wait("affect", lambda value: value["sources"])
        assert affect["sources"]["hr"]["wearable"] == "strap"
        assert 0 < queue["cause"]["latency_ms"] < 60_000
        # Four tracks: one may play, one may be prepared, the rest is offered.
        assert len(queue["tracks"]) >= 2


async def test_it_plays_by_itself_and_says_why(config: Path, port: int) -> None:
    async with running_agent(config, port) as agent:
        now = await agent.wait("now", lambda value: value["status"] == "playing" and value["why"])
        assert now["track"]["title"].endswith("tone")
        first = now["track"]["id"]
        later = await agent.wait("now", lambda value: value["track"] and value["track"]["id"] != first)
        assert later["status"] == "playing"


async def test_commands_do_what_they_say(config: Path, port: int) -> None:
    async with running_agent(config, port) as agent:
        playing = await agent.wait("now", lambda value: value["status"] == "playing")
        await agent.command("pause", {"id": "one"})
        assert (await agent.wait("reply/one"))["ok"]
        await agent.wait("now", lambda value: value["status"] == "paused")
        seen = agent.count("now")
        await agent.command("volume", {"percent": 35})
        await agent.command("play")
        await agent.wait(
            "now", lambda value: value["status"] == "playing" and value["volume_percent"] == 35, after=seen
        )
        await agent.command("next")
        await agent.wait("now", lambda value: value["track"] and value["track"]["id"] != playing["track"]["id"])
        await agent.command("feeling", {"valence": -0.8, "arousal": -0.7})
        affect = await agent.wait("affect", lambda value: value["valence"] < -0.4 and value["arousal"] < -0.3)
        assert affect["sd"][0] < 0.3
        await agent.command("goal", {"mode": "lead", "valence": 0.6, "arousal": 0.5, "minutes": 10})
        queue = await agent.wait("queue", lambda value: value["goal"]["mode"] == "lead")
        assert queue["goal"]["valence"] == 0.6
        wanted = queue["tracks"][-1]["id"]
        await agent.command("play", {"track": wanted})
        await agent.wait("now", lambda value: value["track"] and value["track"]["id"] == wanted)


@pytest.mark.parametrize(
    ("verb", "payload", "code"),
    [
        ("volume", b'{"percent": 200, "id": "x"}', "wrong_value"),
        ("volume", b"loud", "malformed"),
        ("feeling", b'{"valence": 0.1}', "wrong_value"),
        ("goal", b'{"mode": "party"}', "wrong_value"),
        ("seek", b'{"seconds": 1, "colour": "red"}', "wrong_value"),
        ("dance", b"", "unknown_verb"),
        ("like", b'{"track": "nothing"}', "unknown_track"),
    ],
)
async def test_a_wrong_command_is_answered_and_the_player_lives(
    config: Path, port: int, verb: str, payload: bytes, code: str
) -> None:
    async with running_agent(config, port) as agent:
        await agent.command(verb, payload)
        error = await agent.wait(f"command/{verb}/error")
        assert error["code"] == code
        assert error["error"]
        assert error["remedy"]
        await agent.wait("health", lambda value: value["counters"].get(f"commands.{code}") == 1)


async def test_a_retained_command_is_refused(config: Path, port: int) -> None:
    async with running_agent(config, port) as agent:
        await agent.command("pause", b"{}", retain=True)
        await agent.client.publish("attune/1/device/test/command/pause", b"", retain=True)
        # To those already subscribed a broker delivers it as an ordinary message: it pauses. After a reconnect it would
        # come again, marked as retained.
        await agent.wait("now", lambda value: value["status"] == "paused")


PACKS = {
    "malformed": ("hr", b"not senml at all"),
    "wrong_unit": ("hr", json.dumps([{"u": "Hz", "v": 1.2}]).encode()),
    "unknown_quantity": ("glucose", json.dumps([{"v": 5}]).encode()),
    "future": ("hr", encode("hr", [time.time() + 3600], [70.0])),
    "history": ("hr", encode("hr", [1000.0 + 2**28], [70.0])),
    "unsupported": ("hr", json.dumps([{"v": 70, "must_": 1}]).encode()),
}


async def test_every_bad_pack_is_counted_by_its_reason_and_the_next_good_one_counts(config: Path, port: int) -> None:
    async with running_agent(config, port) as agent:
        for quantity, payload in PACKS.values():
            await agent.sense(quantity, payload)
        await agent.sense("hr", b"[" + b" " * 300_000 + b"]")
        await agent.sense("hr", heart_rate(71.0))
        await agent.wait("affect", lambda value: value["sources"])
        reasons = [f"sensing.{reason}" for reason in PACKS]
        health = await agent.wait("health", lambda value: all(value["counters"].get(reason) for reason in reasons))
        assert health["status"] == "ok"
        assert health["counters"]["broker.oversized_refused"] == 1


async def test_mosquitto_pub_and_sub_alone_drive_and_observe_it(config: Path, port: int) -> None:
    async with running_agent(config, port):
        where = ["-h", "127.0.0.1", "-p", str(port)]
        sense = ["-q", "1", "-t", "attune/1/listener/me/sense/strap/hr", "-m", '[{"u":"beat/min","v":72}]']
        feeling = ["-t", "attune/1/device/test/command/feeling", "-m", '{"valence":0.8,"arousal":0.8}']

        def observe(topic: str) -> dict[str, object]:
            answer = subprocess.run(
                ["mosquitto_sub", *where, "-C", "1", "-W", "30", "-t", topic], capture_output=True, check=True
            )
            value: dict[str, object] = json.loads(answer.stdout)
            return value

        def drive() -> float:
            for arguments in (sense, feeling):
                subprocess.run(["mosquitto_pub", *where, *arguments], check=True)
            for _ in range(30):
                if (valence := observe("attune/1/device/test/affect")["valence"]) > 0.4:
                    return valence
            return valence

        assert await asyncio.to_thread(drive) > 0.4
        assert await asyncio.to_thread(observe, "attune/1/device/test/queue")


def use_external_broker(config: Path) -> None:
    config.write_text(config.read_text().replace("[broker]", '[broker]\nhost = "127.0.0.1"'))


@pytest.fixture
def external_broker(port: int) -> Iterator[None]:
    binary = find_mosquitto()
    if binary is None:
        pytest.skip("needs Mosquitto: sudo apt-get install mosquitto")
    with subprocess.Popen([binary, "-p", str(port)], stderr=subprocess.DEVNULL) as broker:
        yield
        broker.terminate()


@pytest.mark.usefixtures("external_broker")
async def test_a_killed_agent_is_seen_to_be_offline_and_comes_back_with_what_it_knew(config: Path, port: int) -> None:
    use_external_broker(config)
    async with running_agent(config, port) as agent:
        playing = await agent.wait("now", lambda value: value["status"] == "playing")
        await agent.command("dislike", {"track": playing["track"]["id"], "id": "no"})
        await agent.wait("reply/no")
        agent.process.send_signal(signal.SIGKILL)
        await agent.wait("availability", lambda value: value == "offline")
        await agent.process.wait()
    async with running_agent(config, port) as agent:
        queue = await agent.wait("queue", lambda value: value["cause"]["kind"] == "start")
        assert queue["tracks"][0]["id"] != playing["track"]["id"]


@pytest.mark.usefixtures("external_broker")
async def test_on_an_external_broker_the_state_stays_at_home_unless_allowed(config: Path, port: int) -> None:
    use_external_broker(config)
    async with running_agent(config, port) as agent:
        await queue_after_a_sample(agent)
        told = agent.log["attune/1/device/test/affect"]
        assert not any(told), "only the clearing of what an earlier run published"
