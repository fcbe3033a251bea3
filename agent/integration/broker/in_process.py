"""amqtt inside this process, for machines without Mosquitto.

It knows MQTT 3.1.1 and keeps nothing on the disk: retained state and sessions end with the agent, which publishes its
own again. Two things of amqtt 0.12 are corrected here: it sends a newcomer the retained messages of every filter that
anybody ever subscribed to, and fails over a subscription that comes meanwhile, with the newcomer's line open and dead;
and it waits for ever for somebody who has left to acknowledge a retained message.
"""

from __future__ import annotations

import asyncio
import logging
from typing import Any

from models.errors import BrokerError, Reason

__all__ = ["InProcessBroker"]


class InProcessBroker:
    """A broker in the running event loop.

    Args:
        port: TCP port on 127.0.0.1.
    """

    kind = "amqtt"
    pid: int | None = None
    restarts = 0

    def __init__(self, *, port: int) -> None:
        self._port = port
        self._broker: Any = None  # amqtt publishes no type information

    async def start(self) -> None:
        """Start listening.

        Raises:
            BrokerError: amqtt refuses, for instance because the port was taken in the last moment.
        """
        from amqtt.broker import Broker
        from amqtt.errors import BrokerError as RefusedByAmqtt

        for name in ("amqtt", "transitions"):  # they log every packet and every change of state
            logging.getLogger(name).setLevel(logging.ERROR)

        class IsolatedBroker(Broker):  # type: ignore[misc]  # amqtt publishes no type information
            """Sends retained messages to those who have subscribed to them, while they are there."""

            async def _publish_retained_messages_for_subscription(
                self,
                subscription: tuple[str, int],
                session: Any,  # noqa: ANN401 - as amqtt has it, which publishes no types
            ) -> None:
                subscribers = self._subscriptions.get(subscription[0], ())
                handler = self._get_handler(session)
                if handler is None or all(each.client_id != session.client_id for each, _ in subscribers):
                    return
                if (left := handler._disconnect_waiter) is None:  # noqa: SLF001 - to cancel what waits for it ends it
                    return
                wanted, qos = subscription
                publishing = [
                    asyncio.ensure_future(
                        handler.mqtt_publish(topic, kept.data, min(qos, kept.qos or qos), retain=True)
                    )
                    for topic, kept in self._retained_messages.items()
                    if self._matches(topic, wanted)
                ]
                if publishing:
                    taken = asyncio.gather(*publishing, return_exceptions=True)
                    await asyncio.wait((taken, left), return_when=asyncio.FIRST_COMPLETED)
                    taken.cancel()
                    await asyncio.wait(publishing)

        self._broker = IsolatedBroker(
            {
                "listeners": {"default": {"type": "tcp", "bind": f"127.0.0.1:{self._port}", "max_connections": 100}},
                # Neither packet logs nor $SYS statistics.
                "plugins": {"amqtt.plugins.authentication.AnonymousAuthPlugin": {"allow_anonymous": True}},
            }
        )
        try:
            await self._broker.start()
        except RefusedByAmqtt as error:
            raise BrokerError(
                f"The in-process broker cannot listen on port {self._port}: {error}",
                reason=Reason.FAILED,
                remedy="Install mosquitto, choose another [broker] port, or set [broker] host",
            ) from error

    async def stop(self) -> None:
        """Close all connections and stop listening."""
        if self._broker is not None:
            await self._broker.shutdown()
            self._broker = None
