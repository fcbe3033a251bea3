from __future__ import annotations

import struct

import numpy as np
import pytest

from firmware_sim.ble.gatt import Notice
from firmware_sim.ble.polar.control import CONTROL_POINT, DATA
from firmware_sim.ble.standard import BATTERY_LEVEL, HEART_RATE, OXIMETER, THERMOMETER
from firmware_sim.ble.wearable import BleWearable
from firmware_sim.listener.affect import Affect
from firmware_sim.physiology.body import Block, Body
from firmware_sim.physiology.person import Person
from firmware_sim.settings import BleKind, BleWearableSection

STARTED_AT = 1_767_225_600.0
START = {
    "polar": ["02000001820001010e00", "0202000132000101100002010800"],
    "sense": ["020100013700010116000401" + "04", "0202000134000101100002010800040103", "0203"],
}


def wearable(kind: BleKind, *faults: str, seed: int = 1, noise: float = 1.0, gaps: float = 0.0) -> BleWearable:
    section = BleWearableSection(name="it", kind=kind, faults=faults, noise=noise, gaps_per_hour=gaps)
    return BleWearable(section, seed=seed, started_at=STARTED_AT)


def blocks(seconds: float) -> list[Block]:
    body = Body(Person.average(), 3)
    return [body.next(Affect(0.0, 0.0)) for _ in range(round(4 * seconds))]


def lived(worn: BleWearable, seconds: float) -> list[tuple[float, Notice]]:
    return [(block.end_s, notice) for block in blocks(seconds) for notice in worn.live(block)]


def write(worn: BleWearable, request: str) -> bytes:
    (control,) = (each for service in worn.services for each in service.characteristics if each.uuid == CONTROL_POINT)
    assert control.written is not None
    (answer,) = control.written(bytes.fromhex(request), 232)
    return answer.payload


def of(notices: list[tuple[float, Notice]], uuid: str) -> list[bytes]:
    return [notice.payload for _, notice in notices if notice.uuid == uuid]


def intervals(payload: bytes) -> list[float]:
    at = 2 + 2 * (payload[0] >> 3 & 1)
    return [ticks / 1024 for ticks in struct.unpack(f"<{(len(payload) - at) // 2}H", payload[at:])]


def test_a_strap_tells_the_heart_rate_every_second_and_every_interval_once():
    sent = of(lived(wearable("strap", noise=0.0), 60), HEART_RATE)
    assert len(sent) == 60
    told = [each for payload in sent for each in intervals(payload)]
    beats = np.concatenate([block.beats_s for block in blocks(60)])
    assert np.allclose(told, np.diff(beats)[: len(told)], atol=1 / 1024)
    assert len(told) >= len(beats) - 3


def test_energy_comes_with_every_tenth_measurement():
    sent = of(lived(wearable("strap"), 30), HEART_RATE)
    assert [number for number, payload in enumerate(sent, 1) if payload[0] & 8] == [10, 20, 30]


@pytest.mark.parametrize(("kind", "uuid"), [("oximeter", OXIMETER), ("thermometer", THERMOMETER)])
def test_a_medical_sensor_measures_once_a_second(kind: BleKind, uuid: str):
    assert len(of(lived(wearable(kind), 10), uuid)) == 10


@pytest.mark.parametrize("kind", ["strap", "polar", "sense", "oximeter", "thermometer"])
def test_every_wearable_tells_its_battery_once_a_minute(kind: BleKind):
    levels = of(lived(wearable(kind), 125), BATTERY_LEVEL)
    assert len(levels) == 3
    assert all(50 < level[0] <= 100 for level in levels)


def test_a_polar_measures_only_what_was_asked_for_and_only_while_somebody_is_there():
    worn = wearable("polar")
    body = Body(Person.average(), 3)
    assert not [notice for _ in range(40) for notice in worn.live(body.next(Affect(0, 0))) if notice.uuid == DATA]
    assert write(worn, START["polar"][0])[3] == 0
    sent = [notice.payload for _ in range(40) for notice in worn.live(body.next(Affect(0, 0))) if notice.uuid == DATA]
    # 130 a second, 73 in a frame.
    assert len(sent) == 17
    assert {payload[0] for payload in sent} == {0}
    assert all(len(payload) == 229 for payload in sent)
    stamps = [struct.unpack_from("<Q", payload, 1)[0] for payload in sent]
    assert np.allclose(np.diff(stamps) * 1e-9, 73 / 130, rtol=1e-3)
    worn.disconnected()
    assert not [notice for _ in range(40) for notice in worn.live(body.next(Affect(0, 0))) if notice.uuid == DATA]


def test_a_sense_tells_light_movement_and_intervals():
    worn = wearable("sense")
    assert all(write(worn, request)[3] == 0 for request in START["sense"])
    sent = of(lived(worn, 20), DATA)
    kinds = [payload[0] for payload in sent]
    assert kinds.count(1) == pytest.approx(20 * 55 / 28, abs=1.5)
    assert kinds.count(2) == pytest.approx(20 * 52 / 36, abs=1.5)
    assert 3 <= kinds.count(3) <= 4
    assert {payload[9] for payload in sent if payload[0] == 1} == {0x80}
    assert max(len(payload) for payload in sent) <= 229
    assert all(not intervals(payload) for payload in of(lived(wearable("sense"), 5), HEART_RATE))


@pytest.mark.parametrize("kind", ["strap", "polar", "sense", "oximeter", "thermometer"])
def test_the_same_seed_sends_the_same_bytes_and_another_one_others(kind: BleKind):
    runs = []
    for seed in (1, 1, 2):
        worn = wearable(kind, "random:0.2", seed=seed)
        for request in START.get(kind, []):
            write(worn, request)
        runs.append(lived(worn, 10))
    assert runs[0] == runs[1]
    assert runs[0] != runs[2]


@pytest.mark.parametrize(("fault", "value"), [("zero", 0), ("fill", 255)])
def test_a_heart_rate_is_a_fill_value_while_it_is_asked_for(fault: str, value: int):
    sent = of(lived(wearable("strap", f"{fault}@5+5"), 15), HEART_RATE)
    assert [number for number, payload in enumerate(sent, 1) if payload[1] == value and number > 1] == [5, 6, 7, 8, 9]
    assert all(not intervals(payload) for payload in sent if payload[1] == 0)


def test_a_frozen_heart_rate_repeats_itself_and_its_intervals():
    sent = of(lived(wearable("strap", "frozen@10+10"), 25), HEART_RATE)
    frozen = {(payload[1], tuple(intervals(payload))) for payload in sent[9:19]}
    assert frozen == {(sent[8][1], tuple(intervals(sent[8])))}
    assert len({tuple(intervals(payload)) for payload in sent[19:]}) > 1


def test_a_clock_that_lies_shows_in_the_stamps():
    def stamp(*faults: str) -> float:
        worn = wearable("polar", *faults)
        write(worn, START["polar"][0])
        (payload, *_) = of(lived(worn, 2), DATA)
        return struct.unpack_from("<Q", payload, 1)[0] * 1e-9 + 946_684_800

    honest = stamp()
    assert honest == pytest.approx(STARTED_AT + 0.57, abs=0.3)
    assert stamp("future:1") == pytest.approx(honest + 3600)
    assert stamp("1970:1") < 946_684_800 + 10


def test_a_wearable_is_out_of_reach_while_it_is_dropped_and_now_and_then_by_itself():
    worn = wearable("strap", "drop@2+3")
    reach = []
    for block in blocks(8):
        sent = worn.live(block)
        reach.append(worn.reachable)
        assert worn.reachable or not sent
    assert reach.count(False) == 12
    assert worn.gaps == 1
    often = wearable("strap", gaps=600.0)
    lived(often, 120)
    assert often.gaps >= 5


def test_names_fit_into_an_advertisement_and_differ():
    named = [
        BleWearable(BleWearableSection(name=name, kind=kind), seed=1, started_at=0.0).advertised_name
        for name in ("one", "two")
        for kind in ("strap", "polar", "sense", "oximeter", "thermometer")
    ]
    assert len(set(named)) == 10
    assert all(len(name) <= 22 for name in named)
