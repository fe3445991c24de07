"""Misbehaving jobs in real containers: one row each, the right exit code, nothing left behind."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time

import pytest

from tests.conftest import ROOT
from tests.fakes.roots import make_data, make_root

pytestmark = pytest.mark.containers
STACK = "keras1-mxnet"
BEHAVIOURS = ["good", "exit1", "raises", "silent", "killed", "garbage", "longline", "hang", "memory", "hostile"]


@pytest.fixture(scope="module")
def image(image_of):
    return image_of(STACK)


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    return make_data(tmp_path_factory.mktemp("data"))


def command(root, out, data, *more, module="tests.fakes.no_report"):
    words = ["run", "--config", "smoke", "--root", root, "--out", out, "--data-dir", data, "--stack", STACK]
    return [sys.executable, "-m", module, *map(str, [*words, "--launcher", "docker", "--no-fetch", *more])]


def start(argv, **options):
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    return subprocess.Popen(argv, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment, **options)


def rows(text):
    return {row["workload"]: row for row in json.loads(text)["results"]}


def ours(engine, results, everything=True):
    """The names of the containers of the runs in a results folder; others may use the engine as well."""
    runs = [path.name for path in results.glob("2*")]
    found = [
        engine.containers.list(all=everything, filters={"label": f"keras-orchestrate.run={run}"}, ignore_removed=True)
        for run in runs
    ]
    return [container.name for containers in found for container in containers]


@pytest.fixture(scope="module")
def outcome(engine, image, data, tmp_path_factory):
    """One run of every behaviour; the bound of each job is 20 s."""
    folder = tmp_path_factory.mktemp("faults")
    root = make_root(folder / "root", BEHAVIOURS, timeout_s=20)
    words = ("--json", "--no-build", "--memory", "256m")
    process = start(command(root, folder / "results", data, *words, module="orchestrator"))
    stdout, stderr = process.communicate(timeout=600)
    return process.returncode, rows(stdout), stderr, folder


def test_the_exit_code_tells_of_failures_and_every_job_has_a_row(outcome):
    code, found, stderr, _ = outcome
    assert code == 1, stderr
    assert sorted(found) == sorted(BEHAVIOURS)


@pytest.mark.parametrize(
    ("workload", "status", "words"),
    [
        ("good", "ok", ""),
        ("exit1", "failed", "exit code 1: about to fail"),
        ("raises", "failed", "ValueError: planted <b>fault</b>"),
        ("silent", "failed", "without a result"),
        ("killed", "failed", "SIGKILL"),
        ("garbage", "ok", "unreadable event lines ignored"),
        ("longline", "ok", "unreadable event lines ignored"),
        ("hang", "timeout", "not finished after 20 s"),
        ("memory", "oom", "out of memory"),
        ("hostile", "ok", ""),
    ],
)
def test_each_end_has_its_status_and_reason(outcome, workload, status, words):
    row = outcome[1][workload]
    assert row["status"] == status, row["reason"]
    assert words in row["reason"]


def test_nothing_is_left_behind(engine, outcome):
    _, _, _, folder = outcome
    assert ours(engine, folder / "results") == []
    assert not list((folder / "results").glob("*/jobs/*/out"))
    assert {path.stat().st_uid for path in (folder / "results").rglob("*")} == {os.getuid()}


def test_the_samples_come_from_outside(outcome):
    row = outcome[1]["hang"]
    assert row["rss_peak_mb"] > 1


def test_the_report_tells_of_the_failures(outcome):
    (report,) = (outcome[3] / "results").glob("2*/report.html")
    text = report.read_text()
    assert "planted &lt;b&gt;fault&lt;/b&gt;" in text
    assert "planted <b>fault</b>" not in text


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_stopping_leaves_rows_for_all_and_no_container(engine, image, data, tmp_path, number):
    root = make_root(tmp_path / "root", ["hang", "good"], timeout_s=600)
    process = start(command(root, tmp_path / "results", data, "--json", "--no-build", "--repeats", "3"))
    wait_for(lambda: ours(engine, tmp_path / "results"))
    process.send_signal(number)
    stdout, stderr = process.communicate(timeout=60)
    assert process.returncode == 130, stderr
    found = json.loads(stdout)["results"]
    assert len(found) == 6
    assert "cancelled" in {row["status"] for row in found}
    assert ours(engine, tmp_path / "results") == []


def test_a_killed_orchestrator_takes_its_job_along_and_is_swept_up_after(engine, image, data, tmp_path):
    root = make_root(tmp_path / "root", ["hang"], timeout_s=600)
    process = start(command(root, tmp_path / "results", data, "--no-build"))
    wait_for(lambda: ours(engine, tmp_path / "results", everything=False))
    (name,) = ours(engine, tmp_path / "results")
    wait_for(lambda: engine.containers.get(name).top()["Processes"])
    time.sleep(1)
    process.kill()
    process.wait()
    wait_for(lambda: engine.containers.get(name).status == "exited")
    answer = start([sys.executable, "-m", "orchestrator", "clean"])
    assert name in answer.communicate(timeout=60)[0]
    assert ours(engine, tmp_path / "results") == []


def wait_for(condition, seconds=60):
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "waited in vain"
        time.sleep(0.2)
