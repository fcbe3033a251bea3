"""The broker that the agent brings along when none is configured: on loopback, for trying out and for one device."""

from __future__ import annotations

import errno
import logging
import socket
from pathlib import Path
from typing import Literal, Self

from agent.integration.broker.in_process import InProcessBroker
from agent.integration.broker.mosquitto import MosquittoChild, find_mosquitto
from models.errors import BrokerError, Reason

__all__ = ["EmbeddedBroker"]

logger = logging.getLogger(__name__)

HOST = "127.0.0.1"


class EmbeddedBroker:
    """Mosquitto as a child process where its binary exists, amqtt inside this process where not.

    An asynchronous context manager: inside, the broker accepts connections; a Mosquitto that dies is started again.

    Args:
        port: TCP port on 127.0.0.1; 0 takes a free one.
        folder: where Mosquitto keeps its configuration and saved sessions; made if absent.
        kind: `auto`, or one of the two by name.

    Attributes:
        host: where to connect to.
        port: likewise; never 0 once entered.
    """

    host = HOST

    def __init__(self, port: int, folder: Path, *, kind: Literal["auto", "mosquitto", "amqtt"] = "auto") -> None:
        self.port = port
        self._folder = folder
        self._wanted = kind
        self._server: MosquittoChild | InProcessBroker | None = None

    async def __aenter__(self) -> Self:
        """Start the broker.

        Raises:
            BrokerError: PORT_IN_USE, MISSING (Mosquitto was asked for and is not installed) or FAILED.
        """
        self.port = _free(self.port)
        self._server = self._choose()
        await self._server.start()
        logger.info("embedded broker (%s) on %s:%d", self._server.kind, self.host, self.port)
        return self

    async def __aexit__(self, *_exception: object) -> None:
        """Stop the broker."""
        if self._server is not None:
            await self._server.stop()

    @property
    def kind(self) -> str:
        """`mosquitto` or `amqtt`; empty before the start."""
        return self._server.kind if self._server is not None else ""

    @property
    def persistent(self) -> bool:
        """Whether the broker keeps sessions of clients that are away (`clean_session=False` is worth asking for)."""
        return self.kind == MosquittoChild.kind

    @property
    def pid(self) -> int | None:
        """The child's process identifier; None for amqtt and while the child is being restarted."""
        return self._server.pid if self._server is not None else None

    @property
    def restarts(self) -> int:
        """How often the child died and was started again."""
        return self._server.restarts if self._server is not None else 0

    def _choose(self) -> MosquittoChild | InProcessBroker:
        binary = find_mosquitto() if self._wanted in ("auto", "mosquitto") else None
        if binary is not None:
            return MosquittoChild(binary, port=self.port, folder=self._folder)
        if self._wanted == "mosquitto":
            raise BrokerError(
                "Mosquitto is not installed", reason=Reason.MISSING, remedy="Install it: sudo apt install mosquitto"
            )
        return InProcessBroker(port=self.port)


def _free(port: int) -> int:
    """Return the port, or a free one for 0; a taken one is told now, in words that help, and not by a child's death."""
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        probe.setsockopt(
            socket.SOL_SOCKET, socket.SO_REUSEADDR, 1
        )  # as brokers do: an old connection's rest is no user
        try:
            probe.bind((HOST, port))
        except OSError as error:
            in_use = error.errno == errno.EADDRINUSE
            raise BrokerError(
                f"Port {port} on {HOST} is in use" if in_use else f"Port {port} on {HOST} cannot be used: {error}",
                reason=Reason.PORT_IN_USE if in_use else Reason.FAILED,
                remedy=(
                    f'If a broker runs there already, set [broker] host = "{HOST}" to use it; else choose another '
                    f"[broker] port, or find the program with `ss -ltnp 'sport = :{port}'`"
                ),
            ) from error
        chosen: int = probe.getsockname()[1]
        return chosen
