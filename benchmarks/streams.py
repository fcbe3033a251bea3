"""Sixteen streams at once: what they cost, and how long a pack takes to become a state.

An ECG of 130 Hz, two PPGs, three accelerometers, skin conductance, temperature, oxygen, heart rates, beats and
batteries go through `Sensing` and `AffectStation` with the shipped model, evaluated every second. The clock is the
streams' own and the processor's time is counted: under 10 % of one core is promised, and p99 below 20 ms from a pack to
the state that holds it. The peers are the bare reading of the same packs, below which nobody gets, and NeuroKit2
finding the beats of the same waveforms in windows of ten seconds, as often as they are full.

    python -m benchmarks.streams [--seconds 300] [--json]
"""

from __future__ import annotations

import os

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # as the agent has it; read when NumPy is loaded

import argparse
import json
import sys
import time
from collections.abc import Callable
from functools import partial
from typing import Final

import neurokit2
import numpy as np
from numpy.typing import NDArray

from agent.affect.station import AffectStation
from agent.sensing import Sensing
from benchmarks.outfit import WORN, Outfit, Sent
from models.bundle.reader import Bundle, default_bundle
from models.wire import senml

START: Final = 1.8e9
SHARE_LIMIT: Final = 0.10
LATENCY_LIMIT_MS: Final = 20.0
_WARM_S: Final = 70
"""Seconds before the measurement: until every window is full."""
_PEER_S: Final = 10

Seconds = list[tuple[float, list[Sent]]]


def measure(count: int) -> dict[str, float]:
    """Shares of one core, and milliseconds from a pack to the state.

    Args:
        count: seconds of stream that are measured.
    """
    seconds = list(Outfit().seconds(START, _WARM_S + count))
    sensing = Sensing("me")
    affect = AffectStation(Bundle.open(default_bundle()).model("user_emotion"), now=START)
    affect.hear(0.3, 0.2, START)  # while music plays the model is asked twice: with it, and as if none did
    for now, packs in seconds[:_WARM_S]:
        _second(sensing, affect, now, packs)
    latencies: list[tuple[float, float]] = []
    started = time.process_time()
    for number, (now, packs) in enumerate(seconds[_WARM_S:]):
        # Every stream is the one that asks for the evaluation in its turn.
        turn = number % len(packs)
        latencies.append(_second(sensing, affect, now, packs[turn + 1 :] + packs[: turn + 1]))
    spent = time.process_time() - started
    refused = sum(sensing.counters[reason] for reason in ("missing", "history", "future", "repeated", "malformed"))
    return {
        "streams": float(sum(len(rates) for rates in WORN.values())),
        "samples_per_s": sum(pack.samples for _, packs in seconds[_WARM_S:] for pack in packs) / count,
        "share": spent / count,
        "reading_share": _processor(lambda: _read(seconds[_WARM_S:])) / count,
        "neurokit_share": _neurokit(seconds[_WARM_S : _WARM_S + _PEER_S]) / _PEER_S,
        "p50_ms": float(np.percentile(latencies, 50, axis=0)[0]),
        "p99_ms": float(np.percentile(latencies, 99, axis=0)[0]),
        "processor_p99_ms": float(np.percentile(latencies, 99, axis=0)[1]),
        "lost": float(
            refused + sum(pack.samples for _, packs in seconds for pack in packs) - sensing.counters["samples"]
        ),
    }


def _second(sensing: Sensing, affect: AffectStation, now: float, packs: list[Sent]) -> tuple[float, float]:
    """Take in a second's packs and evaluate.

    Returns:
        Milliseconds from the last pack to the state, by the wall's clock and by the processor's.
    """
    for pack in packs[:-1]:
        sensing.accept(pack.topic, pack.payload, now=now)
    arrived, worked = time.perf_counter(), time.thread_time()
    sensing.accept(packs[-1].topic, packs[-1].payload, now=now)
    affect.evaluate(sensing.features(now), sensing.sources(now), now)
    return 1e3 * (time.perf_counter() - arrived), 1e3 * (time.thread_time() - worked)


def _processor(work: Callable[[], object]) -> float:
    """Seconds of the processor that the work takes."""
    started = time.process_time()
    work()
    return time.process_time() - started


def _read(seconds: Seconds) -> None:
    for now, packs in seconds:
        for pack in packs:
            senml.decode(pack.payload, quantity=pack.quantity, now=now)


def _neurokit(seconds: Seconds) -> float:
    """Processor seconds for one window of every ECG and PPG."""
    waves: dict[str, list[NDArray[np.float64]]] = {}
    for now, packs in seconds:
        for pack in packs:
            if pack.quantity in {"ecg", "ppg"}:
                waves.setdefault(pack.topic, []).append(
                    senml.decode(pack.payload, quantity=pack.quantity, now=now).values
                )
    work = 0.0
    for topic, parts in waves.items():
        _, wearable, quantity = topic.rsplit("/", 2)
        values, rate = np.concatenate(parts), round(WORN[wearable][quantity])
        find = neurokit2.ecg_process if quantity == "ecg" else neurokit2.ppg_process
        work += _processor(partial(find, values, sampling_rate=rate))
    return work


def main() -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--seconds", type=int, default=300)
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    found = measure(options.seconds)
    if options.json:
        print(json.dumps(found))
    else:
        print(
            f"{found['streams']:.0f} streams, {found['samples_per_s']:.0f} samples a second, lost {found['lost']:.0f}"
        )
        print(f"{'one core':<32}{found['share']:8.2%}  limit {SHARE_LIMIT:.0%}")
        print(f"{'  of it reading the packs':<32}{found['reading_share']:8.2%}  peer: nobody gets below")
        print(f"{'NeuroKit2, waveforms alone':<32}{found['neurokit_share']:8.2%}  peer: windows of {_PEER_S} s")
        print(f"{'pack to state, ms':<32}{found['p50_ms']:8.2f}  p50")
        waiting = os.getloadavg()[0]
        print(f"{'':<32}{found['p99_ms']:8.2f}  p99, limit {LATENCY_LIMIT_MS:.0f}; {waiting:.1f} processes at work")
        print(f"{'':<32}{found['processor_p99_ms']:8.2f}  p99 of the processor's time: what an idle machine shows")
    # Where more processes want the machine than it has cores, the wall's clock measures the others.
    idle = os.getloadavg()[0] < (os.cpu_count() or 1)
    latency = found["p99_ms"] if idle else found["processor_p99_ms"]
    kept = found["share"] < SHARE_LIMIT and latency < LATENCY_LIMIT_MS and found["lost"] == 0
    return 0 if kept else 1


if __name__ == "__main__":
    sys.exit(main())
