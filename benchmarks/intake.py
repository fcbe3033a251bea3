"""Packs a second that the agent takes in at QoS 1, beside a bare paho subscriber on the same broker.

The promise: 200 packs a second of 25 samples through Mosquitto on one core, none lost. "agent" is the link, the SenML
decoder and the sensing station, each message acknowledged only after it was taken; "bare paho" counts messages and
does nothing else. The subscriber runs in a process of its own on one core; amqtt runs inside that process, as it does
inside the agent; publisher and Mosquitto have the other cores. "flat out": as fast as the publisher goes. "200/s": the
share of one core that the promised rate costs.

    python -m benchmarks.intake [--json] [--packs N] [--seconds S]
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import json
import multiprocessing
import os
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from multiprocessing.connection import Connection
from pathlib import Path

import paho.mqtt.client as paho
from paho.mqtt.enums import CallbackAPIVersion

from agent.integration.broker import EmbeddedBroker
from agent.integration.broker.mosquitto import find_mosquitto
from agent.integration.link import Link, LinkSettings
from agent.sensing.station import Sensing
from models.wire import senml, topics

PROMISED_PACKS_S = 200
SAMPLES = 25
WEARABLES = 8
LISTENER = "me"
_STALLED_S = 5.0  # nothing came for so long: what is missing is lost
_SPAWN = multiprocessing.get_context("spawn")


@dataclass
class Intake:
    """What a subscriber saw. `core` is the share of one core that it used while packs came."""

    received: int
    lost: int
    packs_s: float
    core: float


class Meter:
    """Counts arrivals and stops the time between the first and the last."""

    def __init__(self, total: int) -> None:
        self.total = total
        self.received = 0
        self.done = threading.Event()
        self._first = self._last = self._cpu_first = self._cpu_last = 0.0

    def count(self) -> bool:
        """Note an arrival; returns whether it was the last one."""
        self._last, self._cpu_last = time.perf_counter(), time.process_time()
        if not self.received:
            self._first, self._cpu_first = self._last, self._cpu_last
        self.received += 1
        if self.received >= self.total:
            self.done.set()
        return self.done.is_set()

    def idle_s(self) -> float:
        """Seconds since the last arrival; 0 before the first."""
        return time.perf_counter() - self._last if self.received else 0.0

    def result(self) -> Intake:
        """Sum up."""
        seconds = max(self._last - self._first, 1e-9)
        return Intake(
            self.received,
            self.total - self.received,
            (self.received - 1) / seconds,
            (self._cpu_last - self._cpu_first) / seconds,
        )


def pin(*cores: int) -> None:
    """Keep this process on some of the cores, where the system allows it."""
    available = sorted(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else []
    wanted = {available[core % len(available)] for core in cores} if available else set()
    if wanted:
        os.sched_setaffinity(0, wanted)


def publish(port: int, total: int, rate: float | None) -> None:
    """Send `total` packs, at `rate` a second or as fast as possible, and wait until the broker has them all."""
    pin(*range(1, os.cpu_count() or 2))
    client = paho.Client(CallbackAPIVersion.VERSION2, client_id="publisher")
    client.max_inflight_messages_set(200)
    client.connect("127.0.0.1", port)
    client.loop_start()
    start, step_s = time.time(), 1.0 / (rate or 20_000.0)
    names = [topics.sense(LISTENER, f"band-{number}", "ppg") for number in range(WEARABLES)]
    flying = []
    for number in range(total):
        first = start + number * step_s
        times = [first + sample * step_s * WEARABLES / SAMPLES for sample in range(SAMPLES)]
        payload = senml.encode("ppg", times, [0.5] * SAMPLES, sequence=number // WEARABLES)
        if rate is not None:
            time.sleep(max(0.0, first - time.time()))
        flying.append(client.publish(names[number % WEARABLES], payload, qos=1))
    for message in flying:
        message.wait_for_publish(60.0)
    client.disconnect()
    client.loop_stop()


def bare_subscriber(pipe: Connection, port: int, total: int) -> None:
    """The peer: paho in its simplest form."""
    pin(0)
    meter = Meter(total)
    client = paho.Client(CallbackAPIVersion.VERSION2, client_id="bare")

    def count(_client: paho.Client, _userdata: object, _message: paho.MQTTMessage) -> None:
        meter.count()

    client.on_message = count
    client.on_subscribe = lambda *_arguments: pipe.send(port)
    client.connect("127.0.0.1", port)
    client.subscribe(topics.sense_filter(LISTENER), qos=1)
    client.loop_start()
    while not meter.done.wait(0.1) and meter.idle_s() < _STALLED_S:
        pass
    client.disconnect()
    client.loop_stop()
    pipe.send(meter.result())


def agent_subscriber(pipe: Connection, port: int, total: int) -> None:
    """The agent's intake; port 0: with amqtt in the same process, as the agent has it."""
    pin(0)
    pipe.send(asyncio.run(_take(pipe.send, port, total)))


async def _take(ready: Callable[[int], None], port: int, total: int) -> Intake:
    meter, sensing = Meter(total), Sensing(LISTENER)
    async with contextlib.AsyncExitStack() as stack:
        if not port:
            folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
            port = (await stack.enter_async_context(EmbeddedBroker(0, folder, kind="amqtt"))).port
        settings = LinkSettings(host="127.0.0.1", port=port, client_id="agent")
        link = Link(settings, on_connect=lambda: ready(port))
        link.subscribe(topics.sense_filter(LISTENER), qos=1)
        await stack.enter_async_context(link)

        async def consume() -> None:
            async for message in link.messages():
                if sensing.accept(message.topic, message.payload, now=time.time()).refusal is None and meter.count():
                    return

        consuming = asyncio.create_task(consume())
        while not consuming.done() and meter.idle_s() < _STALLED_S:
            await asyncio.wait((consuming,), timeout=0.1)
        consuming.cancel()
    return meter.result()


def measure(subscriber: Callable[[Connection, int, int], None], port: int, total: int, rate: float | None) -> Intake:
    """Run one subscriber and one publisher to the end."""
    ours, theirs = _SPAWN.Pipe()
    listening = _SPAWN.Process(target=subscriber, args=(theirs, port, total), daemon=True)
    listening.start()
    sending = _SPAWN.Process(target=publish, args=(ours.recv(), total, rate), daemon=True)
    sending.start()
    result = ours.recv()
    if not isinstance(result, Intake):
        raise TypeError(f"the subscriber sent {result!r}")
    sending.join()
    listening.join()
    return result


async def amqtt_apart(pipe: Connection, stop: Connection) -> None:
    """Run amqtt in a process of its own, for the peer."""
    with tempfile.TemporaryDirectory() as folder:
        async with EmbeddedBroker(0, Path(folder), kind="amqtt") as broker:
            pipe.send(broker.port)
            await asyncio.to_thread(stop.recv)


def run_amqtt_apart(pipe: Connection, stop: Connection) -> None:
    """Entry of that process."""
    pin(0)
    asyncio.run(amqtt_apart(pipe, stop))


async def through_mosquitto(packs: int, seconds: float) -> dict[str, Intake]:
    """Measure peer and agent on Mosquitto as the agent configures it."""
    with tempfile.TemporaryDirectory() as folder:
        async with EmbeddedBroker(0, Path(folder), kind="mosquitto") as broker:
            steady = round(PROMISED_PACKS_S * seconds)
            return {
                "bare paho, flat out": await asyncio.to_thread(measure, bare_subscriber, broker.port, packs, None),
                "agent, flat out": await asyncio.to_thread(measure, agent_subscriber, broker.port, packs, None),
                "bare paho, 200/s": await asyncio.to_thread(
                    measure, bare_subscriber, broker.port, steady, PROMISED_PACKS_S
                ),
                "agent, 200/s": await asyncio.to_thread(
                    measure, agent_subscriber, broker.port, steady, PROMISED_PACKS_S
                ),
            }


def through_amqtt(packs: int, seconds: float) -> dict[str, Intake]:
    """Measure peer and agent on amqtt: on the same core as the peer, in a process of its own; inside the agent."""
    ports, stop_there = _SPAWN.Pipe()
    stopping, stop_here = _SPAWN.Pipe()
    broker = _SPAWN.Process(target=run_amqtt_apart, args=(stop_there, stop_here), daemon=True)
    broker.start()
    results = {"bare paho, flat out": measure(bare_subscriber, ports.recv(), packs, None)}
    stopping.send(None)
    broker.join()
    results["agent, flat out"] = measure(agent_subscriber, 0, packs, None)
    results["agent, 200/s"] = measure(agent_subscriber, 0, round(PROMISED_PACKS_S * seconds), PROMISED_PACKS_S)
    return results


def main() -> int:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--json", action="store_true", help="print one JSON object instead of a table")
    parser.add_argument("--packs", type=int, default=5000, help="packs to send flat out")
    parser.add_argument("--seconds", type=float, default=10.0, help="how long to send at the promised rate")
    arguments = parser.parse_args()
    results: dict[str, dict[str, Intake]] = {}
    if find_mosquitto() is not None:
        results["mosquitto"] = asyncio.run(through_mosquitto(arguments.packs, arguments.seconds))
    results["amqtt"] = through_amqtt(arguments.packs, arguments.seconds)
    kept = all(
        row.lost == 0 and row.packs_s >= PROMISED_PACKS_S * 0.99
        for broker, rows in results.items()
        for name, row in rows.items()
        if broker == "mosquitto" and name.startswith("agent")
    )
    if arguments.json:
        tables = {broker: {name: asdict(row) for name, row in rows.items()} for broker, rows in results.items()}
        print(json.dumps({"intake": tables, "promised_packs_s": PROMISED_PACKS_S, "kept": kept}))
        return 0
    print(f"{'broker':<10} {'subscriber':<20} {'packs/s':>8} {'samples/s':>10} {'lost':>5} {'of one core':>12}")
    for broker, rows in results.items():
        for name, row in rows.items():
            print(
                f"{broker:<10} {name:<20} {row.packs_s:>8.0f} {row.packs_s * SAMPLES:>10.0f} {row.lost:>5}"
                f" {row.core:>11.0%}"
            )
    verdict = "kept" if kept else "MISSED"
    print(f"promise ({PROMISED_PACKS_S} packs/s of {SAMPLES} samples, none lost, Mosquitto): {verdict}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
