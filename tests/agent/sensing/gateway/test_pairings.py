"""The file that says which wearable belongs to whom."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.sensing.gateway.pairings import Pairing, Pairings, check_address, wearable_name
from models.errors import Reason, StorageError, WireError
from models.wire.topics import check_name

ADDRESS = "F0:F1:F2:F3:F4:01"
STRAP = Pairing(ADDRESS, "strap", "me", "HR Strap", 1.8e9)


def test_without_a_file_nobody_is_paired(tmp_path: Path) -> None:
    assert Pairings(tmp_path / "none").load() == ()


def test_pairings_are_found_again_by_another_process(tmp_path: Path) -> None:
    Pairings(tmp_path / "attune").pair(STRAP)

    assert Pairings(tmp_path / "attune").load() == (STRAP,)


def test_pairing_again_replaces_and_a_name_is_given_once_per_listener(tmp_path: Path) -> None:
    pairings = Pairings(tmp_path)
    pairings.pair(STRAP)
    renamed = Pairing(ADDRESS, "chest", "me")
    pairings.pair(renamed)
    pairings.pair(Pairing("F0:F1:F2:F3:F4:02", "chest", "you"))

    with pytest.raises(WireError) as error:
        pairings.pair(Pairing("F0:F1:F2:F3:F4:03", "chest", "me"))
    assert error.value.reason is Reason.WRONG_VALUE
    assert [each.listener for each in pairings.load()] == ["me", "you"]
    assert pairings.load()[0] == renamed


@pytest.mark.parametrize("which", [ADDRESS, ADDRESS.lower(), "strap"])
def test_a_wearable_is_forgotten_by_address_or_name(tmp_path: Path, which: str) -> None:
    pairings = Pairings(tmp_path)
    pairings.pair(STRAP)

    assert pairings.forget("other") is None
    assert pairings.forget(which) == STRAP
    assert pairings.load() == ()


def test_a_change_is_seen(tmp_path: Path) -> None:
    pairings = Pairings(tmp_path)
    versions = [pairings.version()]
    pairings.pair(STRAP)
    versions.append(pairings.version())
    pairings.forget("strap")
    versions.append(pairings.version())

    assert len(set(versions)) == 3


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", Reason.CORRUPT),
        (b"\xff\xfe", Reason.CORRUPT),
        (b'{"format": 1, "wearables": [{"address": 3}]}', Reason.CORRUPT),
        (b'{"format": 1, "wearables": [{"address": "x", "name": "s", "listener": "me"}]}', Reason.CORRUPT),
        (
            b'{"format": 1, "wearables": [{"address": "F0:F1:F2:F3:F4:01", "name": "#", "listener": "me"}]}',
            Reason.CORRUPT,
        ),
        (b'{"format": 2}', Reason.UNSUPPORTED),
    ],
)
def test_a_damaged_file_is_named_and_left_as_it_is(tmp_path: Path, content: bytes, reason: Reason) -> None:
    pairings = Pairings(tmp_path)
    pairings.file.write_bytes(content)

    for act in (pairings.load, lambda: pairings.pair(STRAP), lambda: pairings.forget("strap")):
        with pytest.raises(StorageError, match=r"wearables\.json") as error:
            act()
        assert error.value.reason is reason
        assert error.value.remedy
    assert pairings.file.read_bytes() == content


def test_a_folder_that_cannot_be_written_is_told_with_a_remedy(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")

    with pytest.raises(StorageError, match="cannot be written"):
        Pairings(tmp_path / "file" / "folder").pair(STRAP)


@pytest.mark.parametrize("text", ["", "F0:F1", "F0:F1:F2:F3:F4:0G", "F0F1F2F3F401", "F0:F1:F2:F3:F4:01:02", "../x"])
def test_what_is_no_address_is_refused(text: str) -> None:
    with pytest.raises(WireError):
        check_address(text)


def test_an_address_is_written_in_upper_case() -> None:
    assert check_address(" f0:f1:f2:f3:f4:01 ") == ADDRESS


@pytest.mark.parametrize(
    ("advertised", "name"),
    [
        ("Polar H10 12345678", "polar-h10-12345678"),
        ("Ärmband", "rmband"),
        ("", "wearable-f401"),
        (None, "wearable-f401"),
    ],
)
def test_a_wearable_is_named_after_what_it_calls_itself(advertised: str | None, name: str) -> None:
    assert wearable_name(advertised, ADDRESS) == name


@given(st.text(max_size=80))
def test_any_name_in_the_air_becomes_one_that_may_stand_in_a_topic(advertised: str) -> None:
    assert check_name(wearable_name(advertised, ADDRESS), "it")
