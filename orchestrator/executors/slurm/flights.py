"""Runs jobs on a Slurm controller, each as one Slurm job: hands them in, follows them, and tells how each ended.

A node reports through its attempt's folder; Slurm is asked only for what no report tells. One thread does all.
"""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Iterable, Iterator

from orchestrator.executors.slurm import verdicts
from orchestrator.executors.slurm.attempts import Attempt, Outcome, Started
from orchestrator.executors.slurm.commands import JobState
from orchestrator.executors.slurm.controller import Controller, Full, Limited, Refused, Silent
from orchestrator.executors.slurm.ledger import RunLedger
from orchestrator.executors.slurm.queue import QueueView
from orchestrator.measure.events import EventTail
from orchestrator.model import Job, RawEvent, Result, Say, Status

#: Seconds between two checks of the folders of a few jobs; with more jobs it is longer.
POLL_S = 0.1
FEW = 8
#: Seconds before a full queue is tried again.
FULL_S = 5.0
#: Seconds beyond `grace_s` for jobs that the first check did not find gone yet.
LAST_LOOK_S = 1.0


class Flight:
    """One attempt between its submission and its result."""

    def __init__(self, attempt: Attempt, taken_over: bool) -> None:
        self.attempt = attempt
        self.job = attempt.spec.job
        self.number = ""
        #: When sbatch was last called for it, CLOCK_MONOTONIC; None: not yet.
        self.submitted_at: float | None = 0.0 if taken_over else None
        #: Nobody knows whether Slurm took it: an earlier session asked, or sbatch did not come to an end.
        self.doubtful = taken_over
        self.started: Started | None = None
        #: Submitted again after the controller had forgotten it.
        self.forgotten = False
        #: Since when it has ended for Slurm, or is unknown to it.
        self.gone_since: float | None = None
        self._tail = EventTail(attempt.folder / "out" / "events.jsonl")
        self._seen = 0

    def follow(self, ledger: RunLedger) -> None:
        """Passes on what is new."""
        if self.started is None:
            self.started = self.attempt.started()
            if self.started is None:
                return
            self.number, self.doubtful = self.started.number, False
            ledger.started(self.attempt, self.started)
        self._pass_on(ledger, self._tail.read())

    def follow_to_the_end(self, ledger: RunLedger) -> None:
        """The node has put the events in order by now: the ones that were not seen yet."""
        self.follow(ledger)
        self._pass_on(ledger, EventTail(self.attempt.folder / "events.jsonl").read(last=True)[self._seen :])

    def gone_for(self, now: float) -> float:
        self.gone_since = self.gone_since or now
        return now - self.gone_since

    def _pass_on(self, ledger: RunLedger, events: list[RawEvent]) -> None:
        for event in events:
            ledger.event(self.job, event)
        self._seen += len(events)


class Flights:
    """The jobs of one run that are on their way through Slurm. At most `bound` are in its queue at a time.

    `grace_s`: how long the report of an ended job may be on its way; `patience_s`: how long the controller may be
    silent before its jobs are given up.
    """

    def __init__(
        self, controller: Controller, ledger: RunLedger, *, bound: int, grace_s: float, patience_s: float, say: Say
    ) -> None:
        self._controller = controller
        self._ledger = ledger
        self._bound = bound
        self._grace_s = grace_s
        self._patience_s = patience_s
        self._say = say
        self._stopping = threading.Event()
        self._stopped_at = 0.0
        self._flights: list[Flight] = []
        self._queue = QueueView(controller, ledger.run_id, say)
        self._full_until = 0.0
        #: Numbers that scancel is still to be told: of all at once, for each call may wait for the controller.
        self._unwanted: list[str] = []
        #: Since when a limit has kept jobs out that nothing of this run in the queue can have filled.
        self._limited_since: float | None = None

    def stop(self) -> None:
        """From any thread: the nodes end what runs, and Slurm what waits."""
        self._stopped_at = self._stopped_at or time.monotonic()
        self._stopping.set()
        self._ledger.stop([flight.attempt for flight in list(self._flights)])
        if not self._queue.silent:  # the markers end what begins later
            self._controller.cancel(self._ledger.run_id)

    def run(self, jobs: Iterable[Job]) -> Iterator[Result]:
        """Goes on with what earlier sessions submitted, and submits the rest."""
        waiting = self._taken_over(jobs)
        try:
            while waiting or self._flights:
                while waiting and self._stopping.is_set():
                    yield self._ledger.close(waiting.popleft(), None, verdicts.stopped(False))
                self._fill_up(waiting)
                yield from self._settled()
                if waiting or self._flights:  # a server of files has others to serve as well
                    time.sleep(POLL_S if len(self._flights) <= FEW else 5 * POLL_S)
        finally:
            self._take_back()
            if self._flights and not self._stopping.is_set():
                self.stop()

    def hand_in(self, jobs: Iterable[Job]) -> dict[str, int]:
        """Submits up to the queue limit and returns without waiting; gives the number of jobs per state.

        Jobs that Slurm refuses get a result at once.
        """
        waiting = self._taken_over(jobs)
        while not self._stopping.is_set():
            self._fill_up(waiting)
            for _ in self._settled():
                pass
            in_queue = all(flight.number for flight in self._flights)
            if in_queue and (not waiting or len(self._flights) >= self._bound):
                break
            time.sleep(POLL_S)
        return self._standing(waiting)

    def collect(self, jobs: Iterable[Job]) -> dict[str, int]:
        """Collects the jobs that have ended and stops nothing; gives the number of the others per state.

        The report of a job that is gone from the queue is waited for, as in `run`.
        """
        waiting = self._taken_over(jobs)
        until = time.monotonic() + self._grace_s + LAST_LOOK_S
        while True:
            for _ in self._settled(submit=False):
                pass
            if time.monotonic() > until or all(flight.gone_since is None for flight in self._flights):
                return self._standing(waiting)
            time.sleep(POLL_S)

    def _standing(self, waiting: deque[Job]) -> dict[str, int]:
        running = sum(flight.started is not None for flight in self._flights)
        return {"running": running, "in the queue": len(self._flights) - running, "not submitted": len(waiting)}

    def _taken_over(self, jobs: Iterable[Job]) -> deque[Job]:
        """The jobs that are still to be submitted; those that an earlier session submitted are followed from now on."""
        waiting: deque[Job] = deque()
        for job in jobs:
            attempt = self._ledger.unfinished(job)
            if attempt is None:
                waiting.append(job)
            else:
                self._flights.append(Flight(attempt, taken_over=True))
        return waiting

    def _fill_up(self, waiting: deque[Job]) -> None:
        """Begins attempts while the queue has room for them."""
        while waiting and not self._stopping.is_set() and self._has_room():
            flight = Flight(self._ledger.begin(waiting.popleft()), taken_over=False)
            self._flights.append(flight)

    def _has_room(self) -> bool:
        new = sum(flight.submitted_at is None for flight in self._flights)
        open_now = time.monotonic() >= self._full_until and not self._queue.silent
        return len(self._flights) < self._bound and open_now and new < 8

    def _settled(self, submit: bool = True) -> Iterator[Result]:
        """Checks every job that is under way once; gives the results of those that have ended."""
        if any(flight.submitted_at is not None for flight in self._flights):
            self._queue.ask(wait=not submit)
        for flight in list(self._flights):
            result = self._settle(flight, time.monotonic(), submit)
            if result is not None:
                self._flights.remove(flight)
                yield result
        self._take_back()

    def _take_back(self) -> None:
        """Cancels what is not wanted any more once Slurm answers; what it starts meanwhile ends by its marker."""
        if self._unwanted and not self._queue.silent:
            self._controller.cancel(self._ledger.run_id, self._unwanted)
            self._unwanted = []

    def _settle(self, flight: Flight, now: float, submit: bool) -> Result | None:
        if flight.submitted_at is None and not self._stopping.is_set():
            return self._submit(flight, now) if submit else None
        flight.follow(self._ledger)
        outcome = flight.attempt.outcome() if flight.started else None
        known = self._queue.find(flight.attempt.comment, flight.started)
        if known is not None:
            flight.number, flight.doubtful = known.number, False
        if outcome is not None:
            return self._reported(flight, outcome, known, now)
        if self._stopping.is_set():
            return self._stopped(flight, known, now)
        if self._queue.silent_for(now) > self._patience_s:
            return self._given_up(flight, verdicts.silent(self._patience_s))
        if not self._queue.fresh(flight.submitted_at):
            return None
        if known is None and flight.doubtful:
            return self._submit(flight, now) if submit else None
        if known is not None and known.hopeless and not submit:
            return None  # nothing is stopped by a look
        return self._by_queue(flight, known, now)

    def _submit(self, flight: Flight, now: float) -> Result | None:
        """A result only where Slurm refuses it for good. A full queue is tried again later."""
        if now < self._full_until or self._ordered_anew(flight):
            return None
        try:
            flight.number = self._controller.submit(self._ledger.argv(flight.attempt))
            flight.doubtful, self._limited_since = False, None
        except Refused as refusal:
            return self._given_up(flight, verdicts.refused(str(refusal)))
        except (Full, Silent) as error:
            if isinstance(error, Limited) and self._limited_for(flight) > self._patience_s:
                return self._given_up(flight, verdicts.refused(str(error)))
            flight.doubtful = True
            self._full_until = time.monotonic() + FULL_S
            self._queue.say_once(f"Slurm takes no job now ({error}); it is tried again until it does")
        flight.submitted_at = time.monotonic()
        return None

    def _ordered_anew(self, flight: Flight) -> bool:
        """Whether its order was not as this session would give it, and so another takes its place."""
        if self._ledger.is_own(flight.attempt):
            return False
        flight.attempt.give_up()
        self._say(f"the order of {flight.job.id} that lay in the run is not as it would be given now: it is given anew")
        self._flights[self._flights.index(flight)] = Flight(self._ledger.begin(flight.job), taken_over=False)
        return True

    def _limited_for(self, flight: Flight) -> float:
        now = time.monotonic()
        if any(other.number for other in self._flights if other is not flight):
            self._limited_since = None  # by what is in the queue: room comes when it ends
            return 0.0
        self._limited_since = self._limited_since or now
        return now - self._limited_since

    def _reported(self, flight: Flight, outcome: Outcome, known: JobState | None, now: float) -> Result | None:
        instead = None
        if outcome.misfit and not self._stopping.is_set():
            other = self._ledger.retry_elsewhere(flight.attempt, outcome)
            if other is not None:
                self._flights[self._flights.index(flight)] = Flight(other, taken_over=False)
                return None
        if outcome.ended_by == "slurm" and not self._stopping.is_set():
            if (known is None or not known.ended) and flight.gone_for(now) < self._bound_of(known):
                return None  # why it was ended, Slurm says in a moment
            if known is not None and known.state in verdicts.TELLING:
                instead = self._verdict(flight, known)
        flight.follow_to_the_end(self._ledger)
        return self._ledger.collect(flight.attempt, outcome, instead)

    def _by_queue(self, flight: Flight, known: JobState | None, now: float) -> Result | None:
        """Of a job that has reported nothing: whether it will not any more."""
        if known is not None and known.hopeless:
            return self._given_up(flight, verdicts.hopeless(known)) if flight.gone_for(now) >= self._grace_s else None
        if known is not None and not known.ended and not known.cleaning:
            flight.gone_since = None
            self._queue.say_wait(known)
            return None
        if flight.gone_for(now) < self._bound_of(known):
            return None
        if known is None and flight.started is None and not flight.forgotten:
            flight.forgotten, flight.doubtful, flight.gone_since = True, True, None
            self._say(f"Slurm has forgotten its job {flight.number} ({flight.job.id}), which had not begun: once more")
            return None
        return self._given_up(flight, self._verdict(flight, known))

    def _bound_of(self, known: JobState | None) -> float:
        """How long a job that is over is waited for: longer while the site cleans up behind it."""
        return self._patience_s if known is not None and known.cleaning else self._grace_s

    def _stopped(self, flight: Flight, known: JobState | None, now: float) -> Result | None:
        """The report of a job that was stopped is waited for, but not for long."""
        never = flight.started is None and (flight.submitted_at is None or (known is not None and known.ended))
        if never or now - self._stopped_at > self._grace_s:
            return self._given_up(flight, verdicts.stopped(flight.started is not None))
        if known is not None and not known.ended and flight.gone_for(now) > 1:  # submitted while it was being stopped
            flight.gone_since = now
            self._unwanted.append(known.number)
        return None

    def _given_up(self, flight: Flight, verdict: tuple[Status, str]) -> Result:
        flight.attempt.give_up()
        if flight.number:
            self._unwanted.append(flight.number)
        return self._ledger.close(flight.job, flight.attempt, verdict)

    def _verdict(self, flight: Flight, known: JobState | None) -> tuple[Status, str]:
        limit = self._ledger.time_limit(flight.job)
        return verdicts.by_slurm(known, flight.number, limit, flight.attempt.last_words())
