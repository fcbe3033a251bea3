"""From a sample on MQTT to the new queue on MQTT, at 1,000 and 10,000 tracks, measured by a client outside.

The promise: p99 under 50 ms at 10,000 tracks. The peer is the broker alone: the same client publishes to itself.

    python -m benchmarks.latency [--samples 200] [--json]
"""

from __future__ import annotations

import argparse
import asyncio
import json
import socket
import sys
import time

import aiomqtt
import numpy as np

from benchmarks.agent_process import DEVICE, measured_agent
from models.wire.senml import encode
from models.wire.topics import sense

SIZES = (1_000, 10_000)
LIMIT_MS = 50.0
# What the agent's own connection does too: small messages are not held back to be sent together.
_AT_ONCE = [(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)]
_EVERY_S = 0.15
"""Longer than the shortest pause that the settings allow (0.1 s), so that no sample waits for one."""


def _client(port: int) -> aiomqtt.Client:
    return aiomqtt.Client("127.0.0.1", port, socket_options=_AT_ONCE)


async def _next_queue(client: aiomqtt.Client) -> None:
    async for message in client.messages:
        if str(message.topic).endswith("/queue") and json.loads(bytes(message.payload))["cause"]["kind"] == "sample":
            return


async def through_agent(tracks: int, samples: int) -> np.ndarray:
    """Milliseconds from publishing a heart rate to receiving the queue that it caused, one per sample."""
    taken = np.empty(samples)
    async with measured_agent(tracks, evaluate_every_s=0.1) as agent, _client(agent.port) as client:
        await client.subscribe(f"{DEVICE}/queue", qos=1)
        for number in range(samples + 5):
            await asyncio.sleep(_EVERY_S)
            payload = encode("hr", [time.time()], [70.0 + 10.0 * np.sin(number / 20)], sequence=number)
            started = time.perf_counter()
            await client.publish(sense("me", "strap", "hr"), payload, qos=1)
            await _next_queue(client)
            # The first few pay for what is loaded when it is first needed.
            if number >= 5:
                taken[number - 5] = (time.perf_counter() - started) * 1e3
    return taken


async def through_broker(samples: int) -> np.ndarray:
    """Milliseconds from publishing to receiving the same message, without an agent between."""
    taken = np.empty(samples)
    async with measured_agent(10) as agent, _client(agent.port) as client:
        await client.subscribe("bench/echo", qos=1)
        for number in range(samples):
            await asyncio.sleep(0.02)
            started = time.perf_counter()
            await client.publish("bench/echo", b"x" * 100, qos=1)
            await anext(aiter(client.messages))
            taken[number] = (time.perf_counter() - started) * 1e3
    return taken


async def measure(samples: int) -> dict[str, dict[str, float]]:
    """Percentiles by what was measured, in milliseconds."""
    rows = {"the broker alone": await through_broker(samples)}
    for tracks in SIZES:
        rows[f"{tracks:,} tracks"] = await through_agent(tracks, samples)
    return {
        name: {f"p{share}": float(np.percentile(taken, share)) for share in (50, 99)} | {"most": float(taken.max())}
        for name, taken in rows.items()
    }


def main() -> int:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--samples", type=int, default=200, help="how many samples to send")
    parser.add_argument("--json", action="store_true", help="print one JSON object instead of a table")
    arguments = parser.parse_args()
    results = asyncio.run(measure(arguments.samples))
    if arguments.json:
        print(json.dumps({"latency_ms": results, "limit_ms": LIMIT_MS}))
        return 0
    print(f"{'sample to queue':<18} {'p50':>9} {'p99':>9} {'most':>9}   limit for p99: {LIMIT_MS:.0f} ms")
    for name, row in results.items():
        print(f"{name:<18} {row['p50']:>6.1f} ms {row['p99']:>6.1f} ms {row['most']:>6.1f} ms")
    return 0


if __name__ == "__main__":
    sys.exit(main())
