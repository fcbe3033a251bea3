"""A simulated body, worn wearables, and what sensing reads from them."""

from __future__ import annotations

import numpy as np
import pytest

from agent.sensing import Sensing
from firmware_sim.listener.affect import Affect
from firmware_sim.physiology.body import Block, Body
from firmware_sim.physiology.person import Person
from firmware_sim.settings import WearableSection
from firmware_sim.wearable.wearable import Wearable
from models.physiology.schema import INDEX

T = 1.8e9
LATENCY_S = 0.03
FAULTS = (
    "duplicate:0.1",
    "out-of-order:0.1",
    "future:0.05",
    "1970:0.05",
    "malformed:0.1",
    "empty:0.05",
    "wrong-unit:0.1",
    "unknown-quantity:0.05",
)


def worn(seconds: int, *sections: WearableSection, arousal: float = -0.2) -> tuple[Sensing, list[Block]]:
    """Live and wear for some seconds."""
    body = Body(Person.average(), 5)
    wearables = [Wearable(section, listener="me", seed=5, started_at=T) for section in sections]
    sensing = Sensing("me")
    blocks = []
    while not blocks or blocks[-1].end_s < seconds:
        blocks.append(body.next(Affect(0.0, arousal)))
        now = T + blocks[-1].end_s + LATENCY_S
        for wearable in wearables:
            for message in wearable.next(blocks[-1]):
                assert sensing.accept(message.topic, message.payload, now=now).wearable in {"", wearable.name}
    return sensing, blocks


def true_rate(blocks: list[Block], since: float) -> float:
    beats = np.concatenate([block.beats_s for block in blocks])
    recent = beats[beats > since]
    return float(60.0 * (len(recent) - 1) / (recent[-1] - recent[0]))


@pytest.mark.parametrize("kind", ["band", "strap"])
def test_what_the_body_did_is_read_from_its_wearable(kind: str):
    sensing, blocks = worn(150, WearableSection(name=kind, kind=kind))
    values, present = sensing.features(T + 150.0)
    assert values[INDEX["heart_rate"]] == pytest.approx(true_rate(blocks, 120.0), abs=1.5)
    beats = np.diff(np.concatenate([block.beats_s for block in blocks if block.start_s > 90.0]))
    rmssd = 1000.0 * np.sqrt(np.mean(np.square(np.diff(beats))))
    assert values[INDEX["rmssd"]] == pytest.approx(np.log(rmssd), abs=0.25)
    if kind == "band":
        assert present.sum() >= len(present) - 1
        level = np.mean([block.conductance_us for block in blocks if block.start_s > 140.0])
        assert values[INDEX["eda_level"]] == pytest.approx(np.log(level), abs=0.1)


def test_a_wearable_without_faults_loses_nothing():
    sensing, _ = worn(60, WearableSection(gaps_per_hour=0.0))
    refused = {"malformed", "oversized", "wrong_unit", "unsupported", "future", "history", "repeated", "missing"}
    assert not {reason for reason, count in sensing.counters.items() if count} & refused


def test_a_wearable_with_every_fault_is_survived_counted_and_still_read():
    sensing, blocks = worn(150, WearableSection(faults=FAULTS))
    for reason in ("repeated", "future", "history", "malformed", "wrong_unit", "unknown_quantity"):
        assert sensing.counters[reason] > 0, reason
    values, _ = sensing.features(T + 150.0)
    assert values[INDEX["heart_rate"]] == pytest.approx(true_rate(blocks, 120.0), abs=3.0)


def test_a_chest_strap_is_preferred_to_a_noisy_band():
    sensing, _ = worn(90, WearableSection(name="band", noise=6.0), WearableSection(name="strap", kind="strap"))
    sources = sensing.sources(T + 90.0)
    assert sources["rr"].wearable == "strap"
    assert sources["eda"].wearable == "band"
