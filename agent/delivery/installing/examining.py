"""The self-test of a bundle, on this device, in a process of its own, before anything of it runs in the agent.

Rules:

- What a bundle can do to a process (crash, hang, eat memory, print nonsense) it does to a child with limits on time and
  address space; the parent only ever reads one line of JSON.
- A bundle is judged beside the one that runs, in the same process at the same time: a slow device is slow for both.
- Nothing of the candidate is kept in memory afterwards.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from agent.storage.records import TrackTable
from models.delivery.offer import Offer
from models.interpreter import Runtime

__all__ = ["CatalogueSample", "ExamineLimits", "Examined", "examine", "require_fitting"]


@dataclass(frozen=True, slots=True)
class CatalogueSample:
    """Tracks of the listener's own catalogue that a ranking is tried on; see `of`."""

    table: TrackTable

    @classmethod
    def of(cls, table: TrackTable, count: int = 192) -> CatalogueSample:
        """Takes `count` tracks spread evenly over the valence of a catalogue in the space of the bundle that runs."""
        raise NotImplementedError


@dataclass(frozen=True, slots=True)
class ExamineLimits:
    """What a bundle may take.

    Attributes:
        seconds: for the whole examination, on the wall.
        memory_bytes: address space beyond what the child has before it opens a model.
        slower: times slower than the bundle that runs, per model, and
        floor_ms: per model, below which slower does not matter.
        larger: times the memory of the bundle that runs, and
        larger_floor_bytes: below which larger does not matter.
    """

    seconds: float = 300.0
    memory_bytes: int = 1 << 30
    slower: float = 3.0
    floor_ms: Mapping[str, float] = field(default_factory=lambda: {"music_emotion": 20.0})
    larger: float = 3.0
    larger_floor_bytes: int = 64 << 20


@dataclass(frozen=True, slots=True)
class Examined:
    """What the examination found of a bundle that passed.

    Attributes:
        version: of the bundle.
        embedding_space: of its audio model.
        is_new_space: whether the catalogue has to be embedded before it may run.
        differences: per model, to its golden outputs.
        latency_ms: per model, median; the candidate's and the running bundle's.
        memory_bytes: that the candidate added to the child; what two bundles at once will cost the agent.
        seconds: that it took.
    """

    version: str
    embedding_space: str
    is_new_space: bool
    differences: Mapping[str, float]
    latency_ms: Mapping[str, tuple[float, float]]
    memory_bytes: int
    seconds: float


def require_fitting(offer: Offer, *, running_version: str, runtime: Runtime, board: str | None = None) -> None:
    """Refuses an offer that this device cannot or must not take, before a byte of it is fetched.

    Args:
        offer: from verified metadata.
        running_version: of the bundle in use.
        runtime: of the settings.
        board: `platform.machine()` unless given.

    Raises:
        BundleError: INCOMPATIBLE: another board, runtime, bundle format or feature schema; ROLLED_BACK: older than the
            bundle in use, and the offer does not allow that.
    """
    raise NotImplementedError


async def examine(
    candidate: Path,
    *,
    offer: Offer,
    running: Path,
    sample: CatalogueSample,
    runtime: Runtime = "auto",
    limits: ExamineLimits = ExamineLimits(),
) -> Examined:
    """Tries a bundle in a child process. Cancelling it ends the child.

    Args:
        candidate: folder, complete.
        offer: with which it came.
        running: folder of the bundle in use.
        sample: of the catalogue, in the space of the bundle in use; may be empty.
        runtime: of the settings.
        limits: see there.

    Raises:
        BundleError: why it is refused: MISSING, MALFORMED, TAMPERED, INCOMPATIBLE, ROLLED_BACK; FAILED: it crashes,
            answers wrongly, takes too much memory or ranks without sense; WORSE: it is slower; TIMED_OUT: it hangs.
        DeliveryError: FAILED: the child could not be started; says nothing of the bundle, try again later.
    """
    raise NotImplementedError
