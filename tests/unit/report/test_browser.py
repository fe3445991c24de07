"""The report in a real browser: no complaint, every chart drawn, no sideways scroll on a phone, dark when asked."""

from __future__ import annotations

import os
import re

import pytest

from orchestrator.files import PACKAGE, read_yaml
from orchestrator.report.build import build_report
from orchestrator.report.input import Reference
from tests.fakes.browser import CHROMIUM, Browser
from tests.fakes.made_up import recorded

pytestmark = pytest.mark.slow
REQUIRED = os.environ.get("KERAS_ORCHESTRATE_REQUIRE_BROWSER") == "1"
OPEN_ALL = "document.querySelectorAll('main details').forEach(function (d) { d.open = true; })"


@pytest.fixture(scope="module")
def report(tmp_path_factory):
    """A report with every kind of section."""
    if CHROMIUM is None:
        assert not REQUIRED, "a browser is required here"
        pytest.skip("no Chromium on this host: apt-get install chromium")
    made = recorded(workloads=["mnist_mlp", "babi_rnn"], repeats=3, epochs=6)
    made.reference = read_yaml(PACKAGE / "report" / "reference" / "bhatia-2017.yaml", Reference)
    for row in made.rows:
        row["learned"] = 0.9
    made.rows[4].update(status="failed", reason="RuntimeError: made up", log_tail="one\n" + "two" * 300, exit_code=1)
    path = tmp_path_factory.mktemp("report") / "report.html"
    path.write_text(build_report(made).html)
    return path


@pytest.fixture(scope="module")
def browser(report, tmp_path_factory):
    found = Browser(tmp_path_factory.mktemp("profile"))
    yield found
    found.close()


def draw_all(browser):
    """Scrolls by every chart, as charts are drawn when they come near; how many there are."""
    charts = browser.ask("document.querySelectorAll('figure[data-chart]').length")
    for i in range(charts):
        figure = f"document.querySelectorAll('figure[data-chart]')[{i}]"
        browser.ask(f"{figure}.scrollIntoView()")
        browser.wait(f"{figure}.classList.contains('drawn') && {figure}.querySelector('.live svg')")
    return charts


@pytest.mark.parametrize(("width", "dark"), [(1200, False), (1200, True), (390, False), (390, True)])
def test_every_chart_is_drawn_and_nothing_complains(browser, report, width, dark):
    browser.errors.clear()
    browser.open(report, width, dark=dark)
    charts = len(re.findall("<figure data-chart=", report.read_text()))
    assert draw_all(browser) == charts >= 3
    assert browser.errors == []
    colours = browser.ask("getComputedStyle(document.body).backgroundColor.match(/[0-9]+/g).map(Number)")[:3]
    assert max(colours) < 60 if dark else min(colours) > 200


@pytest.mark.parametrize("width", [390, 1200])
def test_the_page_never_scrolls_sideways(browser, report, width):
    browser.open(report, width)
    draw_all(browser)
    browser.ask(OPEN_ALL)
    assert browser.ask("document.documentElement.scrollWidth") <= width


def test_a_log_is_shown_as_text(browser, report):
    browser.open(report, 390)
    assert browser.ask("document.querySelector('#failures pre').textContent").startswith("one\ntwotwo")
