"""Ranking time at 1,000, 10,000 and 100,000 tracks, beside the bare NumPy product of the same size.

The promise: ranking 100,000 tracks exactly (128-d, one thread) within 3 times of `embedding @ query`; the `hybrid`
stage is timed apart. "all signals anew" is what a change of taste costs (a track ended), "state moved" what every
evaluation costs.

    python -m benchmarks.ranking [--json]
"""

from __future__ import annotations

import os

# One thread, for the product and for the ranking alike; must be set before NumPy is loaded.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

import argparse
import json
import sys
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np

from agent.ranking.ranker import Ranker
from agent.ranking.target import EMOTION_WIDTH, Target
from agent.ranking.taste import Play, Taste, taste_of
from agent.ranking.tracks import Slices, TrackArrays
from models.bundle.reader import Bundle, default_bundle

NOW = 1_700_000_000.0
SIZES = (1_000, 10_000, 100_000)


class EvenHybrid:
    """Answers at once, so that the first stage is timed alone."""

    def __init__(self) -> None:
        self._answer = {"fused": np.full((1, 256), 0.5, np.float32)}

    def run(self, **_inputs: np.ndarray) -> dict[str, np.ndarray]:
        """Answer 0.5 for every candidate."""
        return self._answer


def random_tracks(count: int, slices: Slices, width: int) -> TrackArrays:
    """A catalogue of random vectors: ranking's time does not depend on their values."""
    random = np.random.default_rng(0)
    embedding = random.normal(size=(count, 128)).astype(np.float32)
    embedding /= np.linalg.norm(embedding, axis=1, keepdims=True)
    return TrackArrays.build(
        emotion=random.uniform(-1, 1, (count, 2)).astype(np.float32),
        embedding=embedding,
        metadata=random.normal(size=(count, 32)).astype(np.float32),
        items=random.normal(size=(count, width)).astype(np.float32),
        popularity=random.random(count).astype(np.float32),
        artist=[f"artist {i}" for i in random.integers(0, max(1, count // 10), count)],
        slices=slices,
    )


def milliseconds(call: Callable[[], object], repeats: int) -> float:
    """Median of the repeats, after one call that warms up."""
    call()
    taken = []
    for _ in range(repeats):
        start = time.perf_counter()
        call()
        taken.append(time.perf_counter() - start)
    return float(np.median(taken)) * 1e3


def measure(count: int, bundle: Bundle) -> dict[str, float]:
    """Times at one size of the catalogue, in milliseconds."""
    table = bundle.table("items")
    slices = Slices.of_table(table)
    tracks = random_tracks(count, slices, table["vector"].shape[1])
    plays = [Play(row, NOW - 3600.0 * row, "completed") for row in range(100)]
    tastes = [taste_of(plays[i:], tracks, slices, bundle.model("sequence"), now=NOW) for i in (0, 1)]
    situation = np.zeros(8, np.float32)
    weights = np.full(4, 0.25)
    step = iter(range(10**9))

    def rank(ranker: Ranker, taste: Taste) -> object:
        # The state moves by as much as it does from one evaluation to the next.
        moved = np.array([0.2 + 0.01 * (next(step) % 5), 0.1])
        target = Target(moved, np.eye(2) * 0.04, moved, np.full(2, EMOTION_WIDTH))
        return ranker.rank(target=target, weights=weights, taste=taste, situation=situation, now=NOW)

    first_stage, whole = Ranker(tracks, slices, EvenHybrid()), Ranker(tracks, slices, bundle.model("hybrid"))
    query = tastes[0].audio
    repeats = 200 if count <= 10_000 else 60
    return {
        "bare_product_ms": milliseconds(lambda: tracks.embedding @ query, repeats),
        "all_signals_anew_ms": milliseconds(lambda: rank(first_stage, tastes[next(step) % 2]), repeats),
        "state_moved_ms": milliseconds(lambda: rank(first_stage, tastes[0]), repeats),
        "with_hybrid_ms": milliseconds(lambda: rank(whole, tastes[0]), repeats),
    }


def main() -> int:
    """Print the table; the last column is the promise's ratio."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--json", action="store_true", help="print one JSON object instead of a table")
    parser.add_argument("--bundle", type=Path, default=default_bundle(), help="folder of the bundle to rank with")
    arguments = parser.parse_args()
    bundle = Bundle.open(arguments.bundle)
    results = {count: measure(count, bundle) for count in SIZES}
    for row in results.values():
        row["ratio"] = row["all_signals_anew_ms"] / row["bare_product_ms"]
    if arguments.json:
        print(json.dumps({"ranking": results}))
        return 0
    print(
        f"{'tracks':>8} {'bare product':>13} {'all signals anew':>17} {'state moved':>12} {'+ hybrid':>9} {'ratio':>6}"
    )
    for count, row in results.items():
        print(
            f"{count:>8} {row['bare_product_ms']:>10.2f} ms {row['all_signals_anew_ms']:>14.2f} ms"
            f" {row['state_moved_ms']:>9.2f} ms {row['with_hybrid_ms']:>6.2f} ms {row['ratio']:>6.2f}"
        )
    return 0


if __name__ == "__main__":
    sys.exit(main())
