"""Byte streams for archives that are too large for memory: pieces joined, bytes counted, bytes hashed."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable
from typing import Any


class Chunks:
    """Reads pieces of bytes, cut anywhere, as one stream."""

    def __init__(self, pieces: Iterable[bytes]) -> None:
        self._pieces = iter(pieces)
        self._rest = bytearray()

    def read(self, size: int) -> bytes:
        """At most `size` bytes; none at the end."""
        while len(self._rest) < size and (piece := next(self._pieces, b"")):
            self._rest += piece
        data = bytes(self._rest[:size])
        del self._rest[:size]
        return data


class Counted:
    """A stream that calls `tell` with the number of bytes read from it so far."""

    def __init__(self, stream: Any, tell: Callable[[int], None]) -> None:
        self._stream = stream
        self._tell = tell
        self._done = 0

    def read(self, size: int = -1) -> bytes:
        data: bytes = self._stream.read(size)
        self._done += len(data)
        self._tell(self._done)
        return data


class Hashed:
    """A stream that hashes what is read from it."""

    def __init__(self, stream: Any) -> None:
        self._stream = stream
        self._hash = hashlib.sha256()

    def read(self, size: int) -> bytes:
        data: bytes = self._stream.read(size)
        self._hash.update(data)
        return data

    def hexdigest(self) -> str:
        return self._hash.hexdigest()
