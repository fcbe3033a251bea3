"""One wearable without its network: blocks of a body go in, messages come out."""

from __future__ import annotations

from collections import Counter

import numpy as np

from firmware_sim.link import Outgoing
from firmware_sim.physiology.body import BLOCK_S, Block
from firmware_sim.settings import WearableSection
from firmware_sim.wearable.clock import Clock
from firmware_sim.wearable.faults import Liar, parse_faults
from firmware_sim.wearable.packs import Draft, Packer
from firmware_sim.wearable.radio import Radio
from firmware_sim.wearable.sensor import KINDS, Sensor
from models.errors import Reason, SettingsError
from models.wire import topics
from models.wire.quantities import QUANTITIES
from models.wire.senml import encode

__all__ = ["Wearable"]


class Wearable:
    """What a wearable sends, block after block. It has no clock and no network of its own.

    Args:
        settings: its kind, errors and faults.
        listener: who wears it.
        seed: of its errors; two wearables of one listener differ although the seed is the same.
        started_at: when it was started, seconds since the epoch.

    Raises:
        SettingsError: it does not measure a quantity that it shall send, or a fault is unknown.
        WireError: a name cannot stand in a topic.
    """

    def __init__(self, settings: WearableSection, *, listener: str, seed: int, started_at: float) -> None:
        measured = KINDS[settings.kind]
        missing = set(settings.quantities) - set(measured)
        if missing:
            raise SettingsError(
                f"The {settings.kind} {settings.name!r} does not measure {', '.join(sorted(missing))}",
                reason=Reason.WRONG_VALUE,
                remedy=f"Choose from {', '.join(measured)}",
            )
        quantities = settings.quantities or measured
        own = [seed, *settings.name.encode()]
        generators = [np.random.default_rng(s) for s in np.random.SeedSequence(own).spawn(3)]
        self.name = settings.name
        self._cbor = settings.format == "cbor"
        self._topics = {quantity: topics.sense(listener, settings.name, quantity) for quantity in quantities}
        self._sensor = Sensor(settings.kind, settings.noise, generators[0])
        self._radio = Radio(settings.gaps_per_hour, settings.gap_s, generators[1])
        self._liar = Liar(parse_faults(settings.faults), generators[2])
        clock = Clock(settings.clock_offset_s, settings.clock_ppm)
        self._packer = Packer(quantities, clock, started_at, numbered=settings.sequence)
        self.packs: Counter[str] = Counter()
        """Packs sent, by quantity."""
        self.samples: Counter[str] = Counter()
        """Samples in them, by quantity."""
        self.gaps = 0
        """Packs that the radio lost."""

    @property
    def faults(self) -> dict[str, int]:
        """How often each fault came."""
        return dict(self._liar.told)

    def next(self, block: Block) -> list[Outgoing]:
        """Messages that leave the wearable at the end of a block."""
        drafts = self._packer.collect(self._sensor.read(block), block.end_s)
        if not self._radio.is_up(block.end_s, BLOCK_S):
            self.gaps += len(drafts)
            return []
        messages = []
        for draft in drafts:
            self.packs[draft.quantity] += 1
            self.samples[draft.quantity] += len(draft.times)
            messages.extend(self._liar.send(draft, self._write))
        return messages

    def _write(self, draft: Draft) -> Outgoing:
        payload = encode(draft.quantity, draft.times, draft.values, sequence=draft.sequence, cbor=self._cbor)
        return Outgoing(self._topics[draft.quantity], payload, QUANTITIES[draft.quantity].qos)
