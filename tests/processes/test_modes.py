"""A run of --mode predict with --vary through all that is done with a run: killed, resumed, replayed, merged, asked."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.fakes.in_process import orchestrate
from tests.fakes.runs import STACK, Bench, kill, wait_for

pytestmark = pytest.mark.slow
AXES = {"batch_size=16", "batch_size=32"}


def tell(*words):
    return orchestrate(words, Path("/"), {"COLUMNS": "200"})


@pytest.fixture(scope="module")
def ended(tmp_path_factory):
    """(bench, the run): killed while its second job ran, then resumed to its end."""
    bench = Bench(tmp_path_factory.mktemp("modes"), ["long_a"], module="tests.fakes.no_venvs")
    process = bench.start(*bench.run("--mode", "predict", "--vary", "batch_size=16,32", "--repeats", 2))
    wait_for(lambda: any(bench.out.glob("2*/jobs/*/result.json")))
    kill(process)
    (run,) = bench.runs
    assert len(list(run.glob("jobs/*/result.json"))) < 4
    wait_for(lambda: bench.processes() == [])
    code, told, said = bench.finish("run", "--resume", "latest", "--json")
    assert code == 0, said
    return bench, run, json.loads(told)


def test_what_was_left_runs_and_each_setting_has_its_rows(ended):
    _, run, told = ended
    rows = {row["job_id"]: row for row in told["results"]}
    assert sorted(rows) == [f"long_a.predict.{STACK}.mxnet.cpu.batch_size-{n}.{i}" for n in (16, 32) for i in (1, 2)]
    assert {row["axes"] for row in rows.values()} == AXES
    assert {
        (row["mode"], row["status"], row["latency_ms"], row["latency_p99_ms"], row["epoch_s"]) for row in rows.values()
    } == {("predict", "ok", 4.0, 12.0, None)}
    assert {(row["axes"], row["predict_batch"]) for row in rows.values()} == {
        ("batch_size=16", 16),
        ("batch_size=32", 32),
    }
    assert "Inference" in (run / "report.html").read_text()


def test_its_files_are_whole_and_it_is_listed_and_followed(ended):
    bench, run, _ = ended
    assert tell("verify", run).returncode == 0
    assert "4 ok" in tell("list", "runs", "--out", bench.out).stdout
    watched = tell("watch", run)
    assert "exit code 0: every job is ok" in watched.stdout + watched.stderr


def test_it_is_merged_queried_compared_and_reported(ended, tmp_path):
    _, run, _ = ended
    merged = tmp_path / "set"
    assert tell("merge", run, "--to", merged).returncode == 0
    sql = "select axes, mode, n, latency_ms from cells order by axes"
    cells = [{"axes": axes, "mode": "predict", "n": 2, "latency_ms": 4.0} for axes in sorted(AXES)]
    for folder in (merged, run):
        assert json.loads(tell("query", sql, folder, "--json").stdout)["rows"] == cells
    assert {
        each["cell"]["axes"] for each in json.loads(tell("compare", run, merged, "--json").stdout)["ratios"]
    } == AXES
    told = json.loads(tell("report", merged, "--to", tmp_path / "page", "--json").stdout)
    assert {row["axes"] for row in told["results"]} == AXES and (tmp_path / "page" / "report.html").is_file()


def test_one_job_of_it_is_replayed_with_its_setting(ended, tmp_path):
    bench, run, _ = ended
    job = run / "jobs" / f"long_a.predict.{STACK}.mxnet.cpu.batch_size-16.2"
    words = ("--root", bench.root, "--data-dir", bench.data, "--no-fetch", "--out", tmp_path, "--json")
    code, told, said = bench.finish("replay", job, *words)
    assert code == 0, said
    (row,) = json.loads(told)["results"]
    assert (row["axes"], row["repeat"], row["mode"], row["latency_ms"]) == ("batch_size=16", 2, "predict", 4.0)
    assert "batch_size=16" in said and "1.00" in said
