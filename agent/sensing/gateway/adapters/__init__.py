"""Bluetooth adapters: the system's through bleak, or a bare or virtual controller through Bumble."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from agent.sensing.gateway.adapters.adapter import CONNECT_TIMEOUT_S, Adapter, OnAdvertisement, OnDisconnect
from models.errors import AttuneError, Reason, SettingsError

__all__ = ["CONNECT_TIMEOUT_S", "Adapter", "OnAdvertisement", "OnDisconnect", "open_adapter"]

_HCI = "hci:"


@asynccontextmanager
async def open_adapter(name: str) -> AsyncIterator[Adapter]:
    """Open an adapter for as long as the context lasts.

    Args:
        name: `system` for the operating system's Bluetooth (BlueZ), or `hci:` and a Bumble transport, such as
            `hci:tcp-client:127.0.0.1:6402` (a virtual link) or `hci:usb:0` (a dongle that no system service holds).

    Raises:
        SettingsError: there is no such kind of adapter.
        AttuneError: `missing` where Bumble is not installed, `no_device` where no controller answers.
    """
    if name == "system":
        from agent.sensing.gateway.adapters.system import SystemAdapter

        yield SystemAdapter()
        return
    if not name.startswith(_HCI):
        raise SettingsError(
            f"There is no Bluetooth adapter {name!r}",
            reason=Reason.WRONG_VALUE,
            remedy="Set [gateway] adapter to system, or to hci: and a Bumble transport such as hci:usb:0",
        )
    try:
        from agent.sensing.gateway.adapters.hci.adapter import open_hci
    except ModuleNotFoundError as error:
        if str(error.name).partition(".")[0] != "bumble":
            raise
        raise AttuneError(
            f"The Bluetooth adapter {name!r} needs Bumble, which is not installed",
            reason=Reason.MISSING,
            remedy="Install it with pip install 'attune[sim]', or set [gateway] adapter to system",
        ) from error
    async with open_hci(name.removeprefix(_HCI)) as adapter:
        yield adapter
