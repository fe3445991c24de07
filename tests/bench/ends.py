"""What a run takes before its first job and after its last one, and the program that such a run is.

python -m tests.bench.ends run ...    `orchestrate`, on this Python instead of virtual environments, and without charts
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from orchestrator.cli import app

if TYPE_CHECKING:  # it loads what a run does not
    from tests.bench.parts import Line


def start_and_end(rounds: int, scratch: Path) -> Iterator[Line]:
    """Of a run of one stub job, whose tables and report are written."""
    from tests.fakes.runs import Bench

    (scratch / "run").mkdir()
    bench = Bench(scratch / "run", ["good"], module="tests.bench.ends")
    found = [_one(bench) for _ in range(rounds + 1)][1:]  # the first fills caches
    starts, ends = zip(*found, strict=True)
    for text, seconds, aim in (
        ("a run's start, to its first job", starts, "<= 0.5 s"),
        ("a run's end, from its last job, without charts", ends, ""),
        ("both together", [sum(pair) for pair in found], "<= 0.4 s"),
    ):
        low, middle, high = statistics.quantiles(seconds, n=4)
        yield text, f"{middle:.3f} s (quartiles {low:.3f} to {high:.3f})", f"{rounds}", aim


def _one(bench: object) -> tuple[float, float]:
    """Seconds from the command to the first job, and from its end to that of the command."""
    known, begun = len(bench.runs), time.monotonic()  # type: ignore[attr-defined]
    code, _, stderr = bench.finish(*bench.run("--repeats", 1))  # type: ignore[attr-defined]
    ended = time.monotonic()
    assert code == 0, stderr
    run = bench.runs[known]  # type: ignore[attr-defined]
    (result,) = (msgspec.json.decode(path.read_bytes()) for path in run.glob("jobs/*/result.json"))
    return result["launched_t"] - begun, ended - result["exited_t"]


def main() -> None:
    from orchestrator.report.blocks import Drawn
    from orchestrator.run import drawn
    from orchestrator.stacks import venvs
    from tests.fakes.stub_orchestrate import this_python

    venvs.ensure = this_python
    drawn.drawn = lambda view: Drawn()
    app.main()


if __name__ == "__main__":
    main()
