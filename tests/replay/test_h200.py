"""A run on a real NVIDIA H200 (driver 580.159.04, ten cells of which six ended well), beside what nvidia-smi said.

The card, its driver's answers and nvidia-smi's lines were recorded on 2026-11-26 on a host with 16 cores.
"""

from __future__ import annotations

import csv
import datetime
import itertools
import json
import os
import shutil
import statistics
import subprocess
import sys

import pytest

from orchestrator.model import GpuSample
from orchestrator.results import gpu_readings
from orchestrator.results.columns import GPU_METRICS
from orchestrator.results.gpu_figures import window_part
from tests.conftest import ROOT
from tests.replay.record import H200

#: Columns of nvidia-smi.csv.
TIME, UTIL, POWER, SM, MEMORY, RESERVED = 0, 1, 4, 6, 8, 9


@pytest.fixture(scope="module")
def recorded(tmp_path_factory):
    """The folder of what was recorded."""
    folder = tmp_path_factory.mktemp("h200")
    shutil.unpack_archive(H200, folder)
    return folder


@pytest.fixture(scope="module")
def rows(recorded):
    """The rows of the run, reported again, by job."""
    (run,) = recorded.glob("2*")
    argv = [sys.executable, "-m", "orchestrator", "report", str(run), "--to", str(recorded / "again"), "--json"]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    answer = subprocess.run(argv, capture_output=True, text=True, env=environment, check=True)
    return {row["job_id"]: row for row in json.loads(answer.stdout)["results"]}


@pytest.fixture(scope="module")
def seen_by_nvidia_smi(recorded):
    """Lines of nvidia-smi by CLOCK_MONOTONIC, whose distance to the wall clock the probe has measured."""
    clocks = json.loads((recorded / "probe.json").read_text())["clocks"]
    with (recorded / "nvidia-smi.csv").open() as file:
        lines = [[cell.strip() for cell in line] for line in csv.reader(file)]
    found = []
    for line in lines:
        wall = datetime.datetime.strptime(line[TIME] + "+0000", "%Y/%m/%d %H:%M:%S.%f%z").timestamp()
        found.append([wall - clocks["epoch"] + clocks["monotonic"], *map(float, line[1:])])
    return found


def good(rows):
    return [row for row in rows.values() if row["status"] == "ok"]


def epochs_window(recorded, row):
    (path,) = recorded.glob(f"2*/jobs/{row['job_id']}/result.json")
    epochs = json.loads(path.read_text())["epochs"]
    first, last = epochs[0], epochs[-1]
    return first["t"] - first["train_s"] - first["validation_s"], last["t"]


def test_every_planned_job_is_a_row_whatever_became_of_it(rows):
    assert len(rows) == 10
    assert sorted(row["status"] for row in rows.values()) == ["cancelled"] * 3 + ["ok"] * 6 + ["timeout"]


def test_the_card_is_named_and_was_the_jobs_alone(rows):
    for row in good(rows):
        assert (row["gpu_name"], row["driver"]) == ("NVIDIA H200", "580.159.04")
        assert (row["gpu_shared"], row["throttle_reasons"], row["energy_source"]) == (False, "", "counter")


def test_figures_are_those_of_nvidia_smi(recorded, rows, seen_by_nvidia_smi):
    for row in good(rows):
        begin, end = epochs_window(recorded, row)
        inside = [line for line in seen_by_nvidia_smi if begin <= line[TIME] <= end]
        assert len(inside) > 20
        assert row["gpu_util_mean"] == pytest.approx(statistics.mean(line[UTIL] for line in inside), abs=2)
        assert row["gpu_power_mean_w"] == pytest.approx(statistics.mean(line[POWER] for line in inside), rel=0.03)
        assert row["energy_j"] == pytest.approx(row["gpu_power_mean_w"] * (end - begin), rel=0.03)
        assert row["sm_clock_mean"] == pytest.approx(1980)


def test_the_drivers_own_record_of_utilization_was_found_by_its_wall_clock(recorded, rows):
    (run,) = recorded.glob("2*")
    for row in good(rows):
        begin, end = epochs_window(recorded, row)
        entries = [s for s in gpu_readings.read(run, row["gpu_uuid"], begin, end) if s.kind == "buffer"]
        gaps = [after.t - before.t for before, after in itertools.pairwise(entries)]
        assert len(entries) >= 0.9 * (end - begin) / 0.2
        assert statistics.median(gaps) == pytest.approx(0.2, abs=0.01)


def test_version_1_of_the_memory_call_showed_what_the_driver_reserves_as_used(rows, seen_by_nvidia_smi, recorded):
    """That run was recorded with it; since then version 2 is asked, which agrees with nvidia-smi."""
    facts = json.loads((recorded / "probe.json").read_text())["facts"]
    assert (facts["v1"]["used"], facts["v2"]["used"], facts["v2"]["reserved"]) == (644939776, 0, 644939776)
    assert {line[RESERVED] for line in seen_by_nvidia_smi} <= {615.0, 616.0}


def test_bursts_of_work_come_out_right_or_not_at_all(recorded):
    """Bursts of 0.05 to 4 s, and the card's power every 20 ms, which the driver keeps for 2.4 s: the truth here."""
    probe = json.loads((recorded / "probe.json").read_text())
    offset = probe["clocks"]["monotonic"] - probe["clocks"]["epoch"]
    truth = [(stamp / 1e6 + offset, value / 1e3) for stamp, value in probe["wave buffers"]["0"]]
    judged = set()
    for phase in range(10):  # the answers of every 20 ms, read five times a second
        samples = [
            GpuSample(t=t, uuid="GPU", util=util, power_w=power / 1e3, energy_j=energy / 1e3)
            for t, util, power, energy, _ in probe["square wave"][phase::10]
        ]
        samples += [
            GpuSample(t=stamp / 1e6 + offset, uuid="GPU", kind="buffer", util=value)
            for stamp, value in probe["wave buffers"]["1"]
        ]
        samples.sort(key=lambda sample: sample.t)
        for begin, end, _ in probe["bursts"]:
            watts = statistics.mean(value for t, value in truth if begin + 0.02 <= t <= end)
            part = window_part((begin, end), samples, GPU_METRICS)
            if part["gpu_power_mean_w"] is not None:
                assert part["gpu_power_mean_w"] == pytest.approx(watts, rel=0.06)
                assert part["gpu_util_mean"] == pytest.approx(98, abs=7)  # the entries at its ends are partly idle
                judged.add(round(end - begin, 2))
    assert judged == {2.0, 4.0}


def test_the_report_draws_the_gpu(recorded, rows):
    markdown = (recorded / "again" / "report.md").read_text()
    assert "NVIDIA H200" in markdown
    assert list((recorded / "again" / "charts").glob("*gpu*"))
