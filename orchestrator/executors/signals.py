"""Ctrl-C and other signals: the first stops a run in good order, the second ends the process at once."""

from __future__ import annotations

import contextlib
import os
import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any


@contextmanager
def stop_on_signals(stop: Callable[[], None]) -> Iterator[threading.Event]:
    """The first Ctrl-C (SIGTERM, a closed terminal) stops the run in good order, the second ends this process at once.

    A terminal that is closed tells so twice, by the kernel and by the shell, and a service manager sends SIGTERM with
    it: SIGHUP stops the run, but is neither the second signal nor the one before it. The second one calls
    os._exit(130), even while the report is written: KeyboardInterrupt could hit a half-done import, and a normal exit
    can hang on worker threads. Jobs end with the process that started them.
    """
    stopped = threading.Event()
    watched = [n for n in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP) if signal.getsignal(n) != signal.SIG_IGN]

    def first(number: int, frame: Any) -> None:
        if number == signal.SIGHUP:
            signal.signal(number, signal.SIG_IGN)
        else:
            for each in watched:
                signal.signal(each, signal.SIG_IGN if each == signal.SIGHUP else _end_now)
        stopped.set()
        # In a thread of its own: a handler runs between two instructions of whatever holds which lock.
        threading.Thread(target=stop, daemon=True).start()

    previous = {number: signal.signal(number, first) for number in watched}
    try:
        yield stopped
    finally:
        if not stopped.is_set():
            for number, old in previous.items():
                signal.signal(number, old)


@contextmanager
def not_hung_up() -> Iterator[None]:
    """A terminal that is closed does not end the block, such as one that writes the report of a night."""
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        yield
    finally:
        signal.signal(signal.SIGHUP, before)


def _end_now(number: int, frame: Any) -> None:
    with contextlib.suppress(OSError):  # nobody may be there to read it
        os.write(2, b"stopped\n")
    os._exit(130)
