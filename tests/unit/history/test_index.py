"""The page of a results folder: every run, nothing of a stranger's text alive, and no run lost for it."""

from __future__ import annotations

import json
import os

import pytest

from orchestrator.errors import UserError
from orchestrator.history import index
from orchestrator.history.runs import list_runs
from tests.fakes.browser import CHROMIUM, Browser
from tests.fakes.nights import night, run_id
from tests.unit.report.makers import EVIL, Page


def mine(kind, value):
    return ""


@pytest.fixture
def results(tmp_path):
    folder = tmp_path / "results"
    for number in range(3):
        path = night(folder, number, {"jax": [1.0, None if number == 1 else 1.0]}, host=f"host-{number % 2}")
        (path / "report.html").write_text("<p>report")
    return folder


def test_each_run_has_a_row_and_a_link_to_its_report(results):
    (results / run_id(0) / "report.html").unlink()
    text = index.page(list_runs(results, mine))
    page = Page(text)
    links = [attributes["href"] for tag, attributes in page.tags if tag == "a"]
    assert links == [f"{run_id(2)}/report.html", f"{run_id(1)}/report.html"]
    assert "1 ok, 1 failed of 2" in text and text.index(run_id(2)) < text.index(run_id(0))


def test_a_commit_of_keras_is_named_in_short(results):
    night(results, 9, {"jax": [1.0]}, keras_version="3.16.0 from keras @ git+https://host/keras@" + "1a" * 20)
    assert ">3.16.0, commit 1a1a1a1a1a1a<" in index.page(list_runs(results, mine))


def test_text_of_strangers_is_inert(results):
    path = results / run_id(1)
    digest = json.loads((path / "run.json").read_text())
    digest.update(hosts=[EVIL, "\u202eevil"], command=EVIL, keras=[EVIL], scales=["'><img src=x>"])
    (path / "run.json").write_text(json.dumps(digest))
    page = Page(index.page(list_runs(results, mine)))
    assert len(page.scripts) == 1 and not [tag for tag, _ in page.tags if tag in ("img", "iframe")]
    assert "\u202e" not in index.page(list_runs(results, mine))


def test_the_page_allows_no_script_but_its_own(results):
    text = index.page(list_runs(results, mine))
    assert "default-src 'none'; script-src 'sha256-" in text.replace("&#39;", "'") and " onclick" not in text


def test_another_file_of_that_name_and_another_users_folder_stay(results, monkeypatch):
    (results / "index.html").write_text("<h1>mine</h1>")
    index.refresh(results, mine, pytest.fail)
    assert (results / "index.html").read_text() == "<h1>mine</h1>"
    with pytest.raises(UserError, match="no index of runs"):
        index.write_index(results, [])
    (results / "index.html").unlink()
    monkeypatch.setattr(os, "geteuid", lambda: 12345)
    index.refresh(results, mine, pytest.fail)
    assert not (results / "index.html").exists()
    with pytest.raises(UserError, match="not to you"):
        index.write_index(results, [])


def test_it_is_written_anew_in_one_step_and_a_link_is_not_followed(results, tmp_path):
    index.refresh(results, mine, pytest.fail)
    first = (results / "index.html").read_text()
    night(results, 5, {"jax": [1.0]})
    index.refresh(results, mine, pytest.fail)
    assert run_id(5) in (results / "index.html").read_text() and run_id(5) not in first
    (results / "index.html").unlink()
    (tmp_path / "precious").write_text("mine")
    (results / "index.html").symlink_to(tmp_path / "precious")
    index.refresh(results, mine, lambda line: None)
    assert (tmp_path / "precious").read_text() == "mine"


def test_what_goes_wrong_is_said_and_never_raised(results, monkeypatch):
    said: list[str] = []
    monkeypatch.setattr(index, "list_runs", lambda *_: 1 / 0)
    index.refresh(results, mine, said.append)
    assert said == ["index.html was not written: ZeroDivisionError: division by zero"]


@pytest.mark.slow
@pytest.mark.skipif(not CHROMIUM, reason="no Chromium on this host")
def test_rows_are_filtered_by_host_and_text_and_the_address_keeps_it(results, tmp_path):
    path = index.write_index(results, list_runs(results, mine))
    browser = Browser(tmp_path / "profile")
    shown = "[...document.querySelectorAll('#runs tbody tr')].filter(r => !r.hidden).map(r => r.id).join()"
    try:
        browser.open(path, 1280)
        assert browser.ask(shown) == ",".join(f"run-{run_id(number)}" for number in (2, 1, 0))
        browser.ask(
            "(() => { const s = document.querySelector('#controls select'); s.value = 'host-0';"
            " s.dispatchEvent(new Event('input')); })()"
        )
        assert browser.ask(shown) == f"run-{run_id(2)},run-{run_id(0)}"
        assert browser.ask("location.hash") == "#host=host-0"
        browser.ask("location.hash = '#text=1+failed'")
        browser.wait(f"{shown} === 'run-{run_id(1)}'")
        browser.open(path, 390)
        assert browser.ask("document.documentElement.scrollWidth <= 390")
        assert browser.errors == []
    finally:
        browser.close()


def test_a_folder_that_takes_long_to_list_holds_up_no_run(results, monkeypatch):
    monkeypatch.setattr(index, "PATIENCE_S", -1.0)
    said = []
    index.refresh(results, mine, said.append)
    assert len(said) == 1 and said[0].startswith("index.html was not written: ") and "cannot be listed in" in said[0]
    assert not (results / "index.html").exists()
