"""The folder of an attempt: what each side may take from it, and what is nobody's."""

from __future__ import annotations

import pytest

from orchestrator.executors.slurm.attempts import Attempt, Outcome, Spec, Started, new_token
from orchestrator.executors.slurm.commands import Ticket
from orchestrator.model import DataFile, to_json
from tests.make import make_job, make_result

JOB = make_job()
STARTED = Started(node="n1", number="3", pid=1)


@pytest.fixture
def make(tmp_path):
    """A function that makes an attempt at one job."""

    def attempt(number=3, token="right", **changes):
        fields = {
            "ticket": Ticket(run_id="run", job_id=JOB.id, attempt=number, token=token),
            "job": JOB,
            "device": "cpu",
            "launcher": "process",
            "root": "/",
            "workloads_sha256": "0" * 64,
            "orchestrator": "0",
            "cluster": "c",
            "data": DataFile(dataset="mnist", path="/d", sha256="0" * 64, kind="given", name="mnist.npz"),
            "stop": str(tmp_path / "stop"),
        }
        return Attempt.create(tmp_path / "job", Spec(**{**fields, **changes}))

    return attempt


def outcome(**changes):
    fields = {"token": "right", "attempt": 3, "result": make_result(JOB, run_id="run")}
    return Outcome(**{**fields, **changes})


def test_an_attempt_is_read_as_it_was_written(make):
    attempt = make()
    assert attempt.folder.name == "3-right"
    again = Attempt.open(attempt.folder)
    assert again is not None
    assert (again.spec, again.comment) == (attempt.spec, f"kbo/run/{JOB.id}/3/right")


@pytest.mark.parametrize("written", [b"", b"{", b"[]", b"\xff", b'{"version": "of tomorrow"}'])
def test_an_order_that_is_not_whole_was_never_given(make, written):
    attempt = make()
    (attempt.folder / "spec.json").write_bytes(written)
    assert Attempt.open(attempt.folder) is None
    assert Attempt.unfinished(attempt.folder.parent.parent) == []


def test_only_the_first_start_counts(make):
    attempt = make()
    assert attempt.started() is None
    assert attempt.begin(STARTED)
    assert not attempt.begin(Started(node="n2", number="4", pid=2))
    assert attempt.started() == STARTED


@pytest.mark.parametrize(
    "wrong",
    [
        {"token": "other"},
        {"attempt": 2},
        {"result": make_result(JOB, run_id="another")},
        {"result": make_result(make_job(repeat=2), run_id="run")},
    ],
)
def test_only_a_report_about_this_attempt_counts(make, wrong):
    attempt = make()
    assert attempt.outcome() is None
    attempt.report(outcome())
    assert attempt.outcome() == outcome()
    attempt.report(outcome(**wrong))
    assert attempt.outcome() is None


def test_half_a_report_is_none(make):
    attempt = make()
    (attempt.folder / "outcome.json").write_text('{"token": "ri')
    assert attempt.outcome() is None


def test_attempts_of_earlier_sessions_are_found_unless_they_were_given_up(make):
    newer, older = make(10, "bbbb"), make(9, "aaaa")
    job_folder = newer.folder.parent.parent
    found = [attempt.comment for attempt in Attempt.unfinished(job_folder)]
    assert found == [older.comment, newer.comment], "the newest last, by number"
    newer.give_up()
    assert newer.given_up() and not older.given_up()
    assert [attempt.comment for attempt in Attempt.unfinished(job_folder)] == [older.comment]


def test_a_job_that_was_never_submitted_has_none(tmp_path):
    assert Attempt.unfinished(tmp_path / "job") == []


def test_one_marker_gives_up_a_whole_session(make, tmp_path):
    attempt = make()
    (tmp_path / "stop").touch()
    assert attempt.given_up()
    assert Attempt.unfinished(attempt.folder.parent.parent) == []


def test_last_words_are_one_line_that_does_no_harm(make):
    attempt = make()
    assert attempt.last_words() == ""
    (attempt.folder / "slurm.log").write_bytes(b"first\nslurmstepd: \x1b[31mkilled\n\n")
    words = attempt.last_words()
    assert "killed" in words and "\x1b" not in words and "first" not in words
    (attempt.folder / "slurm.log").write_text("x" * 1000)
    assert len(attempt.last_words()) <= 200


def test_tokens_differ_and_are_fit_for_folders():
    tokens = {new_token() for _ in range(50)}
    assert len(tokens) == 50
    assert all(len(token) == 8 and token.isalnum() for token in tokens)


@pytest.mark.parametrize("number", ["--name=other", "-u me", "1 2", "1\n", ";", "４"])
def test_what_is_no_number_of_slurm_never_stands_among_the_words_of_scancel(make, number):
    attempt = make()
    (attempt.folder / "started.json").write_bytes(to_json({"node": "n1", "number": number, "pid": 1}))
    assert attempt.started() is None
