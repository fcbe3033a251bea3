"""Whatever happens to the radio, the gateway finds back to its wearables by itself."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from bleak.exc import BleakDBusError, BleakError, BleakGATTProtocolError
from fake_air import Air
from virtual_time import run_virtually

from agent.sensing.gateway.keeper import CONNECT_S
from agent.sensing.gateway.profiles import HeartRate
from agent.sensing.gateway.profiles.polar.profile import CONTROL, DATA
from agent.sensing.gateway.scan import HOPELESS, WINDOW_S

RETURN_S = 5.0
"""The promise: streaming again so long after a wearable is back."""
STRAP, BAND = "F0:F1:F2:F3:F4:01", "F0:F1:F2:F3:F4:02"


def test_a_paired_wearable_is_found_and_streams(bench: Any) -> None:
    async def test() -> None:
        async with bench.running():
            assert await bench.streams() < RETURN_S
            assert bench.state() == "connected"
            assert bench.gateway.status().problem == ""

    run_virtually(test())


def test_the_scan_rests_while_all_are_connected_and_ends_with_the_gateway(bench: Any) -> None:
    async def test() -> None:
        async with bench.running():
            await bench.streams()
            await asyncio.sleep(1.0)
            started = bench.air.starts
            assert not bench.air.scans
            await asyncio.sleep(300.0)
            assert bench.air.starts == started
            bench.air.wearables[STRAP].walk_away()
            await asyncio.sleep(1.0)
            assert len(bench.air.scans) == 1
        assert not bench.air.scans

    run_virtually(test())


def test_a_scan_that_dies_silently_is_started_again(bench: Any) -> None:
    strap = bench.air.wearables[STRAP]
    strap.present = False

    async def test() -> None:
        async with bench.running():
            await asyncio.sleep(30.0)
            bench.air.deafen()
            strap.present = True
            assert await bench.streams(within_s=WINDOW_S + RETURN_S) < WINDOW_S + RETURN_S
            assert bench.gateway.counters["scan.silent"] > 0
            assert bench.gateway.counters["scan.stop_failed"] == 1

    run_virtually(test())


def test_a_scan_whose_adapter_tells_that_it_is_gone_is_started_again_at_once(bench: Any) -> None:
    strap = bench.air.wearables[STRAP]
    strap.present = False

    async def test() -> None:
        async with bench.running():
            await asyncio.sleep(30.0)
            bench.air.pull_and_put_back()
            started = bench.air.starts
            assert await bench.until(lambda: bench.air.starts > started, within_s=WINDOW_S) < 0.1
            assert bench.gateway.counters["scan.lost"] == 1
            strap.present = True
            assert await bench.streams() < RETURN_S

    run_virtually(test())


@pytest.mark.parametrize("silently", [False, True])
@pytest.mark.parametrize("mended_by", ["", "reset", "reopening"])
def test_an_adapter_that_is_restarted_underneath_is_used_again(bench: Any, mended_by: str, *, silently: bool) -> None:
    air: Air = bench.air

    async def test() -> None:
        async with bench.running():
            await bench.streams()
            air.break_down(silently=silently, mended_by=mended_by)
            if not mended_by:
                await asyncio.sleep(20.0)
                air.broken = False
            # A silent loss is noticed by the silence of the strap; the longest pause between two openings is 15 s.
            await bench.streams(within_s=120.0)
            assert not air.broken
            assert (air.resets > 0) == (mended_by != "" or bench.gateway.counters["scan.start_failed"] >= 3)
            assert (air.openings > 1) == (mended_by == "reopening")

    run_virtually(test())


def test_an_adapter_that_stays_away_is_waited_for_and_said_to_be_away(bench: Any) -> None:
    bench.air.broken = True

    async def test() -> None:
        async with bench.running() as gateway:
            await asyncio.sleep(3600.0)
            assert gateway.counters["scan.start_failed"] >= HOPELESS
            assert gateway.counters["adapter.lost"] > 1
            assert "NotReady" in gateway.status().problem
            bench.air.broken = False
            await bench.streams(within_s=60.0)
            assert gateway.status().problem == ""

    run_virtually(test())


@pytest.mark.parametrize("away_s", [0.3, 1.0, 4.0, 7.0, 60.0, 3600.0])
def test_a_wearable_that_walks_away_streams_within_five_seconds_of_its_return(bench: Any, away_s: float) -> None:
    strap = bench.air.wearables[STRAP]

    async def test() -> None:
        async with bench.running():
            for _ in range(3):
                await bench.streams()
                await asyncio.sleep(7.0)
                strap.walk_away()
                await asyncio.sleep(away_s)
                strap.present = True
                assert await bench.streams() < RETURN_S

    run_virtually(test())


def test_a_wearable_that_leaves_while_it_is_being_connected_is_back_within_five_seconds(bench: Any) -> None:
    strap = bench.air.wearables[STRAP]
    strap.hangs.add("connect")

    async def test() -> None:
        async with bench.running():
            await bench.until(lambda: bench.state() == "connecting", within_s=5.0)
            strap.present = False
            await asyncio.sleep(CONNECT_S + 10.0)
            strap.hangs.clear()
            strap.present = True
            assert await bench.streams() < RETURN_S

    run_virtually(test())


def test_the_connection_of_a_killed_process_is_ended_by_the_next_one(bench: Any) -> None:
    strap = bench.air.wearables[STRAP]
    strap.held = True

    async def test() -> None:
        async with bench.running():
            assert await bench.streams() < RETURN_S
            assert bench.air.released[0] == STRAP

    run_virtually(test())


def test_a_connection_that_something_else_left_behind_later_is_freed_too(bench: Any) -> None:
    strap = bench.air.wearables[STRAP]
    strap.present = False

    async def test() -> None:
        async with bench.running():
            await asyncio.sleep(10.0)
            strap.present = strap.held = True
            await bench.streams(within_s=70.0)

    run_virtually(test())


@pytest.mark.parametrize("hang", ["connect", "subscribe"])
def test_a_wearable_that_never_answers_does_not_keep_another_from_streaming(pair_of_wearables: Any, hang: str) -> None:
    bench = pair_of_wearables
    bench.air.wearables[STRAP].hangs.add(hang)

    async def test() -> None:
        async with bench.running():
            await bench.streams("band", within_s=CONNECT_S + RETURN_S)
            before = bench.came("band")
            await asyncio.sleep(600.0)
            assert bench.came("band") >= before + 595
            assert 5 < bench.gateway.counters["connection.failed"] < 50  # again and again, ever less often
            bench.air.wearables[STRAP].hangs.clear()
            await bench.streams("strap", within_s=60.0)

    run_virtually(test())


def test_a_wearable_whose_disconnect_hangs_is_left_and_found_again(bench: Any) -> None:
    strap = bench.air.wearables[STRAP]
    strap.hangs.add("disconnect")

    async def test() -> None:
        async with bench.running():
            await bench.streams()
            strap.client.callbacks.clear()  # it falls silent, but the connection stands
            await bench.until(lambda: bench.gateway.counters["connection.disconnect_failed"], within_s=40.0)
            strap.client.lose()  # the stack gives up at last
            await bench.streams()

    run_virtually(test())


def test_a_control_point_that_never_answers_costs_the_waveforms_alone(bench: Any) -> None:
    strap = bench.air.wearables[STRAP]
    strap.services["fb005c80-02e7-f387-1cad-8acd2d8df0c8"] = (CONTROL, DATA)
    strap.values[CONTROL] = bytes((0x0F, 0x05)) + bytes(15)

    async def test() -> None:
        async with bench.running():
            await bench.streams()
            await asyncio.sleep(60.0)
            assert bench.gateway.counters["polar.unanswered"] == 2
            assert bench.came() > 60
            assert strap.connects == 1

    run_virtually(test())


@pytest.mark.parametrize(
    "error",
    [BleakGATTProtocolError(0x05), BleakGATTProtocolError(0x0F), BleakDBusError("org.bluez.Error.NotPermitted", [])],
)
def test_a_wearable_that_asks_for_a_bond_gets_one(bench: Any, error: BleakError) -> None:
    strap = bench.air.wearables[STRAP]
    strap.fails["subscribe"] = error

    async def test() -> None:
        async with bench.running():
            await bench.streams()
            assert strap.bonds == 1

    run_virtually(test())


def test_a_wearable_with_nothing_to_read_is_left_alone_more_and_more(bench: Any) -> None:
    strap = bench.air.wearables[STRAP]
    strap.services.clear()

    async def test() -> None:
        async with bench.running() as gateway:
            await asyncio.sleep(600.0)
            assert strap.connects < 40
            assert "no service" in gateway.status().wearables[0].problem
            assert bench.packs == []

    run_virtually(test())


def test_who_is_paired_or_forgotten_meanwhile_is_served_or_left_alone(pair_of_wearables: Any) -> None:
    bench = pair_of_wearables

    async def test() -> None:
        bench.pairings.forget("band")
        async with bench.running():
            await bench.streams("strap")
            assert bench.state("band") == "unknown"
            bench.pair(BAND, "band")
            await bench.streams("band")
            bench.pairings.forget("strap")
            await bench.until(lambda: bench.state("strap") == "unknown", within_s=5.0)
            assert bench.air.wearables[STRAP].client is None
            before = bench.came("band")
            await asyncio.sleep(10.0)
            assert bench.came("band") >= before + 9

    run_virtually(test())


def test_a_damaged_list_of_wearables_leaves_those_served_that_are(bench: Any) -> None:
    async def test() -> None:
        async with bench.running() as gateway:
            await bench.streams()
            bench.pairings.file.write_bytes(b"{")
            await asyncio.sleep(10.0)
            await bench.streams()
            assert "wearables.json" in gateway.status().problem
            assert gateway.counters["pairings.unreadable"] == 1

    run_virtually(test())


def test_a_damaged_packet_costs_itself_alone_and_is_counted(bench: Any) -> None:
    strap = bench.air.wearables[STRAP]

    async def test() -> None:
        async with bench.running() as gateway:
            await bench.streams()
            before = bench.came()
            for payload in (b"", b"\x10\x40\x01", bytes(600)):
                strap.notify(HeartRate.notifies[0], payload)
            await asyncio.sleep(5.0)
            assert bench.came() >= before + 4
            assert gateway.counters["heart_rate.malformed"] == 2
            assert gateway.counters["heart_rate.oversized"] == 1
            assert strap.connects == 1

    run_virtually(test())


def test_a_flood_of_packets_is_bounded_and_the_newest_are_kept(bench: Any) -> None:
    strap = bench.air.wearables[STRAP]

    async def test() -> None:
        async with bench.running() as gateway:
            await bench.streams()
            before = bench.came()
            for packet in range(1000):
                strap.notify(HeartRate.notifies[0], bytes((0, 80 + packet % 2)))
            await asyncio.sleep(0.5)
            assert bench.came() - before in {256, 257}
            assert gateway.counters["connection.dropped"] == 744

    run_virtually(test())
