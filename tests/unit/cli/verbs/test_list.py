"""`orchestrate list`: what can be named in other commands."""

from __future__ import annotations

import json

import pytest

from tests.fakes.nights import night, run_id


def test_list_names_everything(orchestrate):
    text = orchestrate("list").stdout
    for word in ("keras2-theano", "keras3-jax", "babi_rnn", "azure-nc6"):
        assert word in text
    assert "stacks" in json.loads(orchestrate("list", "--json").stdout)


@pytest.mark.parametrize("what", ["stacks", "presets"])
def test_one_kind_alone(orchestrate, what):
    lines = orchestrate("list", what).stdout.splitlines()
    assert lines[0] == f"{what}:"
    assert all(line.startswith("  ") for line in lines[1:])
    document = json.loads(orchestrate("list", what, "--json").stdout)
    assert list(document) == [what]
    assert [line.split()[0] for line in lines[3:]] == [entry["name"] for entry in document[what]]


def test_the_models_of_today_stand_apart_from_the_articles_five(orchestrate):
    document = json.loads(orchestrate("list", "workloads", "--json").stdout)
    assert list(document) == ["workloads", "models"]
    assert [entry["name"] for entry in document["workloads"]][-1] == "babi_rnn" and len(document["workloads"]) == 5
    gpt = next(entry for entry in document["models"] if entry["name"] == "gpt")
    assert gpt["data"] == "generated" and gpt["parameters"] > 10**5
    ours, theirs = orchestrate("list", "workloads").stdout.split("\n\n")
    assert "babi_rnn" in ours and "gpt" not in ours
    assert theirs.startswith("models of today, which run where they are named") and "gpt" in theirs


def test_a_stack_is_listed_with_its_backends_and_devices(orchestrate):
    (line,) = [line for line in orchestrate("list", "stacks").stdout.splitlines() if "keras2-tensorflow-cntk" in line]
    assert line.endswith("tensorflow, cntk  cpu, gpu")


def test_another_kind_is_a_mistake_that_names_the_kinds(orchestrate):
    answer = orchestrate("list", "stack")
    assert answer.returncode == 2
    assert "'stacks', 'workloads', 'presets'" in answer.stderr


def test_runs_are_listed_as_text_as_json_and_as_a_page(orchestrate, tmp_path):
    assert "`orchestrate --config smoke` makes one" in orchestrate("list", "runs").stdout
    assert json.loads(orchestrate("list", "runs", "--json").stdout) == {"runs": []}
    assert orchestrate("list", "runs", "--html").returncode == 2
    for number in range(2):
        night(tmp_path / "results", number, {"jax": [1.0]})
    lines = orchestrate("list", "runs").stdout.splitlines()
    assert [line.split()[0] for line in lines if "─" not in line] == ["run", run_id(1), run_id(0)]
    assert "not yours" in lines[2]  # nobody sealed it
    (newest, _) = json.loads(orchestrate("list", "runs", "--json").stdout)["runs"]
    assert (newest["name"], newest["ok"], newest["state"]) == (run_id(1), 1, "done")
    assert "2 runs" in orchestrate("list", "runs", "--html").stdout
    assert run_id(0) in (tmp_path / "results" / "index.html").read_text()
    answer = orchestrate("list", "stacks", "--html")
    assert answer.returncode == 2 and "orchestrate list runs --html" in answer.stderr
