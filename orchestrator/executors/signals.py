"""Ctrl-C and other signals: the first stops a run in good order, the second ends the process at once.

Signals arrive in the main thread. A run in another thread hears none, and leaves those of its process as they are;
whoever started it in `Aside` stops it.
"""

from __future__ import annotations

import contextlib
import os
import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from typing import Any


class Aside(threading.Thread):
    """A thread that carries out `work`, which holds a run, for a program that waits for it: a notebook, a script.

    `result` and `error`: what came of it, once it has `ended`; a `join` that Ctrl-C interrupts may not be called again.
    """

    def __init__(self, work: Callable[[], Any]) -> None:
        super().__init__(name="run", daemon=True)
        self._work, self._stops = work, list[Callable[[], None]]()
        self.stopped, self.ended = threading.Event(), threading.Event()
        self.result: Any = None
        self.error: BaseException | None = None

    def run(self) -> None:
        try:
            self.result = self._work()
        except BaseException as error:
            self.error = error
        finally:
            self.ended.set()

    def stop(self) -> None:
        """The run ends in good order: running jobs end, waiting ones are cancelled, all of it is reported."""
        self.stopped.set()
        for stop in list(self._stops):
            stop()

    @contextmanager
    def hearing(self, stop: Callable[[], None]) -> Iterator[threading.Event]:
        self._stops.append(stop)
        if self.stopped.is_set():
            stop()
        yield self.stopped
        self._stops.remove(stop)


@contextmanager
def stop_on_signals(stop: Callable[[], None]) -> Iterator[threading.Event]:
    """The first Ctrl-C (SIGTERM, a closed terminal) stops the run in good order, the second ends this process at once.

    A terminal that is closed tells so twice, by the kernel and by the shell, and a service manager sends SIGTERM with
    it: SIGHUP stops the run, but is neither the second signal nor the one before it. The second one calls
    os._exit(130), even while the report is written: KeyboardInterrupt could hit a half-done import, and a normal exit
    can hang on worker threads. Jobs end with the process that started them. In a thread of its own see `Aside`.
    """
    if not _hears():
        aside = threading.current_thread()
        with aside.hearing(stop) if isinstance(aside, Aside) else nullcontext(threading.Event()) as stopped:
            yield stopped
        return
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
    if not _hears():
        yield
        return
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        yield
    finally:
        signal.signal(signal.SIGHUP, before)


def _hears() -> bool:
    """Whether this thread may say what signals do."""
    return threading.current_thread() is threading.main_thread()


def _end_now(number: int, frame: Any) -> None:
    with contextlib.suppress(OSError):  # nobody may be there to read it
        os.write(2, b"stopped\n")
    os._exit(130)
