"""The self-test of a bundle, on this device, in a process of its own, before anything of it runs in the agent.

Rules:

- What a bundle can do to a process (crash, hang, eat memory, print nonsense) it does to a child with limits on time and
  address space; the parent only ever reads one line of JSON.
- A bundle is judged beside the one that runs, in the same process at the same time: a slow device is slow for both.
- Nothing of the candidate is kept in memory afterwards.
"""

from __future__ import annotations

import asyncio
import platform
import signal
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import msgspec
import numpy as np

from agent.delivery.installing.children.child import Child
from agent.delivery.installing.children.job import Answer, ExaminationJob, ExaminationLine, Limits, Tracks
from agent.delivery.installing.memory import require_memory
from agent.storage.records import TrackTable
from models.bundle.manifest import FORMAT
from models.bundle.reader import read_manifest
from models.delivery.offer import Offer
from models.errors import BundleError, DeliveryError, Reason
from models.interpreter import Runtime, available_runtimes
from models.physiology.schema import SCHEMA_VERSION

__all__ = ["CatalogueSample", "ExamineLimits", "Examined", "examine", "require_fitting"]

_MODULE: Final = "agent.delivery.installing.examination.work"
_REMEDY: Final = "Look at its models and build it again; the bundle in use stays"


@dataclass(frozen=True, slots=True)
class CatalogueSample:
    """Tracks of the listener's own catalogue that a ranking is tried on; see `of`.

    Attributes:
        table: in the space of the bundle that runs, from sad to happy.
    """

    table: TrackTable

    @classmethod
    def of(cls, table: TrackTable, count: int = 192) -> CatalogueSample:
        """Takes `count` tracks spread evenly over the valence of a catalogue in the space of the bundle that runs."""
        order = np.argsort(table.emotion[:, 0], kind="stable") if len(table) else np.empty(0, np.intp)
        places = np.unique(np.linspace(0, len(order) - 1, min(count, len(order))).round().astype(np.intp))
        return cls(table.rows(order[places].tolist()))


@dataclass(frozen=True, slots=True)
class ExamineLimits:
    """What a bundle may take.

    Attributes:
        seconds: for the whole examination, on the wall and of computing.
        memory_bytes: address space beyond what the child has before it opens a model.
        slower: times slower than the bundle that runs, per model, and
        floor_ms: per model, below which slower does not matter (other models: `least_floor_ms`).
        least_floor_ms: a twenty-fifth of what is promised from sample to queue.
        larger: times the memory of the bundle that runs, and
        larger_floor_bytes: below which larger does not matter.
        heard: tracks that a new audio model hears for it, of the sample.
    """

    seconds: float = 600.0
    memory_bytes: int = 1 << 30
    slower: float = 3.0
    floor_ms: Mapping[str, float] = field(default_factory=lambda: {"music_emotion": 20.0})
    least_floor_ms: float = 2.0
    larger: float = 3.0
    larger_floor_bytes: int = 64 << 20
    heard: int = 32


@dataclass(frozen=True, slots=True)
class Examined:
    """What the examination found of a bundle that passed.

    Attributes:
        version: of the bundle.
        embedding_space: of its audio model.
        is_new_space: whether the catalogue has to be embedded before it may run.
        differences: per model, to its golden outputs.
        latency_ms: per model, its fastest call; the candidate's and the running bundle's.
        memory_bytes: that the candidate added to the child; what two bundles at once will cost the agent.
        tracks_heard: of the catalogue, on which its ranking was tried; 0 where there are too few.
        seconds: that it took.
    """

    version: str
    embedding_space: str
    is_new_space: bool
    differences: Mapping[str, float]
    latency_ms: Mapping[str, tuple[float, float]]
    memory_bytes: int
    tracks_heard: int
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
    here = board or platform.machine()
    if offer.boards and here not in offer.boards:
        raise _unfit(offer, f"is for {' and '.join(offer.boards)}, this device is {here}")
    # Looked up only where it matters: the runtimes are imported for it.
    used = (runtime if runtime != "auto" else next(iter(available_runtimes()), "none")) if offer.runtimes else ""
    if used not in {"", *offer.runtimes}:
        raise _unfit(offer, f"needs {' or '.join(offer.runtimes)}, this program uses {used}")
    if offer.bundle_format != FORMAT:
        raise _unfit(offer, f"has format {offer.bundle_format}, this program reads {FORMAT}")
    if offer.feature_schema != SCHEMA_VERSION:
        raise _unfit(offer, f"has feature schema {offer.feature_schema}, this program computes {SCHEMA_VERSION}")
    if not offer.older and _number(offer.version) < _number(running_version):
        raise BundleError(
            f"bundle {offer.version} is older than {running_version}, which runs",
            reason=Reason.ROLLED_BACK,
            remedy="Publish it with --older if that is meant",
        )


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
        BundleError: why it is refused: MISSING, MALFORMED, TAMPERED, INCOMPATIBLE; FAILED: it crashes, answers wrongly,
            takes too much memory or ranks without sense; WORSE: it is slower or larger; TIMED_OUT: it hangs.
        DeliveryError: FAILED: the child could not be started, or the device is short of memory; says nothing of the
            bundle, try again later.
    """
    began = time.monotonic()
    await asyncio.to_thread(_require_offered, candidate, offer)
    job = ExaminationJob(
        candidate=str(candidate),
        running=str(running),
        runtime=runtime,
        limits=Limits(**{key: getattr(limits, key) for key in Limits.__struct_fields__}),
        tracks=Tracks.of(sample.table),
    )
    heard = _Heard(offer.version)
    try:
        async with asyncio.timeout(limits.seconds), await Child.start(_MODULE, msgspec.msgpack.encode(job)) as child:
            async for line in child.lines():
                heard.take(line)
    except TimeoutError:
        raise heard.failed(f"takes longer than {limits.seconds:.0f} s", Reason.TIMED_OUT) from None
    except ValueError:
        raise heard.failed("answers with what is no answer", Reason.FAILED) from None
    except OSError as error:
        raise _later(f"the self-test cannot be started ({error.strerror})") from error
    answer = heard.answer(child.returncode)
    require_memory(answer.memory_bytes)
    return Examined(**msgspec.structs.asdict(answer), seconds=time.monotonic() - began)


class _Heard:
    """What the child has said so far.

    Args:
        version: of the bundle, for messages.
    """

    def __init__(self, version: str) -> None:
        self._version = version
        self._step = ""
        self._last: ExaminationLine | None = None

    def take(self, line: bytes) -> None:
        """Takes a line.

        Raises:
            ValueError: it is not one of those that the child says.
        """
        try:
            said = msgspec.json.decode(line, type=ExaminationLine)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
            raise ValueError(str(error)) from error
        self._step = said.step or self._step
        self._last = said

    def answer(self, returncode: int | None) -> Answer:
        """The answer, once the child has ended.

        Raises:
            BundleError: it refused the bundle, or did not come back from a step.
            DeliveryError: it came to nothing through no fault of the bundle.
        """
        last = self._last or ExaminationLine()
        if last.refused is not None:
            raise BundleError(last.refused.message, reason=last.refused.reason, remedy=last.refused.remedy or _REMEDY)
        if last.answer is not None and returncode == 0:
            return last.answer
        if not self._step:
            raise _later(f"the self-test ended with {returncode} before it began")
        if returncode == -signal.SIGKILL:
            raise _later(f"the system ended the self-test at {self._step}, most likely for want of memory")
        if returncode == -signal.SIGXCPU:
            raise self.failed("computes without an end", Reason.TIMED_OUT)
        how = f"crashes ({_signal_name(-returncode)})" if returncode is not None and returncode < 0 else "ends"
        raise self.failed(how, Reason.FAILED)

    def failed(self, what: str, reason: Reason) -> BundleError:
        """The error that says what became of it, and at which step."""
        step = f" at {self._step}" if self._step else ""
        return BundleError(
            f"bundle {self._version} does not pass its self-test: it {what}{step}", reason=reason, remedy=_REMEDY
        )


def _require_offered(candidate: Path, offer: Offer) -> None:
    """Refuses a folder that does not hold the bundle of the offer.

    Raises:
        BundleError: MISSING, MALFORMED, or INCOMPATIBLE.
    """
    manifest = read_manifest(candidate)
    told = (manifest.version, manifest.format, manifest.feature_schema)
    offered = (offer.version, offer.bundle_format, offer.feature_schema)
    if told != offered:
        raise _unfit(offer, f"says of itself {told} (version, format, feature schema), its offer says {offered}")


def _number(version: str) -> tuple[int, ...]:
    return tuple(int(part) for part in version.split("."))


def _signal_name(number: int) -> str:
    try:
        return signal.Signals(number).name
    except ValueError:
        return f"signal {number}"


def _unfit(offer: Offer, what: str) -> BundleError:
    return BundleError(
        f"bundle {offer.version} {what}", reason=Reason.INCOMPATIBLE, remedy="Publish one that is made for this device"
    )


def _later(what: str) -> DeliveryError:
    return DeliveryError(what, reason=Reason.FAILED, remedy="It is tried again later; the bundle in use stays")
