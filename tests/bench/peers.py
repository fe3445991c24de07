"""The same trivial job under this project and under peers from PyPI: what each adds to a job, and its fixed start.

python -m tests.bench.peers [--rounds 5] [--jobs 20]

The job is the stand-in for a workload (tests/fakes/stub_run.py), a fresh process every time. Everything runs with one
job and with many, in turn, the order of the tools changing from round to round. What a job costs is the slope between
the two; less the bare command, taken in the same round, it is the overhead. Not part of any test: it downloads peers.
"""

from __future__ import annotations

import os
import shlex
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import click

from tests.bench.parts import DEVICE, JOB, process_launcher
from tests.fakes.roots import HERE, make_data
from tests.fakes.runs import Bench
from tests.make import make_context

PEERS = {"benchopt": "benchopt==1.10.0", "asv": "asv==0.6.6", "reframe": "reframe-hpc==4.10.4"}
#: A tool with so many jobs: runs them all, one after another.
Tool = Callable[[int], None]

REFRAME = """
import reframe as rfm
import reframe.utility.sanity as sn

@rfm.simple_test
class Job(rfm.RunOnlyRegressionTest):
    number = parameter(range({jobs}))
    valid_systems = ["*"]
    valid_prog_environs = ["*"]
    executable = {command!r}

    @sanity_function
    def ended_well(self):
        return sn.assert_eq(self.job.exitcode, 0)
"""
ASV = """
import subprocess

class Job:
    params = list(range({jobs}))

    def track_job(self, number):
        return subprocess.run({argv!r}, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL).returncode
"""
ASV_CONF = (
    '{"version": 1, "project": "job", "repo": ".", "branches": ["HEAD"], "benchmark_dir": "benchmarks", '
    '"environment_type": "existing"}'
)
BENCHOPT = {
    "objective.py": """
from benchopt import BaseObjective

class Objective(BaseObjective):
    name = "job"
    sampling_strategy = "run_once"

    def set_data(self): pass
    def get_objective(self): return {{}}
    def evaluate_result(self, code): return {{"value": code}}
    def get_one_result(self): return {{"code": 0}}
""",
    "datasets/none.py": """
from benchopt import BaseDataset

class Dataset(BaseDataset):
    name = "none"

    def get_data(self): return {{}}
""",
    "solvers/job.py": """
import subprocess
from benchopt import BaseSolver

class Solver(BaseSolver):
    name = "job"
    sampling_strategy = "run_once"
    parameters = {{"number": list(range({jobs}))}}

    def set_objective(self): pass
    def run(self, _):
        self.code = subprocess.run({argv!r}, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL).returncode
    def get_result(self): return {{"code": self.code}}
""",
}


def the_job(scratch: Path) -> list[str]:
    """The command of a job of ours, but for the input that only our launchers keep open."""
    data = make_data(scratch / "data") / "mnist.npz"
    workloads, out = scratch / "stub" / "workloads", scratch / "out"
    workloads.mkdir(parents=True)
    out.mkdir()
    shutil.copy(HERE / "stub_run.py", workloads / "run.py")
    launch = process_launcher(make_context(workloads, data), scratch, sys.executable).describe(JOB, DEVICE, out)
    return [word for word in launch.command if word != "--lease"]


def checked(argv: list[str], where: Path, **more: str) -> str:
    environment = {**os.environ, "HOME": str(where), "NO_COLOR": "1", **more}
    done = subprocess.run(argv, cwd=where, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, (argv, done.stdout[-2000:], done.stderr[-2000:])
    return done.stdout


def install(name: str, scratch: Path) -> Path:
    """The folder of its commands."""
    place = scratch / f"venv-{name}"
    uv = Path(sys.executable).with_name("uv")
    for words in (["venv", "--python", sys.executable, place], ["pip", "install", "--python", place, PEERS[name]]):
        subprocess.run([str(uv), *map(str, words)], check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    return place / "bin"


def reframe(scratch: Path, argv: list[str]) -> Tool:
    commands = install("reframe", scratch)

    def run(jobs: int) -> None:
        folder = fresh(scratch / "reframe")
        (folder / "job.py").write_text(REFRAME.format(jobs=jobs, command=shlex.join(argv)))
        words = ["-c", "job.py", "-r", "--prefix", "made", "--exec-policy", "serial"]
        text = checked([str(commands / "reframe"), *words], folder)
        assert f"Ran {jobs}/{jobs} test case(s)" in text and "(0 failure(s)" in text, text[-1500:]

    return run


def asv(scratch: Path, argv: list[str]) -> Tool:
    commands = install("asv", scratch)

    def run(jobs: int) -> None:
        folder = fresh(scratch / "asv")
        (folder / "benchmarks").mkdir()
        (folder / "benchmarks" / "__init__.py").touch()
        (folder / "benchmarks" / "job.py").write_text(ASV.format(jobs=jobs, argv=argv))
        (folder / "asv.conf.json").write_text(ASV_CONF)
        path = f"{commands}:{os.environ['PATH']}"
        checked([str(commands / "asv"), "machine", "--yes"], folder, PATH=path)
        text = checked(
            [str(commands / "asv"), "run", "--environment", f"existing:{commands / 'python'}", "--quick"],
            folder,
            PATH=path,
        )
        assert "failed" not in text, text[-1500:]

    return run


def benchopt(scratch: Path, argv: list[str]) -> Tool:
    commands = install("benchopt", scratch)

    def run(jobs: int) -> None:
        folder = fresh(scratch / "benchopt")
        for name, text in BENCHOPT.items():
            (folder / name).parent.mkdir(exist_ok=True)
            (folder / name).write_text(text.format(jobs=jobs, argv=argv))
        words = ["run", ".", "-n", "1", "-r", "1", "--no-plot", "--no-html", "--no-cache"]
        text = checked([str(commands / "benchopt"), *words], folder, PATH=f"{commands}:{os.environ['PATH']}")
        assert "error" not in text.lower(), text[-1500:]

    return run


def ours(scratch: Path) -> Tool:
    """`orchestrate run` with everything but the charts, which would hide the rest."""
    runs = Bench(scratch / "ours", ["ok"])

    def run(jobs: int) -> None:
        code, _, errors = runs.finish(*runs.run("--repeats", jobs, "--parallel", 1))
        assert code == 0, errors[-2000:]

    return run


def fresh(folder: Path) -> Path:
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    return folder


def seconds(tool: Tool, jobs: int, events: Path | None = None) -> float:
    """Of a run; with the `events` of the job it is made sure that it really ran so often."""
    before = starts(events)
    begun = time.monotonic()
    tool(jobs)
    took = time.monotonic() - begun
    assert events is None or starts(events) - before == jobs, f"{starts(events) - before} jobs ran, not {jobs}"
    return took


def starts(events: Path | None) -> int:
    return events.read_text().count('"event": "start"') if events and events.exists() else 0


def spread(values: list[float]) -> str:
    low, middle, high = statistics.quantiles(values * 2 if len(values) == 1 else values, n=4, method="inclusive")
    return f"{middle:.3f} s ({low:.3f} to {high:.3f})"


@click.command()
@click.option("--rounds", default=5, show_default=True)
@click.option("--jobs", default=20, show_default=True, help="Of the longer of the two runs.")
@click.option("--only", multiple=True, help="Peers: benchopt, asv, reframe.")
def main(rounds: int, jobs: int, only: list[str]) -> None:
    with tempfile.TemporaryDirectory() as name:
        scratch = Path(name)
        argv = the_job(scratch)
        tools: dict[str, Tool] = {"keras-orchestrate": ours(scratch)}
        made = {"benchopt": benchopt, "asv": asv, "reframe": reframe}
        tools.update({peer: make(scratch, argv) for peer, make in made.items() if not only or peer in only})
        extra: dict[str, list[float]] = {tool: [] for tool in tools}
        start: dict[str, list[float]] = {tool: [] for tool in tools}
        bare = []
        for i in range(rounds):
            bare.append(statistics.median(seconds(lambda _: checked(argv, scratch) and None, 1) for _ in range(5)))
            order = list(tools)[i % len(tools) :] + list(tools)[: i % len(tools)]
            for tool in order:
                log = scratch / "out" / "events.jsonl" if tool in PEERS else None
                one, many = seconds(tools[tool], 1, log), seconds(tools[tool], jobs, log)
                each = (many - one) / (jobs - 1)
                extra[tool].append(each - bare[-1])
                start[tool].append(one - each)
        click.echo(f"the bare job: {spread(bare)}; {rounds} rounds of 1 and {jobs} jobs; median (quartiles)\n")
        click.echo("| tool | added to each job | fixed start and end |\n|---|---|---|")
        for tool in tools:
            click.echo(f"| {PEERS.get(tool, tool)} | {spread(extra[tool])} | {spread(start[tool])} |")


if __name__ == "__main__":
    main()
