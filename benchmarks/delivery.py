"""A bundle to a device, beside the same bytes published raw; what it costs in memory; a fleet with links that break.

"raw": a bare paho publisher sends the bundle's bytes as messages of 64 KiB at QoS 1, retained, then a bare paho
subscriber in another process comes for them and has them all: the same bytes on the same way, nothing verified, nothing
kept. "live": the same with the subscriber there from the start, which a device that may be off cannot count on.
"bundle": the publisher writes a signed channel (the same chunks and the metadata), and a receiver in another process,
which has followed the channel before, has seen the news, verified it, fetched it and put its files in their place, on
the disk. "changed": another bundle with one changed file. "memory": by how much the receiver's process grows from
before its first check, with all that is loaded for it, to its largest. "fleet": receivers of one broker through a proxy
that counts what each is sent and cuts a share of the connections at a random byte of the bundle; every connection is at
risk anew.

    python -m benchmarks.delivery [--json] [--megabytes N] [--devices N] [--fleet-megabytes N] [--cut SHARE]
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import hashlib
import json
import multiprocessing
import random
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from multiprocessing.connection import Connection
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

import paho.mqtt.client as paho
import psutil
from paho.mqtt.enums import CallbackAPIVersion

from agent.delivery.receiving import Limits, Receiver
from agent.integration.broker import EmbeddedBroker
from agent.integration.broker.mosquitto import find_mosquitto
from agent.integration.link import LinkSettings
from models.delivery.chunks import pieces
from models.errors import DeliveryError

if TYPE_CHECKING:
    from channel import Channel

WITHIN_TIMES = 2.0
ROUNDS = 5
MEMORY_MB = 16.0
BYTES_TIMES = 1.1
NOW = 1_795_348_800.0
"""2026-11-22, 12 h UTC, on the device's clock; the channel is signed for the days after it."""
_SPAWN = multiprocessing.get_context("spawn")
_PATIENCE_S = 300.0

T = TypeVar("T")


@dataclass
class Delivery:
    """How a bundle came.

    Attributes:
        seconds: from the publisher's first byte to the device's last file in its place.
        check_s, fetch_s: of it, at the device.
        chunk_bytes: taken from the broker.
        growth_mb: of the receiver's process, at its largest.
    """

    seconds: float
    check_s: float
    fetch_s: float
    chunk_bytes: int
    growth_mb: float


@dataclass
class Fleet:
    """How a fleet fared.

    Attributes:
        devices, right: how many there were, and ended on the right bundle.
        connections, cuts: over all devices.
        bytes_times: sent to a device, by the size of the bundle; mean over the devices.
        worst_times: the same of the device that was sent the most.
        seconds: until the last was done.
    """

    devices: int
    right: int
    connections: int
    cuts: int
    bytes_times: float
    worst_times: float
    seconds: float


def a_channel(folder: Path, size: int, devices: int = 0) -> Channel:
    """A channel with a bundle, and a device, or many in folders below, enrolled with it.

    Here, because what this imports is part of what the device's process is measured by.
    """
    sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "tests" / "support"))
    from channel import Channel

    from agent.delivery.receiving.enrolment import enrol

    channel = Channel(files=a_bundle(size), now=NOW)
    for each in [folder / str(number) for number in range(devices)] or [folder]:
        enrol(each, "stable", channel.first_root)
    return channel


def a_bundle(size: int, seed: int = 0, files: int = 4) -> dict[str, bytes]:
    """Files of random bytes, which no compression shrinks."""
    source = random.Random(seed)  # noqa: S311 - no secrets
    each = size // files
    named = {f"model_{number}.tflite": source.randbytes(each) for number in range(files)}
    return {"manifest.json": f'{{"seed": {seed}}}'.encode()} | named


# -- raw ---------------------------------------------------------------------------------------------------------------


def raw_subscriber(pipe: Connection, port: int, total: int, *, live: bool) -> None:
    """Count what comes, from the start or when told; tell when it is all there."""
    done, received = threading.Event(), 0
    client = paho.Client(CallbackAPIVersion.VERSION2, client_id="raw-subscriber")

    def count(_client: paho.Client, _userdata: object, message: paho.MQTTMessage) -> None:
        nonlocal received
        received += len(message.payload)
        if received >= total:
            done.set()

    client.on_message = count
    client.on_subscribe = lambda *_arguments: pipe.send("ready") if live else None
    client.connect("127.0.0.1", port)
    client.loop_start()
    if not live:
        pipe.send("ready")
        pipe.recv()
    client.subscribe("raw/+", qos=1)
    done.wait(_PATIENCE_S)
    pipe.send(time.time())
    client.disconnect()
    client.loop_stop()


def put(port: int, messages: Mapping[str, bytes]) -> None:
    """Publish, retained, at QoS 1, and wait until the broker has it all."""
    client = paho.Client(CallbackAPIVersion.VERSION2, client_id="publisher")
    client.max_inflight_messages_set(20)
    client.connect("127.0.0.1", port)
    client.loop_start()
    flying = [client.publish(topic, payload, qos=1, retain=True) for topic, payload in messages.items()]
    for message in flying:
        message.wait_for_publish(_PATIENCE_S)
    client.disconnect()
    client.loop_stop()


def raw(port: int, content: bytes, *, live: bool) -> float:
    """Seconds for the bytes alone."""
    ours, theirs = _SPAWN.Pipe()
    kept = {"args": (theirs, port, len(content)), "kwargs": {"live": live}}
    subscriber = _SPAWN.Process(target=raw_subscriber, daemon=True, **kept)  # type: ignore[arg-type]
    subscriber.start()
    ours.recv()
    started = time.time()
    put(port, {f"raw/{number}": piece for number, piece in enumerate(pieces(content))})
    ours.send("all is there")
    seconds: float = ours.recv() - started
    subscriber.join()
    put(port, {f"raw/{number}": b"" for number, _ in enumerate(pieces(content))})
    return seconds


# -- one device --------------------------------------------------------------------------------------------------------


class Memory:
    """The largest resident size of this process, watched from a thread."""

    def __init__(self) -> None:
        self._process = psutil.Process()
        self.start = self.largest = self._process.memory_info().rss
        self._thread = threading.Thread(target=self._watch, daemon=True)
        self._thread.start()

    def _watch(self) -> None:
        while True:
            time.sleep(0.005)
            self.largest = max(self.largest, self._process.memory_info().rss)

    def growth_mb(self) -> float:
        """Megabytes, so far."""
        return (self.largest - self.start) / 1e6


def device(pipe: Connection, port: int, folder: str, bundles: int) -> None:
    """A player's receiver, following the channel for so many bundles."""
    import agent.daemon  # noqa: F401 - what the agent has loaded anyway

    asyncio.run(_follow(pipe, port, Path(folder), bundles))


def _receiver(port: int, folder: Path, client_id: str = "attune-bench-bundles", **limits: float) -> Receiver:
    settings = LinkSettings(host="127.0.0.1", port=port, client_id=client_id, reconnect_limit_s=1.0)
    return Receiver(
        settings,
        folder=folder,
        channel="stable",
        clock=lambda: NOW,
        limits=Limits(**{"spacing_s": 0.0, "retry_s": _PATIENCE_S} | limits),  # type: ignore[arg-type]
    )


async def _follow(pipe: Connection, port: int, folder: Path, bundles: int) -> None:
    slots = [folder / "a", folder / "b"]
    async with _receiver(port, folder) as receiver:
        while not receiver.status.connected:  # noqa: ASYNC110 - it has no event of its own
            await asyncio.sleep(0.01)
        memory = Memory()
        for number in range(bundles):
            before = receiver.status.chunk_bytes
            pipe.send("ready")
            while await receiver.changed() != "metadata":
                pass
            started = time.time()
            verified = await receiver.check()
            checked = time.time()
            await receiver.fetch(verified, slots[number % 2], have=[slots[1 - number % 2]])
            ended = time.time()
            await receiver.forget()
            taken = receiver.status.chunk_bytes - before
            pipe.send((ended, checked - started, ended - checked, taken, memory.growth_mb()))


def deliver(port: int, folder: Path, size: int) -> dict[str, Delivery]:
    """A small bundle, one of that size, and one more with one changed file."""
    channel = a_channel(folder, 10_000)
    ours, theirs = _SPAWN.Pipe()
    following = _SPAWN.Process(target=device, args=(theirs, port, str(folder), 3), daemon=True)
    following.start()
    results: dict[str, Delivery] = {}
    there: dict[str, bytes] = {}
    for name in ("first", "bundle", "changed"):
        if name == "bundle":
            channel.publish(a_bundle(size), version="2026.11.5")
        if name == "changed":
            files = channel.files | {"model_0.tflite": a_bundle(size, seed=1)["model_0.tflite"]}
            channel.publish(files, version="2026.11.6")
        news = {topic: payload for topic, payload in channel.messages().items() if there.get(topic) != payload}
        there |= news
        ours.recv()
        started = time.time()
        put(port, news)
        ended, *others = ours.recv()
        results[name] = Delivery(ended - started, *others)
    following.join()
    put(port, dict.fromkeys(there, b""))
    return results


# -- a fleet -----------------------------------------------------------------------------------------------------------


class Proxy:
    """Stands between devices and a broker, counts what each is sent, and cuts some of the connections.

    Args:
        port: of the broker.
        cut: share of the connections that end at a random byte.
        within: that byte lies below this.

    Attributes:
        sent: bytes to each device, by client identifier.
        connections, cuts: so far.
    """

    def __init__(self, port: int, cut: float, within: int) -> None:
        self._port, self._cut, self._within = port, cut, within
        self._random = random.Random(0)  # noqa: S311 - no secrets
        self.sent: dict[str, int] = {}
        self.connections = self.cuts = 0

    async def start(self) -> asyncio.Server:
        """Listen on a free port."""
        return await asyncio.start_server(self._serve, "127.0.0.1", 0)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        first = await reader.read(4096)
        device = first[14 : 14 + int.from_bytes(first[12:14])].decode()  # CONNECT of MQTT 3.1.1: the client identifier
        self.connections += 1
        left = self._random.randrange(self._within) if self._random.random() < self._cut else None
        upstream, downstream = await asyncio.open_connection("127.0.0.1", self._port)
        downstream.write(first)

        def count(size: int) -> bool:
            nonlocal left
            self.sent[device] = self.sent.get(device, 0) + size
            left = None if left is None else left - size
            return left is None or left > 0

        there = asyncio.create_task(_pump(reader, downstream, lambda _size: True))
        back = asyncio.create_task(_pump(upstream, writer, count))
        await asyncio.wait((there, back), return_when=asyncio.FIRST_COMPLETED)
        self.cuts += left is not None and left <= 0
        for task in (there, back):
            task.cancel()
        for each in (writer, downstream):
            each.transport.abort()


async def _pump(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, count: Callable[[int], bool]) -> None:
    with contextlib.suppress(OSError):
        while data := await reader.read(16_384):
            writer.write(data)
            await writer.drain()
            if not count(len(data)):
                return


def proxy(pipe: Connection, port: int, cut: float, within: int) -> None:
    """The proxy's process: tells its port, and at the end what it has counted."""

    async def run() -> None:
        counting = Proxy(port, cut, within)
        server = await counting.start()
        pipe.send(server.sockets[0].getsockname()[1])
        await asyncio.to_thread(pipe.recv)
        server.close()
        pipe.send((counting.sent, counting.connections, counting.cuts))

    asyncio.run(run())


async def _one_of_many(port: int, folder: Path, number: int, limit: asyncio.Semaphore) -> bool:
    """A device that tries until it has the bundle, as the agent does."""
    async with limit, _receiver(port, folder, f"attune-{number}-bundles", patience_s=60.0, retry_s=1.0) as receiver:
        while True:
            await receiver.changed()
            with contextlib.suppress(DeliveryError):
                verified = await receiver.check()
                await receiver.fetch(verified, folder / "a")
                return all(source_matches(folder / "a" / path, each.sha256) for path, each in verified.files.items())


def source_matches(file: Path, sha256: str) -> bool:
    """Whether a file has this digest, by a look of our own."""
    return hashlib.sha256(file.read_bytes()).hexdigest() == sha256


def fleet(port: int, folder: Path, size: int, *, devices: int, cut: float, at_once: int) -> Fleet:
    """Bring a bundle to many devices."""
    put(port, a_channel(folder, size, devices).messages())
    ours, theirs = _SPAWN.Pipe()
    between = _SPAWN.Process(target=proxy, args=(theirs, port, cut, size), daemon=True)
    between.start()
    through = ours.recv()

    async def run() -> list[bool]:
        limit = asyncio.Semaphore(at_once)
        return await asyncio.gather(
            *(_one_of_many(through, folder / str(number), number, limit) for number in range(devices))
        )

    started = time.time()
    right = asyncio.run(run())
    seconds = time.time() - started
    ours.send(None)
    sent, connections, cuts = ours.recv()
    between.join()
    times = [count / size for count in sent.values()]
    return Fleet(devices, sum(right), connections, cuts, sum(times) / devices, max(times), seconds)


# -- all of it ---------------------------------------------------------------------------------------------------------


async def on(kind: str, work: Callable[[int, Path], T]) -> T:
    """Do something with a broker of a kind."""
    with tempfile.TemporaryDirectory() as folder:
        async with EmbeddedBroker(0, Path(folder) / "broker", kind=kind) as broker:  # type: ignore[arg-type]
            return await asyncio.to_thread(work, broker.port, Path(folder))


@dataclass
class Single:
    """One device at one broker: seconds of the peers, and the bundles by name."""

    raw_s: float
    live_s: float
    bundles: dict[str, Delivery]


def measure(port: int, folder: Path, size: int) -> Single:
    """The bytes raw and the bundle, in turns, because other programs come and go; the best of each."""
    content = b"".join(a_bundle(size).values())
    rounds = [
        Single(raw(port, content, live=False), raw(port, content, live=True), deliver(port, folder / str(number), size))
        for number in range(ROUNDS)
    ]
    best = min(rounds, key=lambda each: each.bundles["bundle"].seconds)
    return Single(min(each.raw_s for each in rounds), min(each.live_s for each in rounds), best.bundles)


def main() -> int:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--json", action="store_true", help="print one JSON object instead of a table")
    parser.add_argument("--megabytes", type=float, default=10.0, help="size of the bundle")
    parser.add_argument("--devices", type=int, default=200, help="of the fleet; 0 leaves it out")
    parser.add_argument("--fleet-megabytes", type=float, default=10.0, help="size of the fleet's bundle")
    parser.add_argument("--cut", type=float, default=0.2, help="share of connections that are cut")
    parser.add_argument("--at-once", type=int, default=200, help="devices that are connected at a time")
    arguments = parser.parse_args()
    size = round(arguments.megabytes * 1e6)
    kinds = [kind for kind in ("mosquitto", "amqtt") if kind == "amqtt" or find_mosquitto()]
    single = {kind: asyncio.run(on(kind, lambda port, folder: measure(port, folder, size))) for kind in kinds}
    many = None
    if arguments.devices:
        fleet_size = round(arguments.fleet_megabytes * 1e6)
        many = asyncio.run(
            on(
                kinds[0],
                lambda port, folder: fleet(
                    port, folder, fleet_size, devices=arguments.devices, cut=arguments.cut, at_once=arguments.at_once
                ),
            )
        )
    kept = {
        "times": all(each.bundles["bundle"].seconds <= WITHIN_TIMES * each.raw_s for each in single.values()),
        "memory": all(row.growth_mb < MEMORY_MB for each in single.values() for row in each.bundles.values()),
        "changed": all(each.bundles["changed"].chunk_bytes <= 1.05 * size / 4 for each in single.values()),
        "fleet": many is None or (many.right == many.devices and many.bytes_times <= BYTES_TIMES),
    }
    if arguments.json:
        plain = {kind: asdict(each) for kind, each in single.items()}
        print(json.dumps({"delivery": plain, "fleet": many and asdict(many), "kept": kept}))
        return 0
    show(single, many, size)
    for name, well in kept.items():
        print(f"promise ({name}): {'kept' if well else 'MISSED'}")
    return 0


def show(single: Mapping[str, Single], many: Fleet | None, size: int) -> None:
    """Print the figures."""
    print(
        f"{size / 1e6:<6g} MB {'raw':>8} {'live':>8} {'bundle':>8} {'times':>6} {'check':>7} {'fetch':>7} {'memory':>8}"
    )
    for kind, each in single.items():
        whole, changed = each.bundles["bundle"], each.bundles["changed"]
        print(
            f"{kind:<9} {each.raw_s:>6.2f} s {each.live_s:>6.2f} s {whole.seconds:>6.2f} s"
            f" {whole.seconds / each.raw_s:>6.2f} {whole.check_s:>5.2f} s {whole.fetch_s:>5.2f} s"
            f" {changed.growth_mb:>+5.1f} MB"
        )
        print(f"{'':<9} one changed file: {changed.chunk_bytes / 1e6:.2f} MB in {changed.seconds:.2f} s")
    if many:
        print(
            f"fleet: {many.right} of {many.devices} on the right bundle in {many.seconds:.0f} s, {many.connections}"
            f" connections of which {many.cuts} cut; sent to a device {many.bytes_times:.3f} times the bundle"
            f" (the worst {many.worst_times:.3f})"
        )


if __name__ == "__main__":
    sys.exit(main())
