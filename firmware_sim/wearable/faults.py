"""Wearables that lie: what comes in from outside may be wrong, and the agent must live with it.

A fault is written `name` or `name:share`, where share is the part of the packs that it befalls (0.05 where none is
given). Every fault leaves the other packs as they were.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Final

import numpy as np

from firmware_sim.link import Outgoing
from firmware_sim.wearable.packs import Draft
from models.errors import Reason, SettingsError
from models.wire.quantities import QUANTITIES
from models.wire.senml import MAXIMUM_BYTES, encode

__all__ = ["FAULTS", "Liar", "parse_faults"]

_DEFAULT_SHARE = 0.05
# An hour ahead: far beyond the five seconds that the design allows, as a band in another time zone would be.
_AHEAD_S = 3600.0

Send = Callable[[Draft], Outgoing]
"""Writes a pack as the wearable would."""


def _duplicate(draft: Draft, send: Send) -> list[Outgoing]:
    return [send(draft), send(draft)]


def _future(draft: Draft, send: Send) -> list[Outgoing]:
    return [send(replace(draft, times=draft.times + _AHEAD_S))]


def _past(draft: Draft, send: Send) -> list[Outgoing]:
    # A clock that was never set counts from 1970. Below 2**28 SenML would take it as relative to now (RFC 8428, 4.5.3),
    # so that is where the oldest absolute time lies: July 1978.
    return [send(replace(draft, times=draft.times - draft.times[0] + 2.0**28))]


def _frozen(draft: Draft, send: Send) -> list[Outgoing]:
    return [send(replace(draft, values=np.zeros_like(draft.values) + draft.values[0]))]


def _fill(draft: Draft, send: Send) -> list[Outgoing]:
    return [send(replace(draft, values=np.full_like(draft.values, 255.0)))]


def _malformed(draft: Draft, send: Send) -> list[Outgoing]:
    message = send(draft)
    return [replace(message, payload=message.payload[: len(message.payload) // 2])]


def _empty(draft: Draft, send: Send) -> list[Outgoing]:
    return [replace(send(draft), payload=b"")]


def _oversized(draft: Draft, send: Send) -> list[Outgoing]:
    records = encode(draft.quantity, draft.times, draft.values, cbor=False)
    return [replace(send(draft), payload=records + b" " * (MAXIMUM_BYTES + 1 - len(records)))]


def _wrong_unit(draft: Draft, send: Send) -> list[Outgoing]:
    records = json.loads(encode(draft.quantity, draft.times, draft.values, cbor=False))
    records[0]["bu"] = "K" if QUANTITIES[draft.quantity].unit != "K" else "lm"
    return [replace(send(draft), payload=json.dumps(records).encode())]


def _unknown_quantity(draft: Draft, send: Send) -> list[Outgoing]:
    message = send(draft)
    return [replace(message, topic=message.topic.rsplit("/", 1)[0] + "/aura")]


def _retained(draft: Draft, send: Send) -> list[Outgoing]:
    return [replace(send(draft), retain=True)]


_Fault = Callable[[Draft, Send], list[Outgoing]]
FAULTS: Final[dict[str, _Fault | None]] = {
    "duplicate": _duplicate,
    "out-of-order": None,  # needs a memory: see Liar
    "future": _future,
    "1970": _past,
    "frozen": _frozen,
    "fill": _fill,
    "malformed": _malformed,
    "empty": _empty,
    "oversized": _oversized,
    "wrong-unit": _wrong_unit,
    "unknown-quantity": _unknown_quantity,
    "retained": _retained,
}
"""What a wearable can do wrong, by name."""


def parse_faults(texts: Sequence[str]) -> dict[str, float]:
    """Read `name` or `name:share`.

    Raises:
        SettingsError: the name is unknown or the share is not within 0 to 1.
    """
    faults = {}
    for text in texts:
        name, _, share = text.partition(":")
        if name not in FAULTS:
            remedy = f"Use {', '.join(FAULTS)}"
            raise SettingsError(f"There is no fault {name!r}", reason=Reason.WRONG_VALUE, remedy=remedy)
        try:
            faults[name] = float(share) if share else _DEFAULT_SHARE
        except ValueError:
            faults[name] = -1.0
        if not 0 <= faults[name] <= 1:
            remedy = f"Write {name}:0.1 for one pack in ten"
            raise SettingsError(f"The fault {text!r} has no share", reason=Reason.WRONG_VALUE, remedy=remedy)
    return faults


class Liar:
    """Sends packs, some of them wrongly.

    Args:
        faults: the share of packs that each fault befalls, by name.
        generator: decides which ones.
    """

    def __init__(self, faults: dict[str, float], generator: np.random.Generator) -> None:
        self._faults = faults
        self._generator = generator
        self._held: dict[str, Outgoing] = {}
        self.told = dict.fromkeys(faults, 0)
        """How often each fault came."""

    def send(self, draft: Draft, send: Send) -> list[Outgoing]:
        """What goes out for a pack; at most one fault befalls it."""
        messages = self._write(draft, send)
        if draft.quantity in self._held and messages:
            messages.append(self._held.pop(draft.quantity))
        return messages

    def _write(self, draft: Draft, send: Send) -> list[Outgoing]:
        chance = float(self._generator.random()) if self._faults else 1.0
        for name, share in self._faults.items():
            if chance < share:
                self.told[name] += 1
                fault = FAULTS[name]
                if fault is not None:
                    return fault(draft, send)
                # Out of order: it is held back until the next pack of the quantity has gone.
                if draft.quantity in self._held:
                    return [send(draft)]
                self._held[draft.quantity] = send(draft)
                return []
            chance -= share
        return [send(draft)]
