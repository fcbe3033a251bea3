"""The line to the broker: reconnecting, remembering, holding back."""

from __future__ import annotations

from agent.integration.link.backoff import backoff_s
from agent.integration.link.link import Link
from agent.integration.link.messages import LARGEST_PAYLOAD, LinkSettings, LinkStatus, Message

__all__ = ["LARGEST_PAYLOAD", "Link", "LinkSettings", "LinkStatus", "Message", "backoff_s"]
