"""What Slurm's controller says of the jobs of a run, and how long it has been silent."""

from __future__ import annotations

import threading
import time

from orchestrator.executors.slurm.attempts import Started
from orchestrator.executors.slurm.commands import JobState
from orchestrator.executors.slurm.controller import Controller, Silent
from orchestrator.model import Say

#: Between two questions to the controller, which has others to serve.
ASK_S = 2.0
#: From when on a question counts as unanswered, though it may still be.
LATE_S = 3.0


class QueueView:
    """What the controller last said of a run's jobs, and whether it says anything at all.

    It is asked in a thread of its own: while it does not answer, its commands wait, and the run must not.
    """

    def __init__(self, cluster: Controller, run_id: str, say: Say) -> None:
        self._cluster = cluster
        self._run_id = run_id
        self._say = say
        self._said: set[str] = set()
        self._states: dict[str, list[JobState]] = {}
        self._thread: threading.Thread | None = None
        self._asked_at = 0.0
        self._answered_at = 0.0
        self._silent_since: float | None = None

    @property
    def silent(self) -> bool:
        return self._silent_since is not None

    def silent_for(self, now: float) -> float:
        return now - self._silent_since if self._silent_since is not None else 0.0

    def ask(self, wait: bool = False) -> None:
        """Begins to ask, where the last answer is old enough; `wait`: until there is one."""
        now = time.monotonic()
        if self._thread is not None and self._thread.is_alive():
            if now - self._asked_at > LATE_S:
                self._is_silent("it takes its time")
        elif now - self._asked_at >= ASK_S:
            self._asked_at = now
            self._thread = threading.Thread(target=self._ask, args=(now,), daemon=True)
            self._thread.start()
        if wait and self._thread is not None:
            self._thread.join()

    def _ask(self, begun: float) -> None:
        try:
            self._states = self._cluster.states(self._run_id)
        except Silent as error:
            self._is_silent(str(error))
        else:
            self._answered_at = begun
            if self._silent_since is not None:
                self._silent_since = None
                self._say("Slurm's controller answers again")

    def _is_silent(self, words: str) -> None:
        if self._silent_since is None:
            self._silent_since = self._asked_at
            self._say(f"Slurm's controller does not answer ({words}): waiting for it; what runs goes on")

    def fresh(self, submitted_at: float | None) -> bool:
        """Whether the last answer is younger than a submission."""
        return self._silent_since is None and self._answered_at > (submitted_at or 0.0)

    def find(self, comment: str, started: Started | None) -> JobState | None:
        """The Slurm job of an attempt, by our own words in its comment. It may have been submitted twice: then the
        one that began, else one that still may."""
        found = self._states.get(comment, [])
        if started is not None:
            found = [state for state in found if state.number == started.number]
        return next((state for state in found if not state.ended), found[-1] if found else None)

    def say_once(self, line: str) -> None:
        if line not in self._said:
            self._said.add(line)
            self._say(line)

    def say_wait(self, known: JobState) -> None:
        """What jobs wait for, where that is more than their turn."""
        if known.state == "PENDING" and known.reason not in ("None", "Priority", "Resources", "BeginTime"):
            self.say_once(f"Slurm lets jobs wait: {known.reason}")
