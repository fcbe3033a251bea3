from __future__ import annotations

import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.delivery.receiving.store import ChunkStore
from models.delivery.chunks import address


@pytest.fixture
def store(tmp_path: Path) -> ChunkStore:
    return ChunkStore(tmp_path / "chunks")


def test_what_is_put_is_there(store: ChunkStore):
    name = address(b"chunk")
    assert store.put(name, b"chunk")
    assert store.has(name, 5)
    assert not store.has(name, 6)
    assert store.get(name) == b"chunk"


def test_other_bytes_than_the_address_says_are_not_kept(store: ChunkStore, tmp_path: Path):
    assert not store.put(address(b"chunk"), b"other")
    assert list(tmp_path.rglob("*")) == []


def test_a_chunk_that_was_damaged_on_the_disk_is_gone_once_it_is_read(store: ChunkStore, tmp_path: Path):
    name = address(b"chunk")
    store.put(name, b"chunk")
    pack = tmp_path / "chunks" / "pack"
    pack.write_bytes(pack.read_bytes().replace(b"chunk", b"chonk"))
    assert store.get(name) is None
    assert not store.has(name, 5)


def test_what_is_kept_stays_and_all_else_goes(store: ChunkStore, tmp_path: Path):
    chunks = [b"a", b"b", b"c"]
    for each in chunks:
        store.put(address(each), each)
    (tmp_path / "chunks" / "stray.new").write_bytes(b"of a process that was killed")
    store.forget([address(b"b")])
    assert store.addresses == {address(b"b")}
    assert store.get(address(b"b")) == b"b"
    assert [path.name for path in tmp_path.rglob("*") if path.is_file()] == ["pack"]
    store.forget(())
    assert store.get(address(b"b")) is None
    assert not any(path.is_file() for path in tmp_path.rglob("*"))


def test_another_process_finds_what_the_last_one_kept(store: ChunkStore, tmp_path: Path):
    for each in (b"a", b"bb", b""):
        store.put(address(each), each)
    store.close()
    other = ChunkStore(tmp_path / "chunks")
    assert {other.get(address(each)) for each in (b"a", b"bb", b"")} == {b"a", b"bb", b""}
    other.put(address(b"ccc"), b"ccc")
    assert ChunkStore(tmp_path / "chunks").get(address(b"ccc")) == b"ccc"


@pytest.mark.parametrize(
    "tail", [b"c", b"chnk", b"chnk\xff\xff\xff\xff" + bytes(40), bytes(4096), b"chnk\0\0\1\0" + bytes(32)]
)
def test_what_a_cut_of_the_power_left_after_the_last_chunk_is_written_over(
    store: ChunkStore, tmp_path: Path, tail: bytes
):
    store.put(address(b"a"), b"a")
    store.close()
    with (tmp_path / "chunks" / "pack").open("ab") as pack:
        pack.write(tail)
    after = ChunkStore(tmp_path / "chunks")
    assert after.addresses == {address(b"a")}
    after.put(address(b"bb"), b"bb")
    after.close()
    assert after.addresses == {address(b"a"), address(b"bb")}
    assert after.get(address(b"bb")) == b"bb"


def test_a_file_of_chunks_cut_anywhere_keeps_those_before_the_cut(store: ChunkStore, tmp_path: Path):
    chunks = [bytes([number]) * number for number in range(1, 6)]
    for each in chunks:
        store.put(address(each), each)
    store.close()
    pack = tmp_path / "chunks" / "pack"
    whole = pack.read_bytes()
    for cut in range(len(whole)):
        pack.write_bytes(whole[:cut])
        after = ChunkStore(tmp_path / "chunks")
        there = [each for each in chunks if after.get(address(each)) == each]
        assert there == chunks[: len(there)]
        assert after.addresses == {address(each) for each in there}
        after.close()


def test_what_is_kept_is_there_after_the_others_went_and_can_be_added_to(store: ChunkStore, tmp_path: Path):
    for each in (b"a", b"bb", b"ccc"):
        store.put(address(each), each)
    (tmp_path / "chunks" / "pack.new").write_bytes(b"of a process that was killed while it copied")
    store.forget([address(b"a"), address(b"ccc")])
    store.put(address(b"dddd"), b"dddd")
    store.close()
    after = ChunkStore(tmp_path / "chunks")
    assert {after.get(address(each)) for each in (b"a", b"bb", b"ccc", b"dddd")} == {b"a", None, b"ccc", b"dddd"}


def test_a_disk_that_refuses_the_copy_of_what_is_kept_loses_nothing(store: ChunkStore, monkeypatch: pytest.MonkeyPatch):
    for each in (b"a", b"bb"):
        store.put(address(each), each)
    with monkeypatch.context() as patch:
        patch.setattr(os, "pwrite", lambda *_arguments: 0)
        with pytest.raises(OSError, match="No space left"):
            store.forget([address(b"a")])
    assert {store.get(address(b"a")), store.get(address(b"bb"))} == {b"a", b"bb"}


def test_an_empty_store_has_nothing_and_forgets_nothing(store: ChunkStore):
    assert store.get(address(b"")) is None
    assert not store.has(address(b""), 0)
    store.forget(())


@given(
    chunks=st.lists(st.binary(max_size=50)), lies=st.lists(st.tuples(st.binary(max_size=50), st.binary(max_size=50)))
)
def test_a_store_never_gives_what_is_not_at_its_address(
    chunks: list[bytes], lies: list[tuple[bytes, bytes]], tmp_path_factory: pytest.TempPathFactory
):
    store = ChunkStore(tmp_path_factory.mktemp("store"))
    for each in chunks:
        assert store.put(address(each), each)
    for claimed, sent in lies:
        assert store.put(address(claimed), sent) == (claimed == sent)
    for each in [*chunks, *(claimed for claimed, _ in lies)]:
        assert store.get(address(each)) in {None, each}
