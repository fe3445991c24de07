"""What goes on inside GPUs over time: a strip for each reading that a card tells, and none for what it does not."""

from __future__ import annotations

from orchestrator.report.charts import figure, inside_gpu
from orchestrator.report.charts.material import Material
from tests.fakes.made_up import recorded
from tests.unit.report.charts.makers import drawings, material_of

ALL = {
    "sm_active": 40.0,
    "sm_occupancy": 12.0,
    "tensor_active": 3.0,
    "dram_active": 22.0,
    "pcie_received_mib_s": 512.0,
    "pcie_sent_mib_s": 8.0,
}


def made(repeats: int = 1, **readings: float) -> Material:
    report = recorded(workloads=["mnist_mlp"], stacks=1, repeats=repeats, device="gpu")
    for row in report.rows:
        job = {"job_id": row["job_id"]}
        nothing = {"util": None, "power_w": None, "mem_mb": None, "throttled": False}
        report.gpu += [{**job, **nothing, **readings, "t_s": float(t)} for t in range(1, 9)]
        report.gpu += [{**job, **nothing, "util": 50.0, "t_s": t / 5} for t in range(60)]
        report.marks += [{**job, "epoch": e, "begin_s": 2.0 * e, "end_s": 2.0 * e + 2} for e in (1, 2, 3, 4, 5)]
    return material_of(report)


def test_each_reading_has_a_line_on_its_own_scale_and_says_what_it_is():
    (drawn,) = drawings(inside_gpu.build(made(**ALL)))
    assert (drawn.count("l"), drawn.count("f"), drawn.count("q")) == (4, 2, 3)
    tips = drawn.tips("l")
    assert tips[0] == "SMs busy: mean 40 %, at most 40 %; occupancy: mean 12 %, at most 12 %"
    assert tips[3].startswith("received by PCIe: mean 512 MiB/s") and "sent by PCIe: mean 8 MiB/s" in tips[3]
    ends = [x + width for x, width in zip(drawn.xs(look="q", field="x"), drawn.xs(look="q"), strict=True)]
    assert max(ends) <= figure.WIDTH
    assert {"SMs busy (thin: occupancy)", "tensor cores", "memory bandwidth"} <= set(drawn.texts("s"))
    assert drawn.texts("s", "e").count("100") == 3 and "512" in drawn.texts("s", "e")


def test_a_card_without_counters_inside_has_its_bus_alone_and_what_is_absent_is_no_line():
    (drawn,) = drawings(inside_gpu.build(made(pcie_sent_mib_s=0.0)))
    assert (drawn.count("l"), drawn.count("f")) == (1, 0)
    assert drawn.tips("l") == ["sent by PCIe: mean 0 MiB/s, at most 0 MiB/s"]
    assert "1" in drawn.texts("s", "e"), "a bus at rest has an axis, too"
    assert inside_gpu.build(made()) is None


def test_the_first_repeat_of_a_contender_is_drawn():
    (drawn,) = drawings(inside_gpu.build(made(repeats=3, **ALL)))
    assert drawn.count("l") == 4
