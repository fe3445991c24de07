"""Which runs a results folder holds: each once, newest first, and a damaged one with a word instead of a traceback."""

from __future__ import annotations

import json
import os
import shutil

import pytest

from orchestrator.errors import UserError
from orchestrator.history import runs as module
from orchestrator.history.digest import DIGEST
from orchestrator.history.runs import Listed, list_runs, several, when
from orchestrator.results.folder import RunFolder
from tests.fakes.nights import night, run_id


def mine(kind, value):
    return ""


@pytest.fixture
def results(tmp_path):
    return tmp_path / "results"


def only(results) -> Listed:
    (found,) = list_runs(results, mine)
    return found


def test_runs_are_listed_newest_first_and_those_of_one_second_by_id(results):
    for number, tail in ((2, "00aaaa"), (0, "00bbbb"), (2, "7fcccc"), (1, "00dddd")):
        night(results, number, {"jax": [1.0]}, tail)
    names = [run.name for run in list_runs(results, mine)]
    assert names == [run_id(2, "7fcccc"), run_id(2, "00aaaa"), run_id(1, "00dddd"), run_id(0, "00bbbb")]


def test_a_run_tells_its_host_and_what_came_of_its_jobs(results):
    night(results, 0, {"jax": [1.0, None], "torch": [2.0]})
    found = only(results)
    assert (found.hosts, found.devices, found.scales, found.keras) == (["night-host"], ["cpu"], ["smoke"], ["3.15.1"])
    assert (found.jobs, found.planned, found.ok, found.failed) == ("2 ok, 1 failed of 3", 3, 2, 1)
    assert (found.state, found.words, found.report) == ("done", "", False)


@pytest.mark.parametrize(
    ("failed", "jobs"), [(0, "2 ok, 1 did not fit of 3"), (1, "2 ok, 1 did not fit, 1 failed of 4")]
)
def test_what_did_not_fit_is_not_told_as_failed(results, failed, jobs):
    run = night(results, 0, {"jax": [1.0]})
    spoilt(run / DIGEST, statuses={"ok": 2, "oom": 1 + failed}, misfits=1)
    assert (only(results).jobs, only(results).failed) == (jobs, failed)


def test_no_more_than_one_small_file_is_read_of_a_run_that_ended(results, monkeypatch):
    for number in range(3):
        night(results, number, {"jax": [1.0]})
    read, real = [], module.doors.read_json
    monkeypatch.setattr(module.doors, "read_json", lambda path: read.append(path.name) or real(path))
    list_runs(results, mine)
    assert read == [DIGEST] * 3


def test_links_hidden_folders_sets_and_other_things_are_no_runs(results):
    run = night(results, 0, {"jax": [1.0]})  # `latest` points at it
    shutil.copytree(run, results / ".hidden")
    (results / "set").mkdir()
    (results / "set" / "set.json").write_text("{}")
    (results / "notes").mkdir()
    (results / "index.html").touch()
    (results / "nowhere").symlink_to("gone")
    assert [found.name for found in list_runs(results, mine)] == [run.name]


def test_a_run_that_lies_elsewhere_and_is_linked_here_is_one(results, tmp_path):
    run = night(tmp_path / "disk", 0, {"jax": [1.0]})
    results.mkdir()
    (results / "linked").symlink_to(run)
    assert [found.run_id for found in list_runs(results, mine)] == [run_id(0)]


def test_a_run_without_a_digest_is_told_by_its_plan(results):
    run = night(results, 0, {"jax": [1.0, None]})
    (run / DIGEST).unlink()
    old = only(results)  # an older version ended it
    assert (old.state, old.jobs, old.hosts, old.keras) == (
        "done",
        "1 ok, 1 failed of 2",
        ["night-host"],
        ["3.15.1"],
    )
    (run / "manifest.json").unlink()
    killed = only(results)
    assert (killed.state, killed.jobs, killed.ok) == ("cut short", "0 of 2 ended", None)
    with RunFolder.open(run).locked():
        assert only(results).state == "running"


def test_a_run_that_is_resumed_goes_on(results):
    run = night(results, 0, {"jax": [1.0]})
    with RunFolder.open(run).locked():
        assert only(results).state == "running"
    assert only(results).state == "done"


def spoilt(path, **changes):
    path.write_text(json.dumps({**json.loads(path.read_text()), **changes}))


def test_damaged_newer_and_odd_records_are_listed_with_a_word(results):
    for number in range(6):
        night(results, number, {"jax": [1.0]})
    runs = {number: results / run_id(number) for number in range(6)}
    (runs[0] / DIGEST).unlink()
    (runs[0] / "plan.json").write_text("{")
    spoilt(runs[1] / DIGEST, version=2, wish="unknown")
    (runs[2] / DIGEST).write_text("not json")  # the plan is whole
    (runs[3] / DIGEST).unlink()
    os.mkfifo(runs[3] / DIGEST)
    (runs[4] / DIGEST).unlink()
    spoilt(runs[4] / "plan.json", later="field")
    (runs[5] / DIGEST).unlink()
    (runs[5] / "plan.json").unlink()
    (runs[5] / "plan.json").symlink_to("/etc/passwd")
    found = {run.name: run for run in list_runs(results, mine)}
    states = [found[path.name].state for path in runs.values()]
    assert states == ["damaged", "newer", "done", "damaged", "newer", "damaged"]
    assert "FIFO" in found[runs[3].name].why and "a link" in found[runs[5].name].why
    assert "root:" not in found[runs[5].name].words


def test_what_is_not_the_callers_own_is_said(results):
    night(results, 0, {"jax": [1.0]})
    (found,) = list_runs(results, lambda kind, value: f"a stranger's {kind} of {value['run_id']}")
    assert found.words == "not yours" and found.strange == f"a stranger's run of {run_id(0)}"


def test_without_a_folder_there_are_none_and_a_file_is_no_folder(results):
    assert list_runs(results, mine) == []
    results.write_text("")
    with pytest.raises(UserError, match="cannot be read"):
        list_runs(results, mine)


def test_names_and_stamps_in_words():
    assert (several([]), several(["a"]), several(["a", "b"]), several(["a", "b", "c"])) == (
        "",
        "a",
        "a and 1 other",
        "a and 2 others",
    )
    assert (when("2026-03-01T02:00:00+00:00"), when("now")) == ("2026-03-01 02:00", "now")


def test_what_cannot_be_looked_at_hides_no_other_run(results):
    run = night(results, 0, {"jax": [1.0]})
    (results / "circle").symlink_to("circle")
    assert [found.name for found in list_runs(results, mine)] == [run.name]
    assert module.run_folders(results) == [run]


def test_of_what_a_record_names_a_bounded_part_is_kept_on_one_line(results):
    run = night(results, 0, {"jax": [1.0]})
    record = json.loads((run / DIGEST).read_text())
    names = [f"{number}\n\x1b[31m{'x' * 10_000}" for number in range(1000)]
    forged = dict.fromkeys(("hosts", "devices", "scales", "keras"), names)
    (run / DIGEST).write_text(json.dumps({**record, **forged, "command": "x\n" * 10**6, "created": "2026\n" * 10**6}))
    found = only(results)
    for kept in (found.hosts, found.devices, found.scales, found.keras):
        assert len(kept) == module.MOST_NAMED and kept[1].startswith("1 [31mxx")
        assert all(len(name) <= module.MOST_NAME for name in kept)
    assert len(found.command) <= module.MOST_COMMAND and len(found.created) <= module.MOST_NAME
    assert "\n" not in found.command + found.created
