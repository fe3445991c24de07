"""Rows, epochs and readings made by other programs are those that are made here, in the same order."""

from __future__ import annotations

import os
import shutil

import msgspec
import pytest

from orchestrator.errors import UserError
from orchestrator.results import hands
from orchestrator.results.folder import RunFolder
from orchestrator.results.hands import Hands, Maker, units
from orchestrator.results.source import read_source


@pytest.fixture
def two_hands(monkeypatch):
    monkeypatch.setattr(hands, "WORTH", 1)
    monkeypatch.setattr(hands, "UNIT", 2)
    monkeypatch.setattr(os, "sched_getaffinity", lambda pid: {0, 1})


def asked(run):
    folder = RunFolder.open(run)
    return list(units(folder, folder.plan(), None))


def test_hands_make_what_is_made_here(runs, two_hands):
    wanted = [Maker().make(unit) for unit in asked(runs[0])]
    with Hands(100) as two:
        assert len(two._hands) == 2
        assert list(two.made(asked(runs[0]))) == wanted
    assert all(hand.poll() is not None for hand in two._hands)
    source = read_source(runs[0])
    assert [found.row for some in wanted for found in some] == source.rows
    assert [epoch for some in wanted for found in some for epoch in found.epochs] == source.epochs


def test_what_hands_do_not_give_is_made_here(runs, two_hands):
    """One is killed at once, one after its first answer."""
    wanted = [found for unit in asked(runs[0]) for found in Maker().make(unit)]
    with Hands(100) as two:
        two._hands[0].kill()
        got = []
        for some in two.made(asked(runs[0])):
            two._hands[1].kill()
            got += some
    assert got == wanted


def test_an_error_of_a_hand_is_raised_here(runs, tmp_path, two_hands):
    copy = tmp_path / "copy"
    shutil.copytree(runs[0], copy)
    path = sorted((copy / "jobs").iterdir())[-1] / "samples.jsonl"
    path.unlink()
    path.mkdir()
    with Hands(100) as two, pytest.raises(UserError, match="no plain file"):
        list(two.made(asked(copy)))


def test_readings_are_the_same_behind_a_pipe(runs):
    folder = RunFolder.open(runs[0])
    (found, *_) = Maker().make(asked(runs[0])[0])
    passed = msgspec.msgpack.decode(msgspec.msgpack.encode(found), type=hands.Found)
    job = next(job for job in folder.plan().jobs if job.id == found.row["job_id"])
    assert passed.readings.numbers["t"].tolist() == [sample.t for sample in folder.samples(job)]
    assert passed.readings.words == {"device": ["cpu:0"]}


def test_few_jobs_are_made_without_hands(runs):
    with Hands(hands.WORTH - 1) as none:
        assert none._hands == []
        assert sum(map(len, none.made(asked(runs[0])))) == 20
