"""Publishing as a whole: the bundle into the folder, the folder onto the broker."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Final

import msgspec

from cloud_trainer.progress import Progress
from cloud_trainer.publishing.broker import connected
from cloud_trainer.publishing.channel import Channel
from cloud_trainer.publishing.content import read_bundle, store
from cloud_trainer.publishing.fleet import Fleet, read_fleet
from cloud_trainer.publishing.mirror import Mirror, Mirrored
from cloud_trainer.publishing.outdating import outdated
from cloud_trainer.publishing.phases import Request, next_offer
from cloud_trainer.publishing.settings import PublishingSection
from models.delivery.offer import Offer, Rollout
from models.errors import BrokerError, Reason
from models.wire.topics import ChannelTopics

__all__ = ["change_rollout", "fence", "offer_bundle", "refresh", "send"]

_ATTEMPTS: Final = 4


def offer_bundle(
    channel: Channel,
    bundle: Path,
    request: Request,
    *,
    chunk_bytes: int,
    tested: bool,
    now: float,
) -> Offer:
    """Put a bundle into the channel's folder and sign it; given again, nothing but the timestamp is signed anew.

    Args:
        channel: on the disk, its lock held.
        bundle: its folder.
        request: to whom and how.
        chunk_bytes: size of a chunk.
        tested: whether its models must answer as its manifest says.
        now: seconds since the epoch.

    Raises:
        BundleError: the bundle is not whole.
        DeliveryError: see `Channel.put` and `next_offer`.
    """
    channel.root()  # without keys, say so before anything is read
    content = read_bundle(bundle, tested=tested)
    files = store(content, channel.folder, chunk_bytes)
    versions = channel.folder.versions("targets")
    current = (channel.offer(), channel.targets().signed.targets) if versions else None
    number = max(versions, default=0) + 1
    offer = next_offer(content, files, request, channel=channel.name, current=current, number=number)
    channel.put(files, offer, now)
    channel.settle(now)
    return offer


def change_rollout(channel: Channel, change: Callable[[Rollout], Rollout], now: float) -> Offer:
    """Sign another rollout of the bundle that is offered.

    Raises:
        DeliveryError: what `change` raises, or see `Channel.change`.
    """
    offer = channel.offer()
    changed = msgspec.structs.replace(offer, rollout=change(offer.rollout))
    channel.change(changed, now)
    channel.settle(now)
    return changed


def refresh(channel: Channel, now: float) -> list[str]:
    """Sign what will expire; a channel without a bundle has nothing but its root.

    Returns:
        The roles that were signed anew.
    """
    return list(channel.settle(now)) if channel.folder.versions("targets") else []


async def send(
    channel: Channel,
    settings: PublishingSection,
    *,
    thorough: bool,
    now: float,
    progress: Progress,
    wait: Callable[[float], Awaitable[None]] = asyncio.sleep,
) -> tuple[Mirrored, Fleet]:
    """Bring the broker up to date and ask who is there; a connection that is lost in between is made again a few times.

    Args:
        channel: on the disk, its lock held.
        settings: where the broker is.
        thorough: look at every chunk.
        now: seconds since the epoch.
        progress: where to show how far it is.
        wait: waits for so many seconds before the next attempt.

    Raises:
        BrokerError: it cannot be reached, or see `Mirror.bring_up`.
        DeliveryError: see `Mirror.bring_up`.
    """
    old = outdated(channel.folder, now, keep_days=settings.keep_days)
    result = Mirrored()
    for attempt in range(_ATTEMPTS):
        begun = False
        try:
            async with connected(settings, fence=fence(channel.name)) as broker:
                begun = True
                mirror = Mirror(channel, broker, progress=progress, result=result)
                await mirror.bring_up(old, thorough=thorough)
                return result, await read_fleet(broker)
        except BrokerError as error:
            # At the first attempt an address where nobody listens is more likely wrong than a pause.
            if error.reason is not Reason.UNREACHABLE or attempt == _ATTEMPTS - 1 or not (begun or attempt):
                raise
            progress.note(f"{error.message}; trying again")
        await wait(2.0**attempt)
    raise AssertionError  # the last attempt returns or raises


def fence(channel: str) -> str:
    """Beginning of the topic by which we know that the broker has sent all that it holds."""
    return f"{ChannelTopics(channel).root}/fence"
