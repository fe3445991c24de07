"""How contenders look, and which of them stand in one panel."""

from __future__ import annotations

from tests.fakes.made_up import recorded
from tests.unit.report.charts.makers import material_of


def test_a_backend_keeps_its_colour_and_its_versions_differ_in_mark_and_dash():
    looks = {look.label: look for look in material_of(recorded(workloads=["mnist_mlp"], repeats=1)).looks}
    old, new = looks["TensorFlow 1.3.0"], looks["TensorFlow 2.21.0"]
    assert old.colour == new.colour == "b-tensorflow"
    assert old.shape != new.shape and old.dash != new.dash
    assert len({look.colour for look in looks.values()}) == 6
    assert len({look.shape for look in looks.values()}) == 7


def test_looks_do_not_depend_on_who_ran_a_task_and_have_the_keys_of_the_first_screen():
    material = material_of(recorded(workloads=["babi_rnn", "mnist_mlp"], repeats=1))
    assert [look.key for look in material.looks] == [contender.key for contender in material.layout.contenders]


def test_contenders_of_two_machines_stand_in_two_panels():
    report = recorded(workloads=["mnist_mlp"], stacks=2, repeats=1)
    report.rows += [{**row, "host": "b", "job_id": f"{row['job_id']}.b"} for row in report.rows]
    groups = list(material_of(report).groups())
    assert [len(group.columns) for group in groups] == [2, 2]
    assert groups[0].title != groups[1].title
