from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from firmware_sim.ble.faults import FAULTS, Fault, Liar, parse_faults
from firmware_sim.ble.gatt import Notice
from models.errors import Reason, SettingsError

NOTICE = Notice("x", b"\x00\x01\x02\x03")


def liar(*texts: str) -> Liar:
    return Liar(parse_faults(texts), np.random.default_rng(1))


def test_a_fault_has_a_share_or_a_time():
    assert parse_faults(["copies", "random:0.5", "drop@30+10", "silent@2"]) == (
        Fault("copies", 0.05),
        Fault("random", 0.5),
        Fault("drop", 1.0, 30.0, 40.0),
        Fault("silent", 1.0, 2.0, float("inf")),
    )


@pytest.mark.parametrize(
    "text", ["", "nonsense", "copies:2", "copies:x", "drop", "drop:0.5", "drop@", "drop@1+", "silent@1.2.3", "copies "]
)
def test_a_fault_that_makes_no_sense_is_refused_with_a_remedy(text: str):
    with pytest.raises(SettingsError) as caught:
        parse_faults([text])
    assert caught.value.reason is Reason.WRONG_VALUE
    assert caught.value.remedy


def test_every_fault_is_explained():
    assert all(FAULTS.values())


def test_without_faults_a_notice_stays_as_it_is():
    assert liar().spoil(NOTICE, 0.0) == [NOTICE]


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("silent", lambda sent: sent == []),
        ("copies", lambda sent: sent == [NOTICE] * 5),
        ("truncated", lambda sent: len(sent) == 1 and NOTICE.payload.startswith(sent[0].payload) and sent != [NOTICE]),
        ("extended", lambda sent: sent[0].payload[:4] == NOTICE.payload and 4 < len(sent[0].payload) < 12),
        ("random", lambda sent: len(sent[0].payload) == 4 and sent != [NOTICE]),
    ],
)
def test_a_fault_does_what_its_name_says_while_its_time_lasts(name: str, expected: Callable[[list[Notice]], bool]):
    spoiler = liar(f"{name}@10+5")
    assert spoiler.spoil(NOTICE, 9.9) == [NOTICE]
    assert expected(spoiler.spoil(NOTICE, 10.0))
    assert spoiler.spoil(NOTICE, 15.0) == [NOTICE]
    assert spoiler.told == {name: 1}


def test_a_share_befalls_about_that_part():
    spoiler = liar("copies:0.25")
    sent = sum(len(spoiler.spoil(NOTICE, 0.0)) for _ in range(4000))
    assert 4000 * (1 + 4 * 0.22) < sent < 4000 * (1 + 4 * 0.28)


def test_a_wearable_is_away_while_a_drop_lasts():
    spoiler = liar("drop@5+2", "drop@20+1")
    assert [t for t in range(25) if spoiler.is_away(t)] == [5, 6, 20]
