"""Reads the events of a job: JSON lines of a program that is not trusted, while they are written."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TypedDict

import msgspec

from orchestrator import doors
from orchestrator.model import RawEvent
from orchestrator.results.job_events import KINDS, PhaseEvent, number, read

#: Bytes, number and values of the events of one job; what exceeds them is ignored. No workload comes near any.
EVENTS_LIMIT = 16 * 2**20
COUNT_LIMIT = 100_000
VALUES_LIMIT = 500_000
#: Values of one event: in memory each costs a hundred times the byte that it is on the line.
LINE_VALUES = 1_000
LINE_LIMIT = 2**20
CHUNK = 8 * 2**20
#: Lists and objects nested deeper than this could exhaust the stack when they are written as JSON again.
DEPTH_LIMIT = 32

_decode = msgspec.json.Decoder(RawEvent).decode


class Reported(TypedDict):
    """The fields of a `Result` that come from the job itself."""

    start: RawEvent
    data: RawEvent
    ready: RawEvent
    phases: dict[str, float]
    epochs: list[RawEvent]
    fits: list[RawEvent]
    calls: list[RawEvent]
    outputs: list[RawEvent]
    end: RawEvent
    error: RawEvent


class EventTail:
    """Follows a growing file of events. Half a line waits for its end; unreadable lines are counted in `bad`.

    Events of kinds that this project does not know are left out, and so is what is no plain file. `full`: the job wrote
    more than the limits allow, and the rest was ignored.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._offset = 0
        self._rest = b""
        self._skipping = False
        self._count = 0
        self._values = 0
        self.bad = 0
        self.full = False

    def read(self, last: bool = False) -> list[RawEvent]:
        """The events completed since the last call; `last` also takes an unfinished line as it is."""
        events = []
        while chunk := self._chunk():
            events += self._take(chunk)
        return events + self._take(b"\n") if last else events

    def _take(self, chunk: bytes) -> list[RawEvent]:
        lines = (self._rest + chunk).split(b"\n")
        self._rest = lines.pop()
        if self._skipping and lines:
            lines, self._skipping = lines[1:], False
        if len(self._rest) > LINE_LIMIT:
            self.bad += not self._skipping
            self._rest, self._skipping = b"", True
        return [event for line in lines if (event := self._event(line)) is not None]

    def _chunk(self) -> bytes:
        room = EVENTS_LIMIT - self._offset
        try:
            descriptor = doors.open_file(self._path)
        except (OSError, doors.Refused):
            return b""
        try:
            if self.full:
                return b""
            data = os.pread(descriptor, min(room, CHUNK), self._offset)
            self.full = room <= 0 and os.fstat(descriptor).st_size > self._offset
        finally:
            os.close(descriptor)
        self._offset += len(data)
        return data

    def _event(self, line: bytes) -> RawEvent | None:
        if self.full or not line.strip():
            return None
        event = decode_event(line) if len(line) <= LINE_LIMIT else None
        if event is None:
            self.bad += 1
            return None
        self._count += 1
        if event["event"] not in KINDS:  # it says nothing to anybody, and would be kept to the end of the job
            return None
        self._values += values(event)
        if self._count > COUNT_LIMIT or self._values > VALUES_LIMIT:
            self.full = True
            return None
        return event


def decode_event(line: bytes) -> RawEvent | None:
    """One line as an event that can be calculated with and written down again, or None where it is none."""
    try:
        event = _decode(line)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None
    if not isinstance(event.get("event"), str) or number(event.get("t")) is None:
        return None
    return event if plain(event) and values(event) <= LINE_VALUES else None


def sort_events(events: list[RawEvent]) -> Reported:
    """The events by kind, as a `Result` keeps them; of several `start`, `end` or `error` events the last."""
    found = Reported(start={}, data={}, ready={}, phases={}, epochs=[], fits=[], calls=[], outputs=[], end={}, error={})
    for event in events:
        match event["event"]:
            case "start" | "data" | "ready" | "end" | "error" as kind:
                found[kind] = event
            case "epoch_end":
                found["epochs"].append(event)
            case "fit":
                found["fits"].append(event)
            case "calls":
                found["calls"].append(event)
            case "output":
                found["outputs"].append(event)
            case "phase":
                phase = read(PhaseEvent, event)
                if phase.seconds is not None:
                    found["phases"][str(phase.name)] = float(phase.seconds)
    return found


def values(value: object) -> int:
    """How many values there are in a decoded value that is not too deep, those that hold others included."""
    if isinstance(value, dict):
        return 1 + sum(map(values, value.values()))
    if isinstance(value, list):
        return 1 + sum(map(values, value))
    return 1


def plain(value: object, depth: int = 0) -> bool:
    """Whether a decoded value is no deeper than DEPTH_LIMIT and has no integer that a float cannot hold."""
    if depth > DEPTH_LIMIT:
        return False
    if isinstance(value, dict):
        return all(plain(item, depth + 1) for item in value.values())
    if isinstance(value, list):
        return all(plain(item, depth + 1) for item in value)
    return not isinstance(value, int) or -(2**63) <= value < 2**64
