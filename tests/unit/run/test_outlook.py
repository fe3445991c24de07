"""What is known before the first job: names, and how long the same jobs took in earlier runs."""

from __future__ import annotations

import msgspec
import pytest

from orchestrator.executors.prepared import Ready
from orchestrator.model import to_json
from orchestrator.plan.catalog import load_catalog
from orchestrator.results.folder import RunFolder
from orchestrator.run import outlook as module
from orchestrator.run.outlook import earlier, outlook
from tests.make import FINGERPRINT, make_host, make_job, make_plan, make_result

HERE = "h"


def recorded(results, run_id, jobs, seconds=30.0, **changes):
    """A run whose jobs took so many seconds."""
    folder = RunFolder.create(results, make_plan(run_id=run_id, jobs=jobs))
    for job in jobs:
        folder.begin(job, 1)
        folder.write_result(make_result(job, run_id=run_id, launched_t=100.0, exited_t=100.0 + seconds, **changes))
    return folder


def fresh(results, jobs):
    return RunFolder.create(results, make_plan(run_id="20260202-000000-new", jobs=jobs))


def test_the_newest_run_that_has_the_job_tells_its_time(tmp_path):
    jobs = [make_job(repeat=repeat) for repeat in (1, 2)]
    other = make_job(workload="babi_rnn")
    recorded(tmp_path, "20260101-000000-a", [make_job(), other], 99.0)
    recorded(tmp_path, "20260102-000000-b", [make_job(repeat=7, seed=9)], 40.0)
    found = earlier(fresh(tmp_path, [*jobs, other]), [*jobs, other], HERE)
    assert found == {jobs[0].id: 40.0, jobs[1].id: 40.0, other.id: 99.0}


@pytest.mark.parametrize(
    "changes", [{"epochs": 3}, {"scale": "quick"}, {"train": 128}, {"stack": "other"}, {"variant": "modern"}]
)
def test_a_job_that_did_something_else_tells_nothing(tmp_path, changes):
    recorded(tmp_path, "20260101-000000-a", [make_job(**changes)])
    assert earlier(fresh(tmp_path, [make_job()]), [make_job()], HERE) == {}


@pytest.mark.parametrize(
    "changes",
    [
        {"status": "failed"},
        {"fingerprint": None},
        {"fingerprint": msgspec.structs.replace(FINGERPRINT, host="elsewhere")},
        {"fingerprint": msgspec.structs.replace(FINGERPRINT, cluster="another")},
    ],
)
def test_a_job_that_failed_or_ran_elsewhere_tells_nothing(tmp_path, changes):
    recorded(tmp_path, "20260101-000000-a", [make_job()], **changes)
    assert earlier(fresh(tmp_path, [make_job()]), [make_job()], HERE) == {}


@pytest.mark.parametrize("seconds", [-5.0, 0.0, 1e9])
def test_a_time_that_no_job_takes_tells_nothing(tmp_path, seconds):
    recorded(tmp_path, "20260101-000000-a", [make_job()], seconds)
    assert earlier(fresh(tmp_path, [make_job()]), [make_job()], HERE) == {}


def test_what_a_stranger_put_beside_is_passed_over(tmp_path):
    good = recorded(tmp_path, "20260101-000000-a", [make_job()], 40.0)
    linked = recorded(tmp_path, "20260103-000000-c", [make_job()], 1.0)
    result = linked.job_folder(make_job()) / "result.json"
    result.unlink()
    result.symlink_to(good.job_folder(make_job()) / "result.json")
    (tmp_path / "20260104-000000-d").mkdir()
    (tmp_path / "20260104-000000-d" / "plan.json").write_bytes(b"{}")
    (tmp_path / "20260105-000000-e").mkdir()
    (tmp_path / "20260105-000000-e" / "plan.json").mkdir()
    (tmp_path / "20260106-000000-f").symlink_to(good.path)
    (tmp_path / "zz-file").touch()
    big = recorded(tmp_path, "20260107-000000-g", [make_job()], 2.0)
    with (big.job_folder(make_job()) / "result.json").open("r+b") as file:
        file.truncate(2**27)
    assert earlier(fresh(tmp_path, [make_job()]), [make_job()], HERE) == {make_job().id: 40.0}


def test_no_more_than_a_few_runs_and_results_are_read(tmp_path, monkeypatch):
    job, other = make_job(), make_job(workload="babi_rnn")
    for day in range(1, 6):
        recorded(tmp_path, f"2026010{day}-000000-a", [job] if day > 1 else [job, other])
    folder = fresh(tmp_path, [job, other])
    assert set(earlier(folder, [job, other], HERE)) == {job.id, other.id}
    monkeypatch.setattr(module, "MOST_RUNS", 4)
    assert set(earlier(folder, [job, other], HERE)) == {job.id}
    monkeypatch.setattr(module, "MOST_RESULTS", 0)
    assert earlier(folder, [job, other], HERE) == {}


def test_of_a_resumed_run_the_results_that_stay(tmp_path):
    jobs = [make_job(repeat=repeat) for repeat in (1, 2, 3)]
    folder = recorded(tmp_path, "20260101-000000-a", jobs[:2])
    plan = make_plan(run_id="20260101-000000-a", jobs=jobs)
    (folder.job_folder(jobs[1]) / "result.json").write_bytes(b"torn")
    folder.path.joinpath("plan.json").write_bytes(to_json(plan))
    ready = Ready(plan=plan, launcher="process", pending=jobs[2:])
    found = outlook(ready, folder, load_catalog(), make_host(name=HERE))
    assert [result.job.id for result in found.done] == [jobs[0].id]
    assert found.jobs == jobs[2:]
    assert found.names.workload(jobs[0]) == "MNIST MLP"


def test_plans_that_take_long_to_read_hold_up_no_run(tmp_path, monkeypatch):
    recorded(tmp_path, "20260101-000000-a", [make_job()])
    folder = fresh(tmp_path, [make_job()])
    assert earlier(folder, [make_job()], HERE)
    monkeypatch.setattr(module, "MOST_S", -1.0)
    monkeypatch.setattr(RunFolder, "plan", lambda self: pytest.fail("a plan was read"))
    assert earlier(folder, [make_job()], HERE) == {}
