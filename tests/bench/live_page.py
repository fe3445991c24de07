"""What it costs that the report is rewritten between the jobs of a run: with a page after every job, and without any.

python -m tests.bench.live_page [--pairs 10] [--jobs 6]

Each pair is two runs of the same jobs, in turn in either order: one as it is but with a page after each job (a real run
has far fewer), one without any. The jobs do a fixed amount of work on their core. Prints figures and asserts none.
"""

from __future__ import annotations

import argparse
import itertools
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
        for _ in range(6):
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
page.EVERY_S, page.SHARE = (0.0, 1e9) if sys.argv.pop(1) == "page" else (1e9, 1.0)
stub_orchestrate.replace()
app.main()
"""


def run(folder: Path, which: str, jobs: int) -> dict[str, float]:
    """Medians over the steady epochs of one run: seconds, and processor seconds; and how many pages there were."""
    out = folder / f"results-{os.urandom(3).hex()}"
    words = ["run", "--config", "smoke", "--root", folder / "root", "--data-dir", folder / "data", "--no-fetch"]
    words += ["--no-build", "--stack", STACK, "--threads", 1, "--launcher", "process", "--epochs", 4]
    argv = [sys.executable, "-c", PROGRAM, which, *map(str, [*words, "--repeats", jobs, "--out", out])]
    env = {**os.environ, "PYTHONPATH": str(ROOT), "XDG_CACHE_HOME": str(folder / "cache")}
    subprocess.run(argv, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, cwd=folder, env=env)
    epochs = []
    for path in sorted(out.glob("2*/jobs/*/result.json")):
        if not path.is_relative_to(out / "latest"):
            epochs += json.loads(path.read_bytes())["epochs"][1:]
    pages = len(list(out.glob("2*/report.html")))
    return {
        "seconds": statistics.median(epoch["train_s"] for epoch in epochs),
        "processor": statistics.median(epoch["used_s"] for epoch in epochs),
        "pages": pages,
    }


def spread(values: list[float]) -> str:
    quartiles = statistics.quantiles(values, n=4)
    return f"{statistics.median(values):.4f} (quartiles {quartiles[0]:.4f} to {quartiles[2]:.4f}, n = {len(values)})"


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--pairs", type=int, default=10)
    parser.add_argument("--jobs", type=int, default=6)
    given = parser.parse_args()
    ratios: dict[str, list[float]] = {"seconds": [], "processor": []}
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        script = make_root(folder / "root", ["good"]) / "workloads" / "run.py"
        script.write_text(script.read_text().replace('if __name__ == "__main__":\n', WORK))
        make_data(folder / "data")
        for _, order in zip(range(given.pairs), itertools.cycle((("page", "none"), ("none", "page"))), strict=False):
            found = {which: run(folder, which, given.jobs) for which in order}
            assert (found["page"]["pages"], found["none"]["pages"]) == (1, 0)
            for what, values in ratios.items():
                values.append(found["page"][what] / found["none"][what])
            seconds = {which: round(figures["seconds"], 4) for which, figures in found.items()}
            print(f"{seconds}, load {os.getloadavg()[0]:.1f}", flush=True)
    for what, values in ratios.items():
        print(f"an epoch with a page after every job over one without, {what}: {spread(values)}")


if __name__ == "__main__":
    main()
