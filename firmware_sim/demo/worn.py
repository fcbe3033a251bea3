"""The commands of what the demo's listener wears: a wristband over MQTT, or a chest strap over Bluetooth."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from firmware_sim.demo.workspace import DEVICE, LISTENER, Workspace

__all__ = ["WEARABLE", "gateway_arguments", "pairing_arguments", "wearable_arguments"]

WEARABLE: Final = "chest"
"""The name of what is worn over Bluetooth, a Polar H10: it tells heart rate, intervals, electrocardiogram, movement."""
_KIND: Final = "polar"
_LOOPBACK = "127.0.0.1"


def wearable_arguments(
    workspace: Workspace, *, course: str, seconds: float | None, reports_every_s: float
) -> list[str]:
    """What `attune-sim` is called with, so that somebody is there who feels `course`."""
    arguments = ["stream"]
    if workspace.air_port is not None:
        listen = f"{_LOOPBACK}:{workspace.air_port}"
        arguments = ["ble", "--listen", listen, "--wearables", f"{WEARABLE}:{_KIND}", "--no-gaps"]
    arguments += ["--host", _LOOPBACK, "--port", str(workspace.port), "--json"]
    arguments += ["--device", DEVICE, "--listener", LISTENER, "--seed", str(workspace.seed)]
    arguments += ["--course", "scripted", "--script", course, "--reports-every", str(reports_every_s)]
    return arguments + (["--seconds", str(seconds), "--fit"] if seconds else [])


def pairing_arguments(workspace: Workspace) -> Sequence[str]:
    """What `attune-agent` is called with, so that the gateway knows the wearable before it is put on."""
    from firmware_sim.ble.gatt import address_of
    from firmware_sim.ble.wearable import BleWearable
    from firmware_sim.settings import BleWearableSection

    worn = BleWearable(BleWearableSection(name=WEARABLE, kind=_KIND), seed=workspace.seed, started_at=0.0)
    address = address_of(worn.advertised_name)
    options = ["--name", WEARABLE, "--unseen", "--json", "--config", str(workspace.config)]
    return ["wearables", "pair", address, *options]


def gateway_arguments(workspace: Workspace) -> Sequence[str]:
    """What `attune-agent` is called with to read the wearable."""
    return ["gateway", "--config", str(workspace.config)]
