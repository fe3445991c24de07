"""Shows a run while it goes on: a display that is drawn anew on a terminal, plain lines in a pipe."""

from __future__ import annotations

import threading
from collections.abc import Callable
from types import TracebackType

from rich.console import Console, ConsoleRenderable, Group, RenderableType
from rich.live import Live
from rich.markup import escape
from rich.text import Text

from orchestrator.cli.console import say
from orchestrator.cli.live import view, words
from orchestrator.cli.live.board import Board
from orchestrator.executors.executor import Outlook
from orchestrator.model import Job, RawEvent, Result
from orchestrator.text import duration

#: Times per second that the display is drawn anew, as the time that has passed is in it.
REFRESH = 1


class Display(Live):
    """Keeps the cursor in sight, so that a killed process leaves the terminal as it was; follows the width."""

    def __init__(self, console: Console, draw: Callable[[], list[Text]]) -> None:
        self._draw = draw
        #: The length of each line that stands on the terminal, and of those that come next.
        self._there: list[int] = []
        self._next: list[int] = []
        super().__init__(console=console, refresh_per_second=REFRESH, transient=True)

    def start(self, refresh: bool = False) -> None:
        super().start(refresh)
        self.console.show_cursor(True)

    def get_renderable(self) -> RenderableType:
        drawn = self._draw()
        self._next = [text.cell_len for text in drawn]
        return Group(*drawn)

    def process_renderables(self, renderables: list[ConsoleRenderable]) -> list[ConsoleRenderable]:
        """What was drawn for a wider terminal takes more lines now, as terminals wrap it; all are drawn over."""
        shape, width = self._live_render._shape, max(self.console.width, 1)
        if shape is not None:
            rows = sum(max(-(-length // width), 1) for length in self._there)
            self._live_render._shape = (shape[0], max(rows, shape[1]))
        self._there = self._next
        return super().process_renderables(renderables)


class Progress:
    """A `Listener` for a person. Thread-safe; writes to stderr."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._board = Board()
        self._lock = threading.Lock()
        self._live: Live | None = None

    def __enter__(self) -> Progress:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None) -> None:
        with self._lock:
            self._end_live()

    @property
    def board(self) -> Board:
        return self._board

    def say(self, line: str) -> None:
        say(line, self._console)

    def planned(self, outlook: Outlook) -> None:
        words.figure(1.0)  # what it loads is loaded before a job is measured
        with self._lock:
            self._board.plan(outlook)

    def expect(self, more: int) -> None:
        """So many jobs join those that are shown."""
        with self._lock:
            self._board.expect(more)
        self.show()

    def show(self) -> None:
        """Begins to draw, where jobs are to come. A terminal that cannot move its cursor, an editor's, gets lines."""
        with self._lock:
            ahead = self._board.done < self._board.planned
            if self._live is None and self._console.is_interactive and ahead:
                self._live = Display(self._console, self._drawn)
                self._live.start()

    def _end_live(self) -> None:
        live, self._live = self._live, None
        if live:
            live.stop()

    def event(self, job: Job, event: RawEvent) -> None:
        """One event of a running job."""
        with self._lock:
            told = self._board.hear(job, event)
            if told:
                self._show(f"  {self._board.name(job)}: {told}", only_plain=True)

    def started(self, job: Job, where: str = "", ago: float = 0.0) -> None:
        """`where`: the node, for jobs that run elsewhere; `ago`: seconds since then."""
        with self._lock:
            self._board.start(job, where, ago)
            self._show(f"{self._count(1)} {self._board.name(job)} starts{words.shown(where)}", only_plain=True)

    def finished(self, result: Result) -> None:
        with self._lock:
            self._board.finish(result)
            self._show(f"{self._count()} {words.summary(result, self._board.name(result.job))}{self._left()}")
            if self._board.done >= self._board.planned:
                self._end_live()

    def _show(self, line: str, only_plain: bool = False) -> None:
        if self._live is None or not only_plain:
            self._console.print(line, highlight=False, soft_wrap=True)
        if self._live:
            self._live.refresh()

    def _drawn(self) -> list[Text]:
        """The display. The thread that refreshes it calls this, too: it must not wait for the lock."""
        return view.lines(self._board, self._console.width, self._console.height)

    def _count(self, ahead: int = 0) -> str:
        board = self._board
        number = min(board.done + len(board.running) if ahead else board.done, board.planned)
        return escape(f"[{number:>{len(str(board.planned))}}/{board.planned}]")

    def _left(self) -> str:
        """For a line; a display has it already."""
        board = self._board
        left = board.left() if board.done < board.planned and self._live is None else None
        return "" if left is None else f"  [dim]about {duration(left)} left[/]"
