"""Polar Measurement Data (PMD): raw ECG, PPG, acceleration and pulse intervals of Polar's sensors.

The format is Polar's own; it is published with their SDK (github.com/polarofficial/polar-ble-sdk: "Polar Measurement
Data Specification for 3rd Party", and documentation/ for times, pulse intervals and what each product offers).
"""

from agent.sensing.gateway.profiles.polar.profile import Polar

__all__ = ["Polar"]
