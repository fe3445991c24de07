"""Runs one job under a launcher, samples it from outside, and turns what happened into its result."""

from __future__ import annotations

import contextlib
import datetime
import os
import re
import signal
import threading
import time
from collections.abc import Callable
from pathlib import Path

import msgspec

from orchestrator import doors
from orchestrator.files import is_full, last_line
from orchestrator.host.cores import Cores
from orchestrator.launchers.launcher import Launcher, Probe
from orchestrator.measure.cpu_energy import CpuMeter
from orchestrator.measure.events import EventTail, sort_events
from orchestrator.model import OWN_DATA, Device, Exit, Fingerprint, Job, Launch, RawEvent, Result, Sample, Status
from orchestrator.results import leftovers
from orchestrator.results.folder import OUT
from orchestrator.results.job_events import DataEvent, EpochEvent, ErrorEvent, diverged, read
from orchestrator.text import one_line

EVENTS = "events.jsonl"
SAMPLES = "samples.jsonl"
LOG = "log.txt"
#: What libraries call it that there is no memory left, of the host or of a GPU.
NO_MEMORY = re.compile(
    r"out of memory|OutOfMemory|RESOURCE_EXHAUSTED|ResourceExhausted|MemoryError|bad_alloc|can't allocate memory"
    r"|Unable to allocate \d",
    re.IGNORECASE,
)

OnEvent = Callable[[Job, RawEvent], None]


class Watcher:
    """Samples a running job at fixed times in a thread of its own, and passes its events on as they come."""

    def __init__(self, job: Job, device: Device, folder: Path, on_event: OnEvent, interval_s: float) -> None:
        self._job = job
        self._device = device
        self._cores = Cores(device.cores)
        self.meter = CpuMeter()
        self._on_event = on_event
        self._interval_s = interval_s
        self._tail = EventTail(folder / OUT / EVENTS)
        self._samples = os.fdopen(doors.create(folder / SAMPLES), "wb", buffering=0)
        self._probe: Probe | None = None
        self._done = threading.Event()
        self._thread = threading.Thread(target=self._loop, daemon=True)
        self.events: list[RawEvent] = []
        self.notes: list[str] = []
        #: The job's CPU quota, None for none; empty where nothing is known of it.
        self.quota: tuple[float | None, ...] = ()
        #: Samples that could not be written down.
        self.lost = 0

    @property
    def bad_lines(self) -> int:
        return self._tail.bad

    @property
    def remarks(self) -> list[str]:
        """Problems with samples and events, in words; they are appended to the reason of the result."""
        notes = list(self.notes)
        if self._tail.bad:
            notes.append(f"{self._tail.bad} unreadable event lines ignored")
        if self._tail.full:
            notes.append("it wrote more events than any workload does: the rest was ignored")
        if self.lost:
            notes.append(f"{self.lost} samples could not be written")
        return notes

    def watch(self, probe: Probe) -> None:
        """Start sampling; the launcher calls this once the job runs."""
        self._probe = probe
        self._thread.start()

    def close(self) -> None:
        self._done.set()
        if self._thread.ident:
            self._thread.join()
        self._pass_on(last=True)
        self._samples.close()

    def _loop(self) -> None:
        due = time.monotonic()
        while not self._done.is_set():
            self._sample()
            self._pass_on()
            self.meter.keep_up()
            due = max(due + self._interval_s, time.monotonic())
            self._done.wait(due - time.monotonic())

    def _sample(self) -> None:
        usage = self._probe() if self._probe else None
        if usage is not None:
            seen = msgspec.structs.asdict(usage)
            quota = seen.pop("cpu_quota")
            # Whoever cannot see the job's threads asks an engine elsewhere, whose cores are not those of this host.
            if usage.throttled_s is not None or usage.wait_s is not None:
                self.quota = (quota,)
                use = self._cores.read()
                seen |= msgspec.structs.asdict(use) if use else {}
            sample = Sample(t=time.monotonic(), device=self._device.name, **seen)
            try:
                self._samples.write(msgspec.json.encode(sample) + b"\n")
            except OSError:  # a full disk: the job may be what fills it, so its end is awaited
                self.lost += 1

    def _pass_on(self, last: bool = False) -> None:
        for event in self._tail.read(last):
            self.meter.hear(event)
            self.events.append(event)
            self._on_event(self._job, event)


def measure(
    job: Job,
    device: Device,
    *,
    launcher: Launcher,
    folder: Path,
    run_id: str,
    identify: Callable[[Job, Device, Launch], Fingerprint],
    on_event: OnEvent,
    interval_s: float = 0.2,
) -> Result:
    """Run `job` until it ends, times out or is stopped. `folder` is its own; afterwards it holds the raw figures.

    `identify` says what the job was run with, `on_event` gets its events as they come, `interval_s` is the time
    between two samples. Raises OSError if a file cannot be written, and nothing for what the job does.
    """
    doors.make(folder)
    out = leftovers.close(folder)
    launch = launcher.describe(job, device, out)
    watcher = Watcher(job, device, folder, on_event, interval_s)
    started, launched_t = _now(), time.monotonic()
    try:
        exit_ = launcher.launch(job, device, out, folder / LOG, watcher.watch)
    finally:
        watcher.close()
    exited_t = time.monotonic()
    if is_full(folder.parent):
        watcher.notes.append("the disk was full when it ended")
    _keep_events(folder, watcher.events)
    reported = sort_events(watcher.events)
    identity = identify(job, device, launch)
    for quota in watcher.quota:
        identity = msgspec.structs.replace(identity, cpu_quota=quota)
    status, reason = verdict(job, exit_, watcher.events, watcher.remarks, folder / LOG)
    seen = read(DataEvent, reported["data"])
    if seen.kind == "own":  # whatever was planned for it
        identity = msgspec.structs.replace(identity, data_sha256=OWN_DATA.sha256, data_kind=OWN_DATA.kind)
    elif status == "ok" and job.dataset is not None and seen.sha256 != identity.data_sha256:
        status = "failed"
        reason = f"the data changed: planned sha256 {identity.data_sha256}, the job read {seen.sha256}"
    return Result(
        run_id=run_id,
        job=job,
        status=status,
        reason=reason,
        exit_code=exit_.code,
        started=started,
        ended=_now(),
        launched_t=launched_t,
        exited_t=exited_t,
        fingerprint=identity,
        bad_event_lines=watcher.bad_lines,
        cpu_energy=watcher.meter.told() if watcher.quota else None,  # else its processors may be another host's
        **reported,
    )


def verdict(job: Job, exit_: Exit, events: list[RawEvent], remarks: list[str], log: Path) -> tuple[Status, str]:
    """Status of a job that was launched, and the reason in words, followed by the remarks.

    A job whose loss or accuracy was no finite number is `failed`, so nothing that it measured can win or be compared.
    """
    status, reason = _verdict(job, exit_, events, log)
    if status == "failed" and exit_.code and any(e["event"] == "error" for e in events) and NO_MEMORY.search(reason):
        status = "oom"
    odd = diverged([read(EpochEvent, event) for event in events if event["event"] == "epoch_end"])
    if status == "ok" and odd:  # it did not do the work that the others did, however fast it was
        status = "failed"
    return status, one_line("; ".join(filter(None, [reason, odd, *remarks])), 1000)


def _verdict(job: Job, exit_: Exit, events: list[RawEvent], log: Path) -> tuple[Status, str]:
    kinds = [event["event"] for event in events]
    last_error = next((read(ErrorEvent, e) for e in reversed(events) if e["event"] == "error"), None)
    if exit_.cancelled:
        return "cancelled", "stopped by the user while it ran"
    if exit_.timed_out:
        return "timeout", f"not finished after {job.timeout_s} s; killed"
    if exit_.oom:
        return "oom", "the kernel killed it: out of memory"
    if exit_.error:
        return "failed", exit_.error
    if exit_.code != 0:
        return "failed", _failed_because(exit_.code, last_error, log)
    if "end" not in kinds:
        return "failed", "exited 0 without a result (no end event)"
    if job.mode != "train":
        return ("ok", "") if "calls" in kinds else ("failed", "ended without a timed call")
    ended = kinds.count("epoch_end")
    if job.variant == "own":  # it may stop early, by a callback of its own
        return ("ok", "") if ended else ("failed", "ended without training")
    if ended != job.epochs:
        return "failed", f"reported {ended} epochs of {job.epochs}"
    return "ok", ""


def _failed_because(code: int | None, error: ErrorEvent | None, log: Path) -> str:
    if error is not None:
        return one_line(f"{error.type}: {error.message}")
    words = f"exit code {code}"
    if code is not None and code > 128:
        with contextlib.suppress(ValueError):
            words += f" ({signal.Signals(code - 128).name})"
    line = last_line(log)
    return one_line(f"{words}: {line}" if line else words)


def _keep_events(folder: Path, events: list[RawEvent]) -> None:
    """Delete the folder that the job could write to, and write the accepted events to events.jsonl.

    The folder is removed first, as the job may have filled the disk.
    """
    leftovers.remove(folder)
    with os.fdopen(doors.create(folder / EVENTS), "wb") as file:
        for event in events:
            file.write(msgspec.json.encode(event) + b"\n")


def _now() -> str:
    return datetime.datetime.now(datetime.timezone.utc).isoformat(timespec="milliseconds")
