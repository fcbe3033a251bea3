"""The embedded MQTT broker."""

from __future__ import annotations

from agent.integration.broker.embedded import EmbeddedBroker

__all__ = ["EmbeddedBroker"]
