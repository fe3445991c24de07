"""One row per metric: what names it is there, and columns, types and figures follow from the row."""

from __future__ import annotations

import msgspec
import pytest

from orchestrator.model import GpuProcess, GpuSample, Sample
from orchestrator.results import gpu_figures, gpu_readings
from orchestrator.results.columns import COLUMNS, EPOCH_COLUMNS, EPOCH_METRICS, METRICS, Metric
from orchestrator.results.gpu_figures import OF_COUNTER, OF_GAUGE, OF_JOB, OF_READING, OF_TIME
from orchestrator.results.rows import epoch_rows, result_row
from orchestrator.results.samples import NUMBERS
from tests.make import make_job, make_result

JOB = make_result(make_job(device="gpu", epochs=3))
#: A reading a second for as long as the job ran, in every field that is a number.
GAUGES = [name for name, kind in gpu_readings.COLUMNS.items() if kind in ("DOUBLE", "BIGINT") and name != "t"]
GPU = [
    GpuSample(
        t=90.0 + i,
        uuid="g",
        processes=[GpuProcess(pid=1, job=JOB.job.id, memory_mb=5.0)],
        xids=[13],
        **dict.fromkeys(GAUGES, i),  # numbers that grow, as counters do
    )
    for i in range(23)
]
HOST = [Sample(device="d", **{**dict.fromkeys(NUMBERS, 1.5 * i), "t": 90.0 + i}) for i in range(23)]


@pytest.mark.parametrize("metric", METRICS, ids=lambda metric: metric.column)
def test_every_metric_is_made_of_fields_that_are_sampled(metric):
    fields = GpuSample.__struct_fields__ if metric.device == "gpu" else NUMBERS
    assert {metric.field, metric.rate or metric.field} <= set(fields)
    of_gpu = {*OF_GAUGE, *OF_COUNTER, *OF_JOB, *OF_READING, *OF_TIME}
    known = of_gpu if metric.device == "gpu" else {"share", "peak", "mean", "lack"}
    assert metric.how in known


@pytest.mark.parametrize("metric", METRICS, ids=lambda metric: metric.column)
def test_every_metric_has_a_figure_of_its_type(metric):
    value = result_row(JOB, HOST, GPU)[metric.column]
    kinds = {"DOUBLE": (int, float), "BIGINT": int, "VARCHAR": str, "BOOLEAN": bool}
    assert isinstance(value, kinds[metric.sql])


#: Published columns: readers of results.csv know them by name and place.
PUBLISHED = (
    *("gpu_util_mean", "gpu_util_p50", "gpu_util_p95", "gpu_samples_n", "gpu_mem_peak_mb", "gpu_power_mean_w"),
    *("energy_j", "energy_source", "sm_clock_mean", "gpu_temp_max_c", "throttle_reasons", "gpu_shared"),
    *("cpu_util_mean", "rss_peak_mb", "process_rss_peak_mb", "command"),
)
PUBLISHED_OF_EPOCHS = ("gpu_util_mean", "gpu_power_mean_w", "energy_j", "gpu_samples_n")


def test_columns_of_metrics_stand_together_and_in_order():
    names = [metric.column for metric in METRICS]
    assert len({*names}) == len(names)
    assert [name for name in COLUMNS if name in names] == names
    assert tuple(name for name in COLUMNS if name in PUBLISHED) == PUBLISHED
    assert tuple(name for name in EPOCH_COLUMNS if name in PUBLISHED_OF_EPOCHS) == PUBLISHED_OF_EPOCHS


def test_an_epoch_has_the_metrics_that_say_so():
    (first, *_) = epoch_rows([JOB], {JOB.job.id: GPU}, {JOB.job.id: HOST})
    assert [metric.column for metric in EPOCH_METRICS if first[metric.column] is None] == []


def test_each_device_has_one_figure_in_the_report():
    for device in ("gpu", "host"):
        assert [metric.label for metric in METRICS if metric.device == device].count("") == 1


def test_a_further_metric_is_one_row(monkeypatch):
    added = (Metric("mem_clock_mean", "gpu", "mem_mhz", "mean"), Metric("mem_util_max", "gpu", "mem_util", "peak"))
    monkeypatch.setattr(gpu_figures, "GPU_METRICS", (*gpu_figures.GPU_METRICS, *added))
    samples = [msgspec.structs.replace(sample, mem_mhz=2505.0) for sample in GPU]
    row = result_row(JOB, HOST, samples)
    assert (row["mem_clock_mean"], row["mem_util_max"]) == (pytest.approx(2505.0), 22)
