"""`make bench-harness`: what this project itself costs, as a Markdown table. Nothing is asserted about durations.

python -m tests.bench.harness [--rounds 20] [--jobs 10000] [--keras-python PYTHON --mnist MNIST_NPZ]
"""

from __future__ import annotations

import datetime
import os
import tempfile
from pathlib import Path

import click

from orchestrator.host.probe import probe_host
from tests.bench import ends, parts, sizes


@click.command()
@click.option("--rounds", default=20, show_default=True, help="Of everything that is taken in turn.")
@click.option("--jobs", default=10000, show_default=True, help="Of the merge.")
@click.option("--samples", default=1000, show_default=True, help="Of each of those jobs.")
@click.option("--keras-python", help="A Python with Keras 3 and JAX, for the epoch; left out without.")
@click.option("--mnist", type=click.Path(exists=True, path_type=Path), help="mnist.npz, for the epoch.")
@click.option(
    "--only", multiple=True, help="Parts: start, ends, jobs, sample, epoch, size, report, list, gpu, scheduling."
)
def main(rounds: int, jobs: int, samples: int, keras_python: str | None, mnist: Path | None, only: list[str]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        scratch, few = Path(folder), max(1, rounds // 4)
        made = {
            "start": lambda: parts.start(rounds, scratch),
            "ends": lambda: ends.start_and_end(rounds, scratch),
            "jobs": lambda: parts.job_overhead(rounds, scratch),
            "epoch": lambda: parts.epoch_overhead(max(3, rounds // 4), scratch, keras_python, mnist),
            "sample": lambda: parts.one_sample(rounds),
            "size": lambda: sizes.merged(scratch, jobs, samples, few),
            "report": lambda: sizes.reported(scratch, few),
            "list": lambda: sizes.listed(scratch, few),
            "gpu": lambda: sizes.series(scratch, few),
            "scheduling": lambda: sizes.scheduled(1000, 64),
        }
        if not (keras_python and mnist):
            made.pop("epoch")
            click.echo("no epoch: it needs --keras-python and --mnist", err=True)
        host = probe_host()
        now = datetime.datetime.now(datetime.timezone.utc)
        load = ", ".join(f"{value:.1f}" for value in os.getloadavg())
        click.echo(f"{now:%Y-%m-%d}, {host.cpu}, {len(host.cores)} cores for it, load at the start {load}\n")
        click.echo("| what | figure | n | aim |\n|---|---|---|---|")
        for name, lines in made.items():
            for line in lines() if not only or name in only else ():
                click.echo("| " + " | ".join(line) + " |")


if __name__ == "__main__":
    main()
