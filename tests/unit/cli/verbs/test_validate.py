"""`orchestrate validate`: whether the protocol holds what it promises at the noise of a host."""

from __future__ import annotations

import json

import pytest

from orchestrator.results import source
from tests.make import row
from tests.unit.cli.verbs.makers import call


@pytest.mark.slow
def test_validate_judges_the_protocol():
    few = ("--experiments", "60", "--repeats", "4")
    kept = json.loads(call("validate", "--between", "0.5%", "--within", "1%", *few, "--json"))
    assert kept["kept"] and kept["noise"]["between"] == 0.005
    text = call("validate", "--between", "20%", "--within", "1%", *few, code=1)
    assert "use a quieter host" in text


@pytest.mark.slow
def test_validate_says_how_many_repeats_a_noisy_host_needs():
    noisy = ("--between", "3%", "--within", "3%", "--experiments", "60")
    document = json.loads(call("validate", *noisy, "--json", code=1))
    assert document["repeats_needed"] > 10
    assert f"9 of 10 cases from {document['repeats_needed']} repeats on" in call("validate", *noisy, code=1)


@pytest.mark.slow
def test_validate_judges_a_bound():
    text = call("validate", "--until", "2%", "--experiments", "60", "--between", "0.5%", "--within", "0.5%")
    assert "the protocol, until ±2 %" in text
    assert "repeats taken (median)" in text and text.split("even", 1)[1].split("\n")[0].endswith(" 5")


def test_runs_that_cannot_tell_their_noise_are_refused_unless_it_is_given(orchestrate, monkeypatch, tmp_path):
    """One repeat has no spread."""
    monkeypatch.setattr(source, "read_source", lambda path: source.Source(rows=[row(repeat=1)], epochs=[]))
    answer = orchestrate("validate", tmp_path)
    assert answer.returncode == 2
    assert "no cell of these runs has two repeats of two steady epochs" in answer.stderr
    assert "give --between and --within" in answer.stderr


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--repeats", "1"], "--repeats: '1' is not a whole number from 2 to 1,000"),
        (["--experiments", "10"], "--experiments: '10' is not a whole number from 50 to 100,000"),
        (["--between", "lots"], "'lots' is no percentage"),
        (["/nowhere"], "/nowhere"),
    ],
)
def test_mistakes(orchestrate, words, message):
    answer = orchestrate("validate", *words)
    assert answer.returncode == 2
    assert message in answer.stderr
