"""The virtual air: Bluetooth controllers in this process that hear each other, and a TCP port that hands them out.

Every wearable has a controller of its own. Every host that connects to the port gets one too and speaks HCI with it
(H4 framing), as it would with a dongle: `hci:tcp-client:127.0.0.1:6402` is an adapter to the gateway. When the host
goes away its controller goes with it, and whoever was connected to it sees a link loss.

Rules:

- A link that breaks is reported to both sides as a supervision timeout, the way it is seen when somebody walks away.
- A connection request can be taken back, and a reset forgets everything: a host that dies must leave nothing behind.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from itertools import count
from typing import cast

from bumble import hci, ll
from bumble.controller import Controller
from bumble.core import InvalidArgumentError
from bumble.link import LocalLink
from bumble.transport.common import StreamPacketSink, StreamPacketSource

from models.errors import AttuneError, Reason

__all__ = ["Air", "VirtualController"]

_log = logging.getLogger(__name__)
# A host that leaves so much unread has hung; its port is closed, as a dongle would be pulled.
_MOST_UNREAD = 4 * 1024 * 1024
# Bytes of an ACL packet: the whole of a link-layer packet with data length extension (Core 5.4, Vol 6, Part B, 4.5.10).
_ACL_BYTES = 251


class VirtualController(Controller):
    """Bumble's software controller, which also forgets, and can lose its links."""

    le_acl_data_packet_length = _ACL_BYTES
    acl_data_packet_length = _ACL_BYTES

    def on_hci_le_create_connection_cancel_command(
        self, command: hci.HCI_LE_Create_Connection_Cancel_Command
    ) -> hci.HCI_StatusReturnParameters:
        """Take a connection request back (Core 5.4, Vol 4, Part E, 7.8.13); the base class only says that it did."""
        wanted = self.pending_le_connection
        if wanted is None:
            return hci.HCI_StatusReturnParameters(hci.HCI_ErrorCode.COMMAND_DISALLOWED_ERROR)
        result = super().on_hci_le_create_connection_cancel_command(command)
        self.pending_le_connection = None
        self.send_hci_packet(
            hci.HCI_LE_Connection_Complete_Event(
                status=hci.HCI_ErrorCode.UNKNOWN_CONNECTION_IDENTIFIER_ERROR,
                connection_handle=0,
                role=hci.Role.CENTRAL,
                peer_address_type=wanted.peer_address.address_type,
                peer_address=wanted.peer_address,
                connection_interval=0,
                peripheral_latency=0,
                supervision_timeout=0,
                central_clock_accuracy=0,
            )
        )
        return result

    def on_hci_reset_command(self, command: hci.HCI_Reset_Command) -> hci.HCI_StatusReturnParameters:
        """Forget all that an earlier host had begun."""
        self.forget()
        return super().on_hci_reset_command(command)

    def sever(self) -> None:
        """Lose every connection, as if the other side had gone out of reach; both hosts are told."""
        for connection in list(self.le_connections.values()):
            with contextlib.suppress(InvalidArgumentError):  # the other side may have gone already
                connection.send_ll_control_pdu(ll.TerminateInd(hci.HCI_ErrorCode.CONNECTION_TIMEOUT_ERROR))
            self.on_le_disconnected(connection, hci.HCI_ErrorCode.CONNECTION_TIMEOUT_ERROR)

    def forget(self) -> None:
        """Lose every connection and stop advertising, scanning and connecting."""
        self.pending_le_connection = None
        self.le_scan_enable = False
        self.le_legacy_advertiser.stop()
        for advertising in self.advertising_sets.values():
            advertising.stop()
        self.sever()


class Air:
    """A place where controllers hear each other."""

    def __init__(self) -> None:
        self._link = LocalLink()  # type: ignore[no-untyped-call]  # Bumble annotates all but this constructor
        self._numbers = count(1)
        self._ports: set[_HostPort] = set()

    def controller(self, name: str) -> VirtualController:
        """A new controller within reach of all others."""
        number = next(self._numbers)
        # Locally administered, so that no real device has it.
        address = hci.Address(
            f"02:00:00:00:{number >> 8 & 0xFF:02X}:{number & 0xFF:02X}", hci.AddressType.PUBLIC_DEVICE
        )
        return VirtualController(name, link=self._link, public_address=address)

    def remove(self, controller: VirtualController) -> None:
        """Take a controller out of reach; whoever was connected to it is told."""
        controller.forget()
        self._link.remove_controller(controller)

    @property
    def hosts(self) -> int:
        """How many hosts hold a controller through the port now."""
        return len(self._ports)

    def drop_hosts(self) -> None:
        """Close the connection of every host, as if its dongle had been pulled."""
        for port in tuple(self._ports):
            port.pull()

    @asynccontextmanager
    async def served(self, host: str, port: int) -> AsyncIterator[int]:
        """Hand out controllers on a TCP port for as long as the context lasts.

        Args:
            host: the address to listen on.
            port: 0 takes a free one.

        Yields:
            The port.

        Raises:
            AttuneError: the port is in use.
        """
        loop = asyncio.get_running_loop()
        try:
            server = await loop.create_server(lambda: _HostPort(self, self._ports), host, port)
        except OSError as error:
            raise AttuneError(
                f"The virtual Bluetooth link cannot listen on {host}:{port}: {error.strerror}",
                reason=Reason.PORT_IN_USE,
                remedy="Choose another port with --listen",
            ) from error
        try:
            yield int(server.sockets[0].getsockname()[1])
        finally:
            server.close()
            self.drop_hosts()
            await server.wait_closed()


class _HostPort(StreamPacketSource):
    """One host on the TCP port, and the controller that it was given."""

    def __init__(self, air: Air, ports: set[_HostPort]) -> None:
        super().__init__()
        self._air = air
        self._ports = ports
        self._controller: VirtualController | None = None
        self._transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)
        self._controller = self._air.controller("host")
        self._controller.host = _BoundedSink(self._transport, self.pull)
        self.set_packet_sink(self._controller)
        self._ports.add(self)

    def connection_lost(self, exc: Exception | None) -> None:
        _log.debug("a host went away: %s", exc)
        self._ports.discard(self)
        if self._controller is not None:
            self._controller.host = None
            self._air.remove(self._controller)
        self.on_transport_lost()

    def pull(self) -> None:
        """Close the connection at once, whatever is still to be sent."""
        if self._transport is not None:
            self._transport.abort()


class _BoundedSink(StreamPacketSink):
    """Writes to a host as long as it reads."""

    def __init__(self, transport: asyncio.Transport, give_up: Callable[[], None]) -> None:
        super().__init__(transport)
        self._stream = transport
        self._give_up = give_up

    def on_packet(self, packet: bytes) -> None:
        if self._stream.get_write_buffer_size() > _MOST_UNREAD:
            self._give_up()
            return
        super().on_packet(packet)
