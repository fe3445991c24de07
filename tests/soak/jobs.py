"""Many stub jobs in containers in one run, with random faults from inside and outside: does the orchestrator grow?

    python -m tests.soak.jobs [JOBS] [SEED]        default: 500 jobs, seed 2026

Prints one JSON object: rows by status, and the orchestrator's memory, descriptors and threads over the run.
"""

from __future__ import annotations

import contextlib
import json
import os
import random
import statistics
import sys
import tempfile
import threading
import time
from collections import Counter
from pathlib import Path
from typing import Any

from orchestrator.results.folder import RunFolder
from orchestrator.results.verify import verified
from orchestrator.stacks.images import engine
from tests.fakes.runs import Bench, rows_of, torn_files

PAGE_MB = os.sysconf("SC_PAGE_SIZE") / 2**20


class Gauge(threading.Thread):
    """Memory (MiB), descriptors and threads of a process, with the jobs done so far, every half second."""

    def __init__(self, pid: int, results: Path) -> None:
        super().__init__(daemon=True)
        self._proc = Path(f"/proc/{pid}")
        self._results = results
        self.readings: list[tuple[int, float, int, int]] = []

    def run(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                done = len(list(self._results.glob("2*/jobs/*/result.json")))
                resident = int((self._proc / "statm").read_text().split()[1]) * PAGE_MB
                counts = [len(os.listdir(self._proc / name)) for name in ("fd", "task")]  # noqa: PTH208
                self.readings.append((done, resident, *counts))
                time.sleep(0.5)

    def figures(self, jobs: int) -> dict[str, Any]:
        """Medians over the second and the last tenth of the jobs: what is warm by then should not grow."""
        figures: dict[str, Any] = {}
        early = [r for r in self.readings if 0.1 * jobs <= r[0] < 0.2 * jobs]
        late = [r for r in self.readings if 0.9 * jobs <= r[0] < jobs]
        for i, name in ((1, "rss_mb"), (2, "descriptors"), (3, "threads")):
            medians = [
                round(statistics.median(r[i] for r in part), 2)
                for part in (early or self.readings, late or self.readings)
            ]
            figures[name] = {
                "early": medians[0],
                "late": medians[-1],
                "most": round(max(r[i] for r in self.readings), 2),
            }
        return figures


class Saboteur(threading.Thread):
    """Kills or removes a running container now and then, behind the orchestrator's back."""

    def __init__(self, results: Path, draw: random.Random, pause_s: float) -> None:
        super().__init__(daemon=True)
        self._results = results
        self._draw = draw
        self._pause_s = pause_s
        self.done = threading.Event()
        self.count = 0

    def run(self) -> None:
        client = engine.connect()
        while not self.done.wait(self._draw.uniform(0.5, 1.5) * self._pause_s):
            with contextlib.suppress(Exception):
                (run,) = self._results.glob("2*")
                mine = {"label": f"keras-orchestrate.run={run.name}"}
                container = client.containers.list(filters=mine)[0]
                container.remove(force=True) if self._draw.random() < 0.5 else container.kill()
                self.count += 1


def soak(bench: Bench, jobs: int, seed: int, pause_s: float = 15.0) -> dict[str, Any]:
    """One run of `jobs` jobs. Raises AssertionError where something is lost, left or grows."""
    process = bench.start(*bench.run("--launcher", "docker", "--repeats", jobs, "--seed", seed, "--memory", "256m"))
    gauge, saboteur = Gauge(process.pid, bench.out), Saboteur(bench.out, random.Random(seed), pause_s)
    gauge.start()
    saboteur.start()
    stdout, stderr = process.communicate()
    saboteur.done.set()
    saboteur.join()
    rows = rows_of(stdout)
    assert process.returncode == 1, stderr[-2000:]
    assert len(rows) == jobs == len({row["job_id"] for row in rows})
    (run,) = bench.runs
    assert torn_files(run) == []
    assert {state for _, state in verified(RunFolder.open(run))} == {"ok"}
    assert not list(run.glob("jobs/*/out"))
    ours = {"label": f"keras-orchestrate.run={run.name}"}
    assert engine.connect().containers.list(all=True, filters=ours) == []
    figures = {"jobs": jobs, "sabotaged": saboteur.count, "statuses": Counter(row["status"] for row in rows)}
    return {**figures, **gauge.figures(jobs)}


def main(jobs: int = 500, seed: int = 2026) -> None:
    with tempfile.TemporaryDirectory(prefix="keras-orchestrate-soak-") as folder:
        began = time.monotonic()
        figures = soak(Bench(Path(folder), ["dice"], timeout_s=4), jobs, seed)
        print(json.dumps({**figures, "seed": seed, "seconds": round(time.monotonic() - began)}))


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
