"""The contenders of the configuration `all` on this host, and one job of one of them: as the product runs it, or bare.

Stacks of 2017 run in their containers, today's as processes. Nothing is built: what is not ready is left out, and said.
"""

from __future__ import annotations

import datetime
import os
import shutil
import statistics
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import msgspec

from orchestrator.errors import HostError
from orchestrator.files import PACKAGE, sha256_file
from orchestrator.launchers import sweep
from orchestrator.launchers.launcher import Launcher, RunContext
from orchestrator.measure.job import LOG, OUT, SAMPLES, measure
from orchestrator.model import DataFile, Device, Host, Job, Sample, Stack
from orchestrator.plan.catalog import Catalog, load_catalog
from orchestrator.plan.request import BuildSettings
from orchestrator.results.rows import result_row
from orchestrator.stacks.docker import DockerProvisioner
from orchestrator.stacks.images import engine
from orchestrator.stacks.process import ProcessProvisioner
from orchestrator.stacks.provisioner import Provisioner
from tests.make import identify

ROOT = PACKAGE.parent
WORKLOADS = ROOT / "workloads"
#: Epochs, samples, validation samples: some seconds for each job, steady epochs of about a second and more.
SIZES = {"mnist_mlp": (4, 6400, 1280), "mnist_cnn": (3, 512, 128), "mnist_rnn": (3, 352, 64)}


class Contender(NamedTuple):
    title: str
    stack: Stack
    backend: str
    provisioner: Provisioner


class Setting(NamedTuple):
    """How a job is run: with which scripts, on which cores."""

    scripts: Path
    cores: list[int]


class Seen(NamedTuple):
    """One job: median seconds of a steady epoch with validation, and of its training, and how much of that it slept.

    A bare script does not tell its training from its validation.
    """

    epoch_s: float
    accuracy: float | None
    train_s: float | None = None
    idle_percent: float | None = None


def found(patterns: tuple[str, ...]) -> Iterator[Contender]:
    """Those whose stack or backend holds one of the patterns; all without patterns."""
    catalog = load_catalog()
    for stack in (stack for stack in catalog.stacks if not stack.like):
        wanted = [b for b in stack.backends if not patterns or any(p in f"{stack.name} {b.name}" for p in patterns)]
        provisioner = ready(catalog, stack) if wanted else None
        if provisioner:
            for backend in wanted:
                yield Contender(backend.title, stack, backend.name, provisioner)


def ready(catalog: Catalog, stack: Stack) -> Provisioner | None:
    provisioner: Provisioner
    try:
        if not stack.article:
            provisioner = ProcessProvisioner(catalog, _say)
        else:
            provisioner = DockerProvisioner(engine.connect(), catalog, BuildSettings(), False, _say)
    except HostError as error:
        _say(f"{stack.name} is left out: {error.message}")
        return None
    missing = provisioner.prepare([stack], "cpu")
    for lack in missing:
        _say(f"{stack.name} is left out: {lack.reason}")
    return None if missing else provisioner


def make_job(contender: Contender, workload: str, repeat: int, threads: int) -> Job:
    epochs, train, validation = SIZES[workload]
    listed = next(w for w in load_catalog().workloads if w.name == workload)
    return Job(
        workload=workload, stack=contender.stack.name, backend=contender.backend, device="cpu", repeat=repeat,
        scale="quick", epochs=epochs, batch_size=listed.batch_size, train=train, validation=validation,
        seed=2016 + repeat, threads=threads, timeout_s=600, dataset=listed.dataset,
    )  # fmt: skip


def ours(contender: Contender, job: Job, setting: Setting, data: Path, scratch: Path) -> Seen:
    """The job as the product runs it. Raises RuntimeError where it fails."""
    context = _context(contender, setting.scripts, data)
    device = Device(kind="cpu", name="cpu:0", cores=setting.cores)
    folder = _empty(scratch)
    result = measure(
        job, device, launcher=contender.provisioner.launcher(context), folder=folder, run_id=context.run_id,
        identify=identify(context), on_event=lambda job, event: None,
    )  # fmt: skip
    if result.status != "ok":
        raise RuntimeError(result.reason)
    samples = msgspec.json.Decoder(Sample).decode_lines((folder / SAMPLES).read_bytes())
    row = result_row(result, samples)
    return Seen(
        epoch_s=statistics.median(epoch["train_s"] + epoch["validation_s"] for epoch in result.epochs[1:]),
        accuracy=row["val_accuracy"],
        train_s=row["epoch_s"],
        idle_percent=row["idle_percent"],
    )


def bare(contender: Contender, job: Job, setting: Setting, data: Path, scratch: Path) -> Seen:
    """The plain script in the place of the job: same environment, cores and sizes. Raises RuntimeError if it fails."""
    said = printed(contender, job, setting, data, scratch)
    return Seen(epoch_s=statistics.median(said["epochs"][1:]), accuracy=said["val_acc"])


def printed(contender: Contender, job: Job, setting: Setting, data: Path, scratch: Path) -> dict[str, Any]:
    """The JSON that another script prints last, started as the job is. Raises RuntimeError if it fails."""
    launcher: Launcher = contender.provisioner.launcher(_context(contender, setting.scripts, data))
    device = Device(kind="cpu", name="cpu:0", cores=setting.cores)
    folder = _empty(scratch)
    (folder / OUT).mkdir()
    exit_ = launcher.launch(job, device, folder / OUT, folder / LOG, lambda probe: None)
    lines = (folder / LOG).read_bytes().splitlines()
    if exit_.code != 0:
        raise RuntimeError(exit_.error or f"exit code {exit_.code}: {lines[-1:]}")
    found: dict[str, Any] = msgspec.json.decode(lines[-1])
    return found


def bare_scripts(folder: Path) -> Path:
    """A folder in which the plain script has the name of the one that launchers start."""
    folder.mkdir()
    shutil.copy(Path(__file__).with_name("bare_keras.py"), folder / "run.py")
    return folder


def attempt(what: str, run: Callable[[], Seen]) -> Seen | None:
    """What it gave, said at once; None where it failed, so that one failure does not cost the whole table."""
    try:
        seen = run()
    except RuntimeError as error:
        _say(f"{what}: failed: {error}")
        return None
    _say(f"{what}: {seen}")
    return seen


def heading(host: Host, threads: int, what: str) -> str:
    """When, where and beside what the figures below it are measured."""
    now = datetime.datetime.now(datetime.timezone.utc)
    load = ", ".join(f"{value:.1f}" for value in os.getloadavg())
    return (
        f"{now:%Y-%m-%d}, {host.cpu}, {len(host.cores)} cores, {threads} threads per job, load at the start {load}; "
        f"{what}\n"
    )


def table(columns: Sequence[str], lines: Iterable[Sequence[str]]) -> str:
    """Markdown; the first column is words, the others are figures."""
    rows = [columns, ["---"] + ["--:"] * (len(columns) - 1), *lines]
    return "\n".join("| " + " | ".join(row) + " |" for row in rows)


def spread(values: Iterable[float | None], form: str = "{:.3g}", unit: str = "") -> str:
    """Median, least and most; empty where nothing was measured."""
    known = [value for value in values if value is not None]
    if not known:
        return ""
    low, middle, high = (form.format(value) for value in (min(known), statistics.median(known), max(known)))
    return f"{middle} ({low}-{high}){unit}"


def _context(contender: Contender, scripts: Path, data: Path) -> RunContext:
    file = DataFile(dataset="mnist", path=str(data), sha256=sha256_file(data), kind="given", name=data.name)
    return RunContext(
        run_id="20260101-000000-abcd", owner=sweep.owner(), workloads_dir=str(scripts),
        stacks={contender.stack.name: contender.stack}, data={"mnist": file}, memory_mb=4096,
    )  # fmt: skip


def _empty(folder: Path) -> Path:
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    return folder


def _say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)
