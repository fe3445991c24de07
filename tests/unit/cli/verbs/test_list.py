"""`orchestrate list`: what can be named in other commands."""

from __future__ import annotations

import json

import pytest


def test_list_names_everything(orchestrate):
    text = orchestrate("list").stdout
    for word in ("keras2-theano", "keras3-jax", "babi_rnn", "azure-nc6"):
        assert word in text
    assert "stacks" in json.loads(orchestrate("list", "--json").stdout)


@pytest.mark.parametrize("what", ["stacks", "workloads", "presets"])
def test_one_kind_alone(orchestrate, what):
    lines = orchestrate("list", what).stdout.splitlines()
    assert lines[0] == f"{what}:"
    assert all(line.startswith("  ") for line in lines[1:])
    document = json.loads(orchestrate("list", what, "--json").stdout)
    assert list(document) == [what]
    assert [line.split()[0] for line in lines[1:]] == [entry["name"] for entry in document[what]]


def test_a_stack_is_listed_with_its_backends_and_devices(orchestrate):
    (line,) = [line for line in orchestrate("list", "stacks").stdout.splitlines() if "keras2-tensorflow-cntk" in line]
    assert line.endswith("; tensorflow, cntk; cpu, gpu")


def test_another_kind_is_a_mistake_that_names_the_kinds(orchestrate):
    answer = orchestrate("list", "stack")
    assert answer.returncode == 2
    assert "'stacks', 'workloads', 'presets'" in answer.stderr
