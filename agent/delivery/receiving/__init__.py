"""Receiving bundles: what a channel offers, verified through TUF's client, and its files, brought over MQTT."""

from __future__ import annotations

from agent.delivery.receiving.messages import Cause, Limits, ReceiverStatus, Target, Verified
from agent.delivery.receiving.receiver import Receiver

__all__ = ["Cause", "Limits", "Receiver", "ReceiverStatus", "Target", "Verified"]
