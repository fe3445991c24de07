"""Calls that may never return, each waited for only so long."""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable
from typing import Any


class NoAnswer(Exception):
    """A call has not returned in time; `what` is its name. The thread that it is in is given up."""

    def __init__(self, what: str, seconds: float) -> None:
        super().__init__(f"{what} gave no answer in {seconds:g} s")
        self.what = what


class Bounded:
    """Makes calls in one thread of its own, so that a library sees a single thread, and waits `seconds` for each.

    After a call that has not returned every other one fails at once: whatever it waits for, they would wait, too.
    The thread is a daemon: a call that hangs does not keep the process from ending.
    """

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._asked: queue.SimpleQueue[tuple[Callable[..., Any], tuple[Any, ...]] | None] = queue.SimpleQueue()
        self._answers: queue.SimpleQueue[tuple[Any, BaseException | None]] = queue.SimpleQueue()
        self._hangs = ""
        self._lock = threading.Lock()
        threading.Thread(target=self._work, name="bounded calls", daemon=True).start()

    def __call__(self, function: Callable[..., Any], *arguments: Any) -> Any:
        """What the function gives or raises. Raises NoAnswer."""
        name = getattr(function, "__name__", "a call")
        with self._lock:
            if self._hangs:
                raise NoAnswer(self._hangs, self._seconds)
            self._asked.put((function, arguments))
            try:
                answer, error = self._answers.get(timeout=self._seconds)
            except queue.Empty:
                self._hangs = name
                raise NoAnswer(name, self._seconds) from None
        if error is not None:
            raise error
        return answer

    def end(self) -> None:
        """Ends the thread once it is free."""
        self._asked.put(None)

    def _work(self) -> None:
        while (asked := self._asked.get()) is not None:
            function, arguments = asked
            try:
                self._answers.put((function(*arguments), None))
            except BaseException as error:
                self._answers.put((None, error))
