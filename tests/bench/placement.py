"""`make bench-placement`: does a backend pay for being pinned to its cores, and does it sleep there?

    python -m tests.bench.placement --mnist mnist.npz [--rounds 3] [--workload mnist_mlp] [--only torch] [--threads 1]

Every contender of the configuration `all` runs pinned to as many cores as it has threads, as every job does by default,
and with the same threads on all cores of this host, in turn. TensorFlow 2.21 runs once more with what the project
leaves out of it, the thread that tunes its input. Prints a Markdown table and asserts nothing.
"""

from __future__ import annotations

import functools
import random
import tempfile
from collections import defaultdict
from pathlib import Path
from typing import TypeVar

import click

from orchestrator.host.probe import default_threads, probe_host, slots
from tests.bench import contenders
from tests.bench.contenders import SIZES, WORKLOADS, Contender, Seen, Setting

T = TypeVar("T")
#: A run.py that takes back one correction of workloads/backends.py and runs the real one.
TUNED = """import runpy, sys
sys.path.insert(0, {folder!r})
import backends
del backends.TensorFlow2.settle_input
runpy.run_path({folder!r} + "/run.py", run_name="__main__")
"""
COLUMNS = "contender", "n", "pinned, s per epoch", "unpinned", "unpinned / pinned", "idle, pinned", "idle, unpinned"


def with_tuner(folder: Path) -> Path:
    folder.mkdir()
    (folder / "run.py").write_text(TUNED.format(folder=str(WORKLOADS)))
    return folder


def entrants(patterns: tuple[str, ...], scratch: Path) -> list[tuple[str, Contender, Path]]:
    """Row of the table, contender, its scripts."""
    known = list(contenders.found(patterns))
    rows = [(contender.title, contender, WORKLOADS) for contender in known]
    tuned = with_tuner(scratch / "tuned")
    today = [c for c in known if c.stack.name == "keras3-tensorflow"]
    return rows + [(f"{c.title}, its tuner left in", c, tuned) for c in today]


def shuffled(things: list[T], seed: int) -> list[T]:
    return random.Random(seed).sample(things, len(things))


def line(title: str, pairs: list[tuple[Seen, Seen]]) -> list[str]:
    """Of the rounds in which both ran."""
    pinned, free = [a for a, _ in pairs], [b for _, b in pairs]
    return [
        title,
        str(len(pairs)),
        *(contenders.spread([seen.train_s for seen in series]) for series in (pinned, free)),
        contenders.spread([b.train_s / a.train_s for a, b in pairs if a.train_s and b.train_s], "{:.2f}"),
        *(contenders.spread([seen.idle_percent for seen in series], "{:.0f}", " %") for series in (pinned, free)),
    ]


@click.command()
@click.option("--mnist", required=True, type=click.Path(exists=True, path_type=Path, resolve_path=True))
@click.option("--rounds", default=3, show_default=True)
@click.option("--workload", default="mnist_mlp", show_default=True, type=click.Choice(list(SIZES)))
@click.option("--only", multiple=True, help="Part of the name of a stack or backend; all without.")
@click.option("--threads", type=int, help="As `orchestrate run --threads`.")
def main(mnist: Path, rounds: int, workload: str, only: tuple[str, ...], threads: int | None) -> None:
    host = probe_host()
    threads = threads or default_threads(len(host.cores), 1)
    places = {"pinned": slots(host, "cpu", threads, 1)[0].cores, "unpinned": host.cores}
    pairs: dict[str, list[tuple[Seen, Seen]]] = defaultdict(list)
    head = contenders.heading(host, threads, f"{workload}, {rounds} repeats, median (least-most)")
    with tempfile.TemporaryDirectory() as folder:
        rows = entrants(only, Path(folder))
        for i in range(rounds):
            seen: dict[tuple[str, str], Seen | None] = {}
            for (title, contender, scripts), place in shuffled([(row, place) for row in rows for place in places], i):
                job = contenders.make_job(contender, workload, i + 1, threads)
                setting = Setting(scripts, places[place])
                run = functools.partial(contenders.ours, contender, job, setting, mnist, Path(folder) / "job")
                seen[title, place] = contenders.attempt(f"round {i + 1}: {title}, {place}", run)
            for title, _, _ in rows:
                pinned, free = seen[title, "pinned"], seen[title, "unpinned"]
                if pinned and free:
                    pairs[title].append((pinned, free))
    click.echo(head)
    click.echo(contenders.table(COLUMNS, [line(title, pairs[title]) for title, _, _ in rows]))


if __name__ == "__main__":
    main()
