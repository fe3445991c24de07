"""What a job costs more on a Slurm cluster than on this host: on two-node Slurm of Debian's packages, here.

    python -m tests.bench.cluster --jobs 12 --rounds 3
    python -m tests.bench.cluster --many 600        one run of so many jobs on the cluster: its memory and its queue

The same stub jobs, one at a time on one stub GPU, under the process launcher, local and on the cluster in turn.
`overhead`: from the begin of a job's record to its end on record, less the time that the job itself ran. `period`:
from one job's launch to the next one's.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections import Counter
from datetime import datetime
from itertools import pairwise
from pathlib import Path

from tests.fakes import roots
from tests.fakes.slurm_cluster import SlurmCluster, missing

KINDS = ("local", "cluster, one job at a time in the queue", "cluster, all jobs in the queue")
QUEUES = dict(zip(KINDS, (0, 1, 64), strict=True))


def command(kind: str, cluster: SlurmCluster, place: Path, jobs: int, out: Path) -> tuple[list[str], dict[str, str]]:
    """A run of so many jobs: its words and its environment."""
    wish = {"version": 1, "launcher": "process", "device": "gpu", "scale": "smoke", "threads": 1, "repeats": jobs}
    wish |= {"workloads": ["good"], "stacks": ["stub-today"]}
    if kind != "local":
        wish |= {"executor": "slurm"}
        wish |= {"slurm": {"python": str(cluster.python), "gpu_type": "h100", "queue": QUEUES[kind]}}
    config = out.with_suffix(".json")
    config.write_text(json.dumps(wish))
    argv = [sys.executable, "-m", "orchestrator", "run", "--config", str(config), "--root", str(place / "root")]
    argv += ["--data-dir", str(place / "data"), "--no-fetch", "--json", "--out", str(out)]
    environment = cluster.nodes["n2"].environment if kind == "local" else cluster.environment
    return argv, {**environment, "XDG_CACHE_HOME": str(place / "cache")}


def many(cluster: SlurmCluster, place: Path, jobs: int, out: Path) -> None:
    """Prints what one long run holds: memory of its first and its last tenth, and the most jobs of it in the queue."""
    argv, environment = command(KINDS[2], cluster, place, jobs, out)
    begun, readings, most = time.monotonic(), [], 0
    with subprocess.Popen(argv, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
        while process.poll() is None:
            done = len(list(out.glob("2*/jobs/*/result.json")))
            with contextlib.suppress(OSError, ValueError, StopIteration):
                lines = Path(f"/proc/{process.pid}/status").read_text().splitlines()
                resident = next(int(line.split()[1]) / 1024 for line in lines if line.startswith("VmRSS:"))
                readings.append((done, resident))
                most = max(most, len(cluster.jobs("running,pending")))
            time.sleep(1)
    rows = [json.loads(path.read_text())["status"] for path in out.glob("2*/jobs/*/result.json")]
    early = [memory for done, memory in readings if 0 < done <= jobs / 10]
    late = [memory for done, memory in readings if 0.9 * jobs < done < jobs]
    print(f"{jobs} jobs: {time.monotonic() - begun:.0f} s, exit code {process.returncode}, {dict(Counter(rows))}")
    print(f"memory, MiB: {statistics.median(early):.0f} in the first tenth, {statistics.median(late):.0f} in the last")
    print(f"most jobs in Slurm's queue, those that it was still ending among them: {most} (bound {QUEUES[KINDS[2]]})")


def run(kind: str, cluster: SlurmCluster, place: Path, jobs: int, out: Path) -> tuple[list[float], list[float]]:
    """Overheads and periods of one run, seconds."""
    argv, environment = command(kind, cluster, place, jobs, out)
    done = subprocess.run(argv, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    launched, overheads = [], []
    for folder in out.glob("2*/jobs/*"):
        result = json.loads((folder / "result.json").read_text())
        begun, recorded = ((folder / name).stat().st_mtime for name in ("job.json", "result.json"))
        overheads.append(recorded - begun - (result["exited_t"] - result["launched_t"]))
        launched.append(datetime.fromisoformat(result["started"]).timestamp())
    launched.sort()
    return overheads, [b - a for a, b in pairwise(launched)]


def bare(cluster: SlurmCluster, folder: Path, jobs: int) -> list[float]:
    """From the call of sbatch to the first line of a script that does nothing else: what Slurm itself takes."""
    waits = []
    for number in range(jobs):
        mark = folder / f"mark-{number}"
        begun = time.time()
        cluster.ask(
            "sbatch", "--gres=gpu:h100:1", "--output=/dev/null", f"--wrap=date +%s.%N >{mark}.new; mv {mark}.new {mark}"
        )
        while not mark.exists():
            time.sleep(0.01)
        waits.append(float(mark.read_text()) - begun)
        mark.unlink()
        while cluster.jobs("running,pending,completing"):
            time.sleep(0.02)
    return waits


def spread(values: list[float]) -> str:
    return f"{statistics.median(values):6.2f} s  ({min(values):.2f} to {max(values):.2f}, n = {len(values)})"


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--jobs", type=int, default=12)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--many", type=int, help="one run of so many jobs on the cluster, and nothing else")
    wish = parser.parse_args()
    if missing():
        print(f"no cluster can be started here: {missing()}", file=sys.stderr)
        return 3
    folder = Path(tempfile.mkdtemp(prefix="kbo-"))
    place = folder / "place"
    roots.make_gpu_root(place / "root", ["good"])
    roots.make_data(place / "data")
    cluster = SlurmCluster(folder / "c")
    waits: list[float] = []
    figures: dict[str, tuple[list[float], list[float]]] = {kind: ([], []) for kind in KINDS}
    try:
        cluster.start()
        if wish.many:
            run(KINDS[2], cluster, place, 2, folder / "first")  # it makes the stack's environment
            many(cluster, place, wish.many, folder / "many")
            return 0
        for turn in range(wish.rounds + 1):  # the first makes the stack's environment, and is not counted
            for number, kind in enumerate(KINDS):
                jobs = wish.jobs if turn else 2
                found = run(kind, cluster, place, jobs, folder / f"{turn}-{number}")
                if turn:
                    for known, new in zip(figures[kind], found, strict=True):
                        known.extend(new)
            waits += bare(cluster, folder, wish.jobs) if turn else []
    finally:
        cluster.stop()
        shutil.rmtree(folder, ignore_errors=True)
    print(f"{'bare':9} {'Slurm alone, sbatch to the first line':42} {spread(waits)}")
    local = [statistics.median(values) for values in figures["local"]]
    for i, what in ((0, "overhead"), (1, "period")):
        for kind in KINDS:
            if (what, kind) == ("overhead", KINDS[2]):
                continue  # it would hold the wait for the jobs before
            median = statistics.median(figures[kind][i])
            more = "" if kind == "local" else f"   {median - local[i]:+.2f} s, {median / local[i]:.1f} times local"
            print(f"{what:9} {kind:42} {spread(figures[kind][i])}{more}")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
