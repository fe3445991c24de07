"""Errors and settings of each contender, and whether runs asked for the same results each time."""

from __future__ import annotations

import json

from orchestrator.report.build import build_report
from orchestrator.report.sections.arithmetic import MOST, build
from tests.make import row
from tests.unit.report.makers import EVIL, draw_nothing, view_of

TOLD = {"product_error": 2e-7, "convolution_error": 3.2e-4, "cache": "cold"}


def cells(rows):
    table, hints = build(view_of(rows)).blocks
    return table.rows, hints.texts


def test_a_line_per_contender_with_its_worst_error_and_every_value():
    first = row(**TOLD, computing=json.dumps({"cudnn.benchmark": False, "XLA_FLAGS": "--a"}))
    other = row(repeat=2, product_error=3e-7, cache="warm", computing=json.dumps({"cudnn.benchmark": True}))
    ((line,), _) = cells([first, other])
    assert line[1:4] == ["3e-07", "3e-04", "TF32"]
    assert line[4] == "XLA_FLAGS: --a; cudnn.benchmark: False or True; compile caches: cold, warm"


def test_records_that_tell_nothing_have_no_section_and_long_ones_are_cut():
    assert build(view_of([row()])) is None
    many = row(computing=json.dumps({f"V{n}": n for n in range(40)}))
    ((line,), _) = cells([many])
    assert line[1:4] == ["–", "–", "–"]
    assert line[4].endswith(f"and {40 - MOST} more")


def test_determinism_is_said_and_such_jobs_stand_in_rows_of_their_own():
    rows = [row(**TOLD, deterministic=True), row(**TOLD, repeat=2)]
    view = view_of(rows)
    assert [task.label for task in view.layout.tasks] == [
        "mnist_mlp · deterministic",
        "mnist_mlp · not deterministic",
    ]
    assert cells(rows)[1][-1].startswith("1 of 2 jobs asked for the same results each time")
    old = [{name: value for name, value in row(**TOLD).items() if name != "deterministic"}, row(repeat=2)]
    assert len(view_of(old).layout.tasks) == 1  # records that know nothing of it did not ask


def test_settings_are_text_of_strangers(monkeypatch):
    draw_nothing(monkeypatch)
    report = build_report(view_of([row(**TOLD, computing=json.dumps({EVIL: EVIL}))]).report)
    assert "<img src=x" not in report.html
    assert "<img src=x" not in report.markdown
