"""One row per metric: what names it is there, and columns, types and figures follow from the row."""

from __future__ import annotations

import msgspec
import pytest

from orchestrator.model import GpuSample, Sample
from orchestrator.results import gpu_figures
from orchestrator.results.columns import COLUMNS, EPOCH_COLUMNS, EPOCH_METRICS, METRICS, Metric
from orchestrator.results.gpu_figures import OF_COUNTER, OF_GAUGE, OF_JOB
from orchestrator.results.rows import epoch_rows, result_row
from orchestrator.results.samples import NUMBERS
from tests.make import make_job, make_result

#: What a job on a GPU has used, in every field of the samples.
JOB = make_result(make_job(device="gpu", epochs=3))
GPU = [
    GpuSample(
        t=90.0 + i, uuid="g", util=50.0, mem_mb=7.0, power_w=9.0, temp_c=40.0, sm_mhz=800.0, throttle=8,
        energy_j=9.0 * i, processes=[],
    )
    for i in range(23)
]  # fmt: skip
HOST = [Sample(t=90.0 + i, device="d", cpu_s=1.5 * i, rss_mb=100.0) for i in range(23)]


@pytest.mark.parametrize("metric", METRICS, ids=lambda metric: metric.column)
def test_every_metric_is_made_of_fields_that_are_sampled(metric):
    fields = GpuSample.__struct_fields__ if metric.device == "gpu" else NUMBERS
    assert {metric.field, metric.rate or metric.field} <= set(fields)
    known = {*OF_GAUGE, *OF_COUNTER, *OF_JOB} if metric.device == "gpu" else {"share", "peak"}
    assert metric.how in known


@pytest.mark.parametrize("metric", METRICS, ids=lambda metric: metric.column)
def test_every_metric_has_a_figure_of_its_type(metric):
    value = result_row(JOB, HOST, GPU)[metric.column]
    kinds = {"DOUBLE": (int, float), "BIGINT": int, "VARCHAR": str, "BOOLEAN": bool}
    assert isinstance(value, kinds[metric.sql])


def test_columns_of_metrics_stand_together_and_in_order():
    names = [metric.column for metric in METRICS]
    assert [name for name in COLUMNS if name in names] == names
    assert list(EPOCH_COLUMNS)[-4:] == ["gpu_util_mean", "gpu_power_mean_w", "energy_j", "gpu_samples_n"]
    assert len({*names}) == len(names)


def test_an_epoch_has_the_metrics_that_say_so():
    (first, *_) = epoch_rows([JOB], {JOB.job.id: GPU})
    assert {name for name in EPOCH_COLUMNS if name in COLUMNS and first[name] is not None} >= {
        metric.column for metric in EPOCH_METRICS
    }


def test_each_device_has_one_figure_in_the_report():
    for device in ("gpu", "host"):
        assert [metric.label for metric in METRICS if metric.device == device].count("") == 1


def test_a_further_metric_is_one_row(monkeypatch):
    added = (Metric("mem_clock_mean", "gpu", "mem_mhz", "mean"), Metric("mem_util_max", "gpu", "mem_util", "peak"))
    monkeypatch.setattr(gpu_figures, "GPU_METRICS", (*gpu_figures.GPU_METRICS, *added))
    samples = [msgspec.structs.replace(sample, mem_mhz=2505.0, mem_util=30.0 + sample.t) for sample in GPU]
    row = result_row(JOB, HOST, samples)
    assert (row["mem_clock_mean"], row["mem_util_max"]) == (pytest.approx(2505.0), 142.0)
