"""Use of the host: a strip for each contender, thinned, with gaps left as gaps."""

from __future__ import annotations

import pytest

from orchestrator.report.charts import host
from tests.fakes.made_up import recorded
from tests.unit.report.charts.makers import drawings, material_of


def report(readings):
    made = recorded(workloads=["mnist_mlp"], stacks=1, repeats=1)
    made.samples[:] = [{"job_id": made.rows[0]["job_id"], **reading} for reading in readings]
    return made


def test_each_contender_has_processor_and_memory_and_repeats_behind():
    (drawn,) = drawings(host.build(material_of(recorded(workloads=["mnist_mlp"], stacks=2, repeats=5))))
    assert (drawn.count("l"), drawn.count("f")) == (4, 4 * host.OTHERS)
    assert drawn.texts("s", "c")[0] == "0" and all("mean " in tip for tip in drawn.tips("l"))


def test_what_was_not_read_has_no_strip_and_many_readings_are_thinned():
    readings = [{"t_s": i / 10, "cpu_percent": None, "rss_mb": float(i)} for i in range(2000)]
    (drawn,) = drawings(host.build(material_of(report(readings))))
    (line,) = [e.get("d", "") for e in drawn.root.iter("path") if e.get("class") == "l"]
    assert line.count(" ") < 2 * host.MOST


def test_epochs_are_shaded_where_their_times_are_known():
    made = recorded(workloads=["mnist_mlp"], stacks=1, repeats=1)
    made.marks = [{"job_id": made.rows[0]["job_id"], "epoch": i, "begin_s": i, "end_s": i + 1} for i in (1, 2, 3)]
    (drawn,) = drawings(host.build(material_of(made)))
    assert drawn.count("q") == 2


def test_two_readings_make_a_line_and_one_makes_none():
    readings = [{"t_s": float(i), "cpu_percent": 50.0, "rss_mb": 1.0} for i in range(2)]
    assert host.build(material_of(report(readings))) is not None
    assert host.build(material_of(report(readings[:1]))) is None


@pytest.mark.parametrize(("percent", "end"), [(0, 100), (101.3, 100), (130, 200), (200, 200), (797, 800)])
def test_the_axis_of_processors_ends_at_whole_cores(percent, end):
    assert host.whole_cores(percent) == end
