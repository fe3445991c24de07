"""Every job has a line, whatever is known of it."""

from __future__ import annotations

from orchestrator.report import view as view_module
from orchestrator.report.blocks import Span
from orchestrator.report.sections.jobs import build
from tests.fakes.made_up import called, own
from tests.make import row
from tests.unit.report.makers import view_of


def lines(*rows, **changes):
    *command, table = build(view_of(list(rows), **changes)).blocks
    return command, [dict(zip((column.title for column in table.columns), cells, strict=True)) for cells in table.rows]


def test_a_line_has_the_figures_and_the_command():
    command, [line] = lines(row(job_id="a", epoch_s=1.5, seed=8, command="docker run"))
    assert (line["job"][0].text, line["s/epoch"], line["seed"]) == ("a", "1.50 s", "8")
    assert line["command"] == [Span("docker run", "command")]
    assert command[0].texts == [("All of it again", "orchestrate run")]


def test_a_line_begins_with_the_name_of_the_job():
    _, [line] = lines(row(job_id="a", called="MNIST MLP on JAX 0.10.2 (cpu)"))
    assert line["job"] == ["MNIST MLP on JAX 0.10.2 (cpu)", " ", Span("a", "aside")]


def test_what_disturbed_a_job_is_marked():
    _, [line] = lines(row(throttle_reasons="hw_slowdown", gpu_shared=True, data_kind="synthetic", slept=True))
    assert [part.text for part in line["status"][::2]] == ["ok", "throttled", "shared", "slept"]
    assert line["data"] == [Span("synthetic", "tag")]


def test_what_is_not_known_is_a_dash():
    planned = {"run_id": "r", "job_id": "j", "workload": "w", "stack": "s", "backend": "b", "device": "cpu"}
    command, [line] = lines({**planned, "status": "excluded"}, plan_command="")
    assert {title for title, cell in line.items() if cell == "–"} == set(line) - {"job", "status"}
    assert command == []


def test_markdown_has_no_room_for_it():
    assert {block.only for block in build(view_of([row()])).blocks} == {"html"}


def test_the_data_of_ones_own_file_is_its_own():
    _, found = lines(*own(repeats=1).rows)
    assert [line["data"] for line in found] == ["the script's own"] * 3


def test_a_job_that_does_not_train_has_other_figures():
    _, [line, *_] = lines(*called(repeats=1).rows)
    assert (line["first answer"], line["95th percentile"][:3]) == ("0.400 s", "0.2")
    assert "s/epoch" not in line


def test_more_jobs_than_a_page_can_list_are_told_where_they_are(monkeypatch):
    monkeypatch.setattr(view_module, "MOST_LISTED", 1)
    command, text = build(view_of([row(job_id="a"), row(job_id="b")])).blocks
    assert command.look == "code" and text.texts[0].startswith("2 jobs are more than a page lists")
