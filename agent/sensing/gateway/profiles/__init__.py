"""The GATT services that the gateway reads, each in a file of its own: payloads in, readings out, no I/O."""

from __future__ import annotations

from typing import Final

from agent.sensing.gateway.profiles.battery import Battery
from agent.sensing.gateway.profiles.device_information import DeviceInformation
from agent.sensing.gateway.profiles.heart_rate import HeartRate
from agent.sensing.gateway.profiles.oximeter import Oximeter
from agent.sensing.gateway.profiles.polar import Polar
from agent.sensing.gateway.profiles.profile import Count, Profile, Readings
from agent.sensing.gateway.profiles.thermometer import Thermometer

__all__ = [
    "PROFILES",
    "Battery",
    "Count",
    "DeviceInformation",
    "HeartRate",
    "Oximeter",
    "Polar",
    "Profile",
    "Readings",
    "Thermometer",
]

PROFILES: Final[tuple[type[Profile], ...]] = (HeartRate, Polar, Oximeter, Thermometer, Battery, DeviceInformation)
"""In the order in which they are believed where two of one wearable give the same quantity: a strap's beats before an
oximeter's pulse rate."""
