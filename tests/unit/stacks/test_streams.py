"""Streams: pieces joined whatever their size, bytes counted and hashed as they pass."""

from __future__ import annotations

import hashlib
import io

import pytest

from orchestrator.stacks.streams import Chunks, Counted, Hashed

CONTENT = bytes(range(256)) * 10


@pytest.mark.parametrize("piece", [1, 7, 256, 5000])
@pytest.mark.parametrize("size", [1, 3, 512, 10_000])
def test_pieces_are_one_stream(piece, size):
    stream = Chunks(CONTENT[start : start + piece] for start in range(0, len(CONTENT), piece))
    read = list(iter(lambda: stream.read(size), b""))
    assert b"".join(read) == CONTENT
    assert {len(data) for data in read[:-1]} <= {size}, "whole as long as there is enough"
    assert stream.read(size) == b""


def test_no_pieces_are_an_empty_stream():
    assert Chunks([]).read(5) == b""


def test_bytes_are_counted_as_they_are_read():
    seen = []
    stream = Counted(io.BytesIO(b"abcdef"), seen.append)
    assert (stream.read(4), stream.read(), stream.read()) == (b"abcd", b"ef", b"")
    assert seen == [4, 6, 6]


def test_what_was_read_is_hashed_and_nothing_else():
    stream = Hashed(io.BytesIO(CONTENT))
    assert stream.hexdigest() == hashlib.sha256().hexdigest()
    stream.read(100)
    assert stream.hexdigest() == hashlib.sha256(CONTENT[:100]).hexdigest()
