"""Every job in a real browser: found, sorted, copied and downloaded, from one file without a network."""

from __future__ import annotations

import csv
import io
import json

import pytest

from orchestrator.results.columns import COLUMNS
from orchestrator.results.export import to_csv
from orchestrator.results.own_figures import for_programs
from tests.unit.report.makers import EVIL, many, without_charts

pytestmark = pytest.mark.slow
RUN = "20261122-120000-abcd"
JOBS = "#jobs tbody tr:not([hidden]) th"
SAID = "document.querySelector('[role=status]').textContent"
FORMULAS = [
    "=HYPERLINK(1)",
    "+1",
    "-1",
    "@SUM(A1)",
    "\t=1",
    "\r=1",
    "a;=1",
    'say "a", b',
    "\uff1d1",
    "a\x1b[2J\u202e\x00b",
    EVIL,
]


@pytest.fixture(scope="module")
def made():
    found = many(7, repeats=2)
    for row, text in zip(found.rows, FORMULAS, strict=False):
        row["reason"] = text
    found.rows[0].update(settings='{"a": [1, 2.5]}', seed=2**31 - 1, gpu_shared=True, epoch_s=1e-7, loss=None)
    return found


@pytest.fixture(scope="module")
def page(made, tmp_path_factory):
    path = tmp_path_factory.mktemp("lists") / "report.html"
    path.write_text(without_charts(made))
    return path


@pytest.fixture
def jobs(browser, page):
    """The page with every job unfolded, and at the end no complaint of the browser."""
    browser.errors.clear()
    browser.open(page, 1280)
    browser.ask("document.querySelectorAll('#jobs details').forEach(function (d) { d.open = true; })")
    yield browser
    assert browser.errors == []


def find(browser, text):
    browser.ask(f"var f = document.getElementById('find'); f.value = {text!r}; f.dispatchEvent(new Event('input'))")
    return browser.each(JOBS), browser.ask("document.querySelector('.find output').textContent")


def test_a_search_keeps_the_jobs_that_have_all_of_its_words(jobs):
    assert jobs.ask("document.querySelector('.find output').textContent") == "70 jobs"
    found, count = find(jobs, "mnist_mlp  JAX")
    assert len(found) == 2 and all("mnist_mlp" in name and "jax" in name for name in found)
    assert count == "2 of 70 jobs"
    assert find(jobs, "nobody") == ([], "0 of 70 jobs")
    assert find(jobs, "[.*(") == ([], "0 of 70 jobs")
    assert len(find(jobs, "  ")[0]) == 70


def sort_by(browser, column):
    browser.ask(f"document.querySelectorAll('#jobs thead button')[{column}].click()")
    return browser.each(f"#jobs tbody tr > :nth-child({column + 1})")


def test_a_list_is_sorted_by_its_columns_figures_as_figures(jobs):
    place = jobs.each("#jobs thead th").index("s/epoch")
    for turn, direction in ((1, "ascending"), (-1, "descending")):
        times = [float(text.removesuffix(" s").replace(",", "")) for text in sort_by(jobs, place)]
        assert times == sorted(times)[::turn] and len(set(times)) > 20
        assert jobs.each("#jobs [aria-sort]", "[e.textContent, e.ariaSort]") == [["s/epoch", direction]]
        assert jobs.ask(SAID) == f"sorted by s/epoch, {direction}"
    assert jobs.each("table.matrix .sort") == []


def test_units_and_figures_that_are_missing_have_their_place_in_the_order(jobs):
    texts = ["2.0 GiB", "–", "1,024 MiB", "", "≈ 900 MiB", "x10", "x9"]
    known = ["≈ 900 MiB", "1,024 MiB", "2.0 GiB", "x9", "x10"]
    cells = "Array.from(document.querySelectorAll('#jobs tbody tr > :nth-child(4)'))"
    jobs.ask(f"{cells}.forEach((cell, i) => {{ cell.textContent = i in {texts} ? {texts}[i] : 'zz'; }})")
    assert [text for text in sort_by(jobs, 3) if text != "zz"] == [*known, "–", ""]
    assert [text for text in sort_by(jobs, 3) if text != "zz"] == [*known[::-1], "–", ""]


def test_a_command_is_copied_by_its_button(jobs):
    jobs.call("Browser.grantPermissions", permissions=["clipboardReadWrite", "clipboardSanitizedWrite"])
    button = "document.querySelectorAll('#jobs tbody .copy')[2]"
    name = jobs.ask(f"{button}.closest('tr').querySelector('th').textContent.trim()")
    assert jobs.ask(f"{button}.ariaLabel") == f"Copy the command of {name}"
    jobs.ask(f"{button}.click()")
    jobs.wait(f"{SAID} === 'The command is copied'")
    assert jobs.ask("navigator.clipboard.readText()") == f"orchestrate run --only {name}"


@pytest.mark.parametrize(
    "refuses", ["undefined", "{ writeText: function () { return Promise.reject(new Error('no')); } }"]
)
def test_where_the_clipboard_is_refused_the_command_is_selected(jobs, refuses):
    jobs.ask(f"Object.defineProperty(navigator, 'clipboard', {{ value: {refuses}, configurable: true }})")
    jobs.ask("document.querySelector('#jobs .copy').click()")
    jobs.wait(f"{SAID} === 'The command is selected: copy it with your keys'")
    command = jobs.ask("document.querySelector('#jobs code.command').textContent")
    assert jobs.ask("getSelection().toString()") == command != ""


@pytest.fixture
def saved(jobs, tmp_path):
    """What a click on a download gives."""

    def click(kind):
        where = tmp_path / f"keras-orchestrate-{RUN}.{kind}"
        jobs.call("Browser.setDownloadBehavior", behavior="allow", downloadPath=str(tmp_path))
        jobs.ask(f"document.querySelector('#controls [aria-label$=\" as {kind.upper()}\"]').click()")
        jobs.wait(f"{SAID} === '{where.name} is saved'")
        jobs.until(where.is_file)
        return where.read_bytes().decode()

    return click


def test_the_csv_is_results_csv(saved, made):
    ours = list(csv.reader(io.StringIO(saved("csv"), newline="")))
    theirs = list(
        csv.reader(
            io.StringIO(to_csv([dict.fromkeys(COLUMNS) | row for row in made.rows], COLUMNS).decode(), newline="")
        )
    )
    assert ours[0] == list(COLUMNS) and len(ours) == 71
    assert [list(map(number, line)) for line in ours] == [list(map(number, line)) for line in theirs]
    cells = [cell for line in ours[1:] for cell in line]
    assert not any(cell.startswith(("=", "+", "@")) for cell in cells) and "'=HYPERLINK(1)" in cells


def number(text):
    """1.0 and 1, or 1e-07 and 1e-7, are the same figure."""
    try:
        return float(text)
    except ValueError:
        return text


def test_the_json_is_results_json(saved, made):
    text = saved("json")
    assert text.isascii()
    theirs = for_programs([{name: row.get(name) for name in COLUMNS} for row in made.rows])
    assert json.loads(text) == {"results": theirs}
