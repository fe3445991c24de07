"""`make bench-corrections`: what our own corrections of the frameworks cost, against bare Keras scripts.

    python -m tests.bench.corrections --mnist mnist.npz [--rounds 3] [--workload mnist_cnn] [--only cntk]

Every contender of the configuration `all` trains each model twice, in turn, in the same environment and on the same
cores: as a job of this project, and as tests/bench/bare_keras.py. Prints a Markdown table and asserts nothing.
"""

from __future__ import annotations

import functools
import random
import tempfile
from collections import defaultdict
from pathlib import Path

import click

from orchestrator.host.probe import default_threads, probe_host, slots
from tests.bench import contenders
from tests.bench.contenders import WORKLOADS, Contender, Seen, Setting

COLUMNS = (
    "contender",
    "model",
    "n",
    "ours, s per epoch with validation",
    "bare",
    "ours / bare",
    "accuracy, ours",
    "bare",
)
BOTH = "mnist_mlp", "mnist_cnn"


def line(contender: Contender, workload: str, pairs: list[tuple[Seen, Seen]]) -> list[str]:
    """Of the rounds in which both ran."""
    own, plain = [a for a, _ in pairs], [b for _, b in pairs]
    return [
        contender.title,
        workload,
        str(len(pairs)),
        *(contenders.spread([seen.epoch_s for seen in series]) for series in (own, plain)),
        contenders.spread([a.epoch_s / b.epoch_s for a, b in pairs], "{:.2f}"),
        *(contenders.spread([seen.accuracy or 0.0 for seen in series], "{:.2f}") for series in (own, plain)),
    ]


@click.command()
@click.option("--mnist", required=True, type=click.Path(exists=True, path_type=Path, resolve_path=True))
@click.option("--rounds", default=3, show_default=True)
@click.option("--workload", multiple=True, default=BOTH, show_default=True, type=click.Choice(BOTH))
@click.option("--only", multiple=True, help="Part of the name of a stack or backend; all without.")
def main(mnist: Path, rounds: int, workload: tuple[str, ...], only: tuple[str, ...]) -> None:
    host = probe_host()
    threads = default_threads(len(host.cores), 1)
    cores = slots(host, "cpu", threads, 1)[0].cores
    pairs: dict[tuple[str, str], list[tuple[Seen, Seen]]] = defaultdict(list)
    head = contenders.heading(host, threads, f"{rounds} repeats, median (least-most)")
    with tempfile.TemporaryDirectory() as folder:
        plain = contenders.bare_scripts(Path(folder) / "bare")
        cells = [(contender, name) for contender in contenders.found(only) for name in workload]
        for i in range(rounds):
            for contender, name in random.Random(i).sample(cells, len(cells)):
                job = contenders.make_job(contender, name, i + 1, threads)
                sides = [
                    functools.partial(run, contender, job, Setting(scripts, cores), mnist, Path(folder) / "job")
                    for run, scripts in ((contenders.ours, WORKLOADS), (contenders.bare, plain))
                ]
                what = f"round {i + 1}: {contender.title}, {name}"
                order = (0, 1) if i % 2 == 0 else (1, 0)  # who begins changes from round to round
                done = {side: contenders.attempt(f"{what}, {('ours', 'bare')[side]}", sides[side]) for side in order}
                if done[0] and done[1]:
                    pairs[contender.title, name].append((done[0], done[1]))
    click.echo(head)
    click.echo(contenders.table(COLUMNS, [line(cell, name, pairs[cell.title, name]) for cell, name in cells]))


if __name__ == "__main__":
    main()
