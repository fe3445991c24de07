"""The section on varied settings: its sentences, its tables along one axis, and what did not fit is no failure."""

from __future__ import annotations

from msgspec.structs import replace

from orchestrator.report.blocks import Drawn, Table
from orchestrator.report.build import build_report
from orchestrator.report.sections import sweeps
from orchestrator.report.view import make_view
from tests.fakes.swept import swept
from tests.unit.report.makers import EVIL

BATCHES = [{"batch_size": size} for size in ("32", "4096")]


def full(row, axes):
    if axes["batch_size"] == "4096" and row["backend"] == "theano":
        return {"status": "oom", "reason": "no memory"}
    return 1.0 if axes["batch_size"] == "32" else 0.5


def test_one_table_along_an_axis_with_a_row_for_each_contender_and_value():
    section = sweeps.build(make_view(swept(BATCHES, full)))
    (table,) = [block for block in section.blocks if isinstance(block, Table)]
    assert [column.title for column in table.columns] == [
        *("contender", "batch_size", "s/epoch", "95 % interval", "samples/s", "peak memory"),
        "against its fastest value",
    ]
    rows = [["".join(p if isinstance(p, str) else p.text for p in cell) for cell in row] for row in table.rows]
    assert len(rows) == 6 and table.open
    mxnet = [row for row in rows if row[0].startswith("TensorFlow")]
    assert mxnet[0][1] == "32" and mxnet[0][6].startswith("takes 1.") and mxnet[1][6] == "fastest"
    assert next(row for row in rows if row[0].startswith("Theano") and row[1] == "4096")[2:] == [
        *["–"] * 4,
        "ran out of memory",
    ]


def test_what_did_not_fit_along_an_axis_is_no_failure_on_the_page():
    page = build_report(swept(BATCHES, full), lambda _: Drawn())
    assert '<a href="#sweeps">5 did not fit into memory</a>' in page.html and 'id="sweeps"' in page.html
    assert 'id="failures"' not in page.html and "#failures" not in page.html and "Failed jobs" not in page.markdown
    assert '<span class="good">25 of 30 jobs ok</span>' in page.html
    nowhere = build_report(swept(BATCHES, lambda *_: {"status": "oom", "reason": "no memory"}), lambda _: Drawn())
    assert 'id="failures"' in nowhere.html and "did not fit" not in nowhere.html


def test_other_work_is_named_and_tables_of_a_grid_are_folded():
    grid = [{"precision": p, "jit": j} for p in ("float32", "mixed_bfloat16") for j in ("off", "on")]
    section = sweeps.build(make_view(swept(grid, lambda *_: 1.0)))
    tables = [block for block in section.blocks if isinstance(block, Table)]
    assert len(tables) == 4 and not any(table.open for table in tables)
    assert len(section.blocks[-1].texts) == 1
    note = sweeps.build(make_view(swept(BATCHES, full))).blocks[-1].texts[1]
    assert note.startswith("batch_size changes a model, or the steps that it takes")
    assert sweeps.build(make_view(swept([{}], lambda *_: 1.0))) is None


def test_text_of_strangers_is_inert():
    evil = EVIL.replace(" ", "")
    page = build_report(swept([{"width": evil}, {"width": "2"}], lambda *_: 1.0))
    assert "<img" not in page.html and "<img src" not in page.markdown.replace("\\", "")


def test_calls_without_training_are_told_in_milliseconds():
    report = swept([{"precision": "float32"}, {"precision": "mixed_bfloat16"}], lambda *_: 1.0)
    slow = {"precision=float32": 3.0, "precision=mixed_bfloat16": 1.5}
    rows = [
        {
            **row,
            "mode": "predict",
            "epoch_s": None,
            "train": None,
            "latency_ms": slow[row["axes"]] + row["repeat"] / 100,
        }
        for row in report.rows
    ]
    page = build_report(replace(report, rows=rows, epochs=[])).markdown
    assert " is fastest at precision=mixed\\_bfloat16: 1.53 ms, 1.95 to 2.01 times as fast as at precision=" in page
    assert "| contender | precision | time | 95 % interval | peak memory | against its fastest value |" in page
