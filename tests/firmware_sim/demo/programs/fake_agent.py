"""Stands in for the agent in the demo's tests: it speaks its part of the wire and knows nothing of music.

Every queue holds the two pieces of the catalogue that the last heart rate speaks for: lively above 72, else calm.
"""

from __future__ import annotations

import asyncio
import os
import shutil
import signal
import sys
import time
import tomllib
from pathlib import Path

import aiomqtt

from models.wire import messages, senml, topics

PIECES = {"calm": ["Calm 1", "Calm 2"], "lively": ["Lively 1", "Lively 2"]}


def track(title: str) -> messages.QueueTrack:
    parts = messages.Parts(1, 1, 1, 1)
    return messages.QueueTrack(title, title, "us", score=1, valence=0, arousal=0, parts=parts, why="because")


def queue(mood: str, kind: str) -> messages.Queue:
    cause = messages.Cause(kind=kind, t=time.time(), latency_ms=7.0)
    tracks = [track(title) for title in PIECES[mood]]
    weights = messages.Parts(0.25, 0.25, 0.25, 0.25)
    return messages.Queue(time.time(), messages.Goal("match"), weights, tracks, cause)


async def listen(client: aiomqtt.Client, names: topics.DeviceTopics) -> None:
    playing = messages.NowTrack("1", "Calm 1", "us", "", 50.0, 0.0, 0.0)
    health = messages.Health(time.time(), 1.0, "ok", {}, {}, playback={"seconds": 2.5, "underruns": 0.0})
    await client.publish(
        names.now, messages.encode(messages.Now(time.time(), "playing", 0.0, playing, "")), 1, retain=True
    )
    await client.publish(names.health, messages.encode(health), retain=True)
    await client.publish(names.queue, messages.encode(queue("calm", "start")), 1, retain=True)
    await client.publish(names.availability, b"online", 1, retain=True)
    async for message in client.messages:
        rate = senml.decode(message.payload, quantity="hr", now=time.time()).values[-1]
        if "dies" in os.environ.get("FAKE_AGENT", ""):
            sys.exit("the fake agent was told to die")
        arousal = float(min(1, max(-1, (rate - 72) / 10)))
        state = messages.Affect(time.time(), 0.0, arousal, (0.2, 0.2), 0.0, 1.0, False, "fake", {})
        await client.publish(names.affect, messages.encode(state), 1)
        if "silent" not in os.environ.get("FAKE_AGENT", ""):
            await client.publish(names.queue, messages.encode(queue("lively" if rate > 72 else "calm", "sample")), 1)


async def run(settings: dict) -> None:
    port = settings["broker"]["port"]
    folder = Path(settings["storage"]["folder"])
    (folder / "mosquitto.conf").write_text(f"listener {port} 127.0.0.1\nallow_anonymous true\n")
    binary = shutil.which("mosquitto") or "/usr/sbin/mosquitto"
    broker = await asyncio.create_subprocess_exec(
        binary, "-c", str(folder / "mosquitto.conf"), stderr=asyncio.subprocess.DEVNULL
    )
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, lambda: (broker.terminate(), os._exit(0)))
    (folder / "pids").write_text(f"{os.getpid()} {broker.pid}")
    names = topics.DeviceTopics(settings["device"]["id"])
    while True:
        try:
            async with aiomqtt.Client("127.0.0.1", port) as client:
                await client.subscribe(topics.sense_filter(settings["listener"]["id"]).replace("+/+", "+/hr"), 1)
                await listen(client, names)
        except aiomqtt.MqttError:
            await asyncio.sleep(0.05)


if __name__ == "__main__":
    if sys.argv[1] in {"gateway", "wearables"}:
        # The way from the air to the broker is the real one.
        from agent.cli import main

        sys.exit(main())
    verb, _, config = sys.argv[1:4]
    if verb == "scan":
        sys.exit(int(os.environ.get("FAKE_SCAN", "0")))
    asyncio.run(run(tomllib.loads(Path(config).read_text())))
