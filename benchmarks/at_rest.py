"""The agent at rest: start to first queue, resident memory, processor time at 1 Hz heart rate, over 10,000 tracks.

The promises: first queue under 2 s; under 150 MB with models loaded, the embedded broker counted apart; under 3 % of
one core. Beside them stands a bare Python process with NumPy and one MQTT connection, the least that any agent in
Python could take.

    python -m benchmarks.at_rest [--seconds 30] [--json]
"""

from __future__ import annotations

import argparse
import asyncio
import json
import subprocess
import sys
import time

import aiomqtt

from benchmarks.agent_process import measured_agent
from models.wire.senml import encode
from models.wire.topics import sense

LIMITS = {"first queue, s": 2.0, "memory, MB": 150.0, "one core, %": 3.0}
_BARE = "import numpy, aiomqtt, msgspec, psutil; print(psutil.Process().memory_info().rss)"


async def measure(seconds: int, tracks: int) -> dict[str, float]:
    """What the agent takes, by the names of `LIMITS`, and its broker beside."""
    async with measured_agent(tracks) as agent, aiomqtt.Client("127.0.0.1", agent.port) as client:
        # The scan that runs at the start is over when its process is.
        while len(children := agent.process.children()) > 1:
            await _beat(client, 1)
        await _beat(client, 10)
        before = agent.process.cpu_times()
        started = time.perf_counter()
        await _beat(client, seconds)
        passed, after = time.perf_counter() - started, agent.process.cpu_times()
        used = after.user + after.system - before.user - before.system
        return {
            "first queue, s": agent.first_queue_s,
            "memory, MB": agent.process.memory_info().rss / 1e6,
            "one core, %": 100.0 * used / passed,
            "broker's memory, MB": sum(child.memory_info().rss for child in children) / 1e6,
        }


async def _beat(client: aiomqtt.Client, seconds: int) -> None:
    """Send a heart rate and a beat a second."""
    for number in range(seconds):
        now = time.time()
        await client.publish(sense("me", "strap", "hr"), encode("hr", [now], [60.0 + number % 3]), qos=1)
        await client.publish(sense("me", "strap", "rr"), encode("rr", [now], [0.98 + 0.02 * (number % 3)]), qos=1)
        await asyncio.sleep(1.0)


def bare_memory_mb() -> float:
    """Resident memory of a Python process that has loaded NumPy and an MQTT client and done nothing."""
    answer = subprocess.run([sys.executable, "-c", _BARE], capture_output=True, text=True, check=True)
    return int(answer.stdout) / 1e6


def main() -> int:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=int, default=30, help="how long to watch the processor time")
    parser.add_argument("--tracks", type=int, default=10_000, help="size of the catalogue")
    parser.add_argument("--json", action="store_true", help="print one JSON object instead of a table")
    arguments = parser.parse_args()
    results = asyncio.run(measure(arguments.seconds, arguments.tracks))
    results["bare process, MB"] = bare_memory_mb()
    if arguments.json:
        print(json.dumps({"at_rest": results, "limits": LIMITS}))
        return 0
    for name, value in results.items():
        limit = f"limit {LIMITS[name]:g}" if name in LIMITS else ""
        print(f"{name:<22} {value:>8.2f}   {limit}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
