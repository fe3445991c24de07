"""run.json says of a run what a list shows, and nothing that a stranger should not see."""

from __future__ import annotations

from orchestrator.history.digest import digest
from tests.make import make_plan, row


def test_it_counts_jobs_and_names_each_thing_once():
    rows = [row(status=status, host="h", ended=f"2026-01-0{i}") for i, status in enumerate(("ok", "ok", "oom"), 1)]
    found = digest(make_plan(setup={"command": "orchestrate run"}), rows)
    assert (found.statuses, found.hosts, found.scales, found.ended) == (
        {"ok": 2, "oom": 1},
        ["h"],
        ["quick"],
        "2026-01-03",
    )
    assert (found.command, found.devices) == ("orchestrate run", ["cpu"])


def test_a_gpu_is_named_and_a_token_is_not():
    plan = make_plan(setup={"command": "orchestrate --keras-spec https://me:secret@host/keras.git"})
    found = digest(plan, [row(gpu_name="Tesla K80", device="gpu")])
    assert found.devices == ["Tesla K80"] and "secret" not in found.command


def test_a_run_of_which_nothing_started_has_one_too():
    found = digest(make_plan(), [row(status="cancelled", host=None, ended=None, keras_version=None)])
    assert (found.hosts, found.keras, found.ended) == ([], [], None)


def test_what_did_not_fit_along_an_axis_is_counted_apart():
    rows = [
        row(status="ok", axes="batch_size=32"),
        row(status="oom", axes="batch_size=64"),
        row(status="oom", stack="b"),
    ]
    assert digest(make_plan(), rows).misfits == 1
