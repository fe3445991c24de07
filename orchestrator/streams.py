"""The standard streams as a long run needs them: open, fit for any text, and never a reason to stop.

A reader, a terminal or a disk may go away in the middle of a night. What is written from then on is lost; the run, its
records and its exit code are not.
"""

from __future__ import annotations

import codecs
import contextlib
import errno
import io
import os
import select
import sys
from typing import Any, TextIO

#: What a stream's encoding may lack, in letters that every encoding has. Anything else is written as its code.
PLAIN = {
    **dict.fromkeys("─━–—‐‑", "-"),
    **dict.fromkeys("‘’", "'"),
    **dict.fromkeys("“”", '"'),
    **{"…": "...", "±": "+-", "×": "x", "·": "-", "→": "->", "≤": "<=", "≥": ">=", "µ": "u"},
}
ERRORS = "keras-orchestrate-plain"
#: The reader is gone, or never was: nobody misses what is not written.
UNREAD = (errno.EPIPE, errno.EIO, errno.EBADF, errno.ECONNRESET)


class Outlet(io.RawIOBase):
    """Writes to a descriptor until that fails; from then on it takes everything and writes nothing."""

    def __init__(self, descriptor: int) -> None:
        super().__init__()
        self._descriptor = descriptor
        #: What ended it, until somebody has been told.
        self.lost: OSError | None = None
        self._ended = False

    def writable(self) -> bool:
        return True

    def fileno(self) -> int:
        return self._descriptor

    def isatty(self) -> bool:
        return os.isatty(self._descriptor)

    def write(self, data: Any) -> int:
        rest = memoryview(data).cast("B")
        size = len(rest)
        while rest and not self._ended:
            try:
                rest = rest[os.write(self._descriptor, rest) :]
            except BlockingIOError:  # whoever shares the pipe with us has set it so
                select.select([], [self._descriptor], [])
            except OSError as error:
                self.lost, self._ended = error, True
        return size


def secure() -> None:
    """Opens what was closed of the descriptors 0 to 2, and puts outlets below sys.stdout and sys.stderr.

    Call it before any file is opened, which would else take such a number, and get what is printed. Streams that
    somebody has put in the place of Python's own stay as they are.
    """
    for descriptor in (0, 1, 2):
        try:
            os.fstat(descriptor)
        except OSError:
            os.open(os.devnull, os.O_RDWR)
    if sys.stdin is None:
        sys.stdin = open(os.devnull, encoding="utf-8")  # noqa: SIM115, PTH123
    sys.stdout = _secured(sys.stdout, sys.__stdout__, 1)
    sys.stderr = _secured(sys.stderr, sys.__stderr__, 2)


def take_loss() -> str:
    """Why standard output could not be written, in words, told once; "" where it was, or where nobody reads it."""
    with contextlib.suppress(ValueError, OSError):
        sys.stdout.flush()
    outlet = getattr(getattr(sys.stdout, "buffer", None), "raw", None)
    if not isinstance(outlet, Outlet) or outlet.lost is None:
        return ""
    error, outlet.lost = outlet.lost, None
    return "" if error.errno in UNREAD else error.strerror or str(error)


def _secured(stream: TextIO | None, own: TextIO | None, descriptor: int) -> TextIO:
    if stream is not None and stream is not own:
        return stream
    if stream is None:  # closed before we began; the descriptor may be another file's by now
        return opened(os.open(os.devnull, os.O_WRONLY))
    at_once = descriptor == 2 or stream.isatty() or getattr(stream, "write_through", False)
    return opened(descriptor, stream.encoding, at_once)


def opened(descriptor: int, encoding: str = "utf-8", at_once: bool = True) -> TextIO:
    """A stream over an outlet; `at_once`: what is written goes out with every line."""
    codecs.register_error(ERRORS, _plain)
    outlet: Any = Outlet(descriptor)
    return io.TextIOWrapper(io.BufferedWriter(outlet), encoding=encoding, errors=ERRORS, line_buffering=at_once)


def _plain(error: UnicodeError) -> tuple[str | bytes, int]:
    """Replaces what an encoding lacks, in place of an error."""
    if not isinstance(error, UnicodeEncodeError):
        raise error
    found = error.object[error.start : error.end]
    text = "".join(PLAIN.get(c) or c.encode("ascii", "backslashreplace").decode() for c in found)
    return text, error.end
