"""Faults of the engine, the disk and the user, with real containers and an engine of our own, which may be killed."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import signal
import subprocess
import time

import docker
import pytest

from orchestrator import __version__
from orchestrator.model import image_name
from tests.fakes.disks import filled, small_disk
from tests.fakes.own_engine import OURS, OwnEngine, hand_over
from tests.fakes.runs import STACK, Bench, kill, rows_of, torn_files, wait_for

pytestmark = pytest.mark.containers


@pytest.fixture(scope="module")
def own(engine, image_of, tmp_path_factory):
    """An engine of our own with the stack's image in it."""
    if os.getuid() != 0 or not shutil.which("dockerd"):
        pytest.skip("starting an engine of one's own needs root and dockerd")
    name = image_of(STACK)
    folder = tmp_path_factory.mktemp("engine")
    own = OwnEngine(folder)
    own.start()
    try:
        hand_over(engine, own.host, name)
        yield own
    finally:
        own.stop()


@pytest.fixture
def bench(own, tmp_path, monkeypatch):
    monkeypatch.setenv("DOCKER_HOST", own.host)
    if not own.answers():  # a test that failed must not fail the next
        own.start()

    def make(workloads, timeout_s=60, module=None):
        return Bench(tmp_path, workloads, timeout_s, module)

    return make


def words(bench, *more):
    return bench.run("--launcher", "docker", *more)


def first_event(bench, workload):
    return lambda: [p for p in bench.out.glob(f"2*/jobs/{workload}*/out/events.jsonl") if b"ready" in p.read_bytes()]


def test_an_engine_that_is_killed_and_restarted_costs_one_job(own, bench):
    bench = bench(["hang", "good"], timeout_s=100)
    process = bench.start(*words(bench, "--repeats", 2, "--exclude", "hang*.2"))
    wait_for(first_event(bench, "hang"))
    own.kill()
    time.sleep(1)
    own.start()
    stdout, stderr = process.communicate(timeout=100)
    found = {row["job_id"].split(".")[0] + row["job_id"][-1]: row for row in rows_of(stdout)}
    assert process.returncode == 1, stderr
    assert found["hang1"]["status"] == "failed"
    assert "lost the engine" in found["hang1"]["reason"]
    assert (found["good1"]["status"], found["good2"]["status"], found["hang2"]["status"]) == ("ok", "ok", "excluded")
    assert own.containers() == []


def test_a_hard_bound_holds_within_two_seconds(own, bench):
    """The one duration that is asserted: it is what is promised. Taken from the engine's own events."""
    bench = bench(["hang"], timeout_s=6)
    client, began = own.client(), int(time.time())
    code, stdout, _ = bench.finish(*words(bench))
    assert code == 1
    (row,) = rows_of(stdout)
    assert row["status"] == "timeout"
    events = client.events(since=began, until=int(time.time()) + 1, decode=True, filters={"type": "container"})
    moments = {event["Action"]: event["timeNano"] / 1e9 for event in events}
    assert 0 < moments["die"] - moments["start"] < 6 + 2


def test_a_missing_image_and_corrupt_data_fail_their_own_rows(own, bench):
    bench = bench(["good"], module="orchestrator")
    file = bench.data / "mnist.npz"
    whole = file.read_bytes()
    file.write_bytes(b"not a zip")
    code, stdout, stderr = bench.finish(*words(bench, "--json"))
    assert code == 1
    assert rows_of(stdout)[0]["reason"].startswith("data: ")
    assert "Traceback" not in stderr
    file.write_bytes(whole)
    with no_image(own):
        code, stdout, stderr = bench.finish(*words(bench, "--json", "--stack", "keras*", "--backend", "mxnet"))
    (row,) = rows_of(stdout)
    assert code == 1
    assert f"orchestrate build --stack {STACK}" in row["reason"]
    assert "Traceback" not in stderr


@contextlib.contextmanager
def no_image(own):
    """The stack's image has another name for a while."""
    client, name = own.client(), image_name(STACK, "cpu", __version__)
    client.images.get(name).tag("aside", "1")
    client.images.remove(name)
    try:
        yield
    finally:
        client.images.get("aside:1").tag(name)
        client.images.remove("aside:1")


def test_an_image_that_is_removed_in_mid_run(own, bench):
    """Untagged, it goes on by its digest; removed, between two jobs, the later ones say so."""
    bench = bench(["good"])
    with another_image(own) as image:
        process = bench.start(*words(bench, "--repeats", 12))
        wait_for(first_event(bench, "good"))
        wait_for(lambda: removed(own, image))
        stdout, stderr = process.communicate(timeout=100)
    rows = rows_of(stdout)
    assert process.returncode == 1, stderr
    assert len(rows) == 12
    assert {row["status"] for row in rows} == {"ok", "failed"}
    assert f"orchestrate build --stack {STACK}" in rows[-1]["reason"]
    assert own.containers() == []


@contextlib.contextmanager
def another_image(own):
    """The stack's name points to an image of its own, with the same layers; afterwards to what it was."""
    client, name = own.client(), image_name(STACK, "cpu", __version__)
    client.images.get(name).tag("aside", "1")
    container = client.containers.create(name, ["true"], network_mode="none")
    try:
        yield container.commit(*name.split(":")).id
    finally:
        container.remove()
        client.images.get("aside:1").tag(name)
        client.images.remove("aside:1")


def removed(own, image):
    """Refused as long as a container of it runs."""
    with contextlib.suppress(docker.errors.APIError):
        own.client().images.remove(image, force=True)
        return True
    return False


def test_data_that_changes_or_goes_in_mid_run(own, bench):
    bench = bench(["slow"])
    process = bench.start(*words(bench, "--repeats", 3))
    wait_for(first_event(bench, "slow"))
    file = bench.data / "mnist.npz"
    other = bench.data / "other"
    other.write_bytes(b"other")
    other.replace(file)
    wait_for(lambda: len(list(bench.out.glob("2*/jobs/slow*/out/events.jsonl"))) and len(results(bench)) == 1)
    wait_for(lambda: len(results(bench)) == 2)
    file.unlink()
    stdout, _ = process.communicate(timeout=60)
    reasons = [row["reason"] for row in rows_of(stdout)]
    assert process.returncode == 1
    assert [r for r in reasons if r.startswith("the data changed: planned sha256")]
    assert not file.exists()  # nor has the engine made an empty folder of that name
    assert own.containers() == []


def results(bench):
    return list(bench.out.glob("2*/jobs/*/result.json"))


def test_a_disk_that_is_full_while_recording(own, bench):
    bench = bench(["good", "slow"])
    with small_disk(bench.out, "2m"):
        process = bench.start(*words(bench, "--repeats", 3))
        wait_for(lambda: len(results(bench)) >= 1)
        with filled(bench.out):
            stdout, stderr = process.communicate(timeout=60)
        assert process.returncode == 3, stderr
        assert "disk full while writing" in stderr
        assert "--resume" in stderr
        assert "Traceback" not in stderr
        assert len(rows_of(stdout)) == 6
        assert own.containers() == []
        code, stdout, stderr = bench.finish("run", "--resume", "latest", "--no-build")
        assert code == 0, stderr
        assert {row["status"] for row in rows_of(stdout)} == {"ok"}
        assert bench.finish("verify")[0] == 0


def test_a_job_that_fills_the_disk_is_its_own_row(own, bench):
    bench = bench(["filler", "good"])
    with small_disk(bench.out, "8m"):
        code, stdout, stderr = bench.finish(*words(bench))
        found = {row["workload"]: row for row in rows_of(stdout)}
        assert code == 1, stderr
        assert found["good"]["status"] == "ok"
        assert found["filler"]["status"] == "failed"
        assert "the disk was full when it ended" in found["filler"]["reason"]
        assert bench.finish("verify")[0] == 0


def test_a_results_folder_that_is_read_only_is_told_before_anything_starts(own, bench):
    bench = bench(["good"])
    with small_disk(bench.out, "4m"):
        subprocess.run(["mount", "-o", "remount,ro", str(bench.out)], check=True)
        code, stdout, stderr = bench.finish(*words(bench))
    assert code == 3
    assert "the results folder cannot be used" in stderr and "Read-only file system" in stderr
    assert "--out" in stderr
    assert "Traceback" not in stderr
    assert stdout == ""


def test_two_orchestrators_at_once(own, bench):
    bench = bench(["good", "exit1"])
    both = [bench.start(*words(bench, "--repeats", 2)) for _ in range(2)]
    for process in both:
        stdout, stderr = process.communicate(timeout=100)
        assert process.returncode == 1, stderr
        assert sorted(row["status"] for row in rows_of(stdout)) == ["failed", "failed", "ok", "ok"]
    assert len(bench.runs) == 2
    assert own.containers() == []
    for run in bench.runs:
        assert bench.finish("verify", run)[0] == 0


def test_a_second_interrupt_ends_at_once_and_the_container_with_it(own, bench):
    bench = bench(["hang"], timeout_s=600)
    process = bench.start(*words(bench))
    wait_for(first_event(bench, "hang"))
    process.send_signal(signal.SIGINT)
    time.sleep(0.05)
    process.send_signal(signal.SIGINT)
    process.communicate(timeout=30)
    assert process.returncode == 130
    wait_for(lambda: not running(own))
    bench.finish("clean")
    assert own.containers() == []


def running(own):
    return own.client().containers.list(filters=OURS, ignore_removed=True)


def test_after_kill_9_the_job_ends_and_the_run_goes_on_where_it_was(own, bench):
    bench = bench(["slow", "good"])
    process = bench.start(*words(bench, "--repeats", 2))
    wait_for(first_event(bench, "slow"))
    kill(process)
    wait_for(lambda: not running(own))
    assert torn_files(bench.runs[0]) == []
    code, stdout, stderr = bench.finish("run", "--resume", "latest", "--no-build")
    assert code == 0, stderr
    assert [row["status"] for row in rows_of(stdout)] == ["ok"] * 4
    assert own.containers() == []
    again = json.loads(next(bench.runs[0].glob("jobs/slow*/attempts/1/job.json")).read_bytes())
    assert again["attempt"] == 1
    assert bench.finish("verify")[0] == 0


def test_floods_of_events_and_of_output_are_bounded(own, bench):
    bench = bench(["flood", "longline", "bomb"])
    code, stdout, _ = bench.finish(*words(bench, "--memory", "2g"))
    found = {row["workload"]: row for row in rows_of(stdout)}
    assert code == 1
    assert "more events than any workload does" in found["flood"]["reason"]
    assert found["longline"]["status"] == "ok"
    assert "refused after" in found["bomb"]["reason"]
    assert own.containers() == []


def test_cleaning_spares_what_only_looks_like_ours(own, bench):
    bench = bench(["hang"], timeout_s=600)
    client = own.client()
    image = client.images.get(image_name(STACK, "cpu", __version__))
    image.tag("keras-orchestrate/mine", "latest")
    stranger = client.containers.create(
        image.id, ["true"], name="keras-orchestrate-20260101-000000-abcd-x", network_mode="none"
    )
    volume = client.volumes.create("keras-orchestrate-mine")
    process = bench.start(*words(bench))
    wait_for(first_event(bench, "hang"))
    kill(process)
    wait_for(lambda: not running(own))
    try:
        (orphan,) = own.containers()
        _, shown, _ = bench.finish("clean", "--caches", "--dry-run")
        assert f"would remove container {orphan}" in shown
        assert own.containers() == [orphan]
        code, done, _ = bench.finish("clean", "--caches")
        assert code == 0
        assert f"removed container {orphan}" in done
        assert "mine" not in shown + done
        assert own.containers() == []
        stranger.reload()
        volume.reload()
        assert not list(bench.runs[0].glob("jobs/*/out"))
    finally:
        stranger.remove(force=True)
        volume.remove()
        client.images.remove("keras-orchestrate/mine:latest")
