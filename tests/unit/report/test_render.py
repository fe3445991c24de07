"""Both templates draw every kind of block, each in its own way, and escape all that they are given."""

from __future__ import annotations

import base64
import hashlib
import re

import pytest

from orchestrator.report import render
from orchestrator.report.blocks import Cell, Chart, Column, Drawn, Matrix, Paragraphs, Picture, Section, Span, Table
from orchestrator.report.head import Count, Head
from orchestrator.report.layout import lay_out
from tests.make import row
from tests.unit.report.makers import EVIL, Page

HEAD = Head("Title", "Tab", "1 model", ["c (h)"], [Count(1, "of 1 job ok", "good")], "now", ["r"])


def page(*blocks, head=HEAD, layout=None, pictures=(), part="results", **section):
    found = Section(**{"name": "n", "title": "Heading", "blocks": blocks, **section})
    parts = {**dict.fromkeys(("summary", "results", "background"), ()), part: [found]}
    drawn = Drawn(
        {name: Picture(title=name, caption="What to see.", alt="found", panels=["<svg></svg>"]) for name in pictures}
    )
    return render.Page(head, layout or lay_out([row()]), parts, drawn)


def both(*blocks, **changes):
    """What stands between head and foot of the page, and below the head of its Markdown twin."""
    made = page(*blocks, **changes)
    main = re.search(r"(?s)<main>\n(.*)</main>", render.html(made)).group(1)
    main = re.sub(r"(?s)<nav.*</nav>\n", "", main)
    twin = render.markdown(made).partition("ok**\n\n")[2]
    return main, re.sub(r"\n*(Pictures: .*\n\n)?\n*Run r\n\Z", "\n", twin).lstrip("\n")


def test_a_section_has_a_heading_an_anchor_and_an_entry_of_the_menu():
    made = page(Paragraphs(["text"]))
    html, markdown = render.html(made), render.markdown(made)
    assert '<section id="n">\n<h2>Heading</h2>\n<p>text</p>\n</section>' in html
    assert '<a href="#n">Heading</a>' in html
    assert "<details><summary>Heading</summary>\n\ntext\n\n</details>\n" in markdown


def test_a_section_without_a_title_is_its_blocks():
    html, markdown = both(Paragraphs([("data", "beware"), ("", "note")], "notices"), title="")
    assert html == '<p class="notice data" role="alert">beware</p>\n<p class="notice">note</p>\n'
    assert markdown == "> beware\n\n> note\n"


def test_markdown_may_fold_a_section_away_under_another_line():
    _, markdown = both(Paragraphs(["text"]), fold="More")
    assert markdown == "<details><summary>More</summary>\n\ntext\n\n</details>\n"


def test_a_block_for_one_twin_is_not_in_the_other():
    html, markdown = both(Paragraphs(["on the page"], only="html"), Paragraphs(["in the twin"], only="markdown"))
    assert "on the page" in html and "in the twin" not in html
    assert "in the twin" in markdown and "on the page" not in markdown
    assert both(Paragraphs(["on the page"], only="html"))[1] == ""


@pytest.mark.parametrize(
    ("block", "html", "markdown"),
    [
        (Paragraphs(["a", "b"]), "<p>a</p>\n<p>b</p>", "a\n\nb"),
        (Paragraphs(["a", "b"], "bullets"), "<ul><li>a</li><li>b</li></ul>", "- a\n- b"),
        (Paragraphs([("a", "b")], "terms"), "<dl><dt>a</dt><dd>b</dd></dl>", "- a: b"),
        (Paragraphs([("Try", "ls")], "code"),
         '<p>Try: <code class="command">ls</code></p>', "Try:\n\n```text\nls\n```"),
        (Paragraphs([("", "ls")], "code"), '<p><code class="command">ls</code></p>', "```text\nls\n```"),
        (Paragraphs([], hint="small"), '<p class="hint">small</p>', "small"),
        (Paragraphs(["a"], fold="more"), "<details><summary>more</summary>\n<p>a</p></details>", "a"),
        (Paragraphs([["a ", Span("b", "strong")]]), "<p>a <b>b</b></p>", "a **b**"),
        (Paragraphs([[Span("b", "tag"), Span("c", "aside")]]),
         '<p><span class="tag">b</span><small>c</small></p>', "(b)(c)"),
        (Paragraphs([[Span("b", "code"), Span("c", "command")]]),
         '<p><code>b</code><code class="command">c</code></p>', "bc"),
        (Paragraphs([[Span("oom", "status bad", href="#x")]]), '<p><a class="status bad" href="#x">oom</a></p>', "oom"),
        (Paragraphs(["a"], "bullets", hint="b"), '<ul><li>a</li></ul>\n<p class="hint">b</p>', "- a\n\nb"),
    ],
    ids=lambda value: value.look if isinstance(value, Paragraphs) else "",
)  # fmt: skip
def test_paragraphs(block, html, markdown):
    on_page, in_twin = both(block)
    assert on_page.split("</h2>\n")[1].split("</section>")[0].strip() == html
    assert in_twin == f"<details><summary>Heading</summary>\n\n{markdown}\n\n</details>\n"


def test_of_many_points_the_page_shows_the_first():
    html, markdown = both(Paragraphs([f"point {i}" for i in range(10)], "points"))
    above, _, folded = html.partition("<details><summary>2 more</summary>")
    assert "point 7" in above and "point 8" not in above and "point 9" in folded
    assert "- point 9" in markdown
    assert "<details>" not in both(Paragraphs(["one"], "points"))[0]


def test_a_table():
    columns = (Column("job", heads=True), Column("s", number=True))
    html, markdown = both(Table(columns, [[[Span("a", "code")], "1"], ["b", "2"]], caption="What it is"))
    assert 'aria-label="Heading"><table class="list">\n<caption><span>What it is</span></caption>' in html
    assert '<tr><th scope="row"><code>a</code></th><td>1</td></tr>\n<tr><th scope="row">b</th><td>2</td></tr>' in html
    assert "| job | s |\n|---|--:|\n| a | 1 |\n| b | 2 |\n" in markdown


def test_a_log_is_folded_away_in_its_cell():
    html, markdown = both(Table((Column("x"),), [[["a", Span("b", "log")]], [["c", Span("", "log")]]]))
    assert "<td>a\n<details><summary>log</summary><pre>b</pre></details></td>" in html and "<td>c\n</td>" in html
    assert "| ab |" in markdown


@pytest.mark.parametrize(("open_", "tag"), [(False, "<details>"), (True, "<details open>")])
def test_a_table_may_be_folded_away(open_, tag):
    html, _ = both(Table((Column("x"),), [["1"]], fold="1 thing", open=open_))
    assert f"{tag}<summary>1 thing</summary>\n<div" in html and "</div></details>\n" in html


def test_a_matrix_has_a_row_per_contender_and_a_column_per_task():
    now = row(backend="jax", released="2026-07", keras_version="3.15.1", data_kind="synthetic")
    layout = lay_out([row(data_kind="synthetic"), now])
    good = Cell("1.00 s", ["fastest", "3 runs"], best=True)
    html, markdown = both(Matrix("speed", "The note.", [[good, None]]), layout=layout)
    assert '<table class="matrix speed">\n<caption><span>The note.</span></caption>' in html
    assert '<td class="best">\n<b>1.00 s</b><small>fastest</small><small>3 runs</small></td>' in html
    assert '<td class="none" title="not planned">·</td>' in html
    assert html.count("<tr>") == 3 and "<small>2017 · Keras 2.0.8 · CPU</small>" in html
    assert "| TensorFlow 1.3.0<br>2017 · Keras 2.0.8 · CPU | **1.00 s**<br>fastest<br>3 runs |" in markdown
    assert "| JAX 1.3.0<br>2026 · Keras 3.15.1 · CPU | · |\n\nThe note.\n" in markdown
    assert " (synthetic)<br>" in markdown and '<span class="tag">synthetic</span>' in html


def test_a_cell_marks_what_did_not_end_well():
    marks = [Span("oom ×2", "status bad", href="#failures"), Span("timeout", "status bad", href="#failures")]
    html, markdown = both(Matrix("m", "", [[Cell(marks=marks)]]))
    assert '<td>\n<a class="status bad" href="#failures">oom ×2</a>\n<a class="status bad"' in html
    assert "| oom ×2<br>timeout |" in markdown


def test_a_chart_is_drawn_on_the_page_and_a_link_in_markdown():
    html, markdown = both(Chart("bars", "Bars"), pictures=["bars"])
    assert '<figure id="chart-bars">\n<figcaption><b>bars</b> What to see.</figcaption>' in html
    assert '<div class="panels" role="img" aria-label="found">\n<svg></svg></div>' in html and "base64" not in html
    assert "![Bars](charts/bars.svg)\n" in markdown


def test_the_menu_has_the_headings_in_the_order_of_the_page():
    sections = [Section(name=n, title=n, blocks=[Paragraphs(["x"])]) for n in ("b", "", "a")]
    made = render.Page(
        HEAD, lay_out([row()]), {"summary": sections[1:2], "results": sections, "background": ()}, Drawn()
    )
    html = render.html(made)
    menu = re.search(r"(?s)<nav.*</nav>", html).group(0)
    assert re.findall(r">(\w)</a>", menu) == re.findall(r"<h2>(\w)</h2>", html) == ["b", "a"]


def test_the_head_counts_and_links():
    counts = [Count(1, "of 3 jobs ok", "bad"), Count(2, "failed", "bad", "f")]
    made = page(Paragraphs(["x"]), head=Head("T", "Tab", "planned", ["m"], counts, "now", ["r", "s"], "today"))
    html, markdown = render.html(made), render.markdown(made)
    assert "<title>Tab</title>" in html and "<h1>T</h1>" in html
    assert '· <span class="bad">1 of 3 jobs ok</span>\n· <span class="bad"><a href="#f">2 failed</a></span>' in html
    assert "<footer>Runs <code>r, s</code>." in html
    assert markdown.startswith("# T\n\nm ·\nplanned · now · **1 of 3 jobs ok** · 2 failed\n")
    assert markdown.endswith("Runs r, s · report made today\n")


def test_markdown_links_its_pictures():
    made = page(Paragraphs(["x"]), pictures=["bars", "curve"], part="summary")
    assert "\nPictures: [bars](charts/bars.png) · [curve](charts/curve.png)\n" in render.markdown(made)


def test_the_policy_allows_just_the_scripts_of_the_page():
    taken = Page(render.html(page(Chart("c", "C"), pictures=["c"])))
    policy = next(a["content"] for tag, a in taken.tags if a.get("http-equiv") == "Content-Security-Policy")
    hashes = re.findall(r"'sha256-([^']+)'", policy)
    assert len(taken.scripts) == 2
    assert hashes == [base64.b64encode(hashlib.sha256(text.encode()).digest()).decode() for text in taken.scripts]
    assert "default-src 'none'" in policy and "unsafe-eval" not in policy
    assert "script-src 'unsafe-inline'" not in policy


def test_a_page_without_charts_has_one_script_and_a_page_without_rows_nothing_to_download():
    (script,) = Page(render.html(page(Paragraphs(["x"])))).scripts
    assert '"use strict";' in script and 'id="rows"' not in script


def test_all_that_is_drawn_is_escaped():
    """Every text of every block, in every look."""
    looks = ("strong", "code", "command", "small", "aside", "tag", "log", "status bad")
    spans = [EVIL, *(Span(EVIL, look) for look in looks), Span(EVIL, "tag", href=f'#"{EVIL}')]
    blocks = [
        *(Paragraphs([spans], look, hint=EVIL, fold=EVIL) for look in ("plain", "bullets", "points")),
        *(Paragraphs([(EVIL, spans)], look) for look in ("terms", "notices")),
        Paragraphs([(EVIL, EVIL)], "code"),
        Table((Column(EVIL, heads=True), Column(EVIL, number=True)), [[spans, EVIL]], caption=EVIL, fold=EVIL),
        Matrix("m", EVIL, [[Cell(EVIL, [EVIL], marks=[Span(EVIL, "status bad", "#x")])]]),
        Chart("c", EVIL),
    ]
    head = Head(EVIL, EVIL, EVIL, [EVIL], [Count(1, EVIL), Count(1, EVIL, "bad", "x")], EVIL, [EVIL])
    layout = lay_out([{**row(), "backend": EVIL, "framework_version": EVIL, "workload": EVIL, "scale": EVIL}])
    made = page(*blocks, head=head, layout=layout, pictures=["c"], title=EVIL, fold=EVIL)
    taken = Page(render.html(made))
    assert len(taken.scripts) == 2
    assert not any(name.startswith("on") for _, attributes in taken.tags for name in attributes)
    assert all(attributes["src"].startswith("data:") for tag, attributes in taken.tags if tag == "img")
    prose = re.sub(r"(?s)^(`{3,})text\n.*?\n\1$", "", render.markdown(made), flags=re.M)
    assert "<img" not in prose and "<!--" not in prose and "@everyone" not in prose
    assert not re.search(r"(?<!\\)`", prose)


def test_a_fence_is_longer_than_any_within():
    assert render.fenced("a ```` b").startswith("`````text\n")


def test_markdown_is_inert():
    assert render.markdown_text("a|b\n<c> *d* `e` [f](g)") == "a\\|b &lt;c&gt; \\*d\\* \\`e\\` \\[f\\](g)"
    assert render.markdown_text("@team https://x.y www.z") == "@\u200bteam https://\u200bx.y www.\u200bz"
