from __future__ import annotations

from orchestrator.report.answer.ranking import fields
from tests.make import row
from tests.unit.report.makers import contender, ranked


def field_of(rows):
    layout, speeds = ranked(rows)
    found = fields(layout, speeds)
    return layout, found


def labels(layout, field):
    return [layout.contenders[entry.column].name for entry in field.overall.entries]


def test_contenders_stand_by_the_geometric_mean_of_their_ratios():
    rows = [
        *contender("jax", 1.0, workload="a", framework_version="1"),
        *contender("jax", 8.0, workload="b", framework_version="1"),
        *contender("torch", 4.0, workload="a", framework_version="1"),
        *contender("torch", 4.0, workload="b", framework_version="1"),
    ]
    layout, (field,) = field_of(rows)
    assert labels(layout, field) == ["JAX 1", "PyTorch 1"]
    assert [round(entry.overall, 3) for entry in field.overall.entries] == [1.414, 2.0]
    assert [entry.firsts for entry in field.overall.entries] == [(0,), (1,)]
    assert field.where == ""


def test_who_lacks_a_task_is_compared_on_the_others_or_not_at_all():
    rows = [row(backend=b, workload=w, framework_version="1", epoch_s=2.0) for b in ("jax", "torch") for w in "abc"]
    rows[5] = {**rows[5], "status": "failed", "epoch_s": None}  # torch on c
    rows += [row(backend="cntk", workload="a", framework_version="1", epoch_s=1.0)]
    layout, (field,) = field_of(rows)
    assert field.overall.counted == [0, 1]
    overall = {layout.contenders[entry.column].backend: entry.overall for entry in field.overall.entries}
    assert overall["cntk"] is None, "one task of three is no overall figure"
    assert round(overall["jax"], 3) == round(overall["torch"], 3) == 1.414
    assert labels(layout, field)[-1] == "CNTK 1"


def test_what_does_not_compare_stands_apart():
    rows = [
        *contender("jax", 1.0, workload="a"),
        *contender("jax", 1.0, workload="a", scale="article"),
        *contender("jax", 1.0, workload="a", device="gpu", gpu_name="K80"),
        *contender("torch", 1.0, workload="a", data_kind="synthetic", data_sha256="00"),
    ]
    layout, found = field_of(rows)
    assert len(found) == 4
    assert len({field.where for field in found}) == 4
    cells = [(entry.column, line) for field in found for entry in field.overall.entries for line in field.lines]
    assert sorted(cells) == sorted(layout.cells)


def where(parts, **by_workload):
    """What the tables of two builds of an image are called: of each its workloads, and what else was asked of these."""
    found = []
    for image, workloads in parts.items():
        for workload in workloads:
            for backend in ("jax", "torch"):
                conditions = {"scale": "quick", "image_digest": image} | by_workload.get(f"{workload}_{image}", {})
                found += contender(backend, 1.0, workload=workload, **conditions)
    _, fields_found = field_of(found)
    return [field.where for field in fields_found]


def test_parts_of_one_scale_with_images_built_anew_are_named_by_their_models():
    assert where({"one": ("a", "b"), "two": ("c",)}) == ["quick scale: a and b", "quick scale: c"]
    assert where({"one": ("a", "b")}) == [""]


def test_parts_whose_models_differ_in_something_else_each_are_named_by_that():
    found = where({"one": "ab", "two": "ab"}, a_one={"epochs": 7}, b_one={"batch_size": 7})
    assert len(set(found)) == len(found) == 2
    assert "7 epochs" in found[0] + found[1]


def test_a_contender_that_never_knew_its_machine_stands_with_the_others():
    known = {"host": "h", "cpu": "c"}
    rows = [*contender("jax", 1.0, **known), row(backend="torch", status="failed", epoch_s=None, host=None, cpu=None)]
    layout, (field,) = field_of(rows)
    assert labels(layout, field)[0].startswith("JAX")
    assert len(field.overall.entries) == 2
