"""A bundle on its way to this player, from the broker's word to the bundle confirmed, refused or given back."""

from __future__ import annotations

import asyncio
import hashlib
import shutil
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from itertools import groupby
from pathlib import Path
from typing import Any

import msgspec
import pytest
from bundles import tiny_bundle
from virtual_time import run_virtually

from agent.delivery.delivery import Delivery, DeliverySettings
from agent.delivery.installing.embedding.embedding import Embedded
from agent.delivery.installing.examination.examining import Examined
from agent.delivery.installing.probation import ProbationLimits, Rates
from agent.delivery.installing.slots.slots import Slots
from agent.delivery.receiving.messages import Verified
from models.delivery.offer import Offer, Phase, Rollout
from models.errors import AttuneError, BundleError, DeliveryError, Reason
from models.physiology.schema import SCHEMA_VERSION
from models.wire.messages import BundleStatus

LIMITS = ProbationLimits(least_s=60.0, evaluations=10, plays=0, most_s=120.0)


class Channel:
    """Stands for the receiver: what it offers is put into it."""

    def __init__(self, source: Path) -> None:
        self._source = source
        self._changes: asyncio.Queue[str] = asyncio.Queue()
        self.reports: dict[str, BundleStatus] = {}
        self.offered: Verified | DeliveryError | None = None
        self.fetches = 0
        self.fails: list[AttuneError] = []
        self.goes_on = asyncio.Event()
        self.goes_on.set()
        self.forgotten = 0

    def offer(self, version: str, *, rollout: str = "r1", space: str = "space-1", **changes: Any) -> str:
        folder = self._source / version
        digest = tiny_bundle(folder, version, space=space)
        self.offered = Verified(
            offer=Offer(
                channel="stable",
                version=version,
                bytes=1000,
                bundle_format=1,
                feature_schema=SCHEMA_VERSION,
                rollout=Rollout(id=rollout, phases=[Phase()], **changes),
            ),
            manifest_sha256=digest,
            files={},
        )
        self._changes.put_nowait("metadata")
        return digest

    def say(self, error: DeliveryError) -> None:
        self.offered = error
        self._changes.put_nowait("metadata")

    async def changed(self) -> str:
        return await self._changes.get()

    async def check(self) -> Verified:
        if isinstance(self.offered, DeliveryError):
            raise self.offered
        assert self.offered is not None
        return self.offered

    async def fetch(
        self, verified: Verified, into: Path, *, have: Any, on_progress: Callable[[int, int], None]
    ) -> None:
        self.fetches += 1
        assert into not in have
        on_progress(500, 1000)
        await self.goes_on.wait()
        if self.fails:
            raise self.fails.pop(0)
        shutil.copytree(self._source / verified.offer.version, into, dirs_exist_ok=True)
        on_progress(1000, 1000)

    async def forget(self) -> None:
        self.forgotten += 1


@dataclass
class Agent:
    """Stands for the agent around the delivery."""

    folder: Path
    stages: list[str] = field(default_factory=list)
    troubles: list[DeliveryError | None] = field(default_factory=list)
    delivery: Delivery | None = None
    cannot_take_over: bool = False
    tidied: int = 0
    version: str = "2026.11.2"
    embedding_space: str = "space-1"

    async def sample(self) -> Any:
        return None

    async def prepare(self, folder: Path) -> Any:
        return folder

    async def take_over(self, prepared: Any) -> None:
        if self.cannot_take_over:
            self.cannot_take_over = False
            raise RuntimeError("tensor has no data")
        self.folder = prepared

    async def rates(self) -> Rates:
        return Rates(evaluations=1000, latency_ms=5.0, plays=20, skips=2)

    async def confirmed(self) -> None:
        self.tidied += 1

    def told(self) -> None:
        self.stages.append(self.status.stage)

    def trouble(self, error: DeliveryError | None) -> None:
        self.troubles.append(error)

    @property
    def status(self) -> BundleStatus:
        assert self.delivery is not None
        base = BundleStatus(
            t=0.0, version=self.version, embedding_space="space-1", runtime="tflite", precision={}, channel="stable"
        )
        return self.delivery.status(base)


class Player:
    """A delivery in the middle of everything that stands for its surroundings."""

    def __init__(self, tmp_path: Path, channel: Channel) -> None:
        shipped = tmp_path / "shipped"
        tiny_bundle(shipped, "2026.11.2")
        self.channel, self.shipped = channel, shipped
        self.slots = Slots.open(tmp_path / "slots", shipped)
        self.agent = Agent(self.slots.boot())
        self.refusal: Exception | None = None
        self.new_space = False
        self.embedded = 0

        @asynccontextmanager
        async def follow() -> AsyncIterator[Any]:
            yield channel

        self.delivery = Delivery(
            DeliverySettings(device="attic", group="", storage=tmp_path, runtime="auto", probation=LIMITS),
            self.slots,
            follow=follow,
            host=self.agent,
            examine=self._examine,
            embedding=self._embedding,
        )
        self.agent.delivery = self.delivery

    async def _examine(self, candidate: Path, **_known: Any) -> Examined:
        if self.refusal is not None:
            raise self.refusal
        return Examined(
            version=candidate.name,
            embedding_space="space-1",
            is_new_space=self.new_space,
            differences={},
            latency_ms={},
            memory_bytes=0,
            tracks_heard=0,
            seconds=0.0,
        )

    def _embedding(self, *_known: Any, **_more: Any) -> Any:
        player = self

        class Embedding:
            async def run(self, on_progress: Callable[[Embedded], None]) -> Embedded:
                player.embedded += 1
                on_progress(Embedded(1, 2))
                return Embedded(2, 2)

        return Embedding()

    async def settle(self, seconds: float = 1.0) -> None:
        await asyncio.sleep(seconds)

    async def use(self, seconds: float, *, faults: int = 0) -> None:
        """The listener listens for a while: an evaluation a second."""
        for _ in range(int(seconds)):
            await asyncio.sleep(1.0)
            self.delivery.evaluated(asyncio.get_running_loop().time(), 5.0, faults=faults)

    @property
    def runs(self) -> str:
        return self.agent.folder.name

    def is_whole(self, place: str) -> bool:
        folder = self.slots.path(place)  # type: ignore[arg-type]
        listed = msgspec.json.decode((folder / "manifest.json").read_bytes())
        licence = listed["licence"]
        return hashlib.sha256((folder / licence["path"]).read_bytes()).hexdigest() == licence["sha256"]


def played(tmp_path: Path, story: Callable[[Player], Coroutine[Any, Any, None]]) -> Player:
    """Let a story happen to a player whose delivery runs; hours pass at once."""

    async def run() -> Player:
        player = Player(tmp_path, Channel(tmp_path / "source"))
        task = asyncio.create_task(player.delivery.run())
        telling = asyncio.create_task(story(player))
        # A delivery that dies is told instead of what follows from it.
        await asyncio.wait({task, telling}, return_when=asyncio.FIRST_COMPLETED)
        for each in (task, telling):
            each.cancel() if each is task or task.done() else None
        ended = await asyncio.gather(task, telling, return_exceptions=True)
        for error in ended:
            if isinstance(error, BaseException) and not isinstance(error, asyncio.CancelledError):
                raise error
        return player

    return run_virtually(run())


def test_a_bundle_arrives_is_tested_runs_on_probation_and_is_confirmed(tmp_path: Path) -> None:
    async def story(player: Player) -> None:
        player.channel.offer("2026.11.3")
        await player.settle()
        assert player.runs == "a"
        assert (player.agent.status.outcome, player.agent.status.stage) == ("activated", "probation")
        await player.use(70)
        assert player.agent.status.outcome == "confirmed"

    player = played(tmp_path, story)
    assert player.slots.state.confirmed.version == "2026.11.3"
    assert (player.channel.forgotten, player.agent.tidied) == (1, 1)
    assert player.agent.stages.count("probation") > 10
    told = [stage for stage, _ in groupby(player.agent.stages)]
    assert told == ["idle", "fetching", "testing", "probation", "idle"]


def test_the_catalogue_is_embedded_before_a_bundle_of_another_space_takes_over(tmp_path: Path) -> None:
    async def story(player: Player) -> None:
        player.new_space = True
        player.channel.offer("2026.11.3", space="space-2")
        await player.settle()

    player = played(tmp_path, story)
    assert player.embedded == 1
    assert player.runs == "a"


def test_a_bundle_that_fails_its_examination_never_runs_and_is_not_tried_again(tmp_path: Path) -> None:
    async def story(player: Player) -> None:
        player.refusal = BundleError("user_emotion is 0.4 off, 0.01 allowed", reason=Reason.FAILED)
        player.channel.offer("2026.11.3")
        await player.settle()
        player.channel.offer("2026.11.3")
        await player.settle(100_000.0)
        status = player.agent.status
        assert (status.offered, status.outcome, status.code) == ("2026.11.3", "refused", "failed")
        assert "0.4 off" in status.reason

    player = played(tmp_path, story)
    assert player.channel.fetches == 1
    assert player.runs == "shipped"


def test_what_fails_on_the_way_is_tried_again_later_and_later(tmp_path: Path) -> None:
    async def story(player: Player) -> None:
        player.channel.fails = [DeliveryError("no chunk", reason=Reason.MISSING) for _ in range(3)]
        player.channel.offer("2026.11.3")
        await player.settle(5.0)
        assert player.channel.fetches == 1
        await player.settle(10.0)
        assert player.channel.fetches == 2
        await player.settle(1000.0)

    player = played(tmp_path, story)
    assert player.channel.fetches == 4
    assert player.slots.state.running.version == "2026.11.3"


def test_more_faults_than_before_send_a_bundle_back_with_the_reason(tmp_path: Path) -> None:
    async def story(player: Player) -> None:
        player.channel.offer("2026.11.3")
        await player.settle()
        await player.use(60, faults=1)
        status = player.agent.status
        assert status.outcome == "returned"
        assert status.reason

    player = played(tmp_path, story)
    assert player.runs == "shipped"
    assert player.slots.state.phase == "idle"


def test_a_bundle_that_cannot_take_over_leaves_the_one_before_in_charge(tmp_path: Path) -> None:
    async def story(player: Player) -> None:
        player.agent.cannot_take_over = True
        player.channel.offer("2026.11.3")
        await player.settle()
        assert "tensor has no data" in player.agent.status.reason

    player = played(tmp_path, story)
    assert player.runs == "shipped"
    assert player.slots.state.ended.outcome == "returned"


def test_a_bundle_that_brings_out_a_fault_of_the_player_is_left_and_the_player_lives(tmp_path: Path) -> None:
    async def story(player: Player) -> None:
        player.refusal = ZeroDivisionError("float division by zero")
        player.channel.offer("2026.11.3")
        await player.settle()
        assert "ZeroDivisionError" in player.agent.status.reason

    player = played(tmp_path, story)
    assert player.slots.state.ended.outcome == "refused"
    assert player.runs == "shipped"


def test_aborting_a_rollout_ends_the_probation(tmp_path: Path) -> None:
    async def story(player: Player) -> None:
        player.channel.offer("2026.11.3")
        await player.settle()
        player.channel.offer("2026.11.3", status="aborted")
        await player.settle()
        assert player.agent.status.code == "withdrawn"

    assert played(tmp_path, story).runs == "shipped"


def test_aborting_a_rollout_ends_the_fetching(tmp_path: Path) -> None:
    async def story(player: Player) -> None:
        player.channel.goes_on.clear()
        player.channel.offer("2026.11.3")
        await player.settle()
        assert (player.agent.status.stage, player.agent.status.progress) == ("fetching", 0.5)
        player.channel.offer("2026.11.3", status="aborted")
        await player.settle()
        assert player.agent.status.stage == "idle"

    player = played(tmp_path, story)
    assert player.slots.state.candidate is None
    assert player.runs == "shipped"


def test_of_two_bundles_in_a_row_the_second_is_taken(tmp_path: Path) -> None:
    async def story(player: Player) -> None:
        player.channel.goes_on.clear()
        player.channel.offer("2026.11.3")
        await player.settle()
        player.channel.offer("2026.11.4", rollout="r2")
        await player.settle()
        player.channel.goes_on.set()
        await player.settle()

    player = played(tmp_path, story)
    assert player.slots.state.running.version == "2026.11.4"


def test_a_bundle_that_comes_during_a_probation_waits_for_its_end(tmp_path: Path) -> None:
    async def story(player: Player) -> None:
        player.channel.offer("2026.11.3")
        await player.settle()
        player.channel.offer("2026.11.4", rollout="r2")
        await player.use(30)
        assert player.slots.state.running.version == "2026.11.3"
        assert player.agent.status.stage == "waiting"
        await player.use(60)

    player = played(tmp_path, story)
    assert player.slots.state.running.version == "2026.11.4"
    assert player.slots.state.confirmed.version == "2026.11.3"
    assert player.is_whole(player.slots.state.confirmed.place)


def test_an_offer_that_cannot_be_verified_any_more_is_not_begun(tmp_path: Path) -> None:
    async def story(player: Player) -> None:
        player.channel.offer("2026.11.3", status="paused")
        await player.settle()
        player.channel.say(DeliveryError("timestamp.json has expired", reason=Reason.EXPIRED))
        await player.settle()
        assert player.agent.troubles[-1] is not None

    player = played(tmp_path, story)
    assert player.channel.fetches == 0
    assert player.runs == "shipped"


def test_a_start_that_lasts_a_minute_is_none_of_a_crash_loop(tmp_path: Path) -> None:
    async def story(player: Player) -> None:
        assert player.slots.state.lives == 1
        await player.settle(61.0)

    assert played(tmp_path, story).slots.state.lives == 0


@pytest.mark.parametrize("stage", ["fetching", "probation"])
def test_what_was_begun_goes_on_after_a_restart(tmp_path: Path, stage: str) -> None:
    async def until(player: Player) -> None:
        if stage == "fetching":
            player.channel.goes_on.clear()
        player.channel.offer("2026.11.3")
        await player.settle()
        if stage == "probation":
            await player.use(20)

    async def after(player: Player) -> None:
        player.channel.offer("2026.11.3")
        await player.settle()
        assert player.agent.status.stage == "probation"
        await player.use(65)

    played(tmp_path, until)
    player = played(tmp_path, after)
    assert player.slots.state.confirmed.version == "2026.11.3"
    assert player.channel.fetches == (1 if stage == "fetching" else 0)
