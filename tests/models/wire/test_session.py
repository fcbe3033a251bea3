from __future__ import annotations

import base64
import contextlib
import gzip
import json
import resource
from collections.abc import Iterator
from pathlib import Path

import cbor2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from models.errors import AttuneError, DataError, Reason, StorageError
from models.wire import senml, topics
from models.wire.session import FORMAT_VERSION, Entry, Header, SessionReader, SessionWriter

T = 1767225600.0
HR = topics.sense("me", "band", "hr")
ACC = topics.sense("me", "band", "acc")
AFFECT = "attune/1/device/living-room/affect"


def heart_rates(count: int) -> list[Entry]:
    return [Entry(T + i, HR, senml.encode("hr", [T + i], [60.0 + i], sequence=i)) for i in range(count)]


def written(path: Path, entries: list[Entry], header: Header | None = None) -> Path:
    with SessionWriter(path, header or Header(t=T, source="test")) as writer:
        writer.write(entries)
    return path


def read(path: Path) -> list[Entry]:
    with SessionReader(path) as session:
        return list(session)


def refused(path: Path) -> AttuneError:
    with pytest.raises(DataError) as caught:
        read(path)
    assert str(path) in str(caught.value)
    assert caught.value.remedy
    return caught.value


def plain(path: Path, *lines: object) -> Path:
    """A gzip'd file of these lines; what is no text is written as JSON."""
    texts = [line if isinstance(line, str) else json.dumps(line) for line in lines]
    path.write_bytes(gzip.compress("".join(f"{text}\n" for text in texts).encode()))
    return path


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "walk.session.gz"


def test_what_is_written_is_read_again(file: Path) -> None:
    header = Header(t=T, source="a walk", licence="CC0", marks=(T + 1.0,))
    entries = [*heart_rates(3), Entry(T + 3.0, AFFECT, b'{"valence":0.1}')]
    written(file, entries, header)
    with SessionReader(file) as session:
        assert session.header == header
        found = list(session)
        assert not session.is_cut
    assert [(entry.t, entry.topic) for entry in found] == [(entry.t, entry.topic) for entry in entries]
    assert found[3].payload == b'{"valence":0.1}'
    for before, after in zip(entries[:3], found[:3], strict=True):
        old, new = (senml.decode(entry.payload, quantity="hr", now=entry.t) for entry in (before, after))
        assert old.sequence == new.sequence
        assert (old.times == new.times).all()
        assert (old.values == new.values).all()


def test_the_file_is_text_that_zcat_shows(file: Path) -> None:
    written(file, heart_rates(1))
    lines = gzip.decompress(file.read_bytes()).decode().splitlines()
    assert json.loads(lines[0])["format"] == "attune-session"
    assert json.loads(lines[1])["pack"][0] == {"bt": T, "bu": "beat/min", "v": 60.0}


def test_a_pack_is_kept_resolved_whatever_its_encoding_and_clock(file: Path) -> None:
    values = np.array([[0.1, 0.2, 9.8], [0.3, -0.2, 9.7]])
    entries = [
        Entry(T, ACC, senml.encode("acc", [T - 0.5, T], values, sequence=7, cbor=True)),
        Entry(T + 1.0, HR, b'[{"v": 70,\n "t": -2}]'),
    ]
    found = read(written(file, entries))
    pack = senml.decode(found[0].payload, quantity="acc", now=0.0)
    assert pack.sequence == 7
    assert (pack.values == values).all()
    assert pack.times.tolist() == [T - 0.5, T]
    assert senml.decode(found[1].payload, quantity="hr", now=0.0).times.tolist() == [T - 1.0]


@pytest.mark.parametrize(
    ("topic", "payload"),
    [
        (HR, b"not senml"),
        (HR, b""),
        (HR, bytes(range(256))),
        (HR, json.dumps([{"u": "Hz", "v": 1.2}]).encode()),
        (HR, json.dumps([{"n": "seq", "u": "count", "v": 1}]).encode()),
        ("attune/1/listener/me/sense/band/glucose", b'[{"v": 5}]'),
        ("attune/1/listener/me/sense/BAND/hr", b'[{"v": 5}]'),
        (AFFECT, b"online"),
        (AFFECT, b""),
    ],
)
def test_what_cannot_be_read_is_kept_byte_by_byte(file: Path, topic: str, payload: bytes) -> None:
    assert read(written(file, [Entry(T, topic, payload)])) == [Entry(T, topic, payload)]


def test_a_pack_that_would_become_too_large_as_text_is_kept_as_it_came(file: Path) -> None:
    count = 12_000
    payload = cbor2.dumps([{-3: T}, *({2: 70.0 + i * 1e-9, 6: i * 1e-3} for i in range(count))])
    assert len(payload) < senml.MAXIMUM_BYTES
    assert read(written(file, [Entry(T + 20.0, HR, payload)]))[0].payload == payload


@settings(max_examples=40, deadline=None)
@given(payload=st.binary(max_size=200), sense=st.booleans())
def test_any_bytes_come_back_or_mean_the_same(
    tmp_path_factory: pytest.TempPathFactory, payload: bytes, sense: bool
) -> None:
    file = tmp_path_factory.mktemp("any") / "x.gz"
    found = read(written(file, [Entry(T, HR if sense else AFFECT, payload)]))[0].payload
    if found != payload and sense:
        old, new = (senml.decode(content, quantity="hr", now=T) for content in (payload, found))
        assert np.allclose(old.times, new.times, atol=1e-6, rtol=0.0)
        assert (old.values == new.values).all()
    elif found != payload:
        assert json.loads(found) == json.loads(payload)


@settings(max_examples=40, deadline=None)
@given(cut=st.integers(min_value=0, max_value=100_000), flushed=st.integers(min_value=0, max_value=200))
def test_a_file_that_is_cut_anywhere_is_read_up_to_the_cut(
    tmp_path_factory: pytest.TempPathFactory, cut: int, flushed: int
) -> None:
    file = tmp_path_factory.mktemp("cut") / "x.gz"
    entries = heart_rates(200)
    with SessionWriter(file, Header(t=T)) as writer:
        writer.write(entries[:flushed])
        writer.flush()
        safe = file.stat().st_size
        writer.write(entries[flushed:])
    content = file.read_bytes()
    cut = min(cut, len(content))
    file.write_bytes(content[:cut])
    try:
        with SessionReader(file) as session:
            times = [entry.t for entry in session]
            assert session.is_cut == (cut < len(content))
    except DataError as error:
        assert error.reason is Reason.EMPTY, "nothing of it is left"
        assert cut < safe
        return
    assert times == [entry.t for entry in entries[: len(times)]]
    assert len(times) >= flushed or cut < safe, "what was flushed before the cut is there"


@settings(max_examples=40, deadline=None)
@given(position=st.integers(min_value=0), bit=st.integers(min_value=0, max_value=7))
def test_a_flipped_bit_is_an_error_that_names_the_file_or_changes_nothing(
    tmp_path_factory: pytest.TempPathFactory, position: int, bit: int
) -> None:
    file = written(tmp_path_factory.mktemp("flip") / "x.gz", heart_rates(50))
    before = read(file)
    content = bytearray(file.read_bytes())
    content[position % len(content)] ^= 1 << bit
    file.write_bytes(bytes(content))
    try:
        with SessionReader(file) as session:
            found = list(session)
            cut = session.is_cut
    except DataError as error:
        assert str(file) in str(error)
    else:
        assert found == before[: len(found)]
        assert cut or len(found) == len(before)


def test_damage_in_the_middle_names_the_line_and_yields_what_stands_before(file: Path) -> None:
    written(file, heart_rates(5_000))
    content = bytearray(file.read_bytes())
    middle = len(content) // 2
    content[middle : middle + 64] = bytes(64)
    file.write_bytes(bytes(content))
    found = []
    with SessionReader(file) as session, pytest.raises(DataError, match=r"line \d{3}") as caught:
        found.extend(session)
    assert caught.value.reason in {Reason.CORRUPT, Reason.MALFORMED}


HEADER = {"format": "attune-session", "version": FORMAT_VERSION, "t": T}
GOOD = {"t": T, "topic": HR, "pack": [{"bt": T, "v": 60}]}


@pytest.mark.parametrize(
    ("lines", "reason", "named"),
    [
        ([{**HEADER, "version": FORMAT_VERSION + 1, "t": "later"}], Reason.INCOMPATIBLE, "version 2"),
        ([{**HEADER, "format": "midi"}], Reason.MALFORMED, "header"),
        (["ts,hr", "1,2"], Reason.MALFORMED, "header"),
        (["[]"], Reason.MALFORMED, "header"),
        ([""], Reason.MALFORMED, "header"),
        ([GOOD], Reason.MALFORMED, "header"),
        ([{**HEADER, "t": "noon"}], Reason.MALFORMED, "line 1"),
        ([{**HEADER, "t": None}], Reason.MALFORMED, "line 1"),
        ([HEADER, GOOD, "nonsense"], Reason.MALFORMED, "line 3"),
        ([HEADER, GOOD, ""], Reason.MALFORMED, "line 3"),
        ([HEADER, {"t": T, "topic": HR}], Reason.MALFORMED, "line 2"),
        ([HEADER, {**GOOD, "raw": ""}], Reason.MALFORMED, "line 2"),
        ([HEADER, {"t": T, "topic": HR, "raw": "?"}], Reason.MALFORMED, "base64"),
        ([HEADER, {**GOOD, "t": None}], Reason.MALFORMED, "line 2"),
        ([HEADER, json.dumps(GOOD).replace(str(T), "NaN", 1)], Reason.MALFORMED, "line 2"),
        ([HEADER, json.dumps(GOOD).replace(str(T), "1e999", 1)], Reason.MALFORMED, "line 2"),
        ([HEADER, GOOD, {**GOOD, "t": T - 1}], Reason.MALFORMED, "line 3"),
        ([HEADER, {"topic": HR, "pack": []}], Reason.MALFORMED, "topic" and "t"),
        ([HEADER, '{"t": 1, "topic": "' + "x" * (4 * 1024 * 1024) + '"}'], Reason.OVERSIZED, "line 2"),
    ],
)
def test_a_foreign_or_malformed_file_is_refused_by_line(
    file: Path, lines: list[object], reason: Reason, named: str
) -> None:
    error = refused(plain(file, *lines))
    assert error.reason is reason
    assert named in str(error)


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", Reason.EMPTY),
        (b"\x1f", Reason.EMPTY),
        (b"\x1f\x8b", Reason.EMPTY),
        (gzip.compress(b""), Reason.EMPTY),
        (gzip.compress(b'{"format": "attune-session"'), Reason.EMPTY),
        (b"\x1f\x8b" + bytes(40), Reason.CORRUPT),
        (b"RIFF....WAVE", Reason.MALFORMED),
        (json.dumps(HEADER).encode() + b"\n", Reason.MALFORMED),
        (gzip.compress(b"\xff\xfe\x00\n"), Reason.MALFORMED),
        (gzip.compress(b"[" * 100_000 + b"\n"), Reason.MALFORMED),
    ],
)
def test_a_file_of_another_kind_is_refused(file: Path, content: bytes, reason: Reason) -> None:
    file.write_bytes(content)
    assert refused(file).reason is reason


def test_a_missing_file_and_a_folder_are_refused(tmp_path: Path) -> None:
    assert refused(tmp_path / "none.gz").reason is Reason.MISSING
    assert refused(tmp_path).reason is Reason.UNREADABLE


def test_unknown_keys_are_ignored(file: Path) -> None:
    plain(file, {**HEADER, "mood": "fine"}, {**GOOD, "rssi": -60})
    assert [entry.t for entry in read(file)] == [T]


def test_a_recording_is_never_overwritten(file: Path) -> None:
    written(file, heart_rates(1))
    content = file.read_bytes()
    with pytest.raises(StorageError, match="exists already") as caught:
        SessionWriter(file, Header(t=T))
    assert caught.value.reason is Reason.REFUSED
    assert file.read_bytes() == content


def test_a_recording_is_for_its_owner_alone(file: Path) -> None:
    assert written(file, heart_rates(1)).stat().st_mode & 0o077 == 0


def test_a_folder_that_does_not_exist_is_named(tmp_path: Path) -> None:
    with pytest.raises(StorageError, match="folder") as caught:
        SessionWriter(tmp_path / "nowhere" / "x.gz", Header(t=T))
    assert caught.value.reason is Reason.MISSING


@pytest.mark.parametrize("t", [T - 1.0, float("nan"), float("inf")])
def test_an_arrival_out_of_order_is_a_mistake_of_the_caller(file: Path, t: float) -> None:
    with SessionWriter(file, Header(t=T)) as writer, pytest.raises(ValueError, match="ascend"):
        writer.write([Entry(T, HR, b"[]"), Entry(t, HR, b"[]")])
    assert [entry.t for entry in read(file)] == [T]


@contextlib.contextmanager
def small_disk(limit: int) -> Iterator[None]:
    """No file of this process can grow beyond so many bytes; the log of the test run is one, so this is over soon."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (limit, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def test_a_full_disk_is_told_and_what_was_written_is_read(file: Path) -> None:
    noise = np.random.default_rng(1)
    count = 0
    writer = SessionWriter(file, Header(t=T))

    def fill() -> None:
        nonlocal count
        for i in range(100):
            writer.write([Entry(T + i, AFFECT, base64.b64encode(noise.bytes(300)))])
            writer.flush()
            count += 1

    with small_disk(4096):
        with pytest.raises(StorageError, match="does not fit") as caught:
            fill()
        writer.close()
        writer.close()
    assert caught.value.reason is Reason.DISK_FULL
    assert 0 < file.stat().st_size <= 4096
    with SessionReader(file) as session:
        assert count <= len(list(session)) <= count + 1
        assert session.is_cut
