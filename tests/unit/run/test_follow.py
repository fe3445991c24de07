"""A run as its folder shows it: one that goes on, has ended, was killed, is torn, lies on another host or a cluster."""

from __future__ import annotations

import json
import os
import platform

import msgspec
import pytest

from orchestrator.doors import Refused
from orchestrator.errors import UserError
from orchestrator.files import write_atomic
from orchestrator.model import Skip, to_json
from orchestrator.plan.catalog import load_catalog
from orchestrator.results.folder import RunFolder, Session
from orchestrator.results.manifest import write_run_manifest
from orchestrator.run.follow import Follower, ending
from tests.make import make_job, make_plan, make_result

JOBS = [make_job(repeat=repeat) for repeat in (1, 2, 3)]
HERE = Session(host=platform.node(), began="now", pid=1, seconds={JOBS[2].id: 12.0})
EVENT = {"t": 1.0, "event": "epoch_end", "epoch": 1, "train_s": 1.5}


@pytest.fixture(scope="module")
def catalog():
    return load_catalog()


def create(tmp_path, **changes):
    return RunFolder.create(tmp_path, make_plan(jobs=JOBS, **changes))


def follow(folder, catalog):
    return Follower(RunFolder.open(folder.path), catalog)


def say(folder, job, *events, where="out"):
    out = folder.job_folder(job) / where
    out.mkdir(parents=True, exist_ok=True)
    with (out / "events.jsonl").open("ab") as file:
        file.writelines(msgspec.json.encode(event) + b"\n" for event in events)


def test_a_run_that_goes_on_is_told_as_it_tells_itself(tmp_path, catalog):
    folder = create(tmp_path)
    with folder.locked(), folder.live(HERE):
        folder.begin(JOBS[0], 1)
        folder.write_result(make_result(JOBS[0]))
        found = follow(folder, catalog)
        outlook = found.outlook()
        assert [job.id for job in outlook.jobs] == [job.id for job in JOBS[1:]]
        assert [result.job.id for result in outlook.done] == [JOBS[0].id]
        assert outlook.seconds == HERE.seconds and outlook.names.workload(JOBS[0]) == "MNIST MLP"
        assert found.state() == ("goes on", platform.node())
        assert found.look() == found.look()  # nothing is new
        folder.begin(JOBS[1], 1)
        say(folder, JOBS[1], EVENT)
        seen = found.look()
        assert [(job.id, where) for job, where, _ in seen.started] == [(JOBS[1].id, "")]
        assert seen.events == [(JOBS[1], EVENT)]
        say(folder, JOBS[1], {**EVENT, "epoch": 2})
        seen = found.look()
        assert not seen.started and [event["epoch"] for _, event in seen.events] == [2]
        folder.write_result(make_result(JOBS[1]))
        assert [result.job.id for result in found.look().results] == [JOBS[1].id]
        assert set(found.results) == {JOBS[0].id, JOBS[1].id}
    write_run_manifest(folder.path, set())
    assert found.state()[0] == "ended"


def test_a_killed_run_is_told_from_one_that_ended_and_from_one_elsewhere(tmp_path, catalog):
    folder = create(tmp_path)
    found = follow(folder, catalog)
    assert found.state() == ("killed", "")
    write_atomic(folder.path / "live.json", to_json(HERE))
    assert found.state() == ("killed", platform.node())
    write_atomic(folder.path / "live.json", to_json(msgspec.structs.replace(HERE, host="elsewhere")))
    assert found.state() == ("elsewhere", "elsewhere")
    os.truncate(folder.path / "live.json", 3)
    assert found.state() == ("killed", "")
    (folder.path / "live.json").unlink()
    write_run_manifest(folder.path, set())
    assert found.state() == ("ended", "")


def test_torn_records_are_failed_jobs_and_no_end_of_the_view(tmp_path, catalog):
    folder = create(tmp_path)
    for job in JOBS[:2]:
        folder.begin(job, 1)
    (folder.job_folder(JOBS[0]) / "result.json").write_bytes(b'{"torn')
    (folder.job_folder(JOBS[1]) / "result.json").write_bytes(to_json(make_result(JOBS[2])))
    found = follow(folder, catalog)
    found.outlook()
    assert {result.status for result in found.results.values()} == {"failed"} and len(found.results) == 2
    (folder.path / "plan.json").write_bytes(b"{")
    with pytest.raises(UserError, match=r"plan\.json"):
        follow(folder, catalog)


def test_nothing_is_read_through_a_link(tmp_path, catalog):
    folder = create(tmp_path)
    with folder.locked(), folder.live(HERE):
        found = follow(folder, catalog)
        found.outlook()
        own = folder.begin(JOBS[0], 1)
        (own / "out").mkdir()
        (tmp_path / "secret").write_bytes(msgspec.json.encode(EVENT) + b"\n")
        (own / "out" / "events.jsonl").symlink_to(tmp_path / "secret")
        assert found.look().events == []
        (own / "result.json").symlink_to(tmp_path / "secret")
        with pytest.raises(Refused):
            found.look()


def test_jobs_that_join_later_are_told(tmp_path, catalog):
    folder = create(tmp_path)
    with folder.locked(), folder.live(HERE):
        found = follow(folder, catalog)
        found.outlook()
        more = make_job(repeat=4)
        folder.write_plan(make_plan(jobs=[*JOBS, more]))
        os.utime(folder.path / "plan.json", (1, 1))
        assert found.look().added == [more]
        assert found.look().added == []


def test_a_run_on_a_cluster_is_seen_through_its_attempts(tmp_path, catalog):
    folder = create(tmp_path, config={"executor": "slurm"})
    found = follow(folder, catalog)
    found.outlook()
    assert found.state() == ("away", "")
    for job in JOBS[:2]:
        (folder.begin(job, 1) / "slurm" / "1-ab").mkdir(parents=True)
    assert not found.look().started  # both are in the queue
    started = {"node": "n7", "number": "12", "pid": 5}
    (folder.job_folder(JOBS[1]) / "slurm" / "1-ab" / "started.json").write_text(json.dumps(started))
    say(folder, JOBS[1], EVENT, where="slurm/1-ab/out")
    seen = found.look()
    assert [(job.id, where) for job, where, _ in seen.started] == [(JOBS[1].id, " on n7 (Slurm job 12)")]
    assert seen.events == [(JOBS[1], EVENT)]


def test_how_a_run_ended(tmp_path):
    skip = Skip(job=make_job(repeat=9), status="unsupported", reason="no GPU")
    plan = make_plan(jobs=JOBS[:2], skipped=[skip])
    both = [make_result(job) for job in JOBS[:2]]
    assert ending(plan, both, "ended") == (["ok", "ok", "unsupported"], False)
    assert ending(plan, both[:1], "killed") == (["ok", "cancelled", "unsupported"], False)
    stopped = make_result(JOBS[1], status="cancelled", reason="stopped by the user while it ran")
    assert ending(plan, [both[0], stopped], "ended") == (["ok", "cancelled", "unsupported"], True)
