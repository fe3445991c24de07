"""What the command line prints at the end of a run, for people and for programs, and with which code it exits."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path

import pytest
from msgspec.structs import replace

from orchestrator import streams
from orchestrator.cli import output
from orchestrator.errors import HostError
from orchestrator.model import OwnFile, Skip, Workload
from orchestrator.report.answer.conclusion import conclude, plain
from orchestrator.report.answer.ranking import fields
from orchestrator.report.answer.sentences import lead
from orchestrator.report.answer.sure import sure
from orchestrator.report.disturbed import sentences
from orchestrator.report.layout import lay_out
from orchestrator.report.standings import groups, standings
from orchestrator.report.view import make_view
from orchestrator.results.folder import RunFolder
from orchestrator.run.session import Finished
from orchestrator.text import capfirst
from tests.fakes.made_up import own
from tests.make import make_job, make_plan, row
from tests.unit.report.makers import contender, one_epoch, ranked, two, view_of

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


def summary(rows, columns=100):
    """The summary of these rows, line by line, without the title."""
    lay, speeds = ranked(rows, one_epoch)
    text = output.text_summary(groups(lay, speeds), columns)
    assert max(map(len, text.splitlines())) <= columns
    found = text.partition("\n\n")[2].splitlines()
    return [line for line in found if "─" not in line and not line.startswith("  contender")]


def test_the_summary_names_the_winner_that_the_report_names():
    """The smallest single repeat is JAX's; the median is not."""
    jax = contender("jax", 0.9, 1.1, 1.12, 1.11, 1.13, framework_version="0.10")
    lines = summary(jax + contender("torch", 1.0, 1.01, 1.02, 1.0, 1.01, framework_version="2.13"))
    assert lines[1].split()[:4] == ["PyTorch", "2.13", "1.01", "fastest"]
    assert lines[2].split()[:4] == ["JAX", "0.10", "1.11", "1.10×"]
    assert "repeats cannot tell them apart" in lines[2]


def test_the_summary_pools_nothing_that_the_report_keeps_apart():
    rows = [
        row(epoch_s=1.0),
        row(epoch_s=3.0, data_sha256="other"),
        row(epoch_s=5.0, host="h2"),
        row(epoch_s=7.0, threads=9),
    ]
    lines = summary(rows)
    assert [line.split()[-1] for line in lines if line.endswith("0")] == ["5.00", "1.00", "7.00", "3.00"]


def test_a_job_without_a_figure_that_counts_is_never_the_fastest():
    rows = [
        row(backend="a", epoch_s=0.1, status="timeout"),
        row(backend="b", epoch_s=3.0),
        row(backend="d", epoch_s=4.0),
    ]
    rows += [row(backend="c", epoch_s=0.2, loss=float("nan")), row(backend="e", epoch_s=float("nan"))]
    lines = summary(rows)
    assert [(line.split()[0], line.split()[-1]) for line in lines[1:]] == [
        *[("b", "fastest"), ("d", "repeat"), ("a", "timeout"), ("c", "finite"), ("e", "finite")]
    ]


def test_a_model_that_did_not_learn_is_never_the_fastest():
    fast = row(backend="a", epoch_s=0.1, learned=0.9, val_accuracy=0.1)
    lines = summary([fast, row(backend="b", epoch_s=3.0, learned=0.9, val_accuracy=0.95)])
    assert lines[1].split()[0] == "b" and lines[1].endswith("fastest")
    assert lines[2].split()[0] == "a" and lines[2].endswith("did not learn: 10.0 % accuracy, 90.0 % counts")


@pytest.mark.parametrize("columns", [40, 80, 120])
def test_the_summary_is_as_wide_as_the_terminal(columns):
    rows = [
        row(backend=name, framework_version="1.2.3.4+cpu.long", epoch_s=s)
        for name, s in (("jax", 1.0), ("torch", 1234.5))
    ]
    rows += [row(backend="jax", framework_version="1.2.3.4+cpu.long", epoch_s=9.996, host="another.host.example")]
    text = " ".join(" ".join(summary(rows, columns)).split())
    assert "1,234.50" in text and "10.0" in text and "e+" not in text


def test_names_in_the_summary_are_shown_as_they_are():
    text = "\n".join(summary([row(workload="[bold]net:smile:[/]", backend="[red]x\x1b", epoch_s=1.0)]))
    assert "[bold]net:smile:[/]" in text and "[red]x" in text and "\x1b" not in text


def test_the_last_words_count_what_was_meant_to_run_and_group_the_rest_by_reason():
    failed = [row(status="failed", reason="exit code 1", job_id=f"j{n}") for n in range(6)]
    gone = [row(status="unsupported", reason="no GPU", stack=stack) for stack in ("s1", "s1", "s2")]
    lines = closing([row(status="ok", reason=""), *failed, *gone])
    assert lines == [
        "1 of 7 jobs ok",
        "  6 failed: j0; j1; j2; j3; ...: exit code 1",
        "  3 unsupported: s1; s2: no GPU",
        "report: results/run/report.html",
    ]


def closing(rows, columns=1000, **known):
    return output.closing_lines(Finished(rows=rows, out=OUT, disturbances=sentences(lay_out(rows)), **known), columns)


def test_a_job_that_failed_has_the_name_that_it_had_while_it_ran():
    failed = row(status="failed", reason="no\n4 of 4 jobs ok", job_id="a.b", run_id="r")
    said = closing([failed], names={("r", "a.b"): "MNIST MLP on JAX 0.10.2 (cpu), repeat 2"})
    assert said[1] == "  1 failed: MNIST MLP on JAX 0.10.2 (cpu), repeat 2: no 4 of 4 jobs ok"


def test_the_answer_of_the_report_closes_the_summary_and_its_command_stays_whole():
    view = view_of(two([1.0], [2.0]), plan_command=f"orchestrate run {'--workload mnist_mlp ' * 9}")
    text = output.text_summary(standings(view), 60, conclude(view))
    lines = text.rstrip("\n").splitlines()
    assert lines[-2:] == ["For a verdict:", f"  orchestrate run {'--workload mnist_mlp ' * 9}--repeats 5"]
    assert max(map(len, lines[:-1])) <= 60
    found = fields(view.layout, view.speeds)
    doubt = sure(view, found)
    answer = plain(lead(view.layout, view.speeds, found[0]))
    ending = f"{answer} How sure? {doubt.word}. {capfirst('; '.join(doubt.why))}."
    assert " ".join(lines[:-2]).endswith(ending)


def test_made_up_data_is_never_passed_over():
    assert any(line.startswith("SYNTHETIC data") for line in closing([row(data_kind="synthetic")]))


def test_rows_are_one_document_or_a_summary(capfd):
    rows = [row(status="ok", reason="")]
    finished = Finished(rows=rows, out=OUT)
    output.print_rows(finished, True)
    assert json.loads(capfd.readouterr().out) == {"results": rows, "cells": [], "answer": None}
    view = view_of(contender("jax", 1.0) + contender("torch", 2.0))
    output.print_rows(replace(finished, standings=standings(view), conclusion=conclude(view)), True)
    document = json.loads(capfd.readouterr().out)
    cells, answer = document["cells"], document["answer"]
    assert answer["sentences"][0].startswith("JAX 1.3.0 took least time") and answer["sure"] == "Not yet"
    assert answer["command"] == "orchestrate run --repeats 5"
    assert [(cell["seconds"], cell["fastest"], cell["ratio"]) for cell in cells] == [
        (1.0, True, 1.0),
        (2.0, False, 2.0),
    ]
    output.print_rows(finished, False)
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
    assert any(
        "not certain: one repeat, disturbed 50 %" in line or "fastest, disturbed 50 %" in line for line in summary(rows)
    )
    lines = closing(rows)
    assert [line for line in lines if line.startswith("Disturbed while measured: 1 job of 2. JAX 0.10 on mnist_mlp")]
    assert not [line for line in closing(rows[1:]) if "Disturbed" in line]


def test_a_summary_of_ones_own_file_says_why_there_is_no_verdict():
    text = output.text_summary(standings(make_view(own(torch={"parameters": 5}))), 200)
    lines = text.partition("\n\n")[2].splitlines()
    assert lines[0].replace("\u00a0", " ") == "my.py: 4,096 samples, 5 epochs, batch 64"
    numbers = "parameters: 101,770 (TensorFlow 2.21.0, JAX 0.10.0), 5 (PyTorch 2.13.0)"
    assert lines[1] == f"  no verdict: not the same model ({numbers})"
    assert [line.rpartition("  ")[2] for line in lines[4:7]] == ["not the same model"] * 3
    assert "fastest" not in "".join(lines)
    assert "×" not in "".join(lines)


def test_the_document_of_a_run_has_unequal_contenders_and_further_trainings_for_programs(capfd, tmp_path):
    report = own(torch={"parameters": 5}, jax={"fits": '[{"fit": 2, "epoch_s": 0.5}]'})
    output.print_rows(Finished(rows=report.rows, out=tmp_path, standings=standings(make_view(report))), True)
    document = json.loads(capfd.readouterr().out)
    assert {(cell["fastest"], cell["ratio"], cell["verdict"]) for cell in document["cells"]} == {
        (False, None, "not the same model")
    }
    fits = {row["backend"]: row["fits"] for row in document["results"]}
    assert fits == {"jax": [{"fit": 2, "epoch_s": 0.5}], "torch": None, "tensorflow": None}


def test_a_plan_says_what_its_files_are(capfd):
    file = OwnFile(path="/home/me/my net.py", sha256="0" * 64, contract="script", packages=["pandas==2.2.3"])
    plan = make_plan(workloads=[Workload(name="my_net", title="my net.py", own=file)], config={"network": True})
    output.print_plan(plan, {plan.jobs[0].id: ["run"]}, False)
    assert capfd.readouterr().out.splitlines()[0] == (
        "# my_net: the script '/home/me/my net.py', as it stands; with pandas==2.2.3; network allowed"
    )
