"""Many stub jobs in containers in one run, with random faults from inside and outside: is anything lost, does it grow?

    python -m tests.soak.jobs [JOBS] [SEED]        default: 500 jobs, seed 2026

The run has an engine and a disk of its own. From outside come, at random: a container that is killed or removed, an
engine that is killed and started again, a disk without room, and an orchestrator that is killed. A run that ends with
it is resumed, as its user would. Needs root.

Prints one JSON object: rows by status, what was done to it, and the orchestrator's memory, descriptors and threads.
"""

from __future__ import annotations

import contextlib
import json
import os
import random
import signal
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from orchestrator import __version__
from orchestrator.errors import HostError
from orchestrator.model import image_name
from orchestrator.results.folder import RunFolder
from orchestrator.results.verify import verified
from orchestrator.stacks.images import engine
from tests.fakes.disks import filled, small_disk
from tests.fakes.own_engine import OwnEngine, hand_over
from tests.fakes.runs import STACK, Bench, rows_of, stub_image, torn_files, wait_for

PAGE_MB = os.sysconf("SC_PAGE_SIZE") / 2**20
#: How often each fault is drawn.
SHARES = {"container": 20, "engine": 2, "disk": 1, "kill": 2}


class Gauge(threading.Thread):
    """Memory (MiB), descriptors and threads of the orchestrator, whichever process that is, every half second."""

    def __init__(self, results: Path) -> None:
        super().__init__(daemon=True)
        self._results = results
        self.pid = 0
        #: (process, jobs done so far, memory, descriptors, threads)
        self.readings: list[tuple[int, ...]] = []

    def run(self) -> None:
        while True:
            pid, done = self.pid, len(list(self._results.glob("2*/jobs/*/result.json")))
            with contextlib.suppress(OSError):
                resident = round(int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * PAGE_MB)
                counts = [len(os.listdir(f"/proc/{pid}/{name}")) for name in ("fd", "task")]  # noqa: PTH208
                self.readings.append((pid, done, resident, *counts))
            time.sleep(0.5)

    def figures(self) -> dict[str, Any]:
        """Of the process that saw most jobs: medians over the second and the last tenth of those, and the most of all.

        What is warm by then should not grow.
        """
        seen: dict[int, list[int]] = {}
        for pid, done, *_ in self.readings:
            seen.setdefault(pid, []).append(done)
        longest = max(seen, key=lambda pid: seen[pid][-1] - seen[pid][0])
        first, jobs = seen[longest][0], seen[longest][-1] - seen[longest][0]
        its = [(reading[1] - first, reading) for reading in self.readings if reading[0] == longest]
        early = [reading for done, reading in its if 0.1 * jobs <= done < 0.2 * jobs] or self.readings
        late = [reading for done, reading in its if 0.9 * jobs <= done < jobs] or self.readings
        figures: dict[str, Any] = {"processes": len(seen), "jobs_of_the_longest": jobs}
        for i, name in ((2, "rss_mb"), (3, "descriptors"), (4, "threads")):
            one, other = (round(statistics.median(reading[i] for reading in part), 1) for part in (early, late))
            figures[name] = {"early": one, "late": other, "most": max(reading[i] for reading in self.readings)}
        return figures


class Saboteur(threading.Thread):
    """Does something bad now and then, behind the orchestrator's back."""

    def __init__(self, bench: Bench, own: OwnEngine, draw: random.Random, pause_s: float) -> None:
        super().__init__(daemon=True)
        self._bench = bench
        self._own = own
        self._draw = draw
        self._pause_s = pause_s
        self.process: subprocess.Popen[str] | None = None
        self.done = threading.Event()
        self.did: Counter[str] = Counter()
        #: Held while something is broken: no run is begun then.
        self.broken = threading.Lock()

    def run(self) -> None:
        faults: dict[str, Callable[[], None]] = {
            "container": self._container, "engine": self._engine, "disk": self._disk, "kill": self._kill,
        }  # fmt: skip
        while not self.done.wait(self._draw.uniform(0.5, 1.5) * self._pause_s):
            (name,) = self._draw.choices(list(SHARES), list(SHARES.values()))
            with self.broken:
                if self._goes_on():
                    faults[name]()

    def _goes_on(self) -> bool:
        return self.process is not None and self.process.poll() is None and bool(self._bench.runs)

    def _container(self) -> None:
        with contextlib.suppress(Exception):
            container = self._own.client().containers.list(filters=of_run(self._bench.runs[0]), ignore_removed=True)[0]
            container.remove(force=True) if self._draw.random() < 0.5 else container.kill()
            self.did["container"] += 1

    def _engine(self) -> None:
        self._own.kill()
        self.did["engine"] += 1
        time.sleep(1)
        self._own.start()

    def _disk(self) -> None:
        """Until the run has ended with it; one that writes nothing meanwhile is left alone after a while."""
        assert self.process is not None
        with filled(self._bench.out), contextlib.suppress(AssertionError):
            self.did["disk"] += 1
            wait_for(lambda: not self._goes_on(), 20)

    def _kill(self) -> None:
        assert self.process is not None
        self.process.send_signal(signal.SIGKILL)
        self.did["kill"] += 1
        wait_for(lambda: not self._goes_on())


def of_run(run: Path) -> dict[str, str]:
    """The filter of a run's containers."""
    return {"label": f"keras-orchestrate.run={run.name}"}


def soak(bench: Bench, own: OwnEngine, jobs: int, seed: int, pause_s: float = 15.0) -> dict[str, Any]:
    """One run of `jobs` jobs, resumed until it is whole. Raises AssertionError where something is lost or left."""
    gauge, saboteur = Gauge(bench.out), Saboteur(bench, own, random.Random(seed), pause_s)
    gauge.start()
    saboteur.start()
    words: list[object] = [*bench.run("--launcher", "docker", "--repeats", jobs, "--seed", seed, "--memory", "256m")]
    ends: Counter[int] = Counter()
    while not ends[1]:
        with saboteur.broken:
            saboteur.process = process = bench.start(*words)
            gauge.pid = process.pid
        stdout, stderr = process.communicate()
        ends[process.returncode] += 1
        assert process.returncode in (1, HostError.exit_code, -signal.SIGKILL), stderr[-2000:]
        assert "Traceback" not in stderr, stderr[-3000:]
        assert ends[HostError.exit_code] <= saboteur.did["disk"] + saboteur.did["engine"], stderr[-2000:]
        words = ["run", "--resume", bench.runs[0], "--no-build"] if bench.runs else words
    saboteur.done.set()
    saboteur.join()
    rows = rows_of(stdout)
    (run,) = bench.runs
    assert len(rows) == jobs == len({row["job_id"] for row in rows})
    assert torn_files(run) == []
    assert {state for _, state in verified(RunFolder.open(run))} == {"ok"}
    assert not list(run.glob("jobs/*/out"))
    assert own.client().containers.list(all=True, filters=of_run(run), ignore_removed=True) == []
    statuses = Counter(row["status"] for row in rows)
    return {"jobs": jobs, "done_to_it": saboteur.did, "ends": ends, "statuses": statuses, **gauge.figures()}


@contextlib.contextmanager
def surroundings(folder: Path, disk_mb: int) -> Iterator[tuple[Bench, OwnEngine]]:
    """A bench whose results lie on a disk of their own, and its engine, which has the stack's image."""
    ready, own = engine.connect(), OwnEngine(folder / "engine")
    stub_image(ready)
    own.folder.mkdir()
    known = os.environ.get("DOCKER_HOST")
    try:
        own.start()
        hand_over(ready, own.host, image_name(STACK, "cpu", __version__))
        os.environ["DOCKER_HOST"] = own.host
        with small_disk(folder / "results", f"{disk_mb}m"):
            yield Bench(folder, ["dice"], timeout_s=4), own
    finally:
        os.environ.pop("DOCKER_HOST", None)
        os.environ.update({"DOCKER_HOST": known} if known else {})
        own.stop()


def main(jobs: int = 500, seed: int = 2026) -> None:
    with tempfile.TemporaryDirectory(prefix="keras-orchestrate-soak-") as folder:
        began = time.monotonic()
        # Logs are cut off at 16 MiB, and a twentieth of the jobs write so much.
        with surroundings(Path(folder), 128 + jobs) as (bench, own):
            figures = soak(bench, own, jobs, seed)
        print(json.dumps({**figures, "seed": seed, "seconds": round(time.monotonic() - began)}))


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
