"""`orchestrate verify`: a run is complete, incomplete or altered, and the files are named that make it so."""

from __future__ import annotations

import json

import pytest

from orchestrator.cli.verbs.verify import verified
from orchestrator.model import Skip
from orchestrator.results.folder import RunFolder
from orchestrator.results.manifest import write_run_manifest
from tests.make import make_job, make_plan, make_result

JOB, SKIPPED = make_job(), make_job(repeat=2)


@pytest.fixture
def run(tmp_path):
    """A run of one job that was begun twice, and of one that was left out."""
    skip = Skip(job=SKIPPED, status="excluded", reason="by hand")
    folder = RunFolder.create(tmp_path / "results", make_plan(jobs=[JOB], skipped=[skip]))
    for attempt in (1, 2):
        own = folder.begin(JOB, attempt)
        (own / "log.txt").write_text("words")
        folder.write_result(make_result(JOB, attempt=attempt))
    write_run_manifest(folder.path, set())
    return folder


def test_a_whole_run_is_complete_with_its_earlier_attempts(orchestrate, run):
    names = [name for name, _ in verified(run)]
    assert f"jobs/{JOB.id}/attempts/1/result.json" in names
    assert not any(SKIPPED.id in name for name in names), "it was never begun"
    answer = orchestrate("verify")
    assert answer.returncode == 0
    assert answer.stdout == f"{run.path.name}: complete, {len(names)} of {len(names)} files as they were written\n"


@pytest.mark.parametrize(
    ("name", "spoil", "verdict", "line"),
    [
        ("log.txt", lambda path: path.write_text("other"), "altered", "ALTERED since it was written"),
        ("log.txt", lambda path: path.unlink(), "incomplete", "MISSING"),
        ("attempts/1/log.txt", lambda path: path.write_text("x"), "altered", "ALTERED since it was written"),
    ],
)
def test_a_file_that_changed_or_is_gone_is_named(orchestrate, run, name, spoil, verdict, line):
    spoil(run.job_folder(JOB) / name)
    answer = orchestrate("verify", run.path.name)
    assert answer.returncode == 1
    assert answer.stdout.splitlines()[2] == f"  jobs/{JOB.id}/{name}  {line}"
    assert answer.stdout.splitlines()[-1].startswith(f"{run.path.name}: {verdict}, ")


def test_a_record_without_a_manifest_is_not_sealed(orchestrate, run):
    (run.job_folder(JOB) / "manifest.json").unlink()
    lines = [" ".join(line.split()) for line in orchestrate("verify").stdout.splitlines()]
    assert f"jobs/{JOB.id}/result.json NO MANIFEST: no manifest.json says what it was" in lines
    assert f"jobs/{JOB.id}/manifest.json MISSING" in lines


def test_a_run_that_has_not_ended_is_incomplete(orchestrate, tmp_path):
    folder = RunFolder.create(tmp_path / "results", make_plan(jobs=[JOB]))
    answer = orchestrate("verify", folder.path, "--json")
    assert answer.returncode == 1
    assert json.loads(answer.stdout) == {
        "run": str(folder.path),
        "verdict": "incomplete",
        "files": {"manifest.json": "missing", f"jobs/{JOB.id}/result.json": "missing"},
    }


def test_what_is_no_run_is_a_mistake(orchestrate):
    answer = orchestrate("verify", "nosuch")
    assert answer.returncode == 2
    assert "there is no run 'nosuch'" in answer.stderr
