from __future__ import annotations

from typing import Any, cast

import pytest
from bleak.exc import BleakError
from dbus_fast import ErrorType, Message, MessageType
from dbus_fast.aio import MessageBus

from agent.sensing.gateway.adapters import system


class Bluez:
    """BlueZ on a bus of its own, as far as power goes."""

    def __init__(self, *adapters: str, refuses: bool = False) -> None:
        self.adapters = adapters
        self.refuses = refuses
        self.asked: list[tuple[str, bool]] = []

    async def call(self, message: Message) -> Message | None:
        message.serial = 1
        if message.member == "GetManagedObjects":
            objects: dict[str, Any] = {path: {"org.bluez.Adapter1": {}} for path in self.adapters}
            return Message.new_method_return(message, "a{oa{sa{sv}}}", [{"/org/bluez": {"other": {}}} | objects])
        if self.refuses:
            return Message.new_error(message, ErrorType.FAILED, "busy")
        self.asked.append((message.path, message.body[2].value))
        return Message(message_type=MessageType.METHOD_RETURN, reply_serial=1)


@pytest.fixture(autouse=True)
def no_pause(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(system, "_OFF_S", 0.0)


async def test_the_first_adapter_is_powered_off_and_on():
    bluez = Bluez("/org/bluez/hci1", "/org/bluez/hci0")
    await system.power_cycle(cast("MessageBus", bluez))
    assert bluez.asked == [("/org/bluez/hci0", False), ("/org/bluez/hci0", True)]


async def test_without_an_adapter_there_is_nothing_to_reset():
    with pytest.raises(BleakError, match="no adapter"):
        await system.power_cycle(cast("MessageBus", Bluez()))


async def test_a_refusal_is_told():
    with pytest.raises(BleakError, match="refuses Set"):
        await system.power_cycle(cast("MessageBus", Bluez("/org/bluez/hci0", refuses=True)))
