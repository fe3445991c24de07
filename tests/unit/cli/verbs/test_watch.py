"""`orchestrate watch`: one view, a document, and a run that is followed to its end."""

from __future__ import annotations

import json
import platform
import threading

import msgspec
import pytest

from orchestrator.cli.verbs import watch
from orchestrator.results.folder import RunFolder, Session
from orchestrator.results.manifest import write_run_manifest
from orchestrator.run import follow
from tests.make import make_job, make_plan, make_result

JOBS = [make_job(repeat=repeat) for repeat in (1, 2, 3)]
HERE = Session(host=platform.node(), began="now", pid=1, seconds={job.id: 30.0 for job in JOBS})


@pytest.fixture
def folder(tmp_path):
    folder = RunFolder.create(tmp_path / "results", make_plan(jobs=JOBS))
    folder.begin(JOBS[0], 1)
    folder.write_result(make_result(JOBS[0]))
    return folder


def test_one_view_of_a_run_that_goes_on(orchestrate, folder):
    with folder.locked(), folder.live(HERE):
        folder.begin(JOBS[1], 1)
        before = sorted(path.relative_to(folder.path) for path in folder.path.rglob("*"))
        answer = orchestrate("watch", "--once", COLUMNS="80")
        assert sorted(path.relative_to(folder.path) for path in folder.path.rglob("*")) == before
    assert answer.returncode == 0
    first, *lines = answer.stdout.splitlines()
    assert first == f"{folder.path.name} goes on"
    assert lines[-1].startswith("1 of 3 jobs: 1 ok, 1 running, 1 waiting · ") and lines[-1].endswith(" left")
    assert any(line.startswith("MNIST MLP on Theano (cpu), repeat 2") for line in lines)
    assert max(map(len, lines)) <= 80


def test_a_document_for_programs(orchestrate, folder):
    with folder.locked(), folder.live(HERE):
        folder.begin(JOBS[1], 1)
        answer = orchestrate("watch", folder.path, "--json")
    found = json.loads(answer.stdout)
    assert (answer.returncode, answer.stderr) == (0, "")
    assert (found["state"], found["exit_code"], found["planned"]) == ("goes on", None, 3)
    assert (found["ok"], found["failed"], found["waiting"]) == (1, 0, 1)
    assert [job["job_id"] for job in found["running"]] == [JOBS[1].id]
    assert 0 < found["left_s"] <= 60


@pytest.mark.parametrize(
    ("last", "code", "words"),
    [
        ({"status": "ok"}, 0, "exit code 0: every job is ok"),
        ({"status": "failed", "reason": "it broke"}, 1, "exit code 1: 1 job not ok"),
        (
            {"status": "cancelled", "reason": "stopped by the user while it ran"},
            130,
            "exit code 130: its user stopped it",
        ),
    ],
)
def test_a_run_that_has_ended_says_how(orchestrate, folder, last, code, words):
    for job in JOBS[1:]:
        folder.begin(job, 1)
        folder.write_result(make_result(job, **(last if job is JOBS[2] else {})))
    write_run_manifest(folder.path, set())
    answer = orchestrate("watch")
    assert answer.returncode == code and answer.stderr.splitlines()[-1] == f"{folder.path.name} has ended; {words}"
    assert words in orchestrate("watch", "--once").stdout


def test_a_killed_run_says_what_goes_on_with_it(orchestrate, folder):
    answer = orchestrate("watch")
    assert answer.returncode == 1
    assert answer.stderr.splitlines()[-1] == (
        f"{folder.path.name} was ended before it was complete; `orchestrate run --resume` goes on with it; "
        "exit code 1: 2 jobs not ok"
    )


def test_what_is_no_run_is_one_line(orchestrate, tmp_path):
    answer = orchestrate("watch", "nothing")
    assert answer.returncode == 2 and answer.stderr.startswith("ERROR there is no run 'nothing'")
    (tmp_path / "results" / "x").mkdir(parents=True)
    (tmp_path / "results" / "x" / "plan.json").symlink_to("/etc/passwd")
    answer = orchestrate("watch", tmp_path / "results" / "x")
    assert answer.returncode == 2 and "is a link" in answer.stderr


def test_a_run_is_followed_to_its_end(orchestrate, folder, monkeypatch):
    """What the run does between two looks is done here in place of the pause."""
    failed = make_result(JOBS[2], status="failed", reason="it \x1b[2J broke")
    steps = iter([
        lambda: folder.begin(JOBS[1], 1),
        lambda: folder.write_result(make_result(JOBS[1])),
        lambda: (folder.begin(JOBS[2], 1), folder.write_result(failed)),
    ])  # fmt: skip
    over = threading.Event()

    def pause(seconds):
        step = next(steps, None)
        if step:
            step()
        else:
            over.set()

    monkeypatch.setattr(watch.time, "sleep", pause)
    real = follow.Follower.state
    monkeypatch.setattr(follow.Follower, "state", lambda self: ("ended", "") if over.is_set() else real(self))
    with folder.locked(), folder.live(HERE):
        answer = orchestrate("watch")
    name = "MNIST MLP on Theano (cpu), repeat"
    said = answer.stderr.splitlines()
    assert said[0] == f"{folder.path.name} goes on"
    assert [line.partition("  about")[0] for line in said[1:4]] == [
        f"[2/3] {name} 2 starts",
        f"[2/3] {name} 2 ok in 22 s, 2.50 s/epoch",
        f"[3/3] {name} 3 failed in 22 s  it  [2J broke",
    ]
    assert said[-1].endswith("exit code 1: 1 job not ok") and answer.returncode == 1


def test_a_run_of_another_version_or_host_is_read_as_far_as_it_goes(orchestrate, folder):
    (folder.path / "live.json").write_bytes(b'{"host": "elsewhere", "began": "now", "pid": 1}')
    answer = orchestrate("watch", "--once")
    assert "says that it goes on, on elsewhere: from here that cannot be seen" in answer.stdout
    record = folder.job_folder(JOBS[0]) / "result.json"
    record.write_bytes(record.read_bytes().replace(b'"run_id"', b'"later": 1,\n "run_id"', 1))
    assert orchestrate("watch", "--once").returncode == 0


def test_what_ended_is_told_before_what_began_after_it(folder):
    """Both were seen in one look; a job that began and ended within it is told in its own order."""
    told = []

    class Heard:
        def started(self, job, where, ago):
            told.append(("starts", job.repeat))

        def event(self, job, event):
            told.append(("event", job.repeat))

        def finished(self, result):
            told.append(("ends", result.job.repeat))

    class Looked:
        def look(self):
            return follow.Seen(
                started=[(job, "", 0.0) for job in JOBS[1:]],
                events=[(job, {"event": "ready"}) for job in JOBS[:2]],
                results=[make_result(job) for job in JOBS[:2]],
            )

    watch._tell(Looked(), Heard())
    assert told == [
        *(("event", 1), ("ends", 1)),
        *(("starts", 2), ("starts", 3), ("event", 2), ("ends", 2)),
    ]


def test_a_job_that_claims_endless_times_ends_no_view(orchestrate, folder):
    with folder.locked(), folder.live(msgspec.structs.replace(HERE, seconds={job.id: 1.7e308 for job in JOBS})):
        folder.begin(JOBS[1], 1)
        out = folder.job_folder(JOBS[1]) / "out"
        out.mkdir()
        epoch = {"t": 1.0, "event": "epoch_end", "train_s": 1.7e308, "validation_s": 1.7e308}
        lines = [msgspec.json.encode({**epoch, "epoch": number}) + b"\n" for number in (1, 2)]
        (out / "events.jsonl").write_bytes(b"".join(lines))
        answer = orchestrate("watch", "--once")
        document = json.loads(orchestrate("watch", "--json").stdout)
    assert answer.returncode == 0 and "about an unknown time left" in answer.stdout and "Traceback" not in answer.stderr
    assert document["left_s"] is None
