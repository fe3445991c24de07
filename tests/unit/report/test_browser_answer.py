"""The first screen in a real browser: sorted, filtered, in other units, by mouse, by keys and by its address."""

from __future__ import annotations

import pytest

from tests.unit.report.makers import many, without_charts

pytestmark = pytest.mark.slow

NAMES = "#answer tbody tr:not([hidden]) th"
SAID = "document.querySelector('[role=status]').textContent"
NOTE = "document.querySelector('#controls .view').textContent"
HASH = "location.hash"


@pytest.fixture(scope="module")
def page(tmp_path_factory):
    path = tmp_path_factory.mktemp("answer") / "report.html"
    path.write_text(without_charts(many(7, repeats=3)))
    return path


@pytest.fixture
def shown(browser, page):
    """The page as it opens, and at the end no complaint of the browser."""
    browser.errors.clear()
    browser.open(page, 1280)
    yield browser
    assert browser.errors == []


def column(browser, task, part="b"):
    found = browser.each(f"#answer tbody tr:not([hidden]) td[data-task={task}] {part}")
    assert found and all(found)
    return found


def compare_with(browser, key):
    browser.ask(
        f"var s = document.querySelector('#controls select'); s.value = {key!r}; s.dispatchEvent(new Event('change'))"
    )


def seconds(browser, task):
    return browser.each(f"#answer tbody tr:not([hidden]) td[data-task={task}]", "Number(e.dataset.seconds)")


def test_a_click_on_a_head_sorts_and_another_turns_the_order_round(shown):
    by_overall, head = shown.each(NAMES), "#answer th[data-task=mnist_rnn]"
    assert shown.ask("document.querySelector('#answer [aria-sort]').dataset.column") == "overall"
    for direction, turn in (("ascending", 1), ("descending", -1)):
        shown.click(f"{head} button")
        times = seconds(shown, "mnist_rnn")
        assert times == sorted(times)[::turn] and len(times) == 7
        assert shown.each("#answer [aria-sort]", "[e.dataset.task, e.ariaSort]") == [["mnist_rnn", direction]]
        assert "sorted by" in shown.ask(SAID) and "sorted by" in shown.ask(NOTE)
    assert shown.ask(HASH) == "#sort=-mnist_rnn"
    shown.click("#answer th button")
    assert shown.each(NAMES) == sorted(by_overall, key=str.lower)
    shown.click("#answer th[data-column=overall] button")
    assert shown.each(NAMES) == by_overall and shown.ask(NOTE) == ""


def test_contenders_are_hidden_one_by_one_and_by_group_and_no_figure_changes(shown):
    before = dict(zip(shown.each(NAMES), column(shown, "mnist_mlp"), strict=True))
    shown.click(".chooser input")
    assert shown.ask(SAID) == "1 of 7 contenders hidden"
    eras = ("#controls .bar > [role=group] [aria-pressed]", "e.textContent + ' ' + e.ariaPressed")
    assert shown.each(*eras) == ["2017 true", "2018 true", "2026 mixed"]
    shown.click(eras[0])
    assert shown.ask(SAID) == "4 of 7 contenders hidden"
    assert shown.each(*eras) == ["2017 false", "2018 true", "2026 mixed"]
    after = dict(zip(shown.each(NAMES), column(shown, "mnist_mlp"), strict=True))
    assert len(after) == 3 and after.items() < before.items()
    assert shown.each(".chooser summary") == ["3 of 7 contenders"] and "(" in shown.ask(NOTE)
    shown.click("#controls .bar > button")
    assert len(shown.each(NAMES)) == 7 and shown.ask(HASH) == ""
    assert shown.each("#controls .bar > button", "e.ariaDisabled") == ["true"]


def test_any_contender_can_be_the_baseline(shown):
    own = column(shown, "babi_rnn"), column(shown, "babi_rnn", "small")
    base = shown.ask("document.querySelectorAll('#answer tbody tr')[2].dataset.contender")
    compare_with(shown, base)
    times = seconds(shown, "babi_rnn")
    assert column(shown, "babi_rnn") == [f"{time / times[2]:.2f}×" for time in times]
    assert column(shown, "babi_rnn", "small") == own[1]
    overall = shown.each("#answer td[data-column=overall] b")
    assert overall[2] == "1.00×" and overall[0].startswith("0.")
    assert "compared with" in shown.ask(SAID) and shown.ask(HASH) == f"#base={base}"
    compare_with(shown, "")
    assert (column(shown, "babi_rnn"), column(shown, "babi_rnn", "small")) == own


def test_figures_are_ratios_seconds_or_samples_per_second(shown):
    ratios, small = column(shown, "mnist_cnn"), column(shown, "mnist_cnn", "small")
    shown.click("#controls input[value=seconds]")
    assert (column(shown, "mnist_cnn"), column(shown, "mnist_cnn", "small")) == (small, ratios)
    shown.click("#controls input[value=throughput]")
    rates = [float(text.removesuffix("/s").replace(",", "")) for text in column(shown, "mnist_cnn")]
    for rate, time in zip(rates, seconds(shown, "mnist_cnn"), strict=True):
        assert rate == pytest.approx(4096 / time, rel=0.01)
    assert column(shown, "mnist_cnn", "small") == small
    shown.click("#answer th[data-task=mnist_cnn] button")  # the fastest first: the rates fall
    assert shown.ask("document.querySelector('th[data-task=mnist_cnn]').ariaSort") == "descending"


def places(browser, row):
    """Where the marks of a row's plot stand: circles, the overall one, the ends of lines."""
    plot = f"#answer tbody tr:nth-child({row}) .plot svg"
    circles = browser.each(f"{plot} circle", "Number(e.getAttribute('cx'))")
    return circles, browser.each(f"{plot} rect", "Number(e.getAttribute('x')) + 4"), len(browser.each(f"{plot} .range"))


def test_the_dot_plots_can_be_linear_and_follow_the_baseline(shown):
    axis = "#answer th.plot svg text"
    ratios = [float(text.rstrip("×")) for text in shown.each("#answer tbody tr:nth-child(4) b")]
    ticks, own = shown.each(axis), places(shown, 4)
    assert ticks[0] == "1×" and len(own[0]) == own[2] == 5
    shown.click("#controls .axis input")
    assert shown.ask(HASH) == "#log=0" and "linear axis" in shown.ask(SAID)
    x = {float(text.rstrip("×")): at for text, at in shown.each(axis, "[e.textContent, Number(e.getAttribute('x'))]")}
    circles, (overall,), lines = places(shown, 4)
    assert 0 in x and lines == 5
    per = (x[2] - x[0]) / 2
    assert [*circles, overall] == pytest.approx([x[0] + per * ratio for ratio in [*ratios[1:], ratios[0]]], abs=1.5)
    base = shown.ask("document.querySelectorAll('#answer tbody tr')[3].dataset.contender")
    compare_with(shown, base)
    x = {text: at for text, at in shown.each(axis, "[e.textContent, Number(e.getAttribute('x'))]")}
    circles, (overall,), lines = places(shown, 4)
    assert {*circles, overall} == {x["1×"]} and lines == 0  # the page knows no interval of that comparison
    assert shown.ask("document.querySelector('#answer th.plot').innerText").startswith("times PyTorch")
    shown.click("#controls .bar > button")
    assert places(shown, 4) == own and shown.each(axis) == ticks
    shown.call("Emulation.setDeviceMetricsOverride", width=390, height=900, deviceScaleFactor=1, mobile=True)
    shown.wait("document.querySelector('#controls .axis').hidden")


def test_a_view_can_be_sent_and_the_buttons_of_the_browser_go_through_views(shown, page):
    shown.click("#controls input[value=seconds]")
    compare_with(shown, "jax-0.10.0")
    shown.click(".chooser input")
    shown.click("#answer th[data-task=mnist_mlp] button")
    everything = "document.getElementById('answer').innerText + document.querySelector('#controls .view').innerText"
    seen, address = shown.ask(everything), shown.ask(HASH)
    assert address.startswith("#base=jax-0.10.0&unit=seconds&hide=") and address.endswith("&sort=mnist_mlp")
    for _ in range(4):
        shown.ask("history.back()")
    shown.wait("location.hash === ''")
    shown.wait("document.querySelector('#controls .view').hidden")
    shown.ask("history.go(4)")
    shown.wait("location.hash !== ''")
    shown.wait("!document.querySelector('#controls .view').hidden")
    assert shown.ask(everything) == seen
    shown.open(page, 1280, hash=address)
    assert shown.ask(everything) == seen
    assert shown.ask("document.querySelector('#controls select').value") == "jax-0.10.0"


@pytest.mark.parametrize(
    "address",
    ["#base=nobody&hide=,,x&sort=-&unit=miles&log=7", "#%E0%A4%A=&=&&base", "#sort=%2D%2D",
     "#base=__proto__&hide=constructor&sort=toString", "#nowhere", "#at=%22%3E%3Cimg%20src=x%3E"],
)  # fmt: skip
def test_a_bad_address_is_passed_over(shown, page, address):
    usual = shown.ask("document.getElementById('answer').innerHTML")
    shown.open(page, 1280, hash=address)
    assert shown.ask("document.getElementById('answer').innerHTML") == usual
    assert shown.ask("document.querySelector('#controls .view').hidden")


def test_a_link_to_a_place_keeps_the_view(shown, page):
    shown.click("#controls input[value=seconds]")
    shown.ask("document.querySelector('#jobs .anchor').click()")
    shown.wait("location.hash.endsWith('at=jobs')")
    assert shown.ask(HASH) == "#unit=seconds&at=jobs"
    shown.open(page, 1280, hash="#unit=seconds&at=jobs")
    assert shown.ask("document.getElementById('jobs').getBoundingClientRect().top") < 900
    assert column(shown, "mnist_cnn")[0].endswith(" s")


def test_a_cell_has_a_link_which_marks_it(shown, page):
    link = "#answer tbody tr:nth-child(2) td[data-task=mnist_cnn] .anchor"
    (address,) = shown.each(link, "e.getAttribute('href')")
    shown.click("#controls input[value=seconds]")
    shown.click(link)
    shown.wait(f"location.hash === '#unit=seconds&at=' + {address[1:]!r}")
    shown.open(page, 390, hash=address)
    assert shown.each(".aimed", "e.dataset.task + ' ' + e.parentNode.rowIndex") == ["mnist_cnn 2"]
    assert shown.ask("document.querySelector('.aimed').getBoundingClientRect().right") <= 390


def test_all_of_it_works_by_keys_alone(shown):
    def reach(selector):
        for _ in range(60):
            shown.press("Tab")
            if shown.ask(f"document.activeElement.matches({selector!r})"):
                return
        raise AssertionError(f"no key reaches {selector}")

    reach("#controls select")
    shown.press("ArrowDown")
    shown.wait("location.hash.startsWith('#base=')")
    reach("#controls [name=unit]")
    shown.press("ArrowRight")
    assert "unit=seconds" in shown.ask(HASH)
    reach("#controls [aria-pressed]")
    shown.press("Space")
    assert "hide=" in shown.ask(HASH)
    reach(".chooser summary")
    shown.press("Enter")
    reach(".chooser [type=checkbox]")
    shown.press("Space")
    reach("#answer th[data-task=mnist_cnn] button")
    shown.press("Enter")
    assert shown.ask(HASH).endswith("&sort=mnist_cnn")
    assert shown.ask("document.activeElement.parentNode.dataset.task") == "mnist_cnn"  # the focus stays


def test_without_a_script_the_table_is_complete_and_no_control_is_there(browser, page):
    browser.call("Emulation.setScriptExecutionDisabled", value=True)
    try:
        browser.open(page, 390)
        assert len(browser.each(NAMES)) == 7
        assert browser.ask("document.querySelectorAll('button, input, select, .anchor').length") == 0
        assert browser.ask("getComputedStyle(document.getElementById('controls')).display") == "none"
    finally:
        browser.call("Emulation.setScriptExecutionDisabled", value=False)


def test_paper_shows_what_is_shown_and_says_what_is_hidden(shown):
    shown.click(".chooser input")
    shown.call("Emulation.setEmulatedMedia", media="print")
    assert "1 of 7 contenders hidden" in shown.ask("document.querySelector('#controls .view').innerText")
    assert sum(shown.each("#answer tbody tr", "e.checkVisibility()")) == 6
    assert not any(shown.each("button:not(.sort), select, input, .anchor", "e.checkVisibility()"))


@pytest.mark.parametrize("count", [1, 7, 21, 40])
def test_the_controls_fit_every_width_for_any_number_of_contenders(browser, tmp_path, count):
    path = tmp_path / "report.html"
    path.write_text(without_charts(many(count)))
    browser.errors.clear()
    for width in (390, 768, 1280):
        browser.open(path, width)
        browser.ask("document.querySelectorAll('details').forEach(function (d) { d.open = true; })")
        assert browser.ask("document.documentElement.scrollWidth") <= width
        assert len(browser.each(NAMES)) == count
        inner = browser.ask("document.documentElement.clientWidth")
        sides = browser.each("#controls *", "[e.getBoundingClientRect().left, e.getBoundingClientRect().right]")
        assert all(left >= 0 and right <= inner + 1 for left, right in sides)
    browser.click("#answer th[data-task] button")
    assert browser.errors == []
