"""What the gateway delivers is what sensing understands, and the best wearable counts."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from virtual_time import run_virtually

from agent.sensing.gateway.precedence import SILENT_S, Precedence
from agent.sensing.gateway.profiles import Oximeter
from agent.sensing.gateway.profiles.device_information import MODEL, DeviceInformation
from agent.sensing.station import Sensing
from models.wire.topics import parse_sense

STRAP, BAND = "F0:F1:F2:F3:F4:01", "F0:F1:F2:F3:F4:02"


class Listening:
    """Sensing at the end of a bench's sink."""

    def __init__(self, bench: Any) -> None:
        self.sensing, self.bench, self.fed = Sensing("me"), bench, 0

    def source(self, quantity: str) -> str | None:
        for arrived, topic, payload in self.bench.packs[self.fed :]:
            self.sensing.accept(topic, payload, now=arrived)
        self.fed = len(self.bench.packs)
        found = self.sensing.sources(self.bench.now()).get(quantity)
        return found.wearable if found else None


def test_when_the_better_wearable_drops_the_other_takes_over_and_gives_back(pair_of_wearables: Any) -> None:
    bench = pair_of_wearables
    strap, band = bench.air.wearables[STRAP], bench.air.wearables[BAND]
    band.present = False

    async def test() -> None:
        listening = Listening(bench)
        async with bench.running():
            await bench.streams("strap")
            band.present = True
            await asyncio.sleep(40.0)
            assert listening.source("hr") == listening.source("rr") == "strap"
            strap.walk_away()
            for quantity in ("hr", "rr"):
                await bench.until(lambda now=quantity: listening.source(now) == "band", within_s=25.0)
            strap.present = True
            await bench.streams("strap")
            band.walk_away()
            await bench.until(lambda: listening.source("rr") == "strap", within_s=30.0)
        assert listening.sensing.counters["repeated"] == 0
        assert listening.sensing.counters["malformed"] == 0

    run_virtually(test())


def test_packs_are_numbered_across_connections_so_that_nothing_looks_repeated(bench: Any) -> None:
    strap = bench.air.wearables[STRAP]

    async def test() -> None:
        listening = Listening(bench)
        async with bench.running():
            for _ in range(3):
                await bench.streams()
                await asyncio.sleep(20.0)
                strap.walk_away()
                await asyncio.sleep(2.0)
                strap.present = True
            await bench.streams()
            listening.source("hr")
        counters = listening.sensing.counters
        assert counters["packs"] == len(bench.packs)
        assert (counters["repeated"], counters["restarted"], counters["missing"], counters["future"]) == (0, 0, 0, 0)

    run_virtually(test())


@pytest.mark.parametrize("rate", [0, 255])
def test_a_strap_that_feels_no_heart_is_counted_and_its_stream_fades(bench: Any, rate: int) -> None:
    async def test() -> None:
        listening = Listening(bench)
        async with bench.running() as gateway:
            await bench.streams()
            await asyncio.sleep(10.0)
            assert listening.source("hr") == "strap"
            bench.beat = bytes((0, rate))
            await asyncio.sleep(30.0)
            assert listening.source("hr") is None
            assert bench.state() == "connected"
            assert gateway.counters["heart_rate.fill_value"] >= 29

    run_virtually(test())


def test_an_impossible_rate_is_implausible_to_sensing_and_drives_nothing(bench: Any) -> None:
    async def test() -> None:
        listening = Listening(bench)
        async with bench.running():
            await bench.streams()
            bench.beat = bytes((0, 250))
            await asyncio.sleep(60.0)
            assert listening.source("hr") is None
            assert listening.sensing.counters["implausible"] >= 59

    run_virtually(test())


def test_only_one_service_of_a_wearable_speaks_for_a_quantity(bench: Any) -> None:
    ring = bench.air.wearables[STRAP]
    ring.services[Oximeter.service] = Oximeter.notifies

    async def test() -> None:
        async with bench.running() as gateway:
            await bench.streams()
            for _ in range(20):
                ring.notify(Oximeter.notifies[0], bytes.fromhex("00 61 00 48 00"))
                await asyncio.sleep(1.0)
            assert bench.came(quantity="spo2") == 20
            assert gateway.counters["oximeter.redundant"] == 20
            assert 20 <= bench.came(quantity="hr") <= 23

    run_virtually(test())


def test_another_service_takes_over_when_the_first_is_silent() -> None:
    precedence = Precedence()

    assert precedence.admits("hr", 1, 0.0)
    assert precedence.admits("hr", 0, 1.0)
    assert not precedence.admits("hr", 1, 2.0)
    assert precedence.admits("rr", 1, 2.0)
    assert precedence.admits("hr", 1, 1.0 + SILENT_S)
    assert precedence.admits("hr", 0, 2.0 + SILENT_S)


def test_what_a_wearable_says_of_itself_and_its_charge_are_known(bench: Any) -> None:
    strap = bench.air.wearables[STRAP]
    strap.services[DeviceInformation.service] = DeviceInformation.reads
    strap.values[MODEL] = b"H10"
    strap.values[next(each for each in strap.services.values() if "2a19" in each[0])[0]] = b"\x57"

    async def test() -> None:
        async with bench.running() as gateway:
            await bench.streams()
            await asyncio.sleep(2.0)
            (status,) = gateway.status().wearables
            assert status.information == {"model": "H10"}
            assert status.rssi_dbm == -60
            assert bench.came(quantity="batt") == 1

    run_virtually(test())


def test_every_listener_gets_their_own_topics_and_the_gateway_knows_them(pair_of_wearables: Any) -> None:
    bench = pair_of_wearables
    bench.pairings.forget("band")
    bench.pair(BAND, "band", "you")

    async def test() -> None:
        async with bench.running() as gateway:
            await bench.streams("strap")
            await bench.streams("band")
            where = {parse_sense(topic).wearable: parse_sense(topic).listener for _, topic, _ in bench.packs}
            assert where == {"strap": "me", "band": "you"}
            assert gateway.owns("attune/1/listener/you/sense/band/hr")
            assert not gateway.owns("attune/1/listener/me/sense/band/hr")
            assert not gateway.owns("attune/1/listener/me/sense/strap2/hr")

    run_virtually(test())
