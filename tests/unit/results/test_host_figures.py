"""What a job and its epochs lacked, from the readings of the host."""

from __future__ import annotations

import msgspec
import pytest

from orchestrator.model import CpuEnergy, Sample
from orchestrator.results import host_figures
from orchestrator.results.job_events import EpochEvent, job_epochs
from orchestrator.results.rows import epoch_rows, result_row
from orchestrator.results.samples import Readings
from tests.make import FINGERPRINT, epoch, make_job, make_result

JOB = make_job(epochs=3, threads=1)
RESULT = make_result(
    JOB,
    fingerprint=msgspec.structs.replace(FINGERPRINT, pinned_cores=[0]),
    epochs=[epoch(1, 5.0, 0.0, 105.0), epoch(2, 5.0, 0.0, 110.0), epoch(3, 5.0, 0.0, 115.0)],
)


def samples(rate, until=118.0, step=0.2):
    """Readings from 99 s on; `rate(t)` says how fast each counter grows: cpu, wait, busy, throttled, steal."""
    t, values, found = 99.0, [0.0] * 5, []
    names = ("cpu_s", "wait_s", "busy_s", "throttled_s", "steal_s")
    while t < until:
        found.append(Sample(t=t, device="cpu:0", rss_mb=1.0, **dict(zip(names, values, strict=True))))
        values = [value + step * growth for value, growth in zip(values, rate(t + step / 2), strict=True)]
        t += step
    return found


def figures(rate, result=RESULT, **where):
    readings = Readings.of(samples(rate, **where))
    return result_row(result, readings), epoch_rows([result], samples={JOB.id: readings})


def test_one_epoch_that_others_disturbed_is_marked_in_its_job_and_alone_among_its_epochs():
    row, epochs = figures(lambda t: (0.5, 0.5, 1, 0, 0) if 105 < t < 110 else (1, 0, 1, 0, 0))
    assert [e["disturbed"] for e in epochs] == ["", "others on its cores", ""]
    assert [round(e["lost_s"], 2) for e in epochs] == [0.0, 2.5, 0.0]
    assert epochs[1]["lost_percent"] == pytest.approx(50, abs=1)
    assert (row["lost_s"], row["lost_percent"]) == (pytest.approx(2.5, abs=0.05), pytest.approx(25, abs=1))
    assert (row["disturbed"], row["disturbed_epochs"]) == ("others on its cores", 1)


def test_the_first_epoch_counts_for_itself_and_not_for_the_speed():
    row, epochs = figures(lambda t: (0.5, 0.5, 1, 0, 0) if t < 105 else (1, 0, 1, 0, 0))
    assert [bool(e["disturbed"]) for e in epochs] == [True, False, False]
    assert (row["disturbed"], row["disturbed_epochs"], row["lost_s"]) == ("", 0, pytest.approx(0, abs=0.05))


def test_of_a_job_of_one_epoch_that_epoch_counts():
    one = make_result(JOB, fingerprint=RESULT.fingerprint, epochs=[epoch(1, 5.0, 0.0, 105.0)])
    row, _ = figures(lambda t: (0.5, 0.5, 1, 0, 0), one)
    assert row["disturbed"] == "others on its cores"


def test_one_epoch_of_many_is_marked_though_it_is_little_of_the_sum():
    many = [epoch(i, 1.0, 0.0, 99.0 + i) for i in range(1, 31)]
    result = make_result(JOB, fingerprint=RESULT.fingerprint, epochs=many)
    row, _ = figures(lambda t: (0.7, 0.3, 1, 0, 0) if 110 < t < 111 else (1, 0, 1, 0, 0), result, until=131.0)
    assert row["lost_percent"] < 5
    assert row["disturbed"] == "others on its cores" and row["disturbed_epochs"] == 1


def test_sleep_is_the_jobs_own_word():
    row, epochs = figures(lambda t: (0, 0, 0, 0, 0) if 105 < t < 107 else (1, 0, 1, 0, 0))
    assert [e["slept"] for e in epochs] == [False, True, False]
    assert row["idle_s"] == pytest.approx(2.0, abs=0.1) and row["idle_percent"] == pytest.approx(20, abs=1)
    assert (row["slept"], row["disturbed"]) == (True, "")


def test_a_second_core_that_idles_is_no_sleep():
    row, _ = figures(lambda t: (1, 0, 1, 0, 0), make_result(make_job(epochs=3, threads=4), epochs=RESULT.epochs))
    assert (row["idle_s"], row["slept"]) == (pytest.approx(0, abs=0.01), False)


def test_what_a_quota_or_others_took_is_no_sleep():
    for rate in ((0.2, 0.8, 0.3, 0.8, 0), (0.5, 0.5, 1, 0, 0), (0.6, 0, 0.6, 0, 0.4)):
        row, _ = figures(lambda t, rate=rate: rate)
        assert (row["slept"], bool(row["disturbed"])) == (False, True)


def test_a_job_on_a_gpu_sleeps_while_that_works():
    gpu = make_result(msgspec.structs.replace(JOB, device="gpu"), epochs=RESULT.epochs)
    row = result_row(gpu, samples(lambda t: (0.1, 0, 0.1, 0, 0)))
    assert row["idle_percent"] == pytest.approx(90, abs=1) and row["slept"] is False


def test_older_samples_give_no_figure_and_no_mark():
    old = [Sample(t=99 + i, device="cpu:0", cpu_s=0.5 * i, rss_mb=1.0) for i in range(18)]
    row = result_row(RESULT, old)
    assert row["cpu_util_mean"] == pytest.approx(50)
    assert [row[name] for name in ("lost_s", "disturbed", "disturbed_epochs", "wait_s", "idle_s", "slept")] == [
        None
    ] * 6
    assert {e["disturbed"] for e in epoch_rows([RESULT], samples={JOB.id: old})} == {None}


def test_waiting_that_was_read_less_often_is_interpolated():
    readings = samples(lambda t: (0.5, 0.5, 1, 0, 0))
    sparse = [s if i % 10 == 0 else msgspec.structs.replace(s, wait_s=None) for i, s in enumerate(readings)]
    assert result_row(RESULT, sparse)["lost_s"] == pytest.approx(5.0, abs=0.2)


def test_an_epoch_that_readings_hardly_cover_is_unknown():
    _, epochs = figures(lambda t: (0.5, 0.5, 1, 0, 0), until=112.0)
    assert [e["lost_s"] is None for e in epochs] == [False, False, True]


def test_an_epoch_without_a_time_is_left_alone():
    lame = make_result(JOB, epochs=[{"t": 105.0}, {"t": 110.0, "train_s": 0}, *RESULT.epochs[2:]])
    assert [e["lost_s"] is None for e in epoch_rows([lame], samples={JOB.id: samples(lambda t: (1, 0, 1, 0, 0))})] == [
        *(True, True, False),
    ]
    assert len(job_epochs(lame)) == 3


def energy_of(**told):
    result = msgspec.structs.replace(make_result(make_job(epochs=2)), cpu_energy=CpuEnergy(**told))
    return host_figures.energy_part(result, [EpochEvent(t=t, train_s=4.0, validation_s=1.0) for t in (105.0, 110.0)])


def test_energy_of_the_processors_is_that_of_the_epochs():
    assert energy_of(begin_t=100.0, end_t=110.0, joules=300.0) == {"cpu_energy_j": 300.0, "cpu_energy_source": "RAPL"}
    late = energy_of(begin_t=100.2, end_t=110.2, joules=300.0)  # heard a moment later: the same power
    assert late["cpu_energy_j"] == pytest.approx(300.0)
    assert energy_of(begin_t=107.0, end_t=110.0, joules=90.0)["cpu_energy_source"] == (
        "the readings do not cover the epochs"
    )
    assert energy_of(trouble="only root") == {"cpu_energy_source": "only root"}
    assert energy_of() == {} and host_figures.energy_part(make_result(make_job()), []) == {}
