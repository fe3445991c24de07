"""What the command line prints at the end of a run, for people and for programs, and with which code it exits."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path

import pytest

from orchestrator import streams
from orchestrator.cli import output
from orchestrator.errors import HostError
from orchestrator.model import Skip
from orchestrator.results.folder import RunFolder
from orchestrator.run.session import Finished
from tests.make import make_job, make_plan, row

OUT = Path("results/run")


@pytest.mark.parametrize(
    ("statuses", "interrupted", "code"),
    [
        (["ok", "ok"], False, 0),
        (["ok", "unsupported", "excluded"], False, 0),
        (["ok", "failed"], False, 1),
        (["ok", "timeout"], False, 1),
        (["unsupported", "failed"], False, 1),
        (["ok", "cancelled"], True, 130),
        (["excluded"], False, 0),
        (["unsupported", "excluded"], False, 3),  # a run that ran nothing is no success
    ],
)
def test_the_exit_code_of_a_run(statuses, interrupted, code):
    assert output.exit_code(statuses, interrupted) == code


def test_the_summary_has_a_line_per_workload_a_column_per_contender_and_marks_the_best():
    rows = [
        row(stack="keras2-theano", backend="theano", epoch_s=2.0),
        row(stack="keras2-theano", backend="theano", epoch_s=4.0),
        row(stack="keras3-jax", backend="jax", epoch_s=1.5),
        row(stack="keras3-jax", backend="jax", epoch_s=1.0, variant="modern"),
        row(stack="keras3-jax", backend="jax", epoch_s=None, status="failed", workload="mnist_cnn"),
    ]
    lines = [line.split() for line in output.text_summary(rows).splitlines()]
    assert ["mnist_mlp", "3", "1.5", "1", "*"] in lines
    assert ["mnist_cnn", "-", "failed", "-"] in lines
    assert ["keras2", "cpu", "keras3", "cpu", "jax"] in lines and ["workload", "theano", "jax", "modern"] in lines


def test_names_in_the_summary_are_shown_as_they_are():
    text = output.text_summary([row(workload="[bold]net:smile:[/]", backend="[red]x", epoch_s=1.0)])
    assert "[bold]net:smile:[/]" in text and "[red]x" in text


def test_a_failed_job_is_not_the_best_whatever_it_measured():
    rows = [row(backend="a", epoch_s=0.1, status="timeout"), row(backend="b", epoch_s=3.0)]
    (line,) = [line for line in output.text_summary(rows).splitlines() if "mnist_mlp" in line]
    assert line.split() == ["mnist_mlp", "timeout", "3", "*"]


def test_the_last_words_count_what_was_meant_to_run_and_group_the_rest_by_reason():
    failed = [row(status="failed", reason="exit code 1", job_id=f"j{n}") for n in range(6)]
    gone = [row(status="unsupported", reason="no GPU", stack=stack) for stack in ("s1", "s1", "s2")]
    lines = output.closing_lines([row(status="ok", reason=""), *failed, *gone], OUT)
    assert lines == [
        "1 of 7 jobs ok",
        "  6 failed: j0, j1, j2, j3, ...: exit code 1",
        "  3 unsupported: s1, s2: no GPU",
        "report: results/run/report.html",
    ]


def test_made_up_data_is_never_passed_over():
    assert any(line.startswith("SYNTHETIC data") for line in output.closing_lines([row(data_kind="synthetic")], OUT))


def test_rows_are_one_document_or_a_summary(capfd):
    rows = [row(status="ok", reason="")]
    output.print_rows(rows, OUT, True)
    assert json.loads(capfd.readouterr().out) == {"results": rows}
    output.print_rows(rows, OUT, False)
    assert capfd.readouterr().out.endswith("1 of 1 jobs ok\nreport: results/run/report.html\n")


@pytest.mark.parametrize("as_json", [True, False])
@pytest.mark.parametrize("status", ["ok", "failed"])
def test_rows_that_cannot_be_printed_do_not_change_the_exit_code(monkeypatch, capsys, as_json, status):
    full = streams.opened(os.open("/dev/full", os.O_WRONLY))
    monkeypatch.setattr(sys, "stdout", full)
    finished = Finished(rows=[row(status=status, reason="x")], out=OUT)
    assert output.end(finished, as_json) == (0 if status == "ok" else 1)
    assert "standard output could not be written: No space left on device" in capsys.readouterr().err
    assert streams.take_loss() == ""  # it was said, and is no error any more


def test_what_broke_is_raised_once_the_rows_are_told(capfd):
    finished = Finished(rows=[row(status="ok", reason="")], out=OUT, broken=HostError("the disk is full"))
    with pytest.raises(HostError, match="the disk is full"):
        output.end(finished, False)
    assert "1 of 1 jobs ok" in capfd.readouterr().out


def test_a_run_that_was_stopped_says_so_by_its_code(capfd):
    assert output.end(Finished(rows=[row(status="ok", reason="")], out=OUT, interrupted=True), True) == 130


def test_a_plan_for_people_can_be_pasted_into_a_shell(capfd):
    job, other = make_job(), make_job(repeat=2)
    plan = make_plan(jobs=[job], skipped=[Skip(job=other, status="excluded", reason="by hand")])
    output.print_plan(plan, {job.id: ["run", "a b"]}, False)
    out, err = capfd.readouterr()
    assert out == f"# {job.id}\nrun 'a b'\n# {other.id}: excluded, by hand\n"
    assert err == "2 jobs, 1 of them not to be run\n"
    output.print_plan(plan, {job.id: ["run", "a b"]}, True)
    jobs = json.loads(capfd.readouterr().out)["jobs"]
    assert [(each["id"], each["command"]) for each in jobs] == [(job.id, ["run", "a b"]), (other.id, [])]


def test_how_jobs_stand_and_how_to_come_back(capfd, tmp_path):
    folder = RunFolder.create(tmp_path, make_plan())
    output.print_standing(folder, {"waiting": 2, "running": 1})
    assert capfd.readouterr() == (f"orchestrate attach {folder.path}\n", "2 waiting, 1 running\n")


def test_what_disturbed_is_said_below_the_figures_and_marked_in_them():
    noise = {"disturbed": "others on its cores", "lost_s": 5.0, "lost_percent": 50.0}
    rows = [row(backend="jax", framework_version="0.10", **noise), row(backend="torch")]
    assert "disturbed 50 %" in output.text_summary(rows)
    lines = output.closing_lines(rows, OUT)
    assert [line for line in lines if line.startswith("Disturbed while measured: 1 job of 2. JAX 0.10 on mnist_mlp")]
    assert not [line for line in output.closing_lines(rows[1:], OUT) if "Disturbed" in line]
