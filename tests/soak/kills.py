"""Kills a run of stub jobs at random moments, resumes it each time, and looks whether anything was lost or torn.

python -m tests.soak.kills [KILLS] [SEED]        default: 100 kills, seed 2026
"""

from __future__ import annotations

import json
import random
import sys
import tempfile
import time
from pathlib import Path

from orchestrator.results.folder import RunFolder
from orchestrator.results.manifest import MANIFEST
from orchestrator.results.verify import verified
from tests.fakes.runs import Bench, kill, torn_files, wait_for

WORKLOADS = ["good", "exit1", "raises", "garbage", "silent", "daemon_short"]


def kill_and_resume(bench: Bench, kills: int, draw: random.Random, most_s: float = 1.5) -> dict[str, int]:
    """Until `kills` kills have hit a run while it went on. A run that ends before its kill is checked, and the next
    begun. A kill comes 0 to `most_s` seconds after the orchestrator took up the run. Raises AssertionError.
    """
    figures = {"kills": 0, "runs": 0, "rows": 0, "attempts_most": 0}
    words = bench.run("--repeats", 2)
    while figures["kills"] < kills:
        known = len(bench.runs)
        process = bench.start(*words)
        resumed = "--resume" in words
        if draw.random() < 0.9:  # else at any moment of its start
            wait_for(lambda p=process, k=known, r=resumed: p.poll() is not None or len(bench.runs) > k or r)
        time.sleep(draw.uniform(0.0, most_s) + resumed * draw.uniform(0.0, most_s))
        hit = process.poll() is None
        kill(process)
        wait_for(lambda: not bench.processes(), 20)  # the jobs must go with it
        figures["kills"] += hit
        words = after(bench, figures)
    for run in bench.runs:
        if not (run / MANIFEST).exists():
            code, _, stderr = bench.finish("run", "--resume", run)
            assert code == 1, stderr
            check_whole(run, figures)
    return figures


def after(bench: Bench, figures: dict[str, int]) -> list[object]:
    """Looks at what a kill left; the words that go on from there."""
    if not bench.runs:
        return list(bench.run("--repeats", 2))
    last = bench.runs[-1]
    assert all(name.endswith(".tmp") for name in torn_files(last)), torn_files(last)
    if (last / MANIFEST).exists():
        check_whole(last, figures)
        return list(bench.run("--repeats", 2))
    return ["run", "--resume", last]


def check_whole(run: Path, figures: dict[str, int]) -> None:
    """Every planned job has one result, every file is as it was written, every event line is of its attempt."""
    folder = RunFolder.open(run)
    plan, results = folder.plan(), folder.results()
    assert set(results) == {job.id for job in plan.planned}
    assert {result.status for result in results.values()} <= {"ok", "failed"}, results
    assert not [result for result in results.values() if "damaged" in result.reason]
    assert torn_files(run) == []
    assert {state for _, state in verified(folder)} == {"ok"}
    for job_id, result in results.items():
        lines = (run / "jobs" / job_id / "events.jsonl").read_bytes().splitlines()
        assert {json.loads(line)["attempt"] for line in lines} <= {result.attempt}
        figures["attempts_most"] = max(figures["attempts_most"], result.attempt)
    figures["runs"] += 1
    figures["rows"] += len(results)


def main(kills: int = 100, seed: int = 2026) -> None:
    with tempfile.TemporaryDirectory(prefix="keras-orchestrate-kills-") as folder:
        began = time.monotonic()
        figures = kill_and_resume(Bench(Path(folder), WORKLOADS), kills, random.Random(seed))
        print(json.dumps({**figures, "seed": seed, "seconds": round(time.monotonic() - began)}))


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
