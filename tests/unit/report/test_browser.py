"""The report in a real browser: no complaint, every chart drawn, no sideways scroll on a phone, dark when asked."""

from __future__ import annotations

import re

import pytest

from orchestrator.files import PACKAGE, read_yaml
from orchestrator.report.blocks import Drawn
from orchestrator.report.build import build_report
from orchestrator.report.input import Reference
from tests.fakes.made_up import recorded

pytestmark = pytest.mark.slow
OPEN_ALL = "document.querySelectorAll('main details').forEach(function (d) { d.open = true; })"


@pytest.fixture(scope="module")
def report(browser, tmp_path_factory):
    """A report with every kind of section."""
    made = recorded(workloads=["mnist_mlp", "babi_rnn"], repeats=3, epochs=6)
    made.reference = read_yaml(PACKAGE / "report" / "reference" / "bhatia-2017.yaml", Reference)
    for row in made.rows:
        row["learned"] = 0.9
    made.rows[4].update(status="failed", reason="RuntimeError: made up", log_tail="one\n" + "two" * 300, exit_code=1)
    path = tmp_path_factory.mktemp("report") / "report.html"
    path.write_text(build_report(made).html)
    return path


OUT_OF_ITS_PICTURE = """Array.from(document.querySelectorAll('svg.chart')).flatMap(function (svg) {
  const box = svg.getBoundingClientRect();
  return Array.from(svg.querySelectorAll('text, path, rect, circle')).filter(function (part) {
    const its = part.getBoundingClientRect();
    return its.left < box.left - 1 || its.right > box.right + 1 || its.top < box.top - 1 || its.bottom > box.bottom + 1;
  }).map(function (part) { return `${svg.closest('figure').id}: ${part.textContent || part.outerHTML}`; });
})"""


@pytest.mark.parametrize(("width", "dark"), [(1200, False), (1200, True), (390, False), (390, True)])
def test_every_chart_is_there_nothing_leaves_its_picture_and_nothing_complains(browser, report, width, dark):
    browser.errors.clear()
    browser.open(report, width, dark=dark)
    assert browser.ask("document.querySelectorAll('figure .panels svg').length") >= 8
    assert browser.ask(OUT_OF_ITS_PICTURE) == []
    assert browser.errors == []
    colours = browser.ask("getComputedStyle(document.body).backgroundColor.match(/[0-9]+/g).map(Number)")[:3]
    assert max(colours) < 60 if dark else min(colours) > 200


def test_a_mark_says_what_it_stands_for(browser, report):
    browser.open(report, 1200)
    mark = "document.querySelector('#chart-epoch-seconds .m')"
    browser.ask(f"{mark}.scrollIntoView({{block: 'center', behavior: 'instant'}})")
    # The page hears of its scrolling with the next frame, and takes away what it said.
    browser.ask("new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))")
    browser.ask(f"{mark}.dispatchEvent(new PointerEvent('pointermove', {{bubbles: true, clientX: 300, clientY: 300}}))")
    assert re.fullmatch(
        r".+: [0-9.]+ s \([0-9.–]+ s\), [0-9.]+×.*", browser.ask("document.querySelector('.tip').textContent")
    )
    assert browser.ask("!document.querySelector('.tip').hidden")


def test_a_contender_that_is_hidden_is_hidden_in_every_chart(browser, report):
    """All of it: marks, name and figure. The others stay where they are."""
    browser.open(report, 1200)
    key = "cntk-2.5.1"
    figures = set(browser.each("figure[id^=chart-]", "e.id"))
    drawn = set(browser.each(f'figure [data-contender="{key}"]', "e.closest('figure').id"))
    assert len(drawn) >= 7 and figures - drawn <= {"chart-article"}
    seen = "e.textContent.includes('CNTK') && !e.closest('[hidden]')"
    others = len(browser.each('figure [data-contender="jax-0.10.0"]'))
    browser.open(report, 1200, hash=f"#hide={key}")
    assert not any(browser.each("figure svg text", seen))
    shown = "getComputedStyle(e).display !== 'none'"
    assert set(browser.each(f'figure [data-contender="{key}"]', shown)) == {False}
    assert browser.each('figure [data-contender="jax-0.10.0"]', shown) == [True] * others
    browser.click("#controls .bar > button")
    assert set(browser.each(f'figure [data-contender="{key}"]', shown)) == {True}


@pytest.mark.parametrize("width", [390, 1200])
def test_the_page_never_scrolls_sideways(browser, report, width):
    browser.open(report, width)
    browser.ask(OPEN_ALL)
    assert browser.ask("document.documentElement.scrollWidth") <= width


def test_a_log_is_shown_as_text(browser, report):
    browser.open(report, 390)
    assert browser.ask("document.querySelector('#failures pre').textContent").startswith("one\ntwotwo")


CUT_OFF = """Array.from(document.querySelectorAll('table th, table td')).filter(function (cell) {
  return cell.offsetParent !== null && cell.getBoundingClientRect().right > document.documentElement.clientWidth + 1;
}).map(function (cell) { return cell.textContent; })"""


@pytest.fixture(scope="module")
def wide(browser, tmp_path_factory):
    """Three hosts: 21 contenders and more, which no sheet of paper holds side by side."""
    made = recorded(workloads=["mnist_mlp", "babi_rnn"], repeats=1)
    made.epochs, made.samples = [], []
    hosts = [{**row, "host": host, "job_id": f"{row['job_id']}.{host}"} for host in "abc" for row in made.rows]
    made.rows = [{**row, "command": "docker run " + "--option=value " * 60} for row in hosts]
    path = tmp_path_factory.mktemp("wide") / "report.html"
    path.write_text(build_report(made).html)
    return path


def test_paper_shows_every_column_and_every_contender(browser, wide):
    """A page does not scroll: what is wider than the sheet would be lost without a word."""
    browser.open(wide, 390)
    assert browser.ask(CUT_OFF)  # on a phone it scrolls
    browser.open(wide, 700)
    browser.call("Emulation.setEmulatedMedia", media="print")
    assert browser.ask("document.querySelectorAll('table.answer tbody tr').length") >= 21
    assert browser.ask(CUT_OFF) == []
    heads = "Array.from(document.querySelectorAll('#answer thead th')).filter(function (th) { return th.offsetWidth; })"
    assert browser.ask(f"{heads}.length") == 5  # name, overall, plot, two models


def test_on_paper_titles_stay_with_their_pictures_and_heads_are_there_on_every_sheet(browser, wide, report):
    browser.open(wide, 700)
    assert browser.each("#answer .sort")  # buttons are not drawn again where a table goes on: their text is
    browser.call("Emulation.setEmulatedMedia", media="print")
    assert set(browser.each(".sort", "getComputedStyle(e).display")) == {"contents"}
    assert set(browser.each(".arrow", "getComputedStyle(e).display")) == {"none"}
    browser.open(report, 700)
    browser.call("Emulation.setEmulatedMedia", media="print")
    breaks = "getComputedStyle(e).breakInside + ' ' + getComputedStyle(e).breakAfter"
    assert set(browser.each("caption, figcaption", breaks)) == {"avoid avoid"}
    first = "getComputedStyle(e).breakBefore"  # no head of a table is the last thing on a sheet
    assert set(browser.each("tbody tr:first-child", first)) == {"avoid"}


#: Of how many lines the title in the head `e` is.
LINES = """(() => {
  const range = document.createRange(), texts = Array.from(e.childNodes).filter((node) => node.nodeType === 3);
  range.selectNodeContents(texts.find((node) => node.textContent.trim()));
  return range.getClientRects().length;
})()"""


def test_no_word_of_a_head_is_broken(browser, tmp_path):
    made = recorded(workloads=["mnist_mlp", "babi_rnn"], repeats=1)
    for row in made.rows:
        row["workload"] = f"{row['workload']}_wide"
    path = tmp_path / "report.html"
    path.write_text(build_report(made, lambda view: Drawn()).html)
    for width in (390, 768, 1280):
        browser.open(path, width)
        assert browser.each("#answer thead [data-task] .sort", LINES) == [1, 1]


def test_paper_has_what_the_screen_folds_away_without_a_script(browser, wide):
    browser.open(wide, 700)
    seen = "document.querySelector('#findings ul').checkVisibility()"
    assert not browser.ask(seen)
    browser.call("Emulation.setEmulatedMedia", media="print")
    assert browser.ask(seen)


PLACES = """Array.from(document.querySelectorAll('#answer tbody tr:first-child > :is(th, [data-column])'))
  .map(function (cell) { return Math.round(cell.getBoundingClientRect().left); })"""


def test_on_a_phone_the_models_scroll_and_the_name_and_the_overall_figure_stay(browser, wide):
    browser.open(wide, 390)
    before = browser.ask(PLACES)
    assert browser.ask("document.querySelector('#answer td.plot').offsetWidth") == 0
    box = "document.querySelector('#answer').parentElement"
    browser.ask(f"{box}.scrollLeft = 120")
    assert browser.ask(f"{box}.scrollLeft") > 0
    assert browser.ask(PLACES) == before and len(before) == 2


def test_every_model_is_seen_without_scrolling_on_a_tablet(browser, tmp_path):
    path = tmp_path / "report.html"
    path.write_text(build_report(recorded(repeats=1), lambda view: Drawn()).html)
    browser.open(path, 768)
    assert browser.ask("document.querySelectorAll('#answer thead [data-task]').length") == 5
    box = "document.querySelector('#answer').parentElement"
    assert browser.ask(f"{box}.scrollWidth <= {box}.clientWidth")


@pytest.mark.parametrize("width", [390, 1200])
def test_a_row_of_every_job_is_a_few_lines_and_no_name_is_broken_into_letters(browser, wide, width):
    browser.open(wide, width)
    browser.ask(OPEN_ALL)
    rows = "Array.from(document.querySelectorAll('#jobs tbody tr'))"
    assert max(browser.ask(f"{rows}.map(function (row) {{ return row.offsetHeight; }})")) < 120
    names = "Array.from(document.querySelectorAll('#jobs tbody th code'))"
    assert max(browser.ask(f"{names}.map(function (name) {{ return name.getClientRects().length; }})")) == 1


def test_long_names_of_contenders_are_whole_and_lie_in_their_pictures(browser, report, tmp_path):
    made = recorded(workloads=["mnist_mlp", "babi_rnn"], repeats=2)
    for row in made.rows:
        row["framework_version"] = f"{row['framework_version']} GPU Tesla K80 5 threads"
    path = tmp_path / "report.html"
    path.write_text(build_report(made).html)
    for width in (390, 1200):
        browser.open(path, width)
        assert browser.ask(OUT_OF_ITS_PICTURE) == []
    texts = browser.ask("document.querySelector('#chart-epoch-seconds').textContent")
    assert texts.count("5 threads") >= 7
