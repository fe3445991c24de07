"""Which jobs of a recorded run are run: those without a result, those whose record is damaged, and those asked for."""

from __future__ import annotations

import msgspec
import pytest

from orchestrator.errors import UserError
from orchestrator.files import sha256_file
from orchestrator.model import DataFile, Skip
from orchestrator.plan.request import ResumeRequest
from orchestrator.results.folder import RunFolder
from orchestrator.results.records import NewerRecord
from orchestrator.run import pending
from tests.make import FINGERPRINT, make_job, make_plan, make_result

JOB, SECOND = make_job(), make_job(repeat=2)


@pytest.fixture
def said():
    return []


def record(folder, job, **changes):
    folder.begin(job, 1)
    folder.write_result(make_result(job, run_id=folder.path.name, **changes))


def sorted_out(folder, said, tmp_path, **choice):
    request = ResumeRequest(run="latest", out=tmp_path, **choice)
    found, kept = pending.sort_out(folder, folder.plan(), request, said.append)
    return [job.id for job in found], list(kept)


@pytest.mark.parametrize(
    ("status", "choice", "again"),
    [
        ("ok", {}, False),
        ("ok", {"retry_failed": True}, False),
        ("failed", {}, False),
        ("failed", {"retry_failed": True}, True),
        ("timeout", {"retry_failed": True}, True),
        ("oom", {"retry_failed": True}, True),
        ("unsupported", {"retry_failed": True}, False),
        ("cancelled", {}, True),
        ("cancelled", {"keep_cancelled": True}, False),
    ],
)
def test_which_results_stand(tmp_path, said, status, choice, again):
    folder = RunFolder.create(tmp_path, make_plan(jobs=[JOB]))
    record(folder, JOB, status=status)
    assert sorted_out(folder, said, tmp_path, **choice) == (([JOB.id], []) if again else ([], [JOB.id]))
    assert said == []


def test_a_record_of_a_newer_version_is_not_run_over(tmp_path, said):
    folder = RunFolder.create(tmp_path, make_plan(jobs=[JOB]))
    record(folder, JOB)
    path = folder.job_folder(JOB) / "result.json"
    path.write_bytes(path.read_bytes().replace(b"{", b'{"x": 1,', 1))
    with pytest.raises(NewerRecord, match="written by a newer version"):
        sorted_out(folder, said, tmp_path)


@pytest.mark.parametrize("choice", [{}, {"keep_cancelled": True}])
def test_a_job_that_never_began_is_run_in_plan_order(tmp_path, said, choice):
    folder = RunFolder.create(tmp_path, make_plan(jobs=[SECOND, JOB]))
    assert sorted_out(folder, said, tmp_path, **choice) == ([SECOND.id, JOB.id], [])


@pytest.mark.parametrize(
    ("status", "retry", "again"), [("excluded", True, False), ("failed", False, False), ("failed", True, True)]
)
def test_a_skipped_job_is_tried_again_only_if_something_of_it_failed(tmp_path, said, status, retry, again):
    skip = Skip(job=SECOND, status=status, reason="why")
    folder = RunFolder.create(tmp_path, make_plan(jobs=[], skipped=[skip]))
    assert sorted_out(folder, said, tmp_path, retry_failed=retry) == ([SECOND.id] if again else [], [])


@pytest.mark.parametrize(
    ("name", "content", "words"),
    [
        ("result.json", b"{", "result.json: Input data was truncated; it runs again"),
        ("result.json", b"[]", "Expected `object`, got `array`; it runs again"),
        ("job.json", b"{}", "its record is torn or was altered; it runs again"),
    ],
)
def test_a_damaged_record_runs_again_and_that_is_said(tmp_path, said, name, content, words):
    folder = RunFolder.create(tmp_path, make_plan(jobs=[JOB, SECOND]))
    for job in (JOB, SECOND):
        record(folder, job)
    (folder.job_folder(JOB) / name).write_bytes(content)
    assert sorted_out(folder, said, tmp_path) == ([JOB.id], [SECOND.id])
    (line,) = said
    assert line.startswith(f"{JOB.id}: ")
    assert words in line


def planned_data(tmp_path):
    path = tmp_path / "mnist.npz"
    path.write_bytes(b"data")
    file = DataFile(dataset="mnist", path=str(path), sha256="0" * 64, kind="given", name="mnist.npz")
    return path, make_plan(data={"mnist": file})


def test_the_data_is_hashed_as_it_is_now(tmp_path):
    path, plan = planned_data(tmp_path)
    assert pending.present_data(plan) == {
        "mnist": msgspec.structs.replace(plan.data["mnist"], sha256=sha256_file(path))
    }


def test_data_that_is_gone_is_named_with_its_place(tmp_path):
    path, plan = planned_data(tmp_path)
    path.unlink()
    with pytest.raises(UserError, match=f"the data set mnist of this run is gone: {path}") as caught:
        pending.present_data(plan)
    assert caught.value.hint == "put it back, or start a new run"


def now(**changes):
    return msgspec.structs.asdict(msgspec.structs.replace(FINGERPRINT, **changes))


@pytest.mark.parametrize(
    ("field", "value", "words"),
    [
        ("workloads_sha256", "a" * 64, "the files in workloads/"),
        ("data_sha256", "a" * 64, "the data set mnist"),
        ("image_digest", "sha256:2", "the image of keras2-theano"),
        ("keras_spec", "keras==3", "the replaced Keras of keras2-theano"),
        ("packages_sha256", "a" * 64, "the packages of mnist_mlp on keras2-theano"),
        ("host", "other", "the host"),
        ("driver", "580", "the GPU driver"),
    ],
)
def test_what_a_result_was_made_with_is_compared_in_words(field, value, words):
    kept = {JOB.id: make_result(JOB), SECOND.id: make_result(SECOND)}
    found = pending.changes(kept, {JOB.id: now(**{field: value}), SECOND.id: now()})
    assert found == {words: [JOB.id]}


def test_what_does_not_make_another_experiment_is_not_compared():
    later = now(memory_mb=1, pinned_cores=[3], command=["x"], gpu_uuid="GPU-9")
    assert pending.changes({JOB.id: make_result(JOB)}, {JOB.id: later}) == {}


def test_nothing_is_held_against_what_cannot_be_compared():
    never_launched = make_result(JOB, fingerprint=None)
    assert pending.changes({JOB.id: never_launched}, {JOB.id: now(host="other")}) == {}
    assert pending.changes({JOB.id: make_result(JOB)}, {}) == {}
    assert pending.changes({JOB.id: make_result(JOB)}, {JOB.id: {"launcher": "docker"}}) == {}, "not known yet"


def test_changes_are_refused_with_all_of_them_told():
    changed = {"the host": [JOB.id, SECOND.id], "the launcher": [JOB.id]}
    with pytest.raises(UserError) as caught:
        pending.add_changed([], make_plan(jobs=[JOB, SECOND]), changed, False, lambda line: None)
    told = "the host changed after 2 of its results; the launcher changed after 1 of its results"
    assert caught.value.message == f"not the same run any more: {told}"
    assert "--rerun-changed" in caught.value.hint


def test_on_request_what_changed_is_run_with_the_rest_in_plan_order(said):
    third = make_job(repeat=3)
    plan = make_plan(jobs=[JOB, SECOND, third])
    found = pending.add_changed([third], plan, {"the host": [JOB.id]}, True, said.append)
    assert found == [JOB, third]
    assert said == ["the host changed after 1 of its results: these run again"]
    assert pending.add_changed([third], plan, {}, False, said.append) == [third]


def test_a_result_that_read_no_data_set_stands_whatever_that_is_now():
    made_up = msgspec.structs.replace(FINGERPRINT, data_sha256="0" * 64, data_kind="own")
    kept = {JOB.id: make_result(JOB, fingerprint=made_up)}
    assert pending.changes(kept, {JOB.id: now(data_sha256="a" * 64)}) == {}
