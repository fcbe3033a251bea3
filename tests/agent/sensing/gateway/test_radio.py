"""What is said of a radio's errors, and connections that killed processes left behind."""

from __future__ import annotations

import asyncio
from contextlib import AbstractAsyncContextManager
from pathlib import Path

import pytest
from bleak.exc import BleakBluetoothNotAvailableError, BleakBluetoothNotAvailableReason, BleakError
from fake_air import Air
from virtual_time import run_virtually

from agent.sensing.gateway.gateway import Gateway
from agent.sensing.gateway.pairings import Pairings
from agent.sensing.gateway.radio import in_time, release_stale, told
from models.errors import AttuneError, Reason, SettingsError


@pytest.mark.parametrize(("adapter", "released"), [("system", ["F0:F1:F2:F3:F4:01"]), ("hci:usb:0", [])])
def test_only_bluez_remembers_connections_of_others(
    monkeypatch: pytest.MonkeyPatch, adapter: str, released: list[str]
) -> None:
    found: list[str] = []

    async def close(address: str) -> None:
        found.append(address)

    monkeypatch.setattr("agent.sensing.gateway.radio.close_stale_connections_by_address", close)
    air = Air()
    air.name = adapter

    run_virtually(release_stale(air, "F0:F1:F2:F3:F4:01"))

    assert found == released


def test_a_call_that_never_ends_is_cancelled() -> None:
    async def test() -> None:
        with pytest.raises(TimeoutError):
            await in_time(asyncio.Event().wait(), 5.0)

    run_virtually(test())


@pytest.mark.parametrize(
    ("error", "text"),
    [
        (FileNotFoundError(2, "No such file or directory"), "this system has no Bluetooth service"),
        (TimeoutError(), "it does not answer"),
        (BleakBluetoothNotAvailableError("off", BleakBluetoothNotAvailableReason.POWERED_OFF), "off"),
        (BleakError("busy"), "busy"),
        (EOFError(), "EOFError"),
    ],
)
def test_errors_are_told_in_words(error: Exception, text: str) -> None:
    assert told(error).startswith(text)


def opened_with(pairings: Pairings, *errors: Exception) -> Gateway:
    """A gateway whose adapter opens after these errors."""
    waiting = list(errors)

    def open_adapter() -> AbstractAsyncContextManager[Air]:
        if waiting:
            raise waiting.pop(0)
        return Air().open()

    async def sink(_topic: str, _payload: bytes, _qos: int) -> None: ...

    return Gateway(open_adapter, pairings, sink, now=lambda: 0.0)


def test_an_adapter_that_comes_late_is_waited_for(tmp_path: Path) -> None:
    absent = AttuneError("no controller answers", reason=Reason.NO_DEVICE)

    async def test() -> None:
        gateway = opened_with(Pairings(tmp_path), absent, BleakError("off"), absent)
        running = asyncio.create_task(gateway.run())
        await asyncio.sleep(1.0)
        assert gateway.status().problem == "no controller answers"
        await asyncio.sleep(30.0)
        assert gateway.status().problem == ""
        assert gateway.counters["adapter.opened"] == 1
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)

    run_virtually(test())


@pytest.mark.parametrize(
    "error",
    [
        AttuneError("needs Bumble", reason=Reason.MISSING),
        SettingsError("no such adapter", reason=Reason.WRONG_VALUE),
    ],
)
def test_an_adapter_that_never_can_be_opened_ends_the_gateway(tmp_path: Path, error: AttuneError) -> None:
    async def test() -> None:
        with pytest.raises(type(error)):
            await opened_with(Pairings(tmp_path), error).run()

    run_virtually(test())
