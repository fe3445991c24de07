"""Runs into one set: every job once, conflicts shown, unlike rows apart, nothing but reading in a query."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import duckdb
import msgspec
import pytest

from orchestrator import doors
from orchestrator.errors import UserError
from orchestrator.files import locked
from orchestrator.model import Result, Sample, to_json
from orchestrator.results import collect, export, hands, merged_set
from orchestrator.results.columns import COLUMNS
from orchestrator.results.folder import RunFolder
from orchestrator.results.own_figures import for_programs
from orchestrator.results.source import query, read_source
from orchestrator.stats.repeats import MACHINE
from tests.make import make_job, make_plan
from tests.unit.results.conftest import made


def apart(rows):
    found = merged_set.Apart()
    assert list(found.passed(rows)) == rows
    return found.differences()


def changed(run, to, change):
    """A copy of a run in which one result was changed."""
    shutil.copytree(run, to)
    path = sorted((to / "jobs").glob("*/result.json"))[0]
    result = json.loads(path.read_text())
    change(result)
    path.write_text(json.dumps(result))
    return to


def test_identical_results_are_there_once(merged, runs):
    to, done, rows = merged
    assert (done.jobs, done.identical, done.conflicts) == (35, 20, [])
    assert len(rows) == len({(row["run_id"], row["job_id"]) for row in rows}) == 35
    assert json.loads((to / "results.json").read_text())["results"] == rows
    assert sum(done.sources.values()) == 35


def test_a_set_holds_what_the_runs_held(merged, runs):
    to, _, _ = merged
    source = read_source(to)
    singles = [read_source(run) for run in runs]
    assert len(source.epochs) == sum(len(single.epochs) for single in singles)
    seconds = {(row["run_id"], row["job_id"]): row["epoch_s"] for row in source.rows}
    assert seconds == {(r["run_id"], r["job_id"]): r["epoch_s"] for single in singles for r in single.rows}
    assert source.steady == {**singles[0].steady, **singles[1].steady}


def test_samples_are_kept_as_they_were_read(merged, runs):
    folder = RunFolder.open(runs[0])
    job = folder.plan().jobs[0]
    raw = folder.samples(job)
    _, rows = query(
        merged[0],
        f"select t, cpu_s, rss_mb from samples where run_id = '{runs[0].name}' and job_id = '{job.id}' order by t",
    )
    assert rows == [(sample.t, sample.cpu_s, sample.rss_mb) for sample in raw]
    assert duckdb.sql(f"from '{merged[0]}/samples/*.parquet'").columns == [
        "run_id",
        "job_id",
        *Sample.__struct_fields__,
    ]


def test_a_set_can_be_merged_again(merged, runs, tmp_path):
    done, _ = made([merged[0], runs[1]], tmp_path / "again")
    assert (done.jobs, done.identical, done.conflicts) == (35, 15, [])
    count = query(tmp_path / "again", "select count(*) from samples")[1]
    assert count == query(merged[0], "select count(*) from samples")[1]
    merged_set.merge_sources([merged[0], tmp_path / "again"], tmp_path / "again")  # onto itself
    assert query(tmp_path / "again", "select count(*) from samples")[1] == count


def test_a_conflict_is_shown_and_the_first_is_kept(runs, tmp_path):
    other = changed(runs[0], tmp_path / "copy", lambda result: result.update(status="failed", reason="edited"))
    done, rows = made([runs[0], other], tmp_path / "set")
    (conflict,) = done.conflicts
    assert (conflict.kept, conflict.dropped) == (str(runs[0]), str(other))
    assert {"status", "reason"} <= set(conflict.differs)
    assert {row["status"] for row in rows} == {"ok"}


@pytest.mark.parametrize(
    "name", ["workloads_sha256", "data_sha256", "threads", "scale", "image_digest", "deterministic", *MACHINE]
)
def test_what_must_not_be_averaged_is_in_another_group(runs, tmp_path, name):
    row = read_source(runs[0]).rows[0]
    assert merged_set.group({**row, "run_id": "other", "repeat": 7, "seed": 1}) == merged_set.group(row)
    assert merged_set.group({**row, name: "another"}) != merged_set.group(row)


def test_unlike_conditions_are_named(runs):
    rows = read_source(runs[0]).rows
    assert apart(rows) == {}
    first = rows[0]["workload"]
    assert apart([*rows, {**rows[0], "threads": 99}]) == {first: ["threads"]}


def machine(**changes):
    def change(result):
        result["fingerprint"].update(changes)

    return change


@pytest.mark.parametrize(
    ("changes", "names"),
    [
        ({"memory_mb": 2000, "cores": 77, "os": "Ubuntu 24.04, kernel 6.8.0"}, ["cores", "memory_gib", "os", "kernel"]),
        ({"cpu_quota": 0.2}, ["cpu_quota"]),
        ({"machine": "0123456789ab"}, ["machine"]),
        ({"virtualization": "KVM"}, ["virtualization"]),
        ({"cpu": "another"}, ["cpu"]),
    ],
    ids=lambda value: next(iter(value)),
)
def test_two_machines_of_one_name_are_two_groups_and_what_differs_is_named(runs, tmp_path, changes, names):
    """Records of older versions (these) do not tell all of it: they load, and stay one group."""
    other = changed(runs[0], tmp_path / "other", machine(**changes))
    plan = json.loads((other / "plan.json").read_text())
    (other / "plan.json").write_text(json.dumps({**plan, "run_id": "20260101-000000-abcd"}))
    for path in (other / "jobs").glob("*/result.json"):
        path.write_text(json.dumps({**json.loads(path.read_text()), "run_id": "20260101-000000-abcd"}))
    changed_job = sorted((other / "jobs").glob("*/result.json"))[0].parent.name
    done, rows = made([runs[0], other], tmp_path / "set")
    groups = {}
    for row in rows:
        groups.setdefault(row["job_id"], set()).add(row["group"])
    assert {job: len(found) for job, found in groups.items()} == {job: 1 + (job == changed_job) for job in groups}
    assert done.apart == {changed_job.partition(".")[0]: names}


def test_a_set_of_an_older_version_merges_with_its_own_runs_and_has_its_report(runs, tmp_path):
    new = ("machine", "cpu_quota", "kernel", "lost_s", "disturbed")
    old, _ = tmp_path / "old", merged_set.merge_sources([runs[0]], tmp_path / "old")
    kept = ", ".join(f'"{name}"' for name in merged_set.COLUMNS if name not in new)
    for table, columns in (("results", kept), ("samples/00000", "run_id, job_id, t, device, cpu_s, rss_mb")):
        path = old / f"{table}.parquet"
        duckdb.sql(f"copy (select {columns} from '{path}') to '{path}.new' (format parquet)")
        path.with_name(path.name + ".new").replace(path)
    done, rows = made([old, *runs], tmp_path / "set")
    assert (len(rows), done.conflicts) == (35, [])
    assert query(tmp_path / "set", "select count(*), count(wait_s) from samples")[1][0][0] > 0
    assert len(collect.merged_set(old).rows) == done.sources[str(old)]
    assert set(collect.merged_set(old).rows[0]) >= {*COLUMNS}


def test_what_is_neither_run_nor_set_is_said(tmp_path):
    with pytest.raises(UserError, match="neither a run nor a merged set"):
        merged_set.merge_sources([tmp_path], tmp_path / "set")


def test_a_run_without_samples_makes_an_empty_table(runs, tmp_path):
    copy = tmp_path / "bare"
    shutil.copytree(runs[1], copy, ignore=shutil.ignore_patterns("samples.jsonl"))
    merged_set.merge_sources([copy], tmp_path / "set")
    assert query(tmp_path / "set", "select count(*) from samples")[1] == [(0,)]


def test_every_planned_job_is_a_row_also_without_a_result(runs, tmp_path):
    copy = tmp_path / "cut"
    shutil.copytree(runs[1], copy)
    shutil.rmtree(sorted((copy / "jobs").iterdir())[0])
    _, rows = made([copy], tmp_path / "set")
    assert len(rows) == 15
    assert sorted({row["status"] for row in rows}) == ["cancelled", "ok"]
    assert list(rows[0])[: len(COLUMNS)] == list(COLUMNS)
    assert msgspec.json.encode(rows)


def test_a_pending_row_gives_way_to_the_result_and_is_no_conflict(tmp_path):
    job = make_job()
    folder = RunFolder.create(tmp_path / "runs", make_plan(jobs=[job]))
    with folder.locked():
        done, rows = made([folder.path], tmp_path / "early")
    assert [row["status"] for row in rows] == ["pending"]
    folder.write_result(Result(run_id=folder.path.name, job=job, status="ok"))
    for order in ([tmp_path / "early", folder.path], [folder.path, tmp_path / "early"]):
        done, rows = made(order, tmp_path / "all")
        assert [row["status"] for row in rows] == ["ok"] and done.conflicts == []


TEAR = {
    "newer": lambda path: path.write_text(json.dumps({**json.loads(path.read_text()), "x": 1})),
    "torn": lambda path: path.write_bytes(path.read_bytes()[:200]),
    "empty": lambda path: path.write_bytes(b""),
    "gone": lambda path: path.unlink(),
}


@pytest.mark.parametrize(
    ("name", "first", "as_set"),
    [("newer", "torn", False), ("newer", "whole", False), ("torn", "torn", True), ("empty", "whole", True),
     ("gone", "torn", False)],
)  # fmt: skip
def test_the_whole_record_is_kept_whichever_comes_first(runs, tmp_path, name, first, as_set):
    torn = tmp_path / "torn"
    shutil.copytree(runs[0], torn)
    path = sorted((torn / "jobs").glob("*/result.json"))[0]
    whole = json.loads(path.read_text())
    TEAR[name](path)
    if as_set:
        merged_set.merge_sources([torn], tmp_path / "torn_set")
        torn = tmp_path / "torn_set"
    sources = [torn, runs[0]] if first == "torn" else [runs[0], torn]
    done, rows = made(sources, tmp_path / "set")
    (row,) = [row for row in rows if row["reason"] == whole["reason"] and row["started"] == whole["started"]]
    assert row["status"] == whole["status"]
    assert done.conflicts == [] and [each.kept for each in done.unread] == [str(runs[0])]
    assert sum(done.sources.values()) == done.jobs == len(rows)
    _, straight = made([runs[0]], tmp_path / "alone")
    key = {"job_id", "status", "epoch_s"}
    assert sorted(str({k: r[k] for k in key}) for r in rows) == sorted(str({k: r[k] for k in key}) for r in straight)
    count = "select count(*) from samples"
    assert query(tmp_path / "set", count) == query(tmp_path / "alone", count)
    epochs = "select count(*) from epochs"
    assert query(tmp_path / "set", epochs) == query(tmp_path / "alone", epochs)


@pytest.mark.parametrize(
    "change", ["* exclude (rss_mb)", "*, 7 as new", "* exclude (rss_mb), 7 as new"], ids=["older", "newer", "both"]
)
def test_samples_of_sets_of_other_versions_are_merged_by_their_names(runs, tmp_path, change):
    merged_set.merge_sources([runs[0]], tmp_path / "other")
    (part,) = (tmp_path / "other" / "samples").glob("*.parquet")
    duckdb.sql(f"copy (select {change} from '{part}') to '{part}.new' (format parquet)")
    Path(f"{part}.new").replace(part)
    merged_set.merge_sources([tmp_path / "other", runs[1]], tmp_path / "set")
    merged_set.merge_sources(runs, tmp_path / "straight")
    count = "select run_id, count(*), max(cpu_s) from samples group by run_id order by run_id"
    assert query(tmp_path / "set", count) == query(tmp_path / "straight", count)
    names, _ = query(tmp_path / "set", "select * from samples limit 1")
    assert names == ["run_id", "job_id", *Sample.__struct_fields__]


OWN_ROW = {
    "workload": "my", "variant": "own", "asked_epochs": None, "epochs": 5, "parameters": 10, "batches": 4,
    "data_sha256": "0" * 64, "status": "ok",
}  # fmt: skip


@pytest.mark.parametrize(
    "name", ["asked_epochs", "asked_steps", "asked_arguments", "workloads_sha256", "parameters", "batches", "train"]
)
def test_repeats_of_ones_own_file_agree_in_what_was_asked_and_in_what_it_trained(name):
    assert merged_set.group({**OWN_ROW, "epochs": 3}) == merged_set.group(OWN_ROW)  # it may stop early
    assert merged_set.group({**OWN_ROW, name: 99}) != merged_set.group(OWN_ROW)
    assert apart([OWN_ROW, {**OWN_ROW, "epochs": 3}]) == {}
    assert apart([OWN_ROW, {**OWN_ROW, name: 99}]) == {"my": [name]}


def test_a_folder_that_is_no_set_is_not_written_over(runs, tmp_path):
    """`merge ... --to .` in a folder with sounds in samples/ removed them all."""
    (tmp_path / "samples").mkdir()
    (tmp_path / "samples" / "mine.wav").write_bytes(b"mine")
    with pytest.raises(UserError, match=r"/samples would be lost, and .* is no merged set"):
        merged_set.merge_sources(runs[:1], tmp_path)
    assert [path.name for path in tmp_path.rglob("*")] == ["samples", "mine.wav"]
    before = sorted(runs[1].rglob("*"))
    with pytest.raises(UserError, match=r"/plan\.json would be lost"):
        merged_set.merge_sources(runs[:1], runs[1])
    assert sorted(runs[1].rglob("*")) == before


class Killed(BaseException):
    """Stands for the end of the process: nothing after it is done."""


@pytest.mark.parametrize("moves", range(2 * len(merged_set.PARTS) - 1))
def test_a_merge_that_is_killed_leaves_the_old_set_or_none_and_can_be_made_again(runs, tmp_path, monkeypatch, moves):
    """At each move of a file: what is read afterwards is the old set, whole, or no set at all."""
    to, left = tmp_path / "set", iter(range(moves))
    before, _ = made([runs[0]], to)
    move = doors.move

    def moved(path, target):
        into_place = path.name in merged_set.PARTS and path.parent in (to, *to.glob(".set.*.tmp"))
        if into_place and next(left, None) is None:
            raise Killed
        move(path, target)

    with monkeypatch.context() as patched, pytest.raises(Killed):
        patched.setattr(merged_set.doors, "move", moved)
        patched.setattr(merged_set, "remove_tree", lambda path: None)
        merged_set.merge_sources([runs[1]], to)
    assert merged_set._left_by_killed(to)
    if merged_set.is_set(to):
        assert len(read_source(to).rows) == before.jobs
    done, rows = made([runs[1]], to)
    assert (done.jobs, len(rows)) == (15, 15)
    assert sorted(path.name for path in to.iterdir()) == sorted(merged_set.PARTS)


def test_of_two_merges_into_one_set_the_second_is_refused(runs, tmp_path):
    (tmp_path / "set").mkdir()
    with locked(doors.open_folder(tmp_path / "set")), pytest.raises(UserError, match="in use: another merge"):
        merged_set.merge_sources([runs[0]], tmp_path / "set")


def test_many_rows_are_written_as_few_are(runs, tmp_path, monkeypatch):
    """A few at a time, with hands, and all at once: the same bytes."""
    merged_set.merge_sources(runs, tmp_path / "few")
    monkeypatch.setattr(export, "PIECE", 3)
    monkeypatch.setattr(hands, "WORTH", 1)
    monkeypatch.setattr(hands, "UNIT", 3)
    merged_set.merge_sources(runs, tmp_path / "many")
    for name in ("results.json", "results.csv", "set.json"):
        assert (tmp_path / "many" / name).read_bytes() == (tmp_path / "few" / name).read_bytes()
    rows = read_source(tmp_path / "few").rows
    assert read_source(tmp_path / "many") == read_source(tmp_path / "few")
    assert (tmp_path / "few" / "results.json").read_bytes() == to_json({"results": for_programs(set_rows(rows))})


def set_rows(rows):
    return [{**{name: row[name] for name in COLUMNS}, "group": row["group"]} for row in rows]
