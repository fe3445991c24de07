"""Copies a job's output to its log, up to a size limit."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from pathlib import Path

from orchestrator import doors

#: Bytes.
LOG_LIMIT = 16 * 2**20


def pump(output: Iterator[bytes], log: Path) -> None:
    """Copies everything to `log`, at most LOG_LIMIT bytes.

    The rest, and what a full disk refuses, is read and dropped: a job must never wait for us.
    """
    written = 0
    with contextlib.suppress(Exception), os.fdopen(doors.create(log), "wb", buffering=0) as file:
        for chunk in output:
            room = LOG_LIMIT - written
            with contextlib.suppress(OSError):
                if room > 0:
                    file.write(chunk[:room])
                if 0 < room < len(chunk):
                    file.write(b"\n[log cut here: it exceeds 16 MiB]\n")
            written += len(chunk)
    for _ in _rest(output):
        pass


def _rest(output: Iterator[bytes]) -> Iterator[bytes]:
    """What is left when the log could not even be opened; an output that has ended or broken is empty."""
    with contextlib.suppress(Exception):
        yield from output
