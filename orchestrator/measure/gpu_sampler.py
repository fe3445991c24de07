"""Reads the GPUs of a run at fixed times, into a file of JSON lines that survives a crash.

Each GPU has a thread, so that none waits for a slow one: all gauges at every tick (five times a second unless the run
says otherwise) and what the card reports by itself, and once a second the processes and what the driver itself has
recorded. Only raw readings are kept; figures are made from them later.
"""

from __future__ import annotations

import contextlib
import math
import os
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import TypeVar

import msgspec

from orchestrator import doors
from orchestrator.host.bounded import NoAnswer
from orchestrator.host.cards import BOUND_S, Cards, GpuLost
from orchestrator.host.makers import of, session
from orchestrator.host.processes import identify, told
from orchestrator.model import GpuEvents, GpuProcess, GpuSample

T = TypeVar("T")

#: Seconds between two rounds of what changes slowly: processes, and the driver's buffer (which holds 14 s and more).
SLOW_S = 1.0
#: Seconds that a run must have been sampled before the rate that was reached says anything.
LEAST_S = 5.0
#: Seconds that a job's end is held up at most, until its GPU was looked at once more.
LOOK_S = 1.0


class Sampler:
    """Samples the GPUs `uuids` into the file `spool` from `start` until `stop`. Never raises for what a GPU does.

    `interval_s`: seconds between two readings; 0 samples nothing.
    """

    def __init__(self, uuids: Sequence[str], spool: Path, interval_s: float = 0.2) -> None:
        self._uuids = list(uuids) if interval_s else []
        self._spool = spool
        self._interval_s = interval_s
        self._done = threading.Event()
        self._threads = [
            threading.Thread(target=self._run, args=(uuid,), name="gpu-sampler", daemon=True) for uuid in self._uuids
        ]
        self._write: Callable[[bytes], object] = len
        self._lock = threading.Lock()
        self._newest_us: dict[str, int] = {}
        self._began = 0.0
        self._commands: dict[tuple[str, int], GpuProcess] = {}
        self._rounds: Counter[str] = Counter()
        self._impossible: Counter[str] = Counter()
        #: What is not read, and why, by its name.
        self._left_out: dict[str, str] = {}
        #: When each GPU that reports errors was last asked for them; and its errors (Xid), each with the time since
        #: which it may have been.
        self._looked: dict[str, float] = {}
        self._xids: list[tuple[str, float, int]] = []
        #: Lost GPUs: when (CLOCK_MONOTONIC) and in whose words.
        self.lost: dict[str, tuple[float, str]] = {}
        #: Why nothing is sampled, in words.
        self.failure = ""

    def start(self) -> None:
        self._began = time.monotonic()
        try:
            if self._uuids:
                doors.make(self._spool.parent)
                self._write = os.fdopen(doors.create(self._spool), "wb", buffering=0).write
        except Exception as error:
            self.failure = str(error)
            return
        for thread in self._threads:
            thread.start()

    def stop(self) -> None:
        """Takes the last readings. A driver that hangs is waited for no longer than one of its calls may take."""
        self._done.set()
        until = time.monotonic() + BOUND_S + SLOW_S
        for thread in self._threads:
            if thread.ident:
                thread.join(max(0.0, until - time.monotonic()))

    def xids(self, uuid: str, begin: float, end: float) -> list[int]:
        """The errors (Xid) that a GPU has reported between two moments (CLOCK_MONOTONIC).

        Waits a moment for the first look after the end.
        """
        until = time.monotonic() + LOOK_S
        while self._looked.get(uuid, end) < end and not self._ended(uuid) and time.monotonic() < until:
            time.sleep(0.02)
        with self._lock:
            return [number for named, t, number in self._xids if named == uuid and begin <= t <= end]

    def _ended(self, uuid: str) -> bool:
        return uuid in self.lost or bool(self.failure) or self._done.is_set()

    def remarks(self) -> Iterator[str]:
        """What a person should know of the readings: that there are none, that they are few, that some were absurd."""
        if self.failure:
            yield f"the GPUs were not sampled{' to the end' if self._rounds else ''}: {self.failure}"
        seconds, asked = time.monotonic() - self._began, 1 / self._interval_s if self._interval_s else 0.0
        for uuid, rounds in self._rounds.items():
            reached = rounds / seconds
            if seconds > LEAST_S and uuid not in self.lost and reached < 0.5 * asked:
                yield f"{uuid} was read {reached:.1f} times a second, not {asked:g}: its driver is slow"
        for name, why in sorted(self._left_out.items()):
            yield f"{name} of the GPUs were not read: {why}"
        for uuid in self._uuids:
            fewer = of(uuid).fewer(uuid)
            if fewer:
                yield f"{uuid} is {fewer}"
        for field, count in sorted(self._impossible.items()):
            yield f"{count} readings of `{field}` were no value that a card can show, and were left out"

    def _run(self, uuid: str) -> None:
        try:
            with session(uuid) as cards:
                try:
                    self._loop(cards, uuid)
                finally:
                    with self._lock:
                        self._impossible.update(cards.impossible)
        except Exception as error:  # whatever a driver or binding does, the jobs go on and the report says it
            self.failure = str(error)

    def _loop(self, cards: Cards, uuid: str) -> None:
        begin, slow_due = time.monotonic(), 0.0
        while True:
            last = self._done.is_set()
            slow = last or time.monotonic() >= slow_due
            if slow:
                slow_due = time.monotonic() + SLOW_S
            lines = [msgspec.json.encode(sample) for sample in self._round(cards, uuid, slow)]
            if lines:
                self._rounds[uuid] += 1
                with self._lock, contextlib.suppress(OSError):  # a full disk ends the record, not the run
                    self._write(b"\n".join(lines) + b"\n")
            if last:
                return
            now = time.monotonic()
            self._done.wait(next_tick(begin, self._interval_s, now) - now)

    def _round(self, cards: Cards, uuid: str, slow: bool) -> list[GpuSample]:
        """All readings of one GPU at one tick; `slow` also takes what takes long or changes slowly."""
        if uuid in self.lost:
            return []
        try:
            reading = cards.read(uuid, slow)
            found = self._reported(uuid, self._aside("errors", cards.events, uuid), slow)
            if not slow:
                return [*found, reading]
            buffered, self._newest_us[uuid] = cards.buffered(uuid, self._newest_us.get(uuid, 0))
            finer = self._aside("finer figures", cards.finer, uuid)
            listed = cards.processes(uuid)
        except GpuLost as error:
            self.lost[uuid] = (time.monotonic(), str(error))
            return [GpuSample(t=self.lost[uuid][0], uuid=uuid, lost=str(error))]
        named = told(listed, lambda pid: self._named(uuid, pid))
        found += [entry for entry in [*buffered, *([finer] if finer else [])] if entry.t >= self._began]
        return [*found, msgspec.structs.replace(reading, processes=named)]

    def _aside(self, name: str, ask: Callable[[str], T], uuid: str) -> T | None:
        """What no other figure rests on: where a driver or binding fails at it, the rest is read all the same."""
        try:
            return ask(uuid)
        except (GpuLost, NoAnswer):
            raise
        except Exception as error:
            self._left_out[name] = f"{type(error).__name__}: {error}"
            return None

    def _reported(self, uuid: str, events: GpuEvents | None, slow: bool) -> list[GpuSample]:
        """The errors since the last look, by its time: they were later, and belong to the job that ran then.

        Now and then also that there were none.
        """
        if events is None:
            return []
        now = time.monotonic()
        since = self._looked.get(uuid, now)
        with self._lock:
            self._xids += [(uuid, since, number) for number in events.xids]
        self._looked[uuid] = now
        if not slow and events == GpuEvents():
            return []
        return [GpuSample(t=since, uuid=uuid, kind="buffer", **msgspec.structs.asdict(events))]

    def _named(self, uuid: str, pid: int) -> GpuProcess:
        """A process with its command line, which is read when the process is first seen: later it may be gone."""
        known = self._commands.get((uuid, pid))
        if known is None:
            known = self._commands[uuid, pid] = identify(pid)
        return known


def next_tick(begin: float, interval_s: float, now: float) -> float:
    """The first tick after `now`. Ticks stay `interval_s` apart however late one is; missed ticks are left out."""
    return begin + (math.floor((now - begin) / interval_s + 1e-6) + 1) * interval_s
