"""Asking for retained messages, at a broker whose answers are written down."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence

from agent.delivery.receiving import Limits
from agent.delivery.receiving.retained import Retained
from agent.integration.link import LinkStatus, Message

FENCE = "fence"


class ScriptedLink:
    """A broker's end: what it sends at each asking is up to the test."""

    def __init__(self, answers: Sequence[Sequence[str]]) -> None:
        self.retained: Retained
        self.asked: list[tuple[str, ...]] = []
        self.leaving = asyncio.Event()
        self._answers = iter(answers)
        self._received = 0
        self._sending: set[asyncio.Task[None]] = set()

    def status(self) -> LinkStatus:
        return LinkStatus(connected=True, received=self._received)

    async def connected(self) -> None: ...

    def subscribe(self, *topics: str) -> None:
        self.asked.append(topics)
        self._sending.add(asyncio.create_task(self._send(next(self._answers))))

    async def unsubscribe(self, *_topics: str) -> None:
        await self.leaving.wait()

    async def _send(self, topics: Sequence[str]) -> None:
        for topic in topics:
            self._received += 1
            await self.retained.take(Message(topic, topic.encode(), 1, True, False))


def asking(
    answers: Sequence[Sequence[str]], **limits: int
) -> tuple[ScriptedLink, Callable[..., asyncio.Task[dict[str, bool]]]]:
    link = ScriptedLink(answers)
    link.retained = Retained(link, Limits(**limits))  # type: ignore[arg-type]

    async def accept(_topic: str, _payload: bytes) -> bool:
        return True

    def bring(*topics: str, fence: str = FENCE) -> asyncio.Task[dict[str, bool]]:
        return asyncio.create_task(link.retained.bring(topics, accept, fence=fence))

    return link, bring


async def test_what_comes_before_the_fence_is_there_and_is_asked_for_once():
    link, bring = asking([["a", "b", FENCE]])
    link.leaving.set()
    assert await bring("a", "b") == {}
    assert link.asked == [("a", "b", FENCE)]


async def test_what_is_absent_is_asked_for_twice():
    link, bring = asking([["a", FENCE], [FENCE]])
    link.leaving.set()
    assert await bring("a", "b") == {"b": False}
    assert link.asked == [("a", "b", FENCE), ("b", FENCE)]


async def test_what_a_broker_without_order_sends_after_the_fence_comes_with_the_second_asking():
    link, bring = asking([[FENCE, "a"], ["a", FENCE]])
    link.leaving.set()
    assert await bring("a") == {}


async def test_another_window_is_asked_for_before_the_broker_has_forgotten_the_one_before():
    link, bring = asking([["a", FENCE], ["b", "other fence"], ["c", FENCE]])
    assert await bring("a") == {}
    assert await bring("b", fence="other fence") == {}
    again = bring("c")
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    assert len(link.asked) == 2, "the fence is still subscribed to"
    link.leaving.set()
    assert await again == {}
