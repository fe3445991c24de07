"""Figures of a GPU from literals: every definition against a value worked out by hand."""

from __future__ import annotations

import msgspec
import pytest

from orchestrator.model import GpuProcess, GpuSample
from orchestrator.results import gpu_figures as figures
from orchestrator.results.columns import GPU_METRICS
from orchestrator.results.job_events import job_epochs
from orchestrator.results.rows import epoch_rows
from tests.make import FINGERPRINT, epoch, make_job, make_result


def sample(t, kind="poll", **values):
    return GpuSample(t=float(t), uuid="GPU-1", kind=kind, **values)


def window_part(window, samples):
    return figures.window_part(window, samples, GPU_METRICS)


def energy(window, samples):
    return figures.growth(window, samples, "energy_j", "power_w")


def test_a_reading_stands_for_the_time_nearest_to_it():
    # In the window 0-10: at 1 (until 2), at 3 (2 to 3.5), at 4 (3.5 to 5: no more than a second to a side).
    samples = [sample(1, util=10.0), sample(3, util=50.0), sample(4, util=90.0), sample(11, util=0.0)]
    assert figures.weighted((0, 10), samples, lambda s: s.util) == [(10.0, 2.0), (50.0, 1.5), (90.0, 1.5)]


def test_means_and_percentiles_are_weighted_with_time():
    # A burst of close readings at 90 for a short while must not outweigh a long time at 10.
    samples = [sample(t, util=10.0) for t in range(9)] + [sample(9 + i / 100, util=90.0) for i in range(100)]
    part = window_part((0, 10), samples)
    assert part["gpu_util_mean"] == pytest.approx((8.5 * 10 + 1.5 * 90) / 10, rel=0.01)
    assert (part["gpu_util_p50"], part["gpu_util_p95"], part["gpu_samples_n"]) == (10.0, 90.0, 109)


def test_the_drivers_own_record_goes_before_polls():
    entries = [sample(t, "buffer", util=u) for t, u in ((0.5, 0.0), (1.5, 20.0), (2.5, 40.0), (3.5, 80.0))]
    part = window_part((1, 3), [sample(1, util=99.0), *entries])
    # Each tells of the time since the one before it: 20 until 1.5, 40 until 2.5, then 80.
    assert (part["gpu_util_mean"], part["gpu_samples_n"]) == ((0.5 * 20 + 40 + 0.5 * 80) / 2, 3)


def test_a_window_too_short_for_the_cards_counters_has_no_figure():
    samples = [sample(i / 10, util=50.0, power_w=100.0, energy_j=10.0 * i) for i in range(60)]
    short = window_part((1, 2.9), samples)
    assert {short[name] for name in ("gpu_util_mean", "gpu_util_p95", "gpu_power_mean_w", "energy_j")} == {None}
    assert short["gpu_samples_n"] == 20
    part = window_part((1, 3.1), samples)
    assert (part["gpu_util_mean"], part["gpu_power_mean_w"]) == (pytest.approx(50.0), pytest.approx(100.0))
    assert (part["energy_j"], part["energy_source"]) == (pytest.approx(210.0), "counter")


def test_a_counter_that_stands_still_or_is_far_from_the_power_is_not_believed():
    still = [sample(i / 5, power_w=100.0, energy_j=7.0) for i in range(50)]
    assert energy((1, 5), still) == (pytest.approx(400.0), "integrated")
    tenfold = [sample(i / 5, power_w=100.0, energy_j=200.0 * i) for i in range(50)]
    assert energy((1, 5), tenfold) == (pytest.approx(400.0), "integrated")
    assert window_part((1, 5), tenfold)["gpu_power_mean_w"] == pytest.approx(100.0)
    lagging = [sample(i / 5, power_w=60.0, energy_j=20.0 * i) for i in range(50)]
    assert energy((1, 5), lagging) == (pytest.approx(400.0), "counter"), "polls lag, so a factor below two is no fault"
    alone = [sample(i / 5, energy_j=7.0) for i in range(50)]
    assert energy((1, 5), alone) == (None, None)


def test_a_kepler_tells_the_energy_of_long_windows_alone():
    samples = [sample(i / 5, power_w=100.0) for i in range(100)]
    fingerprint = msgspec.structs.replace(FINGERPRINT, compute_capability="3.7")
    result = make_result(make_job(), fingerprint=fingerprint)
    least = figures.least_s(result)
    assert figures.window_part((1, 9), samples, GPU_METRICS, "", least)["energy_j"] is None
    assert figures.window_part((1, 12), samples, GPU_METRICS, "", least)["energy_j"] == pytest.approx(1100.0)
    assert figures.least_s(make_result(make_job(), fingerprint=FINGERPRINT)) == 2.0


@pytest.mark.parametrize(("busy_w", "kept"), [(40.0, False), (11.0, True)])
def test_a_utilization_of_0_throughout_is_none_where_the_power_says_otherwise(busy_w, kept):
    samples = [sample(t, util=0.0, power_w=10.0 if t < 3 else busy_w) for t in range(10)]
    assert (figures.believed(samples)[0].util == 0.0) is kept
    once = [*samples, sample(10, util=1.0)]
    assert figures.believed(once) == once


def test_a_row_says_whose_readings_served_it_and_how_often():
    polls = [sample(i / 5, util=50.0) for i in range(100)]
    assert window_part((1, 11), polls)["gpu_util_source"] == "polls"
    assert window_part((1, 11), polls)["gpu_sample_hz"] == pytest.approx(5.0, abs=0.2)
    entries = [sample(i / 5 + 0.1, "buffer", util=50.0) for i in range(100)]
    assert window_part((1, 11), [*polls, *entries])["gpu_util_source"] == "record"
    assert window_part((1, 11), [])["gpu_util_source"] is None


def test_a_window_of_which_less_than_half_was_seen_has_no_mean():
    part = window_part((0, 10), [sample(t, util=50.0) for t in (0, 0.5, 1, 1.5)])
    assert (part["gpu_util_mean"], part["gpu_samples_n"]) == (None, 4)


def test_mean_power_is_the_counters_where_there_is_one_since_polls_lag():
    samples = [sample(t / 2, energy_j=300.0 * t / 2, power_w=200.0) for t in range(20)]
    assert window_part((2, 6), samples)["gpu_power_mean_w"] == pytest.approx(300.0)
    assert window_part((2, 6), [msgspec.structs.replace(s, energy_j=None) for s in samples])[
        "gpu_power_mean_w"
    ] == pytest.approx(200.0)


def test_energy_is_the_counters_difference_at_the_ends_of_the_window():
    samples = [sample(t, energy_j=100.0 * t, power_w=70.0) for t in (0, 2, 4, 6)]
    assert energy((1, 5), samples) == (400.0, "counter")


def test_between_two_readings_the_counter_grows_evenly():
    samples = [sample(t, energy_j=e) for t, e in ((0, 0.0), (2, 300.0), (4, 400.0), (6, 1000.0))]
    assert energy((1, 5), samples) == (700.0 - 150.0, "counter")


def test_without_a_counter_energy_is_integrated_and_labelled_so():
    samples = [sample(t, power_w=p) for t, p in ((0, 50.0), (1, 100.0), (2, 100.0), (3, 50.0))]
    assert energy((0, 3), samples) == (pytest.approx(0.5 * 50 + 100 + 100 + 0.5 * 50), "integrated")


@pytest.mark.parametrize(
    "samples",
    [
        [],
        [sample(1, energy_j=5.0)],  # one reading is no difference
        [sample(1, energy_j=500.0), sample(9, energy_j=3.0)],  # it was reset
        [sample(1, energy_j=1.0), sample(3, energy_j=2.0)],  # only a part of the window was seen
        [sample(1, power_w=50.0)],
    ],
)
def test_energy_that_is_not_known_is_absent(samples):
    assert energy((0, 10), samples) == (None, None)


def test_throttling_is_told_apart_from_idling_and_from_not_telling():
    def reasons(*samples):
        return job_part(result(), list(samples))["throttle_reasons"]

    assert reasons(sample(95), sample(96, util=5.0)) is None
    assert reasons(sample(95, throttle=1), sample(96, throttle=2)) == ""
    assert reasons(sample(95, throttle=0x44), sample(96, throttle=8)) == "sw_power_cap, hw_slowdown, hw_thermal"


def job_part(found, samples):
    return figures.job_part(found, job_epochs(found), samples)


def result(**changes):
    job = make_job(epochs=2, device="gpu")
    fields = {"launched_t": 90.0, "exited_t": 112.0, "epochs": [epoch(1, 5.0, 1.0, 106.0), epoch(2, 2.0, 0.5, 108.5)]}
    return make_result(job, **{**fields, **changes})


def test_a_job_gets_the_readings_of_its_time():
    samples = [
        sample(80, util=100.0, mem_mb=9000.0, temp_c=99.0, throttle=8),  # somebody else's
        sample(95, util=0.0, mem_mb=700.0, temp_c=50.0, throttle=0),  # not in an epoch, but in the job
        *[sample(100 + i, util=60.0, mem_mb=500.0, temp_c=60.0, power_w=100.0, sm_mhz=800.0) for i in range(9)],
        sample(120, util=100.0, mem_mb=9000.0, throttle=8),
    ]
    part = job_part(result(), samples)
    assert (part["gpu_util_mean"], part["gpu_samples_n"]) == (pytest.approx(60.0), 9)
    assert (part["gpu_mem_peak_mb"], part["gpu_temp_max_c"], part["throttle_reasons"]) == (700.0, 60.0, "")
    assert part["energy_j"] == pytest.approx(850.0)  # 8.5 s at 100 W
    assert part["sm_clock_mean"] == pytest.approx(800.0)


def test_epochs_get_their_own_part():
    samples = [sample(100.5 + i, util=10.0 if i < 6 else 70.0, power_w=50.0) for i in range(9)]
    rows = epoch_rows([result()], {result().job.id: samples})
    assert [row["gpu_util_mean"] for row in rows] == [pytest.approx(10.0), pytest.approx(70.0)]
    assert [row["gpu_samples_n"] for row in rows] == [6, 3]
    assert [row["energy_j"] for row in rows] == [pytest.approx(300.0), pytest.approx(125.0)]


def test_epochs_too_short_for_a_reading_have_no_figure():
    rows = epoch_rows([result()], {result().job.id: [sample(101, util=10.0)]})
    assert (rows[1]["gpu_util_mean"], rows[1]["gpu_samples_n"]) == (None, 0)


def test_a_stranger_on_the_gpu_marks_the_row():
    def shared(*lists, **changes):
        return job_part(result(**changes), [sample(95, processes=found) for found in lists])["gpu_shared"]

    mine, other = GpuProcess(pid=1, job=result().job.id), GpuProcess(pid=2)
    assert shared(None, None) is None
    assert shared([], [mine]) is False
    assert shared([mine], [mine, other]) is True
    assert shared(None, fingerprint=msgspec.structs.replace(FINGERPRINT, gpu_busy="process 7")) is True


def test_rows_without_readings_have_no_gpu_figures():
    assert job_part(result(), []) == {}
    assert job_part(result(launched_t=None), [sample(95)]) == {}
    part = job_part(result(epochs=[]), [sample(95, util=5.0, mem_mb=1.0)])
    assert part["gpu_mem_peak_mb"] == 1.0
    assert "gpu_util_mean" not in part


def test_hostile_epochs_raise_nothing():
    rubbish = [{"event": "epoch_end", "t": "now", "train_s": None, "validation_s": True}]
    part = job_part(result(epochs=rubbish), [sample(95, util=5.0)])
    assert "gpu_util_mean" not in part
    assert figures.epoch_marks(result(epochs=rubbish)) == []


def test_readings_for_drawing_count_from_the_launch():
    samples = [sample(89, util=1.0), sample(95, util=2.0, throttle=8), sample(96, "buffer", util=3.0)]
    rows = figures.chart_rows(result(), samples)
    assert [(row["t_s"], row["util"], row["throttled"]) for row in rows] == [(5.0, None, True), (6.0, 3.0, False)]
    marks = figures.epoch_marks(result())
    assert [(m["epoch"], m["begin_s"], m["end_s"]) for m in marks] == [(1, 10.0, 16.0), (2, 16.0, 18.5)]


def test_for_how_long_a_gpu_was_slowed_down_and_shared():
    thermal = 0x20
    samples = [
        sample(
            t,
            throttle=thermal if 3 <= t < 5 else 0,
            processes=[GpuProcess(pid=1, job="mine")] + ([GpuProcess(pid=2)] if t == 7 else []),
        )
        for t in range(11)
    ]
    part = figures.window_part((0, 10), samples, GPU_METRICS, "mine")
    assert (part["gpu_throttled_s"], part["gpu_throttled_percent"]) == (2.0, 20.0)
    assert (part["gpu_shared_s"], part["gpu_shared_percent"]) == (1.0, 10.0)
    blind = figures.window_part((0, 10), [sample(t, util=1.0) for t in range(11)], GPU_METRICS)
    assert [blind[name] for name in ("gpu_throttled_s", "gpu_shared_s", "gpu_shared_percent")] == [None] * 3
    assert figures.window_part((5, 5), samples, GPU_METRICS)["gpu_throttled_percent"] is None


def test_what_a_card_reported_is_summed_up_over_the_job():
    result = make_result(make_job(device="gpu"))
    heard = [sample(91, xids=[31], ecc_corrected=2, ecc_uncorrected=0), sample(95, xids=[31, 63], ecc_corrected=1)]
    part = figures.job_part(result, [], [sample(80, xids=[79], ecc_corrected=9), *heard, sample(96, util=1.0)])
    assert (part["gpu_xids"], part["gpu_ecc_corrected"], part["gpu_ecc_uncorrected"]) == ("31, 63", 3, 0)
    silent = figures.job_part(result, [], [sample(95, util=1.0)])
    assert [silent[f"gpu_{name}"] for name in ("xids", "ecc_corrected", "ecc_uncorrected")] == [None] * 3
    well = figures.job_part(result, [], [sample(95, xids=[], ecc_corrected=0, ecc_uncorrected=0)])
    assert (well["gpu_xids"], well["gpu_ecc_corrected"]) == ("", 0)


def test_a_jobs_own_memory_is_that_of_its_processes():
    result = make_result(make_job(device="gpu"))
    mine, other = (lambda mb: GpuProcess(pid=1, job=result.job.id, memory_mb=mb)), GpuProcess(pid=2, memory_mb=999.0)
    lists = [sample(91, processes=[mine(100.0), mine(50.0), other]), sample(92, processes=[mine(120.0)])]
    assert figures.job_part(result, [], lists)["gpu_mem_job_mb"] == 150.0
    for untold in ([other], [mine(None)], []):
        assert figures.job_part(result, [], [sample(91, processes=untold)])["gpu_mem_job_mb"] is None


def test_finer_figures_are_of_the_time_before_their_stamps_and_hide_no_utilization():
    result = make_result(make_job(device="gpu"))
    samples = [sample(90 + t, util=50.0) for t in range(1, 12)]
    samples += [sample(90 + t, "buffer", sm_active=10.0 * t) for t in range(1, 12)]
    part = window_part((92, 95), sorted(samples, key=lambda s: s.t))
    assert (part["gpu_sm_active"], part["gpu_util_mean"]) == (pytest.approx(40.0), pytest.approx(50.0))
    assert part["gpu_tensor_active"] is None
    drawn = figures.chart_rows(result, samples)
    assert {row["util"] for row in drawn if row["util"] is not None} == {50.0}
    assert [row["sm_active"] for row in drawn if "sm_active" in row][2:4] == [30.0, 40.0]
    assert not any("tensor_active" in row for row in drawn), "what a card does not tell is not drawn as 0"
