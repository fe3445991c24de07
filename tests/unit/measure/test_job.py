"""The one status of every end that a job can come to, and the record that it leaves."""

from __future__ import annotations

import json
import os

import pytest

from orchestrator.host.rapl import NO_PACKAGE, Rapl
from orchestrator.measure import job as jobs
from orchestrator.measure.cpu_energy import CpuMeter
from orchestrator.measure.job import measure, verdict
from orchestrator.model import Device, Exit, Launch, Usage
from tests.make import FINGERPRINT, make_job

CORE = min(os.sched_getaffinity(0))
GOOD = [{"event": "epoch_end", "t": 1}, {"event": "epoch_end", "t": 2}, {"event": "end", "t": 3}]
ERROR = {"event": "error", "t": 3, "type": "ValueError", "message": "planted\nfault"}


@pytest.mark.parametrize(
    ("exit_", "events", "status", "words"),
    [
        (Exit(code=0), GOOD, "ok", ""),
        (Exit(code=0), GOOD[:2], "failed", "without a result"),
        (Exit(code=0), GOOD[1:], "failed", "1 epochs of 2"),
        (Exit(code=1), [ERROR], "failed", "ValueError: planted fault"),
        (Exit(code=1), [], "failed", "exit code 1: the last words"),
        (Exit(code=137), GOOD[:1], "failed", "SIGKILL"),
        (Exit(code=137, oom=True), GOOD[:1], "oom", "memory"),
        (Exit(code=137, timed_out=True), GOOD, "timeout", "60 s"),
        (Exit(code=137, cancelled=True), GOOD[:1], "cancelled", "user"),
        (Exit(error="image x is missing"), [], "failed", "image x is missing"),
        (Exit(error="the engine refused:\n  this\n  and that"), [], "failed", "the engine refused: this and that"),
        (Exit(code=999), [], "failed", "exit code 999"),
    ],
)
def test_every_end_has_one_status_and_a_reason(tmp_path, exit_, events, status, words):
    log = tmp_path / "log.txt"
    log.write_bytes(b"first\nthe last words\n\n")
    found, reason = verdict(make_job(), exit_, events, [], log)
    assert found == status
    assert words in reason
    assert "\n" not in reason


ODD = {"event": "epoch_end", "t": 2, "loss": None, "not_finite": {"loss": "nan"}}
INFINITE = {"event": "epoch_end", "t": 1, "val_acc": None, "not_finite": {"val_acc": "-inf"}}


@pytest.mark.parametrize(
    ("events", "reason"),
    [
        ([GOOD[0], ODD, GOOD[2]], "the loss was not finite from epoch 2 on (nan)"),
        ([ODD, ODD, GOOD[2]], "the loss was not finite from epoch 1 on (nan)"),
        ([ODD, GOOD[1], GOOD[2]], "the loss was not finite in epoch 1 (nan)"),
        (
            [INFINITE, ODD, GOOD[2]],
            "the loss was not finite from epoch 2 on (nan); the validation accuracy was not finite in epoch 1 (-inf)",
        ),
    ],
)
def test_a_job_whose_figures_are_no_numbers_has_failed_however_well_it_ended(tmp_path, events, reason):
    assert verdict(make_job(), Exit(code=0), events, [], tmp_path / "log") == ("failed", reason)
    status, words = verdict(make_job(), Exit(code=137, timed_out=True), events, ["1 unreadable"], tmp_path / "log")
    assert status == "timeout" and words.endswith(f"; {reason}; 1 unreadable")


@pytest.mark.parametrize("said", [{"loss": 1}, {"mine": "nan"}, "nan", ["loss"], {"loss": ["nan"]}, {"loss": None}])
def test_what_says_nothing_of_a_figure_fails_no_job(tmp_path, said):
    events = [{**GOOD[0], "not_finite": said}, *GOOD[1:]]
    assert verdict(make_job(), Exit(code=0), events, [], tmp_path / "log") == ("ok", "")


def test_unreadable_lines_are_told_even_when_all_went_well(tmp_path):
    assert verdict(make_job(), Exit(code=0), GOOD, ["3 unreadable"], tmp_path / "log") == ("ok", "3 unreadable")


class FakeLauncher:
    """Starts nothing: writes the given events where a job would."""

    def __init__(self, *events, usage=None):
        self.events = events
        self.usage = usage or Usage(cpu_s=1.0, rss_mb=2.0)

    def describe(self, job, device, out):
        return Launch(launcher="fake", command=["true"])

    def launch(self, job, device, out, log, watch):
        watch(lambda: self.usage)
        lines = [json.dumps({"t": float(i), **event}) + "\n" for i, event in enumerate(self.events)]
        (out / "events.jsonl").write_text("".join(lines))
        (out / "left").write_text("behind")
        return Exit(code=0)


def measured(folder, *events, usage=None, cores=()):
    seen = []
    result = measure(
        make_job(epochs=1),
        Device(kind="cpu", name="cpu:0", cores=list(cores)),
        launcher=FakeLauncher(*events, usage=usage),
        folder=folder,
        run_id="r",
        identify=lambda job, device, launch: FINGERPRINT,
        on_event=lambda job, event: seen.append(event),
        interval_s=60.0,
    )
    return result, seen


DATA = {"event": "data", "sha256": "2" * 64, "mine": [1, {"deep": None}]}
EPOCH = {"event": "epoch_end", "epoch": 1, "train_s": "2 s"}


def test_a_record_keeps_what_the_job_wrote_and_nothing_else(tmp_path):
    folder = tmp_path / "job"
    result, seen = measured(folder, DATA, EPOCH, {"event": "mine"}, {"event": "end"})
    assert (result.status, result.reason, result.fingerprint) == ("ok", "", FINGERPRINT)
    assert result.data == {"t": 0.0, **DATA}
    assert result.epochs == [{"t": 1.0, **EPOCH}]
    assert [json.loads(line) for line in (folder / "events.jsonl").read_text().splitlines()] == seen
    assert [event["event"] for event in seen] == ["data", "epoch_end", "end"]
    assert sorted(path.name for path in folder.iterdir()) == ["events.jsonl", "samples.jsonl"]
    (sample,) = (folder / "samples.jsonl").read_bytes().splitlines()
    assert {"device": "cpu:0", "cpu_s": 1.0, "rss_mb": 2.0}.items() <= json.loads(sample).items()


@pytest.mark.parametrize(("sha256", "read"), [("3" * 64, "3" * 64), (7, "7"), (None, "None")])
def test_data_that_changed_since_the_plan_fail_the_job(tmp_path, sha256, read):
    result, _ = measured(tmp_path / "job", {**DATA, "sha256": sha256}, EPOCH, {"event": "end"})
    assert result.status == "failed"
    assert result.reason == f"the data changed: planned sha256 {'2' * 64}, the job read {read}"


def sampled(folder, **usage):
    result, _ = measured(
        folder, DATA, EPOCH, {"event": "end"}, usage=Usage(cpu_s=1.0, rss_mb=2.0, **usage), cores=[CORE]
    )
    (line,) = (folder / "samples.jsonl").read_bytes().splitlines()
    return result, json.loads(line)


def test_a_sample_tells_what_the_job_lacked_and_what_its_cores_did(tmp_path):
    result, sample = sampled(tmp_path / "job", wait_s=3.0, throttled_s=0.5, cpu_quota=0.5)
    assert {"wait_s": 3.0, "throttled_s": 0.5}.items() <= sample.items()
    assert sample["busy_s"] > 0 and sample["steal_s"] >= 0 and "cpu_quota" not in sample
    assert result.fingerprint.cpu_quota == 0.5


def test_the_cores_of_this_host_say_nothing_of_a_job_that_is_elsewhere(tmp_path):
    result, sample = sampled(tmp_path / "job")
    assert set(sample) == {"t", "device", "cpu_s", "rss_mb"}
    assert result.fingerprint == FINGERPRINT


def test_the_processors_of_this_host_are_asked_for_a_job_that_is_seen_here_alone(tmp_path, monkeypatch):
    monkeypatch.setattr(jobs, "CpuMeter", lambda: CpuMeter(Rapl(tmp_path / "none")))
    here, _ = sampled(tmp_path / "here", wait_s=0.0)
    away, _ = sampled(tmp_path / "away")
    assert here.cpu_energy.trouble == NO_PACKAGE and away.cpu_energy is None


def test_a_job_that_made_up_its_samples_is_not_recorded_with_a_data_set(tmp_path):
    """Of a workload that ignores the path it is given: the planned data set's hash would be untrue."""
    event = {"event": "data", "kind": "own", "sha256": None}
    result, _ = measured(tmp_path / "job", event, EPOCH, {"event": "end"})
    assert result.status == "ok"
    assert (result.fingerprint.data_kind, result.fingerprint.data_sha256) == ("own", "0" * 64)


@pytest.mark.parametrize(("events", "status"), [([{"event": "calls", "t": 1}], "ok"), ([], "failed")])
def test_a_job_that_does_not_train_has_timed_calls(tmp_path, events, status):
    job = make_job(mode="predict", epochs=None)
    found = verdict(job, Exit(code=0), [*events, {"event": "end", "t": 3}], [], tmp_path / "log.txt")
    assert found == (status, "" if status == "ok" else "ended without a timed call")
