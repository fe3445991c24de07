"""Peak memory: a panel for the host and one for the GPU, least first."""

from __future__ import annotations

from orchestrator.report.charts import memory
from tests.fakes.made_up import recorded
from tests.unit.report.charts.makers import drawings, material_of


def test_bars_are_sorted_and_have_their_amounts():
    report = recorded(workloads=["mnist_mlp"], stacks=2, repeats=1, device="gpu")
    for row, amount in zip(report.rows, (3072.0, 512.0), strict=True):
        row |= {"rss_peak_mb": amount, "gpu_mem_peak_mb": 2 * amount}
    figure = memory.build(material_of(report))
    gpu, host = drawings(figure)
    assert gpu.texts("s", "e") == ["1.0 GiB", "6.0 GiB"] and host.texts("s", "e") == ["512 MiB", "3.0 GiB"]
    assert figure and figure.alt == "Most: 6.0 GiB by TensorFlow 1.3.0 on mnist_mlp, memory of the GPU."


def test_one_contender_alone_is_no_picture():
    assert memory.build(material_of(recorded(workloads=["mnist_mlp"], stacks=1))) is None
