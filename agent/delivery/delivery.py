"""Brings the bundles of a channel to this player, from the broker's word to the bundle confirmed or given back.

    follow   what does the channel offer, verified?                    receiving
    act      what is to be done about it, and how did the last go?     decision, installing
    live     has the agent outlived its start?                         the boot counter

Rules:

- One task decides, one bundle at a time. The work on a bundle is a task of its own, given up when the offer changes or
  its rollout is stopped; from the moment the pointer moves it is finished, not given up.
- What is wrong with a bundle refuses it for this rollout. What is wrong with the way here (broker, disk, memory) is
  tried again, later each time.
- Music and evaluations go on throughout: everything slow is in threads or in other processes.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final, Literal, Protocol

import msgspec

from agent.delivery.decision import Decision, decide
from agent.delivery.installing.embedding.embedding import Embedded, Embedding
from agent.delivery.installing.examination.examining import CatalogueSample, Examined, examine, require_fitting
from agent.delivery.installing.probation import Probation, ProbationLimits, Rates
from agent.delivery.installing.slots.slots import Slots
from agent.delivery.installing.swapping import Prepared
from models.delivery.offer import Offer
from models.delivery.rollout import admit
from models.errors import AttuneError, BundleError, DeliveryError, Reason
from models.interpreter import Runtime
from models.wire.messages import BundleStatus

if TYPE_CHECKING:
    # Its client of the signed metadata costs memory and time to import: paid by players that follow a channel.
    from agent.delivery.receiving.messages import Verified
    from agent.delivery.receiving.receiver import Receiver

__all__ = ["Delivery", "DeliverySettings", "Host"]

logger = logging.getLogger(__name__)

Stage = Literal["idle", "waiting", "fetching", "testing", "embedding"]
_LIVED_S: Final = 60.0
"""A start that lasts so long was none of a loop of crashes."""
_LOOK_EVERY_S: Final = 2.0
"""How often a device that is not enrolled looks whether it is now."""
_KEEP_EVERY_S: Final = 60.0
"""How often what was seen on probation is written; losing a minute of it does no harm."""
_RETRY_S: Final = (10.0, 60.0, 600.0, 3600.0)
"""Pauses after work on a bundle that failed for reasons that are not its own."""
_TELL_STEP: Final = 0.05
"""Progress is told in steps of this size: each is a retained message to everybody who watches."""
_PASSING: Final = frozenset({Reason.UNREACHABLE, Reason.TIMED_OUT, Reason.DISK_FULL, Reason.READ_ONLY})
"""Reasons for which a check fails that say nothing about what was offered before."""


class Examine(Protocol):
    """Tries a bundle; `agent.delivery.installing.examination.examining.examine` is one."""

    async def __call__(
        self, candidate: Path, *, offer: Offer, running: Path, sample: CatalogueSample, runtime: Runtime
    ) -> Examined:
        """Return what was found, or raise BundleError."""
        ...


class Host(Protocol):
    """What a delivery needs of the agent around it."""

    @property
    def version(self) -> str:
        """Of the bundle in use."""
        ...

    @property
    def embedding_space(self) -> str:
        """Of the bundle in use."""
        ...

    async def sample(self) -> CatalogueSample:
        """Tracks of the listener's catalogue, for the examination."""
        ...

    async def prepare(self, folder: Path) -> Prepared:
        """Load a bundle beside the one that runs."""
        ...

    async def take_over(self, prepared: Prepared) -> None:
        """Put the session on a prepared bundle, between two evaluations."""
        ...

    async def rates(self) -> Rates:
        """How it went with the bundle that runs."""
        ...

    async def confirmed(self) -> None:
        """A bundle has proved itself: what only older ones needed may go."""
        ...

    def told(self) -> None:
        """The status has changed: publish it."""
        ...

    def trouble(self, error: DeliveryError | None) -> None:
        """The channel cannot be followed, or can again."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class DeliverySettings:
    """Of one player.

    Attributes:
        device, group: names, as rollouts know it.
        storage: `[storage] folder`.
        runtime: of the settings.
        probation: when a bundle has proved itself.
    """

    device: str
    group: str
    storage: Path
    runtime: Runtime
    probation: ProbationLimits


@dataclass(slots=True)
class _Work:
    """A bundle that is being brought here; `committed` once the pointer moves."""

    verified: Verified
    task: asyncio.Task[None]
    committed: bool = False

    def is_for(self, verified: Verified) -> bool:
        mine = self.verified
        return (mine.manifest_sha256, mine.offer.rollout.id) == (verified.manifest_sha256, verified.offer.rollout.id)


class Delivery:
    """Follows a channel for one player.

    Args:
        settings: of the player.
        slots: opened and booted.
        follow: opens the receiver; None where the device is not enrolled, asked again every few seconds.
        host: the agent around it.
        examine: tries a bundle; see `agent.delivery.installing.examination.examining.examine`.
        embedding: makes what embeds the catalogue.
    """

    def __init__(
        self,
        settings: DeliverySettings,
        slots: Slots,
        *,
        follow: Callable[[], AbstractAsyncContextManager[Receiver] | None],
        host: Host,
        examine: Examine = examine,
        embedding: Callable[..., Embedding] = Embedding,
    ) -> None:
        self._examine, self._make_embedding = examine, embedding
        self._settings, self._slots, self._follow_channel, self._host = settings, slots, follow, host
        kept = slots.state.probation if slots.state.phase == "probation" else None
        self._probation = Probation(kept, settings.probation) if kept is not None else None
        self._kept_at = 0.0
        self._receiver: Receiver | None = None
        self._verified: Verified | None = None
        self._work: _Work | None = None
        self._stage: Stage = "idle"
        self._progress = 0.0
        self._bytes = (0, 0)
        self._waits_for = ""
        self._failures = 0
        self._not_before = 0.0
        self._wake = asyncio.Event()
        self._switched = asyncio.Event()

    # -- what the agent tells --------------------------------------------------------------------------------------

    def evaluated(self, now: float, latency_ms: float, *, faults: int) -> None:
        """An evaluation was made; see `Probation.evaluated`."""
        if self._probation is None:
            return
        self._probation.evaluated(now, latency_ms, faults=faults)
        if self._probation.verdict().kind != "wait" or now - self._kept_at >= _KEEP_EVERY_S:
            self._kept_at = now
            self._wake.set()
        elif self._proved() - self._progress >= _TELL_STEP:
            self._progress = self._proved()
            self._host.told()

    def played(self, *, skipped: bool) -> None:
        """A track was skipped or heard through."""
        if self._probation is not None:
            self._probation.played(skipped=skipped)
            self._wake.set()

    # -- what it tells ---------------------------------------------------------------------------------------------

    def status(self, base: BundleStatus) -> BundleStatus:
        """Add to the status of the bundle in use what happens to the one on offer, or happened to the last one."""
        ended, stage = self._slots.state.ended, self._stage
        base = msgspec.structs.replace(base, group=self._settings.group)
        if stage != "idle" and self._verified is not None:
            offer = (self._work.verified if self._work else self._verified).offer
            return msgspec.structs.replace(
                base,
                offered=offer.version,
                rollout=offer.rollout.id,
                stage=stage,
                progress=self._progress,
                bytes_fetched=self._bytes[0],
                bytes_offered=self._bytes[1] or offer.bytes,
                reason=self._waits_for if stage == "waiting" else "",
            )
        return msgspec.structs.replace(
            base,
            offered=ended.version or None,
            rollout=ended.rollout,
            outcome=ended.outcome,
            reason=ended.reason,
            code=ended.code,
            stage="probation" if self._probation is not None else "idle",
            progress=self._proved(),
        )

    def _proved(self) -> float:
        if self._probation is None:
            return 0.0
        return min(1.0, self._probation.state.observed_s / self._probation.limits.least_s)

    async def embedding_spaces(self) -> frozenset[str]:
        """The spaces of all bundles that have a place on this device."""
        return await asyncio.to_thread(self._slots.embedding_spaces)

    async def rest(self) -> None:
        """The agent ends in order: this start was none of a loop of crashes."""
        await asyncio.to_thread(self._slots.lived)

    # -- the tasks -------------------------------------------------------------------------------------------------

    async def run(self) -> None:
        """Run until cancelled."""
        try:
            async with asyncio.TaskGroup() as tasks:
                tasks.create_task(self._follow(), name="follow")
                tasks.create_task(self._act(), name="act")
                tasks.create_task(self._live(), name="live")
        finally:
            if self._work is not None:
                await self._give_up(self._work)

    async def _follow(self) -> None:
        # Another process enrols the device, by writing a file: there is nobody to set an event.
        while (channel := await asyncio.to_thread(self._follow_channel)) is None:  # noqa: ASYNC110
            await asyncio.sleep(_LOOK_EVERY_S)
        async with channel as receiver:
            self._receiver = receiver
            while True:
                if await receiver.changed() != "report":
                    await self._look(receiver)
                self._wake.set()

    async def _look(self, receiver: Receiver) -> None:
        try:
            self._verified = await receiver.check()
        except DeliveryError as error:
            logger.warning("the channel of bundles: %s", error)
            self._host.trouble(error)
            if error.reason not in _PASSING:
                # An offer that cannot be confirmed any more is not begun. Work under way was verified when it began.
                self._verified = None
        else:
            self._host.trouble(None)

    async def _act(self) -> None:
        while True:
            await self._wake.wait()
            self._wake.clear()
            if self._work is not None and self._work.task.done():
                await self._finish(self._work)
            if self._work is None or not self._work.committed:
                await self._judge()
                await self._consider()
            self._host.told()

    async def _live(self) -> None:
        while True:
            self._switched.clear()
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(_LIVED_S):
                    await self._switched.wait()
                continue
            await asyncio.to_thread(self._slots.lived)
            await self._switched.wait()

    # -- what is decided -------------------------------------------------------------------------------------------

    async def _judge(self) -> None:
        """Keep or give back the bundle on probation, or note how it does."""
        probation = self._probation
        if probation is None:
            return
        verdict = probation.verdict()
        match verdict.kind:
            case "wait":
                await asyncio.to_thread(self._slots.observe, probation.state)
            case "keep":
                try:
                    await asyncio.to_thread(self._slots.confirm)
                except DeliveryError as error:
                    logger.warning("the bundle stays on probation: %s", error)
                    return
                self._probation = None
                logger.info("bundle %s has proved itself", self._slots.state.running.version)
                await self._tidy()
                await self._host.confirmed()
            case "return":
                await self._go_back(verdict.reason, verdict.code or Reason.WORSE)

    async def _consider(self) -> None:
        verified, receiver = self._verified, self._receiver
        if verified is None or receiver is None:
            return
        admission = admit(verified.offer, self._settings.device, self._settings.group, receiver.reports)
        decision = decide(verified.offer, verified.manifest_sha256, admission, self._slots.state)
        work = self._work
        if work is not None and (not work.is_for(verified) or decision.act in {"rest", "return"}):
            await self._give_up(work)
            await asyncio.to_thread(self._slots.abandon)
        await self._carry_out(decision, verified, receiver)

    async def _carry_out(self, decision: Decision, verified: Verified, receiver: Receiver) -> None:
        match decision.act:
            case "return":
                await self._go_back(decision.reason, decision.code or Reason.WITHDRAWN)
            case "wait" if self._work is None:
                self._stage, self._waits_for = "waiting", decision.reason
            case "rest" if self._work is None:
                self._rest()
            case "take" if self._work is None and asyncio.get_running_loop().time() >= self._not_before:
                task = asyncio.create_task(self._bring(verified, receiver), name=f"bundle {verified.offer.version}")
                self._work = _Work(verified, task)
                task.add_done_callback(lambda _task: self._wake.set())
            case _:
                pass

    # -- what is done ----------------------------------------------------------------------------------------------

    async def _bring(self, verified: Verified, receiver: Receiver) -> None:
        """Everything from the first chunk to the bundle in use, on probation."""
        offer, digest, slots, settings = verified.offer, verified.manifest_sha256, self._slots, self._settings
        try:
            require_fitting(offer, running_version=self._host.version, runtime=settings.runtime)
            folder = await asyncio.to_thread(slots.begin, offer.version, digest, offer.rollout.id)
            self._enter("fetching")
            have = [path for each in slots.occupants() if (path := slots.path(each.place)) != folder]
            await receiver.fetch(verified, folder, have=have, on_progress=self._fetched)
            await asyncio.to_thread(slots.proceed, "testing")
            self._enter("testing")
            examined = await self._examine(
                folder,
                offer=offer,
                running=slots.running,
                sample=await self._host.sample(),
                runtime=settings.runtime,
            )
            if examined.is_new_space:
                await asyncio.to_thread(slots.proceed, "embedding")
                self._enter("embedding")
                await self._embedding(folder).run(self._embedded)
            prepared = await self._host.prepare(folder)
            await self._switch(prepared)
        except BundleError as error:
            logger.warning("bundle %s is refused: %s", offer.version, error)
            await asyncio.to_thread(slots.refuse, offer.version, digest, offer.rollout.id, str(error), error.reason)

    async def _switch(self, prepared: Prepared) -> None:
        if self._work is not None:
            self._work.committed = True
        before = await self._host.rates()
        await asyncio.to_thread(self._slots.activate, before)
        try:
            await self._host.take_over(prepared)
        except (AttuneError, RuntimeError, ValueError) as error:
            # RuntimeError, ValueError: the TFLite runtime's own, from a model that only now is asked for real.
            await self._go_back(f"it could not take over: {error}", Reason.FAILED)
            return
        self._probation, self._progress = Probation(Probation.begin(before), self._settings.probation), 0.0
        self._switched.set()
        logger.info("bundle %s runs, on probation", self._slots.state.running.version)

    async def _go_back(self, reason: str, code: Reason) -> None:
        """The last good bundle takes over again."""
        logger.warning("bundle %s is given back: %s", self._slots.state.running.version, reason)
        folder = await asyncio.to_thread(self._slots.give_back, reason, code)
        self._probation = None
        await self._host.take_over(await self._host.prepare(folder))
        self._switched.set()

    async def _give_up(self, work: _Work) -> None:
        """Stop working on a bundle; once the pointer moves, wait until it has moved."""
        if not work.committed:
            work.task.cancel()
        await asyncio.wait({work.task})
        await self._finish(work)

    async def _finish(self, work: _Work) -> None:
        """Take notice of how the work on a bundle ended."""
        self._work = None
        self._rest()
        error = None if work.task.cancelled() else work.task.exception()
        if isinstance(error, DeliveryError):
            pause = _RETRY_S[min(self._failures, len(_RETRY_S) - 1)]
            logger.warning("bundle %s: %s. Trying again in %.0f s", work.verified.offer.version, error, pause)
            self._failures += 1
            loop = asyncio.get_running_loop()
            self._not_before = loop.time() + pause
            loop.call_later(pause, self._wake.set)
            self._host.trouble(error)
        elif error is not None:
            # A fault of ours that this bundle brings out: it would do so at every start. The music is worth more.
            logger.error("bundle %s brings out a fault", work.verified.offer.version, exc_info=error)
            await self._part_with(work.verified, f"the player fails over it ({type(error).__name__}: {error})")
        else:
            self._failures = 0

    async def _part_with(self, verified: Verified, reason: str) -> None:
        if self._slots.state.phase == "probation" and self._probation is None:
            await self._go_back(reason, Reason.FAILED)
            return
        offer, digest = verified.offer, verified.manifest_sha256
        await asyncio.to_thread(self._slots.refuse, offer.version, digest, offer.rollout.id, reason, Reason.FAILED)

    async def _tidy(self) -> None:
        """Let go of the chunks of a bundle that is confirmed: its files are in the slot."""
        if self._receiver is not None:
            try:
                await self._receiver.forget()
            except DeliveryError as error:
                logger.warning("old chunks stay on the disk: %s", error)

    # -- how far it is ---------------------------------------------------------------------------------------------

    def _embedding(self, folder: Path) -> Embedding:
        settings = self._settings
        return self._make_embedding(
            settings.storage,
            folder,
            running_space=self._host.embedding_space,
            runtime=settings.runtime,
        )

    def _enter(self, stage: Stage) -> None:
        self._stage, self._progress = stage, 0.0
        self._host.told()

    def _rest(self) -> None:
        self._stage, self._progress, self._bytes, self._waits_for = "idle", 0.0, (0, 0), ""

    def _fetched(self, done: int, total: int) -> None:
        self._bytes = (done, total)
        self._advance(done / total if total else 1.0)

    def _embedded(self, state: Embedded) -> None:
        self._advance(state.done / state.total if state.total else 1.0)

    def _advance(self, progress: float) -> None:
        if progress - self._progress >= _TELL_STEP or progress >= 1.0 > self._progress:
            self._progress = min(1.0, progress)
            self._host.told()
