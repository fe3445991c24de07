"""What many jobs cost: merge, queries, comparison, the list of runs, readings of GPUs, scheduling."""

from __future__ import annotations

import os
import random
import statistics
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

import msgspec

from orchestrator.executors.local.workers import DevicePool
from orchestrator.files import write_atomic
from orchestrator.history.digest import DIGEST, digest
from orchestrator.model import Device, GpuProcess, GpuSample, Job, Result, to_json
from orchestrator.results import gpu_readings
from orchestrator.results.folder import RunFolder
from orchestrator.results.source import read_source
from tests.bench.made_runs import write_runs
from tests.bench.parts import JOB, ROOT, Line, timed

#: Readings of a job on a GPU, and seconds between them.
READINGS, APART_S = 250, 0.2


def merged(scratch: Path, count: int, readings: int, rounds: int) -> Iterator[Line]:
    """Merge of many jobs, and what is asked of the set."""
    folders = [str(folder) for folder in write_runs(scratch / "many", count, readings)]
    many, text = scratch / "set", f"{count:,} jobs"
    bound = "<= 5 s, 250 MB" if count <= 10_000 else f"<= {5 * count / 10_000:g} s, 250 MB"
    yield f"merge of {text} x {readings:,} samples", *_commands(["merge", *folders, "--to", many], rounds), bound
    for what, sql in (
        ("of cells", "select workload, backend, n, epoch_s from cells"),
        ("of samples", "select count(*), max(rss_mb) from samples"),
    ):
        yield f"query {what}, {text}", *_commands(["query", sql, many], rounds), "<= 5 s"
    yield f"compare, {text} with themselves", *_commands(["compare", many, many], 1, (0, 1)), "<= 5 s"


def reported(scratch: Path, rounds: int) -> Iterator[Line]:
    """The report of 2,000 cells."""
    cells = write_runs(scratch / "cells", 2000, 20, repeats=1)
    argv = ["report", *map(str, cells), "--to", scratch / "report"]
    yield "report of 2,000 cells", *_commands(argv, rounds), "opens"
    size = (scratch / "report" / "report.html").stat().st_size / 1e6
    yield "size of that report", f"{size:.1f} MB", "1", ""


def listed(scratch: Path, rounds: int) -> Iterator[Line]:
    """A results folder of 1,000 runs that have ended."""
    (made, *_) = write_runs(scratch / "one", 35, 5, repeats=1)
    write_atomic(made / DIGEST, to_json(digest(RunFolder.open(made).plan(), read_source(made).rows)))
    results = scratch / "results"
    for number in range(1000):
        run = results / f"20260101-000000-{number:04x}"
        run.mkdir(parents=True)
        for name in ("plan.json", DIGEST):
            (run / name).write_bytes((made / name).read_bytes())
        (run / "manifest.json").write_bytes(to_json({"version": 1, "files": {}}))
    yield "`list runs` of 1,000 runs", *_commands(["list", "runs", "--out", results], rounds), "<= 1 s"


def series(scratch: Path, rounds: int) -> Iterator[Line]:
    """Readings of 1,000 jobs, one after another on a GPU beside another GPU, out of one file."""
    run, draw, per_s = scratch / "gpu", random.Random(1), 1 / APART_S
    run.mkdir()
    with gpu_readings.new_spool(run).open("wb") as spool:
        for number in range(1000 * READINGS):
            process = GpuProcess(pid=7, job=JOB.id, memory_mb=1.5)
            for uuid in ("GPU-0", "GPU-1"):
                sample = GpuSample(
                    t=number * APART_S, uuid=uuid, util=100 * draw.random(), power_w=200.0, mem_mb=1000.0,
                    energy_j=40.0 * number, throttle=0, processes=[process],
                )  # fmt: skip
                spool.write(msgspec.json.encode(sample) + b"\n")
    gpu_readings.to_parquet(run)

    def read() -> float:
        begun, seconds = time.process_time(), READINGS / per_s
        with gpu_readings.Series(run) as opened:
            for job in range(1000):
                assert opened.read("GPU-0", job * seconds, (job + 1) * seconds - APART_S / 2)
        return time.process_time() - begun

    found = [read() for _ in range(rounds)]  # of 1,000 jobs in seconds: milliseconds of each
    yield f"{READINGS} readings of a job's GPU", f"{_spread(found)} ms of processor time", f"{rounds}", "<= 2 ms"


def scheduled(jobs: int, devices: int) -> Iterator[Line]:
    """Jobs that only sleep, on simulated devices, against the least time that any schedule needs."""
    draw = random.Random(2017)
    even = [0.2 + 0.6 * ((i * 7919) % 997) / 997 for i in range(jobs)]
    for text, seconds in (
        (f"{jobs:,} simulated jobs on {devices} devices", even),
        ("the same with a few jobs that take far longer", [draw.lognormvariate(-1, 1) for _ in range(jobs)]),
    ):
        took, bound = _makespan(seconds, devices), max(sum(seconds) / devices, *seconds)
        yield text, f"{took:.2f} s, {took / bound:.3f} of the lower bound {bound:.2f} s", "1", "<= 1.02"


def _makespan(seconds: Sequence[float], devices: int) -> float:
    slots = [Device(kind="gpu", name=f"gpu:{i}") for i in range(devices)]
    planned = [msgspec.structs.replace(JOB, repeat=i + 1) for i in range(len(seconds))]
    lock, running = threading.Lock(), set[str]()

    def run(job: Job, device: Device) -> Result:
        with lock:
            assert device.name not in running, "two jobs on one device"
            running.add(device.name)
        time.sleep(seconds[job.repeat - 1])
        with lock:
            running.remove(device.name)
        return Result(run_id="r", job=job, status="ok")

    executor = DevicePool(
        slots,
        run,
        lambda job: Result(run_id="r", job=job, status="cancelled"),
        lambda: None,
        expected=lambda job: seconds[job.repeat - 1],
    )
    return timed(lambda: list(executor.run(planned)))


def _commands(argv: Sequence[object], rounds: int, codes: Sequence[int] = (0,)) -> tuple[str, str]:
    """Seconds, processor seconds and the most memory of all processes of a command together; and how often it ran."""
    found = [_command([*map(str, argv)], codes) for _ in range(rounds)]
    wall, used, memory = zip(*found, strict=True)
    figure = f"{_spread(wall)} s ({_spread(used)} s of processor time), peak {max(memory):.0f} MB"
    return figure, f"{rounds}"


def _command(argv: list[str], codes: Sequence[int]) -> tuple[float, float, float]:
    process = subprocess.Popen([sys.executable, "-m", "orchestrator", *argv], stdout=subprocess.DEVNULL, cwd=ROOT)
    begun, memory, ended = time.monotonic(), [0.0], threading.Event()
    watch = threading.Thread(target=_watch, args=(process.pid, memory, ended))
    watch.start()
    _, status, usage = os.wait4(process.pid, 0)
    seconds = time.monotonic() - begun
    ended.set()
    watch.join()
    assert os.waitstatus_to_exitcode(status) in codes, (argv[:2], status)
    return seconds, usage.ru_utime + usage.ru_stime, max(memory[0], usage.ru_maxrss / 1024)


def _watch(pid: int, most: list[float], ended: threading.Event) -> None:
    """The most memory of a process and its children, MiB; what they share counts once (PSS)."""
    while not ended.wait(0.2):
        total = 0.0
        for each in (pid, *_children(pid)):
            try:
                lines = Path(f"/proc/{each}/smaps_rollup").read_text().splitlines()
            except OSError:
                continue
            total += sum(int(line.split()[1]) for line in lines if line.startswith("Pss:")) / 1024
        most[0] = max(most[0], total)


def _children(pid: int) -> list[int]:
    try:
        return [int(each) for each in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
    except OSError:
        return []


def _spread(values: Sequence[float]) -> str:
    """The median, and the least and the most where there are several."""
    middle = statistics.median(values)
    return f"{middle:.2f}" if len(values) < 2 else f"{middle:.2f}, {min(values):.2f} to {max(values):.2f}"
