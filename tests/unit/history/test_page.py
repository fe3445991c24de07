"""trend.html: one file without a script, in which nothing of a stranger's text is alive."""

from __future__ import annotations

import contextlib
import json

import pytest

from orchestrator import doors
from orchestrator.history import page
from tests.fakes.browser import CHROMIUM, Browser
from tests.unit.history.test_gate import of, stepped
from tests.unit.history.test_lines import line, point
from tests.unit.report.makers import EVIL, Page

CELL = {"workload": EVIL, "variant": "own", "stack": "s", "backend": EVIL, "device": "cpu"}


def test_text_of_strangers_is_inert_and_no_script_is_allowed():
    found = of(line(points=[point(keras=EVIL)], cell=CELL), line(points=[], ended=EVIL))
    text = page.page(found, 0.05, 7)
    parsed = Page(text)
    assert parsed.scripts == [] and not [tag for tag, _ in parsed.tags if tag in ("img", "iframe", "script")]
    assert "script-src 'none'" in text.replace("&#39;", "'")


def test_lines_with_a_step_come_first_and_ended_ones_last():
    found = of(line(steps=[], ended="ended"), line(steps=[]), stepped(1.08, 3))
    text = page.page(found, 0.05, 7)
    assert [text.index(f'<figure id="line-{number}"') for number in (3, 2, 1)] == sorted(
        text.index(f'<figure id="line-{number}"') for number in (1, 2, 3)
    )
    assert text.index('href="#line-3"') < text.index('href="#line-1"')


def test_both_files_are_written_and_a_link_is_not_followed(tmp_path):
    page.write(of(stepped(1.08, 3)), tmp_path / "new" / "trend", 0.05, 7)
    assert json.loads((tmp_path / "new" / "trend" / "trend.json").read_text())["passed"] is False
    (tmp_path / "precious").write_text("mine")
    (tmp_path / "new" / "trend" / "trend.html").unlink()
    (tmp_path / "new" / "trend" / "trend.html").symlink_to(tmp_path / "precious")
    with_link = tmp_path / "new" / "trend"
    with contextlib.suppress(doors.Refused):
        page.write(of(), with_link, None, 7)
    assert (tmp_path / "precious").read_text() == "mine"


@pytest.mark.slow
@pytest.mark.skipif(not CHROMIUM, reason="no Chromium on this host")
def test_a_browser_shows_it_without_complaint_on_any_width(tmp_path):
    page.write(of(stepped(1.08, 3), stepped(0.9, 2)), tmp_path, 0.05, 7)
    browser = Browser(tmp_path / "profile")
    try:
        for width in (390, 1280):
            browser.open(tmp_path / "trend.html", width)
            assert browser.ask("document.documentElement.scrollWidth") <= width
            assert browser.ask("document.querySelectorAll('svg circle').length") == 20
        assert browser.errors == []
    finally:
        browser.close()
