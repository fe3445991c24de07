"""What a person sees while a run goes on: a live line for each running job on a terminal, plain lines in a pipe."""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass, field
from types import TracebackType

from rich.console import Console, Group
from rich.live import Live
from rich.markup import escape
from rich.text import Text

from orchestrator.cli.console import say
from orchestrator.model import Job, RawEvent, Result
from orchestrator.plan.names import Names
from orchestrator.results.job_events import EpochEvent, ReadyEvent, read_event
from orchestrator.text import duration, plural, printable

MARKS = {"ok": "[green]ok[/]", "cancelled": "[yellow]cancelled[/]"}


#: Times per second that the live lines are drawn anew, as the time that has passed is in them.
REFRESH = 2


@dataclass
class Running:
    """A job that runs: its name, when it started, and the last that it said."""

    name: str
    words: str = "starting"
    built: str = ""
    began: float = field(default_factory=time.monotonic)

    def line(self) -> Text:
        took = duration(time.monotonic() - self.began)
        text = Text.from_markup(f"  {self.name}  [dim]{took}[/]  {self.words}", overflow="ellipsis")
        text.no_wrap = True
        return text


class Progress:
    """Counts jobs, shows what runs and guesses the time left. Thread-safe; writes to stderr."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._planned = 0
        self._done = 0
        self._began = time.monotonic()
        self._running: dict[str, Running] = {}
        self._names = Names()
        self._lock = threading.Lock()
        self._live: Live | None = None

    def __enter__(self) -> Progress:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None) -> None:
        with self._lock:
            self._end_live()

    def say(self, line: str) -> None:
        say(line, self._console)

    def called(self, names: Names) -> None:
        with self._lock:
            self._names = names

    def _label(self, job: Job) -> str:
        return escape(self._names.job(job))

    def expect(self, more: int) -> None:
        """So many jobs join those that are shown; the time left is guessed from the first ones on."""
        with self._lock:
            if self._planned == 0:
                self._began = time.monotonic()
            self._planned += more
            if self._live is None and self._console.is_terminal and more:
                self._live = Live(
                    console=self._console, get_renderable=self._drawn, refresh_per_second=REFRESH, transient=True
                )
                self._live.start()

    def _end_live(self) -> None:
        live, self._live = self._live, None
        if live:
            live.stop()

    def event(self, job: Job, event: RawEvent) -> None:
        """One event of a running job."""
        words = describe_event(job, event)
        if not words:
            return
        with self._lock:
            running = self._running.setdefault(job.id, Running(self._label(job)))
            if words == running.built:  # a model that is built in its first epoch is told of twice
                return
            running.words = words
            if event.get("event") == "ready":
                running.built = words
            self._show(f"  {self._label(job)}: {words}", only_plain=True)

    def started(self, job: Job, where: str = "") -> None:
        """`where`: the node, for jobs that run elsewhere."""
        with self._lock:
            self._running[job.id] = Running(self._label(job) + shown(where))
            self._show(f"{self._count(1)} {self._label(job)} starts{shown(where)}", only_plain=True)

    def finished(self, result: Result) -> None:
        with self._lock:
            self._running.pop(result.job.id, None)
            self._done += 1
            self._show(f"{self._count()} {summary(result, self._label(result.job))}{self._left()}")
            if self._done >= self._planned:
                self._end_live()

    def _show(self, line: str, only_plain: bool = False) -> None:
        if self._live is None or not only_plain:
            self._console.print(line, highlight=False, soft_wrap=True)
        if self._live:
            self._live.refresh()

    def _drawn(self) -> Group:
        """The live lines. The thread that refreshes them calls this, too: it must not wait for the lock."""
        took = duration(time.monotonic() - self._began)
        head = Text.from_markup(f"[bold]{self._done} of {plural(self._planned, 'job')}[/] after {took}{self._left()}")
        return Group(head, *(job.line() for job in list(self._running.values())))

    def _count(self, ahead: int = 0) -> str:
        width = len(str(self._planned))
        number = min(self._done + len(self._running) if ahead else self._done, self._planned)
        return escape(f"[{number:>{width}}/{self._planned}]")

    def _left(self) -> str:
        if not 0 < self._done < self._planned:
            return ""
        seconds = (time.monotonic() - self._began) / self._done * (self._planned - self._done)
        return f"  [dim]about {duration(seconds)} left[/]"


def describe_event(job: Job, event: RawEvent) -> str:
    """The part of an event worth a line, "" for the rest."""
    found = read_event(event)
    if isinstance(found, ReadyEvent):
        return shown(f"model built, Keras {found.keras_version}, {found.framework_version}")
    if not isinstance(found, EpochEvent):
        return ""
    parts = [f"epoch {found.epoch}/{job.epochs}" if job.epochs else f"epoch {found.epoch}"]
    for value, form in ((found.train_s, "{:.2f} s"), (found.loss, "loss {:.3f}"), (found.val_acc, "val_acc {:.3f}")):
        if value is not None:
            parts.append(form.format(value))
    parts += [f"{name} {value}" for name, value in found.not_finite.items()]
    return shown("  ".join(parts))


def shown(text: str) -> str:
    """What a job or a node says, without markup of the console."""
    return escape(printable(text, 200))


def summary(result: Result, name: str) -> str:
    """How a job ended. `name`: what people call it."""
    mark = MARKS.get(result.status, f"[red]{result.status}[/]")
    reason = f"  {escape(printable(result.reason))}" if result.reason else ""
    took = ""
    if result.launched_t is not None and result.exited_t is not None:
        took = f" in {duration(result.exited_t - result.launched_t)}"
    return f"{name} {mark}{took}{reason}"
