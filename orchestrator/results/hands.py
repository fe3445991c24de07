"""Makes rows, epochs and readings of recorded jobs, a few jobs at a time; of many jobs on all cores of this process.

Each helper ("hand") is a program of its own, so that its end costs nothing: what it did not give is made here instead.
All is given in the order in which it was asked for.
"""

from __future__ import annotations

import contextlib
import gc
import os
import struct
import subprocess
import sys
from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from types import TracebackType
from typing import IO

import msgspec
import numpy as np

from orchestrator.model import Job, Plan, Result, Row
from orchestrator.results.folder import RunFolder
from orchestrator.results.rows import epoch_rows, merge_run, single_jobs
from orchestrator.results.samples import Readings

#: Jobs that are asked for at once: a megabyte or two of readings.
UNIT = 20
#: With fewer jobs hands are not worth their start, which takes a core a quarter of a second; and the most hands.
WORTH, MOST = 1500, 8
#: Units that wait for each hand, so that it has work while another's are taken.
AHEAD = 3
PROGRAM = "import sys; sys.path[:] = sys.argv[1:]; from orchestrator.results.hands import main; main()"
_LENGTH = struct.Struct("<q")
#: In place of the length of an answer: the hand could not make it.
_NOT_MADE = -1


class Unit(msgspec.Struct, frozen=True, array_like=True):
    """Some jobs of one run. `running`: those of them that run now; None for a run that is over."""

    folder: str
    jobs: list[str]
    running: list[str] | None


class Found(msgspec.Struct, frozen=True, array_like=True):
    """What one job left: its row, its epochs and its readings (as `Readings`, each column as its bytes)."""

    row: Row
    epochs: list[Row]
    length: int
    numbers: dict[str, bytes]
    words: dict[str, list[str | None]]

    @property
    def readings(self) -> Readings:
        numbers = {name: np.frombuffer(column) for name, column in self.numbers.items()}
        return Readings(self.length, numbers, self.words)


def units(folder: RunFolder, plan: Plan, running: set[str] | None) -> Iterator[Unit]:
    """The jobs of a run, in the order of its plan."""
    names = [job.id for job in plan.planned]
    for begin in range(0, len(names), UNIT):
        some = names[begin : begin + UNIT]
        yield Unit(str(folder.path), some, None if running is None else [name for name in some if name in running])


class Maker:
    """Makes what units ask for. It keeps the plan that it read last."""

    def __init__(self) -> None:
        self._folder: RunFolder | None = None
        self._plans: dict[str, Plan] = {}
        self._open = contextlib.ExitStack()

    def close(self) -> None:
        self._open.close()

    def make(self, unit: Unit) -> list[Found]:
        """Raises UserError, OSError, Lacking, as RunFolder does."""
        folder = self._opened(unit.folder)
        plans = [self._plans[name] for name in unit.jobs]
        results = folder.results_of(plans[0].run_id, [plan.planned[0] for plan in plans])
        return [self._found(folder, plan, results, unit.running) for plan in plans]

    def _opened(self, path: str) -> RunFolder:
        if self._folder is None or str(self._folder.path) != path:
            self._open.close()
            self._folder = RunFolder(Path(path))
            self._open.enter_context(self._folder.series_open())
            self._plans = {plan.planned[0].id: plan for plan in single_jobs(self._folder.plan())}
        return self._folder

    @staticmethod
    def _found(folder: RunFolder, plan: Plan, results: dict[str, Result], running: Sequence[str] | None) -> Found:
        job: Job = plan.planned[0]
        samples = {job.id: Readings.of(folder.samples(job))}
        result = results.get(job.id)
        gpu = {job.id: folder.gpu_samples(result)} if result else {}
        (row,) = merge_run(plan, results, samples, gpu, running=running)
        epochs = epoch_rows([result], gpu, samples) if result else []
        columns = samples[job.id]
        numbers = {name: column.tobytes() for name, column in columns.numbers.items()}
        return Found(row, epochs, columns.length, numbers, columns.words)


class Hands:
    """Several hands, or none: then everything is made here."""

    def __init__(self, jobs: int) -> None:
        cores = len(os.sched_getaffinity(0))
        self._count = min(cores, MOST) if jobs >= WORTH and cores > 1 else 0
        self._maker = Maker()
        self._hands: list[subprocess.Popen[bytes]] = []

    def __enter__(self) -> Hands:
        with contextlib.suppress(OSError):  # then there are fewer
            for _ in range(self._count):
                self._hands.append(_started())
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None) -> None:
        self._maker.close()
        for hand in self._hands:
            hand.kill()
            with contextlib.suppress(OSError), hand:  # what was not sent cannot be, if it had ended before
                pass

    def made(self, asked: Iterable[Unit]) -> Iterator[list[Found]]:
        """What the units ask for, in their order. Raises as `Maker.make`."""
        if not self._hands:
            yield from map(self._maker.make, asked)
            return
        waiting: deque[tuple[subprocess.Popen[bytes], Unit]] = deque()
        for number, unit in enumerate(asked):
            hand = self._hands[number % len(self._hands)]
            with contextlib.suppress(OSError):  # it has ended, which is noticed when its answer is taken
                _sent(hand.stdin, msgspec.msgpack.encode(unit))
            waiting.append((hand, unit))
            if len(waiting) >= AHEAD * len(self._hands):
                yield self._taken(*waiting.popleft())
        while waiting:
            yield self._taken(*waiting.popleft())

    def _taken(self, hand: subprocess.Popen[bytes], unit: Unit) -> list[Found]:
        answer = _received(hand.stdout)
        return self._maker.make(unit) if answer is None else msgspec.msgpack.decode(answer, type=list[Found])


def _started() -> subprocess.Popen[bytes]:
    """A hand. It finds packages where this process does; a key that stops us is ours to answer."""
    places = [str(Path(place).absolute()) for place in sys.path]
    argv = [sys.executable, "-I", "-X", "utf8", "-c", PROGRAM, *places]
    return subprocess.Popen(
        argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, start_new_session=True
    )


def _sent(stream: IO[bytes] | None, content: bytes) -> None:
    assert stream is not None
    stream.write(_LENGTH.pack(len(content)) + content)
    stream.flush()


def _received(stream: IO[bytes] | None) -> bytes | None:
    """The next content of a stream; None where it has ended, or says that there is none."""
    assert stream is not None
    head = stream.read(_LENGTH.size)
    if len(head) < _LENGTH.size:
        return None
    (length,) = _LENGTH.unpack(head)
    content = stream.read(max(0, length))
    return content if length >= 0 and len(content) == length else None


def main() -> None:
    """A hand: answers units until nobody asks any more. An error is left to who asked, who meets it, too."""
    maker, answers = Maker(), sys.stdout.buffer
    gc.freeze()
    gc.set_threshold(100_000)  # what is made here has no circles, and looking for them takes a tenth of the time
    while (asked := _received(sys.stdin.buffer)) is not None:
        try:
            answer = msgspec.msgpack.encode(maker.make(msgspec.msgpack.decode(asked, type=Unit)))
        except Exception:
            answers.write(_LENGTH.pack(_NOT_MADE))
            answers.flush()
        else:
            _sent(answers, answer)
