"""What is known of a run that goes on: which jobs run and how far they are, what came of the others, the time left."""

from __future__ import annotations

import statistics
import time
from collections import Counter, defaultdict
from collections.abc import Callable
from dataclasses import dataclass, field

from rich.markup import escape

from orchestrator.cli.live import words
from orchestrator.executors.executor import Outlook
from orchestrator.model import NOT_RUN, Job, RawEvent, Result
from orchestrator.results.job_events import EpochEvent, FitEpochEvent, read_event

Cell = tuple[str, ...]
#: What the bar tells apart.
OK, FAILED, RUNNING, WAITING = "ok", "failed", "running", "waiting"


@dataclass
class Running:
    """A job that runs: its name, when it began, and how far it is."""

    job: Job
    name: str
    began: float
    #: The last that it said, in words; and what it said of its model.
    words: str = "starting"
    built: str = ""
    #: The last epoch that ended, when, and the seconds that each took with its validation; the last one's training.
    epoch: int = 0
    epoch_at: float = 0.0
    walls: list[float] = field(default_factory=list)
    pace: float | None = None
    #: The further training that it is at, of a script that trains several times.
    fit: int = 0

    def heard(self, event: RawEvent, now: float) -> None:
        found = read_event(event)
        if isinstance(found, EpochEvent) and found.epoch is not None:
            self.epoch, self.epoch_at, self.pace = int(found.epoch), now, found.train_s
            self.walls.append(float(found.train_s or 0) + float(found.validation_s or 0))
        elif isinstance(found, FitEpochEvent) and found.fit is not None:
            self.fit, self.epoch, self.pace = int(found.fit), int(found.epoch or 0), found.train_s

    def at(self) -> str:
        """`3/12`, `3`, `training 4, epoch 3`; "" before the first epoch has ended."""
        if self.fit:
            return f"training {self.fit}, epoch {self.epoch}"
        of = f"/{self.job.epochs}" if self.job.epochs else ""
        return f"{self.epoch}{of}" if self.epoch or of else ""

    def left(self, whole: float | None, now: float) -> float | None:
        """Seconds that it still takes; `whole`: what such a job takes, where that is known."""
        epochs = self.job.epochs
        if epochs and len(self.walls) > 1:  # in the first one frameworks compile
            ahead = (epochs - self.epoch) * statistics.median(self.walls[1:]) - (now - self.epoch_at)
            return max(ahead, 0.0)
        if whole is not None:
            return max(whole - (now - self.began), 0.0)
        if epochs and self.walls:
            return max((epochs - self.epoch) * self.walls[0] - (now - self.epoch_at), 0.0)
        return None


class Board:
    """The state of one run, as far as it was heard of. Not thread-safe: its user holds a lock while he tells it more.

    What it gives may be read by another thread at any time.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self.clock = clock
        self.outlook = Outlook()
        self.began = clock()
        self.planned = 0
        self.counts: Counter[str] = Counter()
        self.running: dict[str, Running] = {}
        #: By cell: the figures of its repeats so far (words.UNITS), statuses, and the seconds of whole jobs.
        self.paces: dict[Cell, list[float]] = defaultdict(list)
        self.ends: dict[Cell, Counter[str]] = defaultdict(Counter)
        self._took: dict[Cell, list[float]] = defaultdict(list)
        self._earlier: dict[Cell, float] = {}
        self._waiting: Counter[Cell] = Counter()
        #: The cells of each model (by title) and contender.
        self.places: dict[tuple[str, str], list[Cell]] = {}
        self._side_by_side = 1

    @property
    def done(self) -> int:
        return self.counts.total()

    @property
    def waiting(self) -> int:
        return max(self.planned - self.done - len(self.running), 0)

    def plan(self, outlook: Outlook) -> None:
        self.outlook = outlook
        self._waiting.update(job.cell for job in outlook.jobs)
        for job in outlook.jobs:
            self._place(job)
            if job.id in outlook.seconds:
                self._earlier[job.cell] = outlook.seconds[job.id]
        for result in outlook.done:
            if result.status not in NOT_RUN:
                self.planned += 1
                self._place(result.job)
                self._count(result)

    def _place(self, job: Job) -> None:
        names = self.outlook.names
        place = (names.workload(job), names.contender(job).removesuffix(f" ({job.device})"))
        if job.cell not in self.places.setdefault(place, []):
            self.places[place].append(job.cell)

    def expect(self, more: int) -> None:
        if self.planned == self.done:
            self.began = self.clock()
        self.planned += more

    def name(self, job: Job) -> str:
        return escape(self.outlook.names.job(job))

    def start(self, job: Job, where: str = "", ago: float = 0.0) -> None:
        self._waiting[job.cell] -= 1
        self._place(job)
        self.running[job.id] = Running(job, self.name(job) + words.shown(where), self.clock() - ago)
        self._side_by_side = max(self._side_by_side, len(self.running))

    def hear(self, job: Job, event: RawEvent) -> str:
        """What of the event is worth telling; "" for nothing."""
        told = words.describe_event(job, event)
        if job.id not in self.running:
            self.start(job)
        running = self.running[job.id]
        running.heard(event, self.clock())
        if not told or told == running.built:  # a model that is built in its first epoch is told of twice
            return ""
        running.words = told
        if event.get("event") == "ready":
            running.built = told
        return told

    def finish(self, result: Result) -> None:
        if self.running.pop(result.job.id, None) is None:
            self._waiting[result.job.cell] -= 1
        self._count(result)

    def _count(self, result: Result) -> None:
        cell = result.job.cell
        self.counts[OK if result.status == "ok" else FAILED] += 1
        self.ends[cell][result.status] += 1
        pace = words.job_figure(result)
        if pace is not None:
            self.paces[cell].append(pace)
        if result.launched_t is not None and result.exited_t is not None:
            self._took[cell].append(result.exited_t - result.launched_t)

    @property
    def unit(self) -> str:
        """What the figures are; a run has one mode."""
        jobs = [*self.outlook.jobs, *(result.job for result in self.outlook.done)]
        return words.UNITS[jobs[0].mode if jobs else "train"]

    def pace(self, cell: Cell) -> float | None:
        """The figure of a cell, the median over the repeats so far."""
        paces = list(self.paces.get(cell, ()))
        return statistics.median(paces) if paces else None

    def usual(self, job: Job) -> float | None:
        """Seconds that such a job takes: of this cell here, else in earlier runs; else of its model, else of any."""
        return self._usual(job.cell, self._typical())

    def _usual(self, cell: Cell, typical: dict[str, float]) -> float | None:
        took = list(self._took.get(cell, ()))
        if took:
            return statistics.median(took)
        return self._earlier.get(cell) or typical.get(cell[0]) or typical.get("")

    def _typical(self) -> dict[str, float]:
        """Seconds of a job by its model, and of any job by ""."""
        by_model: dict[str, list[float]] = defaultdict(list)
        for cell, times in list(self._took.items()):
            by_model[cell[0]] += times
        for cell, seconds in self._earlier.items():
            by_model[cell[0]].append(seconds)
        every = [seconds for times in by_model.values() for seconds in times]
        found = {model: statistics.mean(times) for model, times in by_model.items()}
        return {**found, "": statistics.mean(every)} if every else {}

    def left(self) -> float | None:
        """Seconds until all jobs are done, as far as can be told."""
        now, typical = self.clock(), self._typical()
        ahead = [running.left(self._usual(running.job.cell, typical), now) for running in list(self.running.values())]
        waiting: list[tuple[int, float | None]] = [
            (count, self._usual(cell, typical)) for cell, count in list(self._waiting.items()) if count > 0
        ]
        unknown = self.waiting - sum(count for count, _ in waiting)  # jobs that joined later
        if unknown > 0:
            waiting.append((unknown, typical.get("")))
        if None in ahead or any(seconds is None for _, seconds in waiting) or not (ahead or waiting):
            return None
        known = [seconds for seconds in ahead if seconds is not None]
        whole = sum(known) + sum(count * (seconds or 0.0) for count, seconds in waiting)
        return max(whole / self._side_by_side, max(known, default=0.0))
