"""What it costs that the report is rewritten between the jobs of a run: jobs after a page against jobs after none.

python -m tests.bench.live_page [--pairs 20]

One run of jobs that do a fixed amount of work on their core, with a page before every second one (a real run has far
fewer). Neighbours are a pair, so that slow changes of the host meet both. Prints figures and asserts none.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

from tests.conftest import ROOT
from tests.fakes.roots import make_data, make_root
from tests.fakes.runs import STACK

#: Epochs of a fixed number of steps over memory that no small cache holds, in place of the stub's.
WORK = """
def train(writer, options, seconds=0.05):
    import hashlib
    with open(options["data"], "rb") as file:
        digest = hashlib.sha256(file.read()).hexdigest()
    writer.write("start", job=options["job"], python=sys.version.split()[0], pid=os.getpid())
    writer.write("data", sha256=digest, kind=options["data-kind"], train=[64, 784], validation=[32, 784])
    writer.write("ready", framework_version="1.0", keras_version="2.0.8", parameters=10)
    table = list(range(400000))
    for epoch in range(1, int(options["epochs"]) + 1):
        begun, used, total = clock(), time.process_time(), 0
        for _ in range(2):
            for value in table:
                total += table[(value * 7919) % 400000]
        took, used = clock() - begun, time.process_time() - used
        figures = dict(loss=1.0 / epoch, acc=0.9, val_loss=1.0 / epoch, val_acc=0.9)
        writer.write("epoch_end", epoch=epoch, train_s=took, validation_s=0.0, elapsed_s=took, samples=64,
                     used_s=used, **figures)


if __name__ == "__main__":
"""
PROGRAM = """
import sys
from orchestrator.cli import app
from orchestrator.run import page
from tests.fakes import stub_orchestrate
page.EVERY_S, page.SHARE = 0.0, 1e9
write, turns = page.Paged._written, iter([False, True] * 100000)
page.Paged._written = lambda self: write(self) if next(turns) else ""
stub_orchestrate.replace()
app.main()
"""


def run(folder: Path, jobs: int) -> list[dict[str, float]]:
    """By job, in the order of the run: medians over its steady epochs of seconds, and of processor seconds."""
    words = ["run", "--config", "smoke", "--root", folder / "root", "--data-dir", folder / "data", "--no-fetch"]
    words += ["--no-build", "--stack", STACK, "--threads", 1, "--launcher", "process", "--epochs", 4]
    argv = [sys.executable, "-c", PROGRAM, *map(str, [*words, "--repeats", jobs, "--out", folder / "results"])]
    env = {**os.environ, "PYTHONPATH": str(ROOT), "XDG_CACHE_HOME": str(folder / "cache")}
    subprocess.run(argv, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, cwd=folder, env=env)
    (report,) = folder.glob("results/2*/report.html")
    found = []
    for path in report.parent.glob("jobs/*/result.json"):
        result = json.loads(path.read_bytes())
        steady = result["epochs"][1:]
        medians = {name: statistics.median(epoch[name] for epoch in steady) for name in ("train_s", "used_s")}
        found.append({**medians, "at": result["launched_t"]})
    return sorted(found, key=lambda each: each["at"])


def spread(values: list[float]) -> str:
    quartiles = statistics.quantiles(values, n=4)
    return f"{statistics.median(values):.4f} (quartiles {quartiles[0]:.4f} to {quartiles[2]:.4f}, n = {len(values)})"


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--pairs", type=int, default=20)
    pairs = parser.parse_args().pairs
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        script = make_root(folder / "root", ["good"]) / "workloads" / "run.py"
        script.write_text(script.read_text().replace('if __name__ == "__main__":\n', WORK))
        make_data(folder / "data")
        jobs = run(folder, 2 * pairs + 1)[1:]  # nothing is written before the first one
    # After the first job nothing is written, after the second a page, and so on.
    for what, name in (("train_s", "seconds"), ("used_s", "processor seconds")):
        ratios = [after[what] / none[what] for none, after in zip(jobs[::2], jobs[1::2], strict=True)]
        print(
            f"an epoch right after a page over one after none, {name}: {spread(ratios)}; load {os.getloadavg()[0]:.1f}"
        )


if __name__ == "__main__":
    main()
