"""`python -m tests.bench.own_script PYTHON`: does measuring somebody's script make its epochs slower?

PYTHON has Keras 3; KERAS_BACKEND is --backend. tests/own/scripts/tells_its_epochs.py takes the time of its epochs by
itself, and runs in turn as Python would run it and under workloads/own.py, in the same environment and on the same
cores. Prints one line of figures and asserts nothing.
"""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

import click

from tests.conftest import ROOT

SCRIPT = ROOT / "tests" / "own" / "scripts" / "tells_its_epochs.py"


def epochs(argv: list[str], folder: Path, written: Path, environment: dict[str, str]) -> float:
    """The median of the epochs after the first, in seconds, as the script tells it."""
    subprocess.run(argv, cwd=folder, env=environment, check=True, stdin=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    return statistics.median(json.loads(written.read_text())[1:])


@click.command()
@click.argument("python", type=click.Path(exists=True))
@click.option("--backend", default="jax", show_default=True)
@click.option("--pairs", default=10, show_default=True)
@click.option("--threads", default=1, show_default=True)
def main(python: str, backend: str, pairs: int, threads: int) -> None:
    names = ("OMP_NUM_THREADS", "PJRT_NPROC", "TF_NUM_INTRAOP_THREADS", "TF_NUM_INTEROP_THREADS")
    environment = {"PATH": os.environ["PATH"], "KERAS_BACKEND": backend, **dict.fromkeys(names, str(threads))}
    environment |= {"MPLBACKEND": "Agg", "TF_CPP_MIN_LOG_LEVEL": "2"}
    bare_s, own_s = [], []
    for number in range(pairs):
        with tempfile.TemporaryDirectory() as name:
            folder = Path(name)
            out = folder / "out"
            words = ["--contract", "script", "--out", str(out), "--threads", str(threads)]
            bare = [python, "-B", str(SCRIPT)], folder, folder / "epoch_times.json", environment
            own = [python, "-B", str(ROOT / "workloads" / "own.py"), str(SCRIPT), *words]
            measured = own, folder, out / "work" / "epoch_times.json", environment
            for first in (number % 2, 1 - number % 2):  # in turn, and neither always first
                (own_s if first else bare_s).append(epochs(*(measured if first else bare)))
        print(f"pair {number + 1}: bare {bare_s[-1]:.4f} s, measured {own_s[-1]:.4f} s", file=sys.stderr, flush=True)
    ratios = sorted(own / bare for own, bare in zip(own_s, bare_s, strict=True))
    quarter = statistics.quantiles(ratios, n=4) if pairs > 1 else [ratios[0]] * 3
    print(
        f"{backend}, n = {pairs}: bare {statistics.median(bare_s):.4f} s, measured {statistics.median(own_s):.4f} s "
        f"per epoch; measured / bare: median {quarter[1]:.4f} (half of the pairs within {quarter[0]:.4f} and "
        f"{quarter[2]:.4f}, all within {ratios[0]:.4f} and {ratios[-1]:.4f})"
    )


if __name__ == "__main__":
    main()
