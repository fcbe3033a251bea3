import math
from dataclasses import replace

import msgspec
import numpy as np
import pytest

from firmware_sim.listener.affect import Affect
from firmware_sim.physiology.body import BLOCK_S, Body
from firmware_sim.physiology.person import Person
from firmware_sim.settings import Format, WearableSection
from firmware_sim.wearable.clock import Clock
from firmware_sim.wearable.radio import Radio
from firmware_sim.wearable.sensor import Sensor
from firmware_sim.wearable.wearable import Wearable
from models.errors import SettingsError
from models.wire import topics
from models.wire.quantities import QUANTITIES
from models.wire.senml import Pack, decode

START = 1_800_000_000.0


def worn(seconds: float, *, seed: int = 1, **changes: object) -> tuple[Wearable, list[tuple[str, Pack]], list]:
    settings = msgspec.structs.replace(WearableSection(gaps_per_hour=0.0), **changes)
    wearable = Wearable(settings, listener="me", seed=seed, started_at=START)
    body = Body(Person.average(), seed)
    blocks = [body.next(Affect(0.2, 0.2)) for _ in range(round(seconds / BLOCK_S))]
    packs = []
    for block in blocks:
        for message in wearable.next(block):
            topic = topics.parse_sense(message.topic)
            pack = decode(message.payload, quantity=topic.quantity, now=START + block.end_s)
            assert message.qos == QUANTITIES[topic.quantity].qos
            assert pack.ignored == 0
            packs.append((topic.quantity, pack))
    return wearable, packs, blocks


def joined(packs: list[tuple[str, Pack]], quantity: str) -> tuple[np.ndarray, np.ndarray]:
    chosen = [pack for name, pack in packs if name == quantity]
    return np.concatenate([pack.times for pack in chosen]), np.concatenate([pack.values for pack in chosen])


@pytest.mark.parametrize("form", ["cbor", "json"])
def test_packs_decode_to_what_was_felt(form: Format):
    _, packs, blocks = worn(30, format=form, noise=0.0, clock_offset_s=0.0, clock_ppm=0.0)
    times, pulse = joined(packs, "ppg")
    expected = np.concatenate([block.pulse for block in blocks])
    np.testing.assert_allclose(pulse, expected, atol=0.006)
    np.testing.assert_allclose(times, START + np.arange(1, len(times) + 1) / 64, atol=1e-3)
    times, intervals = joined(packs, "rr")
    beats = np.concatenate([block.beats_s for block in blocks])[1:]
    np.testing.assert_allclose(times, START + beats, atol=1e-3)
    np.testing.assert_allclose(intervals, np.diff(np.concatenate([block.beats_s for block in blocks])), atol=6e-4)
    _, acceleration = joined(packs, "acc")
    np.testing.assert_allclose(acceleration, np.concatenate([b.acceleration for b in blocks]), atol=0.03)
    _, conductance = joined(packs, "eda")
    np.testing.assert_allclose(conductance, [b.conductance_us * 1e-6 for b in blocks], atol=1e-9)


def test_every_quantity_comes_at_its_usual_rate():
    wearable, packs, _ = worn(61)
    for quantity, expected in {"ppg": 64, "acc": 32, "eda": 4, "temp": 1, "hr": 1}.items():
        assert len(joined(packs, quantity)[0]) / 60 == pytest.approx(expected, rel=0.06)
    assert len(joined(packs, "rr")[0]) == pytest.approx(72, abs=10)
    assert len(joined(packs, "batt")[0]) == 2
    assert wearable.samples["ppg"] == 61 * 64


def test_every_value_is_one_that_the_quantity_can_have():
    _, packs, _ = worn(120, seed=5)
    for quantity in {name for name, _ in packs}:
        spec = QUANTITIES[quantity]
        _, values = joined(packs, quantity)
        assert (values >= spec.low).all()
        assert (values <= spec.high).all()


def test_packs_are_numbered_per_quantity():
    _, packs, _ = worn(10)
    for quantity in ("ppg", "rr", "hr"):
        numbers = [pack.sequence for name, pack in packs if name == quantity]
        assert numbers == list(range(len(numbers)))
    _, packs, _ = worn(3, sequence=False)
    assert all(pack.sequence is None for _, pack in packs)


def test_the_heart_rate_is_that_of_the_beats():
    _, packs, blocks = worn(120)
    _, shown = joined(packs, "hr")
    beats = np.concatenate([block.beats_s for block in blocks])
    assert shown[30:].mean() == pytest.approx(60 / np.diff(beats[beats > 30]).mean(), abs=1.5)


def test_the_same_seed_sends_the_same_bytes_and_another_name_errs_differently():
    def values(**changes: object) -> list:
        return joined(worn(10, **changes)[1], "ppg")[1].tolist()

    assert values() == values()
    assert values() != values(name="other")
    assert values() != values(seed=2)


def test_a_strap_knows_the_heart_alone_and_knows_it_better():
    wearable, packs, _ = worn(60, kind="strap")
    assert {name for name, _ in packs} == {"hr", "rr", "batt"}
    assert wearable.name == "band"
    with pytest.raises(SettingsError, match="does not measure ppg"):
        Wearable(WearableSection(kind="strap", quantities=("ppg",)), listener="me", seed=1, started_at=START)


def test_chosen_quantities_alone_are_sent():
    _, packs, _ = worn(5, quantities=("eda", "hr"))
    assert {name for name, _ in packs} == {"eda", "hr"}


def test_movement_hides_beats_and_shakes_the_pulse():
    body = Body(Person.average(), 1)
    still = [replace(body.next(Affect(0, 0)), motion=0.0) for _ in range(480)]
    shaken = [
        replace(block, motion=1.5, acceleration=3 * block.acceleration + np.sin(np.arange(24)).reshape(8, 3))
        for block in still
    ]

    def read(blocks: list) -> tuple[int, float]:
        sensor = Sensor("band", 1.0, np.random.default_rng(1))
        readings = [sensor.read(block) for block in blocks]
        errors = [r["ppg"].values - b.pulse for r, b in zip(readings, blocks, strict=True)]
        return sum(len(r["rr"].values) for r in readings if "rr" in r), float(np.std(errors))

    beats, error = read(still)
    beats_shaken, error_shaken = read(shaken)
    assert beats_shaken < 0.7 * beats
    assert error_shaken > 3 * error


def test_a_clock_stands_and_runs_wrong():
    clock = Clock(offset_s=0.5, ppm=100)
    np.testing.assert_allclose(clock.read(np.array([0.0, 3600.0]), START), [START + 0.5, START + 3600.86], atol=1e-6)


def test_the_radio_breaks_off_as_often_as_it_is_told():
    radio = Radio(60, 4.0, np.random.default_rng(1))
    up = np.array([radio.is_up((block + 1) * BLOCK_S, BLOCK_S) for block in range(4 * 3600 * 10)])
    gaps = np.count_nonzero(np.diff(up.astype(int)) == -1) / 10
    assert gaps == pytest.approx(56, rel=0.15)
    lengths = np.diff(np.flatnonzero(np.diff(up.astype(int))))[::2] * BLOCK_S
    assert np.median(lengths) == pytest.approx(4.0, rel=0.3)


def test_packs_of_a_gap_are_missed_and_counted():
    wearable, packs, _ = worn(300, gaps_per_hour=120.0)
    numbers = [pack.sequence for name, pack in packs if name == "temp"]
    assert wearable.gaps > 0
    assert numbers == sorted(numbers)
    assert len(numbers) < 300 - 5
    assert numbers[-1] >= 290


def test_a_flat_battery_stays_at_zero():
    sensor = Sensor("band", 1.0, np.random.default_rng(1))
    block = replace(Body(Person.average(), 1).next(Affect(0, 0)), start_s=400 * 3600.0)
    charges = [sensor.read(block).get("batt") for _ in range(4)]
    assert [charge.values[0] for charge in charges if charge] == [0.0]
    assert math.isfinite(block.end_s)
