"""Writes recorded runs of any size, for the benchmark of merge and report. NOT measurements: a formula's figures.

python -m tests.bench.made_runs OUT --jobs 10000 --samples 1000
"""

from __future__ import annotations

import itertools
import os
import random
from collections.abc import Iterator
from pathlib import Path

import click
import msgspec

from orchestrator.model import Fingerprint, Job, Plan, Result, Sample, to_json
from orchestrator.plan.catalog import load_catalog

PER_RUN = 1000


def jobs(count: int, repeats: int, hosts: int) -> Iterator[tuple[int, Job]]:
    """(number of the host, job): cells of the real catalogue, on as many made-up hosts as it takes."""
    catalog = load_catalog()
    cells = [(w, s, b) for w in catalog.workloads for s in catalog.stacks if not s.like for b in s.backends]
    made = itertools.product(range(hosts), range(1, repeats + 1), cells)
    for host, repeat, (workload, stack, backend) in itertools.islice(made, count):
        yield host, Job(
            workload=workload.name, stack=stack.name, backend=backend.name, device="cpu", repeat=repeat,
            scale="quick", epochs=4, batch_size=workload.batch_size, train=4096, validation=512,
            seed=repeat, threads=2, timeout_s=900, dataset=workload.dataset,
        )  # fmt: skip


def result(run_id: str, host: int, job: Job, rng: random.Random) -> Result:
    pace = rng.uniform(0.9, 1.1) * (1 + len(job.backend))
    epochs, t = [], 1000.0
    for number in range(1, job.epochs + 1):
        train = pace * rng.uniform(0.98, 1.02) * (3 if number == 1 else 1)
        t += train * 1.1
        epochs.append(
            {"event": "epoch_end", "t": t, "epoch": number, "train_s": train, "validation_s": train * 0.1,
             "elapsed_s": t - 1000, "loss": 1 / number, "acc": 0.9, "val_loss": 1 / number, "val_acc": 0.9,
             "batches": 32, "samples": 4096}
        )  # fmt: skip
    fingerprint = Fingerprint(
        launcher="docker", image="i", image_digest="sha256:" + "a" * 64, workloads_sha256="b" * 64,
        data_sha256="c" * 64, data_kind="given", host=f"made-up-{host}", cpu="Imaginary 1234", cores=2,
        memory_mb=16000, os="Linux", threads=2, orchestrator="0", command=["docker", "run", job.id],
    )  # fmt: skip
    return Result(
        run_id=run_id, job=job, status="ok", exit_code=0, started="2026-01-01T00:00:00Z", ended="2026-01-01T00:10:00Z",
        launched_t=990.0, exited_t=t + 1, fingerprint=fingerprint, start={"t": 995.0, "python": "3.11"},
        data={"train": [[4096, 784]], "validation": [[512, 784]]},
        ready={"keras_version": "3.0", "framework_version": f"1.{host}", "parameters": 10}, epochs=epochs,
    )  # fmt: skip


def samples(count: int, rng: random.Random) -> bytes:
    rows = (
        Sample(t=990 + i * 0.1, device="cpu", cpu_s=i * 0.1 + rng.uniform(0, 0.01), rss_mb=200 + rng.random())
        for i in range(count)
    )
    return b"".join(msgspec.json.encode(row) + b"\n" for row in rows)


def write_runs(out: Path, count: int, readings: int, repeats: int = 5) -> list[Path]:
    """Runs of up to 1,000 jobs each; the same seeded figures every time. The folders, in order."""
    rng = random.Random(2017)
    pool = _pool(out / ".pool", readings, rng)
    everything = list(jobs(count, repeats, hosts=count // 35 // repeats + 1))
    folders = []
    for start in range(0, count, PER_RUN):
        chunk = everything[start : start + PER_RUN]
        run_id = f"20260101-000000-{start // PER_RUN:04x}"
        # Hosts of one run share job ids, so each gets a run of its own name.
        by_host: dict[int, list[Job]] = {}
        for host, job in chunk:
            by_host.setdefault(host, []).append(job)
        for host, its in by_host.items():
            folders.append(_write_run(out / f"{run_id}-{host}", host, its, pool, rng))
    return folders


def _pool(folder: Path, readings: int, rng: random.Random) -> list[Path]:
    """A few files of samples, each of which is linked as that of many jobs: only their size matters."""
    folder.mkdir(parents=True)
    files = [folder / str(number) for number in range(20)]
    for file in files:
        file.write_bytes(samples(readings, rng))
    return files


def _write_run(folder: Path, host: int, its: list[Job], pool: list[Path], rng: random.Random) -> Path:
    folder.mkdir(parents=True)
    plan = Plan(run_id=folder.name, created="2026-01-01T00:00:00Z", config={}, seed=1, jobs=its)
    (folder / "plan.json").write_bytes(to_json(plan))
    for number, job in enumerate(its):
        place = folder / "jobs" / job.id
        place.mkdir(parents=True)
        (place / "result.json").write_bytes(to_json(result(folder.name, host, job, rng)))
        os.link(pool[number % len(pool)], place / "samples.jsonl")
    return folder


@click.command()
@click.argument("out", type=click.Path(path_type=Path))
@click.option("--jobs", "count", default=10000, show_default=True)
@click.option("--samples", "readings", default=1000, show_default=True)
@click.option("--repeats", default=5, show_default=True)
def main(out: Path, count: int, readings: int, repeats: int) -> None:
    folders = write_runs(out, count, readings, repeats)
    click.echo(f"{count} jobs in {len(folders)} runs below {out}")


if __name__ == "__main__":
    main()
