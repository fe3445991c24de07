"""What is on disk is whole, whatever happens while it is written."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import msgspec
import pytest
from msgspec import structs

from orchestrator import doors
from orchestrator.errors import HostError, UserError
from orchestrator.model import GpuSample, Result
from orchestrator.results import folder as results_folder
from orchestrator.results.folder import RunFolder, Session
from orchestrator.results.manifest import write_run_manifest
from orchestrator.results.verify import verified
from tests.make import FINGERPRINT, make_job, make_plan, make_result


def test_a_run_is_read_back_as_it_was_written(tmp_path):
    plan = make_plan()
    folder = RunFolder.create(tmp_path, plan)
    result = Result(run_id=plan.run_id, job=plan.jobs[0], status="ok")
    assert folder.begin(plan.jobs[0], 1).is_dir()
    folder.write_result(result)
    again = RunFolder.open(tmp_path / "latest")
    assert again.plan() == plan
    assert again.results() == {result.job.id: result}


def test_a_folder_that_cannot_be_written(tmp_path):
    (tmp_path / "results").write_text("a file in the way")
    with pytest.raises(HostError, match="cannot write"):
        RunFolder.create(tmp_path / "results", make_plan())


def test_a_folder_that_is_no_run(tmp_path):
    with pytest.raises(UserError, match="not a run"):
        RunFolder.open(tmp_path)


def test_a_damaged_record_names_its_file(tmp_path):
    folder = RunFolder.create(tmp_path, make_plan())
    path = folder.job_folder(make_job()) / "result.json"
    path.parent.mkdir(parents=True)
    path.write_text('{"run_id": "x", "status": "fine"}')
    with pytest.raises(UserError) as caught:
        folder.result(make_job())
    assert str(path) in caught.value.message
    (result,) = folder.results().values()
    assert result.status == "failed"
    assert str(path) in result.reason


def test_torn_samples_and_odd_logs_are_read_as_far_as_they_go(tmp_path):
    folder = RunFolder.create(tmp_path, make_plan())
    job = folder.job_folder(make_job())
    job.mkdir(parents=True)
    lines = b'{"t":1,"device":"cpu:0","cpu_s":1.5}\n\xff\n{"\xffcpu_s":1}\n{"t":2,"dev'
    (job / "samples.jsonl").write_bytes(lines)
    (job / "log.txt").write_bytes(b"\xff" + b"line\n" * 100)
    assert [sample.cpu_s for sample in folder.samples(make_job())] == [1.5]
    assert folder.log_tail(make_job(), 3) == "line\nline\nline"


@pytest.mark.parametrize("unknown", ["launched_t", "exited_t", "fingerprint"])
def test_a_job_whose_time_or_gpu_is_not_known_has_no_readings(tmp_path, unknown):
    folder = RunFolder.create(tmp_path, make_plan())
    path = folder.job_folder(make_job())
    path.mkdir(parents=True)
    (path / "gpu-1.jsonl").write_bytes(
        msgspec.json.encode(GpuSample(t=100.0, uuid="GPU-1", kind="poll", util=7.0)) + b"\n"
    )
    known = make_result(make_job(), fingerprint=structs.replace(FINGERPRINT, gpu_uuid="GPU-1"))
    assert [reading.util for reading in folder.gpu_samples(known)] == [7.0]
    assert folder.gpu_samples(structs.replace(known, **{unknown: None})) == []


def test_whether_a_run_goes_on_is_told_by_its_lock(tmp_path):
    folder = RunFolder.create(tmp_path, make_plan())
    other = RunFolder.open(folder.path)
    assert not folder.goes_on()
    with folder.locked():
        assert other.goes_on() and not folder.goes_on()  # whoever holds the lock reports what it ends with
    assert not other.goes_on()


def test_a_job_runs_that_this_session_has_begun_and_that_has_no_result(tmp_path):
    jobs = [make_job(repeat=repeat) for repeat in (1, 2, 3, 4)]
    folder = RunFolder.create(tmp_path, make_plan(jobs=jobs))
    other = RunFolder.open(folder.path)
    folder.begin(jobs[3], 1)  # by a session that was killed
    os.utime(folder.job_folder(jobs[3]) / "job.json", (1, 1))
    assert other.running() is None and other.session() is None
    with folder.locked(), folder.live(Session(host="h", began="now", pid=1, seconds={"x": 2.0})):
        for job in jobs[:2]:
            folder.begin(job, 1)
        folder.write_result(make_result(jobs[0]))
        assert other.running() == {jobs[1].id}
        assert other.session()[0].seconds == {"x": 2.0}
        write_run_manifest(folder.path, set())
    assert other.running() is None and other.session() is None
    assert "live.json" not in dict(verified(folder))  # what does not stay is in no manifest


def test_on_a_cluster_a_job_runs_when_its_node_has_begun_it(tmp_path):
    jobs = [make_job(repeat=repeat) for repeat in (1, 2)]
    folder = RunFolder.create(tmp_path, make_plan(config={"executor": "slurm"}, jobs=jobs))
    for job in jobs:
        (folder.begin(job, 1) / "slurm" / "1-ab").mkdir(parents=True)
    (folder.job_folder(jobs[1]) / "slurm" / "1-ab" / "started.json").touch()
    assert folder.running() == {jobs[1].id}


def test_jobs_that_were_left_alone_go_on_until_they_are_collected(tmp_path):
    folder = RunFolder.create(tmp_path, make_plan(config={"executor": "slurm"}))
    assert folder.goes_on()
    write_run_manifest(folder.path, set())
    assert not folder.goes_on()


def test_a_merged_set_is_named_as_what_it_is(tmp_path: Path):
    (tmp_path / "both").mkdir()
    (tmp_path / "both" / "set.json").write_text("{}")
    for named in ("both", str(tmp_path / "both")):
        with pytest.raises(UserError, match="both is a merged set, and no run") as caught:
            RunFolder.locate(tmp_path, named)
        assert "report" in str(caught.value.hint)


def test_where_there_is_no_run_yet_the_way_to_one_is_told(tmp_path):
    with pytest.raises(UserError, match="there is no run 'latest'") as caught:
        RunFolder.locate(tmp_path, "latest")
    assert caught.value.hint == f"no runs in {tmp_path} yet: `orchestrate --config smoke` makes one"
    RunFolder.create(tmp_path, make_plan())
    (tmp_path / "latest").unlink()
    with pytest.raises(UserError, match="there is no run 'latest'") as caught:
        RunFolder.locate(tmp_path, "latest")
    assert "runs are kept below" in caught.value.hint


def test_latest_is_the_run_begun_last_or_nothing(tmp_path, monkeypatch):
    first, second = (RunFolder.create(tmp_path, make_plan(run_id=name)) for name in ("a", "b"))
    assert RunFolder.locate(tmp_path, "latest").path == second.path != first.path

    def no_links(self, target):
        raise PermissionError

    monkeypatch.setattr("pathlib.Path.symlink_to", no_links)
    RunFolder.create(tmp_path, make_plan(run_id="c"))
    assert not (tmp_path / "latest").is_symlink()  # an old one would mean another run
    with pytest.raises(UserError, match="there is no run 'latest'"):
        RunFolder.locate(tmp_path, "latest")


def test_a_copy_in_the_place_of_latest_is_refused_by_name(tmp_path):
    run = RunFolder.create(tmp_path / "results", make_plan())
    (tmp_path / "copied").mkdir()
    shutil.copytree(run.path, tmp_path / "copied" / "latest")
    with pytest.raises(UserError, match=r"copied/latest is a folder of its own, and no link to the last run"):
        RunFolder.locate(tmp_path / "copied", "latest")
    assert RunFolder.open(tmp_path / "copied" / "latest").plan() == make_plan()  # by its name it can be read


@pytest.mark.parametrize("name", ["d" * 300, "file/below"])
def test_what_cannot_even_be_looked_for_is_no_run(tmp_path, name):
    (tmp_path / "file").touch()
    with pytest.raises(UserError, match=r"cannot be read|there is no run|not a run"):
        RunFolder.locate(tmp_path / name, "latest")
    with pytest.raises(UserError):
        RunFolder.open(tmp_path / name)


@pytest.mark.parametrize(("jobs", "words"), [([], "there are no jobs"), ([make_job()] * 2, "is there twice")])
def test_a_plan_without_jobs_or_with_one_twice_is_one_line(tmp_path, jobs, words):
    folder = RunFolder.create(tmp_path, make_plan(jobs=jobs))
    with pytest.raises(UserError, match=rf"plan\.json: .*{words}"):
        folder.plan()


def test_a_record_of_far_too_many_values_is_not_decoded(tmp_path, monkeypatch):
    """64 MiB of `{},` took twelve gigabytes."""
    monkeypatch.setattr(doors.read_json, "__defaults__", (1000,))
    plan = make_plan()
    folder = RunFolder.create(tmp_path, plan)
    (job,) = plan.jobs
    place = folder.begin(job, 1)
    (place / "result.json").write_bytes(b'{"epochs": [' + b"{}," * 600 + b"{}]}")
    (result,) = folder.results().values()
    assert (result.status, "holds more than 1,000 values" in result.reason) == ("failed", True)
    (folder.path / "plan.json").write_bytes(b'{"config": {"x": [' + b"[]," * 600 + b"[]]}}")
    for read in (folder.plan, folder.plan_text):
        with pytest.raises(UserError, match=r"plan\.json holds more than 1,000 values"):
            read()


def test_a_run_of_far_too_many_epochs_readings_or_jobs_is_refused(tmp_path, monkeypatch):
    plan = make_plan(jobs=[make_job(), make_job(repeat=2)])
    folder = RunFolder.create(tmp_path, plan)
    for job in plan.jobs:
        place = folder.begin(job, 1)
        folder.write_result(make_result(job, run_id=plan.run_id))
    assert len(folder.results()) == 2
    monkeypatch.setattr(results_folder, "MOST_EPOCHS_READ", 5)  # each has three
    with pytest.raises(UserError, match="has more than 5 epochs"):
        folder.results()
    (place / "samples.jsonl").write_bytes(b'{"t":1,"device":"c"}\n' * 4)
    assert len(folder.samples(job)) == 4
    monkeypatch.setattr(results_folder, "MOST_SAMPLES", 3)
    with pytest.raises(UserError, match=r"samples\.jsonl has more than 3 readings"):
        folder.samples(job)
    monkeypatch.setattr(results_folder, "MOST_JOBS", 0.5)
    with pytest.raises(UserError, match=r"plan\.json: 2 jobs are too many"):
        folder.plan()


def test_a_run_below_a_relative_folder_is_the_latest_too(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    first = RunFolder.create(Path("results"), make_plan())
    assert first.is_latest
    second = RunFolder.create(Path("results"), make_plan(run_id="other"))
    assert second.is_latest and not first.is_latest
