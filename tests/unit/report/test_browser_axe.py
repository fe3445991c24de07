"""axe-core finds nothing in the page (names, contrast, roles, order): on a phone and a screen, light and dark."""

from __future__ import annotations

from importlib.resources import files

import pytest

from orchestrator.files import PACKAGE, read_yaml
from orchestrator.report.build import build_report
from orchestrator.report.input import Reference
from tests.fakes.made_up import recorded
from tests.fakes.swept import swept

pytestmark = pytest.mark.slow
AXE = (files("axe_playwright_python") / "axe.min.js").read_text(encoding="utf-8")
FOUND = """axe.run(document, { resultTypes: ["violations"] }).then((found) => found.violations.map((rule) =>
  rule.id + ": " + rule.nodes.map((node) => node.target + " " + node.html.slice(0, 120)).join(" | ")))"""


@pytest.fixture(scope="module")
def page(browser, tmp_path_factory):
    """Every kind of section, with charts."""
    made = recorded(workloads=["mnist_mlp", "babi_rnn"], repeats=1, epochs=3)
    made.reference = read_yaml(PACKAGE / "report" / "reference" / "bhatia-2017.yaml", Reference)
    made.rows[3].update(status="failed", reason="RuntimeError: made up", log_tail="one\ntwo", exit_code=1)
    made.rows[5].update(status="unsupported", reason="no python2.7 on this host", exit_code=None)
    made.rows[6]["data_kind"] = "synthetic"
    made.rows[6]["command"] = "orchestrate run --only " + made.rows[6]["job_id"]
    varied = swept([{"batch_size": "32"}, {"batch_size": "64"}], _full, repeats=2)
    made.rows, made.epochs = [*made.rows, *varied.rows], [*made.epochs, *varied.epochs]
    path = tmp_path_factory.mktemp("axe") / "report.html"
    path.write_text(build_report(made).html)
    assert 'id="sweeps"' in path.read_text()
    return path


def _full(row, axes):
    """Out of memory along an axis, and a job that did not get what it asked for."""
    larger = axes["batch_size"] == "64"
    if larger and row["backend"] == "theano":
        return {"status": "oom", "reason": "made up"}
    return {"epoch_s": 1.0, "axes_got": "batch_size=32"} if larger and row["backend"] == "cntk" else 1.0


def violations(browser):
    browser.ask(AXE)
    return browser.ask(FOUND)


@pytest.mark.parametrize("dark", [False, True])
@pytest.mark.parametrize("width", [390, 1280])
def test_axe_finds_nothing(browser, page, width, dark):
    browser.errors.clear()
    browser.open(page, width, dark=dark)
    if width == 390:
        assert violations(browser) == []  # as it opens; then with everything unfolded and another view
    browser.ask("document.querySelectorAll('details').forEach((fold) => { fold.open = true; })")
    browser.click("#controls input[value=seconds]")
    browser.click(".chooser [type=checkbox]")
    assert violations(browser) == [] and browser.errors == []
