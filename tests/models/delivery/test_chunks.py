"""Files are cut into chunks that are addressed by their content, and come together again."""

from __future__ import annotations

import hashlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.delivery.chunks import ChunkList, address, pieces, split


@given(st.binary(max_size=20_000), st.integers(1024, 4096))
def test_the_pieces_of_a_file_make_up_the_file(content: bytes, chunk_bytes: int) -> None:
    cut = list(pieces(content, chunk_bytes))
    listed = split(content, chunk_bytes)
    assert b"".join(cut) == content
    assert listed.sha256 == [hashlib.sha256(piece).hexdigest() for piece in cut] == [address(piece) for piece in cut]
    assert listed.sizes(len(content)) == [len(piece) for piece in cut]


def test_the_same_bytes_have_the_same_address_in_two_files() -> None:
    one, other = split(b"a" * 2048 + b"b" * 100, 1024), split(b"c" * 1024 + b"a" * 1024, 1024)
    assert one.sha256[0] == one.sha256[1] == other.sha256[1]


def test_a_file_of_another_length_is_not_made_of_these_chunks() -> None:
    with pytest.raises(ValueError, match="2 chunks of 1024 bytes are no file of 3000 bytes"):
        ChunkList(1024, ["0" * 64] * 2).sizes(3000)
