"""A small catalogue on a grid of the valence–arousal plane, and models simple enough to compute by hand."""

from __future__ import annotations

import numpy as np

from agent.ranking.tracks import Slices, TrackArrays

SLICES = Slices(
    {"svdpp_q": (0, 32), "svdpp_bias": (32, 33), "svdpp_y": (33, 65), "ncf": (65, 97), "sequence": (97, 161)}
)


class LastItem:
    """A sequence model that answers with the last item it saw."""

    def run(self, **inputs: np.ndarray) -> dict[str, np.ndarray]:
        return {"user": inputs["items"][:, -1], "attention": inputs["mask"]}


class EvenHybrid:
    """A hybrid model that finds every candidate equally good."""

    def __init__(self) -> None:
        self.calls = 0

    def run(self, **inputs: np.ndarray) -> dict[str, np.ndarray]:
        self.calls += 1
        assert inputs["candidates"].shape == (1, 256, 161)
        return {name: np.full((1, 256), 0.5, np.float32) for name in ("svdpp", "ncf", "fused")}


def make_tracks(count: int, seed: int = 0, artists: int = 20) -> TrackArrays:
    random = np.random.default_rng(seed)
    side = int(np.ceil(np.sqrt(count)))
    grid = np.linspace(-0.95, 0.95, side)
    emotion = np.stack(np.meshgrid(grid, grid), axis=-1).reshape(-1, 2)[:count].astype(np.float32)
    embedding = random.normal(size=(count, 128)).astype(np.float32)
    embedding /= np.linalg.norm(embedding, axis=1, keepdims=True)
    return TrackArrays.build(
        emotion=emotion,
        embedding=embedding,
        metadata=random.normal(size=(count, 32)).astype(np.float32),
        items=random.normal(size=(count, 161)).astype(np.float32),
        popularity=random.random(count).astype(np.float32),
        artist=[f"artist {i}" for i in random.integers(0, artists, count)],
        slices=SLICES,
    )
