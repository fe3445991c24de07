"""Orders of attempts that somebody put into a run of one's own: nothing of them is ever started."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest

from orchestrator import __version__
from orchestrator.executors.slurm.attempts import Attempt, Outcome, Spec, Started
from orchestrator.executors.slurm.commands import Ticket
from orchestrator.model import Result
from orchestrator.plan.catalog import workloads_sha256
from orchestrator.results.folder import RunFolder
from tests.cluster.conftest import User

pytestmark = [pytest.mark.cluster, pytest.mark.slow]


@pytest.fixture
def ran(user: User) -> RunFolder:
    """A sealed run whose one job has lost its result: `run --resume` runs it again."""
    code, rows, said = user.finish(user.run("--workload", "good", "--stack", "stub-old", "--threads", "1", "--json"))
    assert (code, [row["status"] for row in rows]) == (0, ["ok"]), said
    for lost in (*user.folder.glob("jobs/*/result.json"), *user.folder.glob("jobs/*/manifest.json")):
        lost.unlink()
    (user.folder / "manifest.json").unlink()
    return RunFolder.open(user.folder)


def planted(run: RunFolder, good: Path, evil: Path) -> Attempt:
    """An order like those that the run itself wrote, but for the code: one that leaves a mark."""
    shutil.copytree(good, evil)
    script = evil / "workloads" / "run.py"
    script.write_text(f"open({str(evil / 'mark')!r}, 'w').close()\n" + script.read_text())
    return ordered(run, evil)


def ordered(run: RunFolder, root: Path) -> Attempt:
    """An order like those that the run itself wrote, for this code."""
    plan = run.plan()
    (job,) = plan.jobs
    spec = Spec(
        ticket=Ticket(run_id=plan.run_id, job_id=job.id, attempt=1, token="0badc0de"),
        job=job,
        device=job.device,
        launcher="process",
        root=str(root),
        workloads_sha256=workloads_sha256(root),
        orchestrator=__version__,
        cluster="Slurm partition gpu",
        data=plan.data[job.dataset],
        stop=str(run.path / "jobs" / ".stop-0"),
    )
    return Attempt.create(run.job_folder(job), spec)


def sent_on(attempt: Attempt) -> None:
    """As if a node had said that other nodes must take it."""
    ticket, job = attempt.spec.ticket, attempt.spec.job
    attempt.begin(Started(node="n2", number="1", pid=1))
    result = Result(run_id=ticket.run_id, job=job, status="unsupported", reason="no")
    attempt.report(Outcome(token=ticket.token, attempt=1, result=result, misfit=True))


@pytest.mark.parametrize("forged", [lambda attempt: None, sent_on], ids=["waits", "sent on"])
def test_an_order_that_somebody_planted_in_a_run_of_ones_own_is_not_carried_out(user, place, ran, tmp_path, forged):
    evil = tmp_path / "evil"
    forged(planted(ran, place / "root", evil))
    code, rows, said = user.finish(user.orchestrate("run", "--resume", str(user.folder), "--json"))
    assert not (evil / "mark").exists(), said
    assert (code, [row["status"] for row in rows]) == (0, ["ok"]), said


TRAPS = {
    "a link for an order": lambda folder: (folder / "spec.json").symlink_to("/etc/passwd"),
    "a FIFO for an order": lambda folder: os.mkfifo(folder / "spec.json"),
    "a link for a report": lambda folder: (folder / "outcome.json").symlink_to("/etc/passwd"),
    "a FIFO for a report": lambda folder: os.mkfifo(folder / "outcome.json"),
    "a link for a start": lambda folder: (folder / "started.json").symlink_to("/etc/passwd"),
    "a link for readings": lambda folder: (folder / "samples.jsonl").symlink_to("/etc/passwd"),
    "a link for a mark": lambda folder: (folder / "cancel").symlink_to("/etc/passwd"),
}


def test_what_somebody_planted_in_an_attempt_is_named_and_neither_read_nor_waited_for(user, place, ran, tmp_path):
    attempt = planted(ran, place / "root", tmp_path / "evil")
    order = (attempt.folder / "spec.json").read_bytes()
    for trap, put in TRAPS.items():
        shutil.rmtree(attempt.folder)
        attempt.folder.mkdir()
        if "order" not in trap:
            (attempt.folder / "spec.json").write_bytes(order)
        put(attempt.folder)
        for words in (["run", "--resume", str(user.folder)], ["attach", str(user.folder), "--no-wait"]):
            code, _, said = user.finish(user.orchestrate(*words), 60)
            assert code == 2, f"{trap}: {said}"
            assert str(attempt.folder) in said and "no file or folder" in said, f"{trap}: {said}"
    assert not (tmp_path / "evil" / "mark").exists()


def test_modules_that_somebody_planted_beside_an_order_are_not_imported(user, place, ran, tmp_path):
    """The order is as this run gives it, so that it is carried out; its folder is full of what Python would import."""
    mark = tmp_path / "mark"
    attempt = ordered(ran, place / "root")
    for name in ("msgspec", "orchestrator", "sitecustomize", "contextlib"):
        (attempt.folder / f"{name}.py").write_text(f"open({str(mark)!r}, 'w').close()\n")
    code, rows, said = user.finish(user.orchestrate("run", "--resume", str(user.folder), "--json"))
    assert not mark.exists(), said
    assert (code, [row["status"] for row in rows]) == (0, ["ok"]), said
    assert "given anew" not in said
