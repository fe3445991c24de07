"""A record is whole, damaged, or of a newer version, and these are never taken for one another."""

from __future__ import annotations

import json

import msgspec
import pytest

from orchestrator.errors import UserError
from orchestrator.model import Result, without_record
from orchestrator.results import records
from orchestrator.results.folder import RunFolder
from orchestrator.results.records import NewerRecord
from tests.make import make_job, make_plan, make_result


@pytest.fixture
def folder(tmp_path):
    """A run of one job, whose result is whole."""
    found = RunFolder.create(tmp_path, make_plan())
    found.begin(make_job(), 1)
    found.write_result(make_result(make_job()))
    return found


def rewritten(folder, change):
    path = folder.job_folder(make_job()) / "result.json"
    record = json.loads(path.read_bytes())
    change(record)
    path.write_text(json.dumps(record))
    return path


NEWER = [
    lambda record: record.update(x=1),
    lambda record: record["job"].update(x=1),
    lambda record: record["fingerprint"].update(x={"y": []}),
    lambda record: (record["fingerprint"].update(orchestrator="99.0"), record.update(status="paused")),
]
DAMAGED = [
    lambda record: record.pop("run_id"),
    lambda record: record.update(status="paused"),
    lambda record: record.update(exit_code="none"),
    lambda record: (record.clear(), record.update(x=1)),
]


@pytest.mark.parametrize("change", NEWER)
def test_a_record_of_a_newer_version_is_no_failure(folder, change):
    path = rewritten(folder, change)
    with pytest.raises(NewerRecord, match=r"^written by a newer version: ") as caught:
        folder.result(make_job())
    assert str(path) in caught.value.message
    (result,) = folder.results().values()
    assert result.status == "unsupported" and result.reason == caught.value.message


@pytest.mark.parametrize("change", DAMAGED)
def test_a_damaged_record_is_not_of_a_newer_version(folder, change):
    rewritten(folder, change)
    (result,) = folder.results().values()
    assert result.status == "failed" and result.reason.startswith("damaged record: ")


@pytest.mark.parametrize("data", [b"", b'{"x": 1', b'{"":', b"\xff", b"null", b"[]", b"[" * 100_000])
def test_what_is_torn_is_damaged(tmp_path, data):
    (tmp_path / "r.json").write_bytes(data)
    with pytest.raises(UserError) as caught:
        records.read(tmp_path / "r.json", Result)
    assert not isinstance(caught.value, NewerRecord)
    assert records.reason(caught.value).startswith("damaged record: ")


def test_a_plan_of_a_newer_version_says_so(folder):
    plan = json.loads((folder.path / "plan.json").read_bytes())
    (folder.path / "plan.json").write_text(json.dumps({**plan, "x": 1}))
    with pytest.raises(NewerRecord, match="unknown field `x`"):
        folder.plan()


def test_readings_of_a_newer_version_are_read_without_what_is_new(folder):
    line = {"t": 1.0, "device": "cpu:0", "cpu_s": 2.0, "new": {"x": 1}}
    path = folder.job_folder(make_job()) / "samples.jsonl"
    path.write_text(json.dumps(line) + "\n" + json.dumps({**line, "t": 2.0}) + '\n{"t": 3.')
    assert [(sample.t, sample.cpu_s) for sample in folder.samples(make_job())] == [(1.0, 2.0), (2.0, 2.0)]


@pytest.mark.parametrize("reason", ["damaged record: x", "written by a newer version: x", "no result on record: x"])
def test_a_row_without_a_record_is_known_by_its_reason_and_by_nothing_else(reason):
    assert without_record({"status": "failed", "reason": reason, "launcher": None})
    assert not without_record({"status": "failed", "reason": reason, "launcher": "docker"})  # a job may say anything
    assert not without_record({"status": "ok", "reason": "", "launcher": None})


def test_whole_records_are_read(folder):
    assert folder.result(make_job()) == msgspec.structs.replace(
        make_result(make_job()), run_id=folder.result(make_job()).run_id
    )
