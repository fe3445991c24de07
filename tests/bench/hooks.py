"""`make bench-hooks`: what an epoch of a measured job takes over one that nobody watches, on every backend.

    python -m tests.bench.hooks --mnist mnist.npz [--pairs 200] [--only cntk]

Every contender of the configuration `all` trains the MNIST MLP in one process: a fit() of five epochs with the hooks of
a job, which write its events, and the same fit() without, in turn. Prints a Markdown table and asserts nothing. The
sampler, which is a process of its own, is no part of it.
"""

from __future__ import annotations

import math
import shutil
import statistics
import tempfile
from collections.abc import Sequence
from pathlib import Path

import click
import msgspec

from orchestrator.host.probe import default_threads, probe_host, slots
from tests.bench import contenders
from tests.bench.contenders import WORKLOADS, Contender, Setting

EPOCHS, TRAIN, VALIDATION = 5, 1280, 256
COLUMNS = ("backend", "epochs of each kind", "s per epoch, bare", "ours over bare", "95 % interval")


def scripts(folder: Path, pairs: int) -> Path:
    """A copy of workloads/ that trains `pairs` times each way."""
    shutil.copytree(WORKLOADS, folder, ignore=shutil.ignore_patterns("__pycache__"))
    (folder / "run.py").rename(folder / "job_run.py")
    shutil.copy(Path(__file__).with_name("paired_fit.py"), folder / "run.py")
    (folder / "pairs").write_text(str(pairs), encoding="utf-8")
    return folder


def median_interval(values: Sequence[float]) -> tuple[float, float]:
    """The 95 % interval of the median, by ranks."""
    ordered, reach = sorted(values), 0.98 * math.sqrt(len(values))
    low, high = math.floor(len(values) / 2 - reach), math.ceil(len(values) / 2 + reach)
    return ordered[max(0, low)], ordered[min(len(values) - 1, high)]


def line(contender: Contender, ours: Sequence[float], bare: Sequence[float]) -> list[str]:
    ratios = [a / b for a, b in zip(ours, bare, strict=True)]
    low, high = (100 * (value - 1) for value in median_interval(ratios))
    return [
        contender.title,
        f"{EPOCHS * len(ratios):,}",
        f"{statistics.median(bare) / EPOCHS:.3g}",
        f"{100 * (statistics.median(ratios) - 1):+.2f} %",
        f"{low:+.2f} to {high:+.2f} %",
    ]


@click.command()
@click.option("--mnist", required=True, type=click.Path(exists=True, path_type=Path, resolve_path=True))
@click.option("--pairs", default=200, show_default=True, help="Trainings of each kind on each backend.")
@click.option("--only", multiple=True, help="Part of the name of a stack or backend; all without.")
def main(mnist: Path, pairs: int, only: tuple[str, ...]) -> None:
    host = probe_host()
    threads = default_threads(len(host.cores), 1)
    cores, lines = slots(host, "cpu", threads, 1)[0].cores, []
    head = contenders.heading(host, threads, f"{EPOCHS} epochs of {TRAIN} samples at a time, in turn, medians")
    with tempfile.TemporaryDirectory() as folder:
        setting = Setting(scripts(Path(folder) / "scripts", pairs), cores)
        for contender in contenders.found(only):
            job = contenders.make_job(contender, "mnist_mlp", 1, threads)
            sizes = {"epochs": EPOCHS, "train": TRAIN, "validation": VALIDATION, "timeout_s": 3600}
            job = msgspec.structs.replace(job, **sizes)
            try:
                said = contenders.printed(contender, job, setting, mnist, Path(folder) / "job")
            except RuntimeError as error:
                click.echo(f"{contender.title}: failed: {error}", err=True)
                continue
            lines.append(line(contender, said["ours"], said["bare"]))
            click.echo(" | ".join(lines[-1]), err=True)
    click.echo(head)
    click.echo(contenders.table(COLUMNS, lines))


if __name__ == "__main__":
    main()
