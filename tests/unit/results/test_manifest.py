"""What a manifest notices: files that are gone or altered, and records that a new report must not accept."""

from __future__ import annotations

import pytest

from orchestrator.doors import Refused
from orchestrator.model import to_json
from orchestrator.results.manifest import (
    Manifest,
    check_job,
    check_run,
    entry_of,
    job_is_whole,
    read_entry,
    read_manifest,
    write_job_manifest,
    write_run_manifest,
)
from orchestrator.results.records import NewerRecord


@pytest.fixture
def job(tmp_path):
    """The folder of a job, as it is once its result was written."""
    folder = tmp_path / "jobs" / "a"
    folder.mkdir(parents=True)
    (folder / "events.jsonl").write_text("{}\n")
    (folder / "log.txt").write_text("said\n")
    write_job_manifest(folder, b"the result")
    (folder / "result.json").write_bytes(b"the result")
    return folder


@pytest.fixture
def run(tmp_path, job):
    (tmp_path / "plan.json").write_text("{}")
    (tmp_path / "report.md").write_text("first")
    write_run_manifest(tmp_path, set())
    return tmp_path


def test_a_job_is_whole_until_a_file_is_altered_or_gone(job):
    assert job_is_whole(job)
    assert dict(check_job(job)) == {"events.jsonl": "ok", "log.txt": "ok", "result.json": "ok"}
    (job / "log.txt").write_text("said!\n")
    (job / "events.jsonl").unlink()
    assert dict(check_job(job)) == {"events.jsonl": "missing", "log.txt": "altered", "result.json": "ok"}
    assert not job_is_whole(job)


def test_a_result_without_a_manifest_is_told_apart_from_no_result(job):
    (job / "manifest.json").unlink()
    assert list(check_job(job)) == [("result.json", "unsealed")]
    (job / "result.json").unlink()
    assert list(check_job(job)) == [("result.json", "missing")]
    assert not job_is_whole(job)


def test_a_manifest_is_written_before_its_result(job):
    (job / "result.json").unlink()  # as if the orchestrator had died in between
    assert dict(check_job(job))["result.json"] == "missing"


def test_a_run_covers_its_plan_tables_and_the_manifests_of_its_jobs(run):
    assert dict(check_run(run)) == dict.fromkeys(["plan.json", "report.md", "jobs/a/manifest.json"], "ok")


def test_a_run_without_a_manifest_has_not_ended(run):
    (run / "manifest.json").write_text("{")
    assert list(check_run(run)) == [("manifest.json", "altered")]
    (run / "manifest.json").unlink()
    assert list(check_run(run)) == [("manifest.json", "missing")]


def test_a_new_report_is_accepted_but_no_altered_record(run):
    (run / "report.md").write_text("second")
    (run / "plan.json").write_text("{ }")
    write_run_manifest(run, set())
    assert dict(check_run(run))["report.md"] == "ok"
    assert dict(check_run(run))["plan.json"] == "altered"
    write_run_manifest(run, {"plan.json"})
    assert dict(check_run(run))["plan.json"] == "ok"


def test_a_job_that_is_gone_stays_missing(run, job):
    for path in job.iterdir():
        path.unlink()
    job.rmdir()
    write_run_manifest(run, set())
    assert dict(check_run(run))["jobs/a/manifest.json"] == "missing"


def test_links_and_folders_are_refused_and_not_hashed(tmp_path):
    (tmp_path / "file").write_bytes(b"x")
    (tmp_path / "link").symlink_to(tmp_path / "file")
    (tmp_path / "folder").mkdir()
    assert read_entry(tmp_path / "file") == entry_of(b"x")
    assert read_entry(tmp_path / "none") is None
    for name in ("link", "folder"):
        with pytest.raises(Refused, match=f"{name} is a {name}, and no plain file"):
            read_entry(tmp_path / name)


@pytest.mark.parametrize("name", ["../secret", "/etc/passwd", "a/../b", "a//b", "."])
def test_a_path_out_of_its_folder_is_altered_and_not_read(tmp_path, name):
    (tmp_path / "manifest.json").write_bytes(to_json(Manifest(files={name: entry_of(b"x")})))
    assert list(check_run(tmp_path)) == [(name, "altered")]


@pytest.mark.parametrize("content", [b"", b"\xff", b'{"version": 2}', b"[" * 100_000])
def test_what_cannot_be_read_is_no_manifest(tmp_path, content):
    (tmp_path / "manifest.json").write_bytes(content)
    assert read_manifest(tmp_path) is None


@pytest.mark.parametrize("content", [b'{"version": 2, "files": {}}', b'{"files": {}, "more": 1}'])
def test_a_manifest_of_a_newer_version_is_not_taken_for_none(tmp_path, content):
    (tmp_path / "manifest.json").write_bytes(content)
    for look in (read_manifest, lambda path: list(check_run(path)), job_is_whole):
        with pytest.raises(NewerRecord, match="written by a newer version"):
            look(tmp_path)
