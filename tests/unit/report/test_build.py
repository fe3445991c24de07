from __future__ import annotations

import base64
import hashlib
import json
import re
from html.parser import HTMLParser

import pytest

from orchestrator.report import charts
from orchestrator.report.build import build_report, fenced, log_tail, markdown_text
from orchestrator.report.input import ReportInput
from orchestrator.report.layout import group, lay_out
from orchestrator.report.sections.findings import findings, machines, warnings
from orchestrator.report.sections.tables import tables
from orchestrator.report.speeds import speeds
from orchestrator.report.words import figure, megabytes, span
from orchestrator.text import listed
from tests.fakes.made_up import recorded, troubled
from tests.make import row

pytestmark = pytest.mark.slow

EVIL = "</script><img src=x onerror=alert(1)>|`*_<!-- @everyone \u2028\x00"


def cells(rows, steady=lambda row: []):
    layout = lay_out(rows)
    return layout, tables(layout, speeds(layout, steady))[0].cells


class Page(HTMLParser):
    """Collects the tags of a page, checks that they nest, and keeps the scripts."""

    EMPTY = frozenset({"meta", "img"})

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict]] = []
        self.scripts: list[str] = []
        self.open: list[str] = []
        self.feed(text)
        self.close()
        assert not self.open

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))
        if tag not in self.EMPTY:
            self.open.append(tag)
        if tag == "script":
            self.scripts.append("")

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        if self.open and self.open[-1] == "script":
            self.scripts[-1] += data


@pytest.fixture(scope="module", autouse=True)
def small_script():
    """Bundling the libraries takes seconds; test_charts.py does it once for all."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(charts, "javascript", lambda: "/* the libraries */")
        yield


# --- what may be compared -------------------------------------------------------------------------


def test_every_row_lands_in_exactly_one_cell():
    rows = troubled().rows
    layout = lay_out(rows)
    assert sum(len(found) for found in layout.cells.values()) == len(rows) == len(layout.places)


def test_contenders_are_ordered_by_era_then_name():
    layout = lay_out(recorded(repeats=1).rows)
    assert [contender.label for contender in layout.contenders] == [
        "CNTK 2.5.1", "MXNet 0.11.0", "TensorFlow 1.3.0", "Theano 0.9.0",
        "JAX 0.10.0", "PyTorch 2.13.0", "TensorFlow 2.21.0",
    ]  # fmt: skip
    assert [contender.era for contender in layout.contenders] == ["2017"] * 4 + ["today"] * 3


def test_a_job_without_versions_joins_its_contender():
    early = row(status="failed", framework_version=None, keras_version=None, host=None, data_sha256=None)
    layout = lay_out([row(), early])
    assert (len(layout.contenders), len(layout.tasks)) == (1, 1)


def test_a_job_that_fits_two_contenders_stays_apart_unless_its_run_tells():
    old, new = row(run_id="a", keras_version="3.15.1"), row(run_id="b", keras_version="3.16.0")
    early = {"status": "failed", "keras_version": None}
    assert len(lay_out([old, new, row(run_id="c", **early)]).contenders) == 3
    assert len(lay_out([old, new, row(run_id="b", **early)]).contenders) == 2


@pytest.mark.parametrize(
    "difference",
    [{"scale": "article"}, {"epochs": 9}, {"train": 9}, {"data_kind": "synthetic"}, {"workloads_sha256": "12" * 32}],
    ids=lambda difference: next(iter(difference)),
)
def test_different_conditions_never_share_a_row(difference):
    layout, lines = cells([row(), row(backend="theano", epoch_s=2.0, **difference)])
    assert len(layout.tasks) == 2
    assert len({task.label for task in layout.tasks}) == 2
    assert not any(cell and cell.best for line in lines for cell in line)


def test_the_same_data_is_the_same_whoever_fetched_it():
    assert len(lay_out([row(data_kind="official"), row(data_kind="given")]).tasks) == 1


@pytest.mark.parametrize("difference", [{"device": "gpu"}, {"threads": 8}, {"host": "other"}])
def test_speeds_of_different_machines_are_not_ranked_against_each_other(difference):
    _, lines = cells([row(), row(backend="theano", epoch_s=2.0, **difference)])
    assert [cell.best for cell in lines[0]] == [False, False]


def test_labels_say_just_enough_to_tell_contenders_apart():
    rows = [row(), row(device="gpu", host="b", threads=6), row(variant="modern"), row(stack="again")]
    labels = [contender.label for contender in lay_out(rows).contenders]
    assert sorted(labels) == sorted([
        "TensorFlow 1.3.0 faithful CPU keras2-tensorflow-cntk", "TensorFlow 1.3.0 faithful GPU keras2-tensorflow-cntk",
        "TensorFlow 1.3.0 modern CPU keras2-tensorflow-cntk", "TensorFlow 1.3.0 faithful CPU again",
    ])  # fmt: skip


def test_labels_that_cannot_be_told_apart_are_numbered():
    rows = [row(run_id="a", host="x"), row(run_id="b", host="y"), row(run_id="c", host=None)]
    labels = [contender.label for contender in lay_out(rows).contenders]
    assert len(set(labels)) == 3


def test_group_keeps_the_positions():
    assert group([{"a": 1}, {"a": 2}, {"a": 1}], ["a"]) == [({"a": 1}, [0, 2]), ({"a": 2}, [1])]


# --- the matrix and the findings -------------------------------------------------------------------


def test_the_fastest_is_marked_and_the_others_say_how_far_behind():
    slow, fast = row(epoch_s=3.0), row(backend="theano", epoch_s=2.0)
    epochs = {"tensorflow": [2.9, 3.0, 3.1], "theano": [1.9, 2.0, 2.2]}
    _, [[first, second]] = cells([slow, fast], lambda row: epochs[row["backend"]])
    assert (second.figure, second.best, second.lines[1:]) == ("2.00 s", True, ["1.90–2.20", "n = 3"])
    assert (first.figure, first.best) == ("3.00 s", False)
    assert first.lines[0].startswith("1.50×")


def test_ranges_that_meet_are_said():
    rows = [row(epoch_s=2.1), row(backend="theano", epoch_s=2.0)]
    epochs = {"tensorflow": [2.0, 2.2], "theano": [1.9, 2.1]}
    layout, [[first, _]] = cells(rows, lambda row: epochs[row["backend"]])
    assert first.lines[0].startswith("≈ 1.05×")
    [(subject, sentence)] = findings(layout, speeds(layout, lambda row: epochs[row["backend"]]))
    assert subject == "mnist_mlp"
    assert sentence.endswith("The range of TensorFlow 1.3.0 meets the fastest one's: no clear difference.")


def test_repeats_give_the_median_and_n():
    rows = [row(repeat=i, epoch_s=value) for i, value in enumerate([1.0, 9.0, 2.0])]
    _, [[cell]] = cells(rows, lambda row: [row["epoch_s"]] * 4)
    assert (cell.figure, cell.lines[-2:]) == ("2.00 s", ["1.00–9.00", "n = 4 × 3"])


def test_a_failed_cell_says_its_status_and_keeps_the_good_repeats():
    _, [[cell]] = cells([row(status="oom"), row(status="oom"), row(repeat=3)])
    assert (cell.figure, cell.troubles) == ("1.00 s", [("oom", 2)])
    _, [[cell]] = cells([row(status="timeout", epoch_s=4.0)])
    assert (cell.figure, cell.troubles) == ("", [("timeout", 1)])


def test_the_findings_name_the_best_of_the_other_era():
    layout = lay_out([row(), row(backend="jax", keras_version="3.15.1", framework_version="0.10.0", epoch_s=0.5)])
    [(_, sentence)] = findings(layout, speeds(layout, lambda row: []))
    assert sentence == "JAX 0.10.0 was fastest: 0.500 s per epoch; next TensorFlow 1.3.0 (2.00×)."
    layout = lay_out([
        row(), row(backend="jax", keras_version="3.15.1", framework_version="0.10.0", epoch_s=0.5),
        row(backend="torch", keras_version="3.15.1", framework_version="2.13.0", epoch_s=0.6),
        row(backend="cntk", framework_version="2.5.1", epoch_s=1.5),
    ])  # fmt: skip
    [(_, sentence)] = findings(layout, speeds(layout, lambda row: []))
    assert sentence.endswith(
        "next PyTorch 2.13.0 (1.20×), best of 2017 TensorFlow 1.3.0 (2.00×), slowest CNTK 2.5.1 (3.00×)."
    )


def test_a_host_that_only_some_jobs_know_is_not_a_second_machine():
    layout = lay_out([row(), row(backend="cntk", status="unsupported", host=None, epoch_s=None)])
    [(subject, sentence)] = findings(layout, speeds(layout, lambda row: []))
    assert (subject, sentence) == ("mnist_mlp", "only TensorFlow 1.3.0 gave a speed: 1.00 s per epoch.")


def test_one_repeat_is_no_evidence():
    def kinds(repeats):
        rows = recorded(repeats=repeats).rows
        layout = lay_out(rows)
        return [kind for kind, _ in warnings(rows, layout, speeds(layout, lambda row: []))]

    assert kinds(1) == ["repeats"]
    assert kinds(2) == []


def two(times_a, times_b, **second):
    rows = [row(repeat=i, epoch_s=t) for i, t in enumerate(times_a)]
    return rows + [
        row(backend="jax", framework_version="0.10", repeat=i, epoch_s=t, **second) for i, t in enumerate(times_b)
    ]


def test_repeats_give_a_verdict_instead_of_a_range():
    layout = lay_out(two([1.0, 1.02, 0.98, 1.01], [1.5, 1.52, 1.48, 1.51]))
    ranked = speeds(layout, lambda row: [row["epoch_s"]])
    [(_, sentence)] = findings(layout, ranked)
    assert re.search(r"next JAX 0\.10 \(1\.50×, slower by 4\d\.\d-5\d\.\d %\)", sentence)
    verdicts = next(table for table in tables(layout, ranked) if table.name == "verdicts")
    [[jax, tensorflow]] = verdicts.cells if layout.contenders[0].backend == "jax" else [verdicts.cells[0][::-1]]
    assert tensorflow.figure == "fastest"
    assert jax.lines[-1] == "p < 0.001"


def test_noise_is_no_difference_though_the_medians_differ():
    layout = lay_out(two([1.0, 1.3, 0.8, 1.1], [1.1, 1.5, 0.9, 1.3]))
    [(_, sentence)] = findings(layout, speeds(layout, lambda row: [row["epoch_s"]]))
    assert sentence.endswith("No significant difference between it and JAX 0.10.")


def test_a_cell_that_did_not_learn_cannot_win():
    rows = [{**r, "learned": 0.9, "val_accuracy": 0.95} for r in two([1.0, 1.0], [0.5, 0.5])]
    for r in rows[2:]:
        r["val_accuracy"] = 0.1
    layout = lay_out(rows)
    ranked = speeds(layout, lambda row: [row["epoch_s"]])
    assert [layout.contenders[c].backend for (c, _), s in ranked.items() if s.best] == ["tensorflow"]
    table = tables(layout, ranked)[0]
    marked = [cell for cell in table.cells[0] if cell.unlearned]
    assert len(marked) == 1 and marked[0].lines[0].startswith("did not learn (0.100 < 0.900)")
    [(_, text)] = [w for w in warnings(rows, layout, ranked) if w[0] == "quality"]
    assert "JAX 0.10 on mnist_mlp (0.100 < 0.900)" in text
    [(_, sentence)] = findings(layout, ranked)
    assert sentence.startswith("TensorFlow 1.3.0 was fastest")


def test_where_nothing_learned_nothing_wins():
    rows = [{**r, "learned": 0.9, "val_accuracy": 0.1} for r in two([1.0, 1.0], [0.5, 0.5])]
    layout = lay_out(rows)
    ranked = speeds(layout, lambda row: [row["epoch_s"]])
    assert not any(speed.best for speed in ranked.values())
    assert findings(layout, ranked)[0][1] == "no model learned, so no speed counts."


def test_time_to_accuracy_counts_the_repeats_that_got_there():
    report = recorded(workloads=["mnist_mlp"], stacks=1, repeats=3)
    for number, one in enumerate(report.rows):
        one["learned"] = 2.0 if number == 0 else 0.8
    assert "2 of 3 got there" in build_report(report).html


# --- the whole report ------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def mixed() -> ReportInput:
    """Troubles, synthetic data and a second run, as small as shows them."""
    report = recorded(workloads=["mnist_mlp", "babi_rnn"], stacks=3, repeats=2)
    report.rows[0].update(status="failed", reason="RuntimeError: made up", log_tail="one\ntwo", exit_code=1)
    report.rows[5].update(status="unsupported", reason="no python2.7")
    for one in report.rows[6:]:
        one["data_kind"] = "synthetic"
    return report


@pytest.fixture(scope="module")
def built(mixed):
    return build_report(mixed)


def test_the_page_is_complete_and_loads_nothing(built):
    page = Page(built.html)
    for tag, attributes in page.tags:
        assert tag not in ("link", "iframe", "object")
        assert not attributes.get("src", "data:").startswith(("http", "//"))
    assert len(page.scripts) == 3
    assert re.search(r"(?i)url\(|@import", built.html.partition("</style>")[0]) is None


def test_the_policy_allows_just_the_scripts_of_the_page(built):
    page = Page(built.html)
    policy = next(a["content"] for tag, a in page.tags if a.get("http-equiv") == "Content-Security-Policy")
    hashes = re.findall(r"'sha256-([^']+)'", policy)
    code = page.scripts[1:]
    assert hashes == [base64.b64encode(hashlib.sha256(text.encode()).digest()).decode() for text in code]
    assert "default-src 'none'" in policy and "unsafe-eval" not in policy
    assert "script-src 'unsafe-inline'" not in policy


def test_the_specifications_in_the_page_are_the_files(built):
    assert json.loads(Page(built.html).scripts[0]) == {name: p.spec for name, p in built.pictures.items()}
    files = built.files()
    assert {name.rpartition(".")[2] for name in files} == {"html", "md", "json", "svg", "png"}
    assert len(files) == 2 + 3 * len(built.pictures)


@pytest.mark.parametrize("kind", ["html", "markdown"])
def test_both_twins_say_the_same(built, kind):
    text = getattr(built, kind).replace("\\_", "_").replace("&lt;", "<")
    for wanted in (
        "10 of 11", "1 did not end well", "1 not run here", "RuntimeError: made up", "two", "no python2.7",
        "synthetic", "CNTK", "Keras 2.0.8", "fastest", "n = 4 × 2", "Debian has no 3.5",
        "orchestrate run --config all", "Imaginary Processor", "Accuracy after the last epoch",
    ):  # fmt: skip
        assert wanted in re.sub(r"</?b>", "", text), wanted


def test_figures_that_no_job_has_are_not_shown(built):
    assert "Mean utilization" not in built.html
    gpu = recorded(workloads=["mnist_mlp"], stacks=1, repeats=1, device="gpu")
    gpu.epochs.clear()
    gpu.samples.clear()
    html = build_report(gpu).html
    assert "Mean utilization" in html and "power 92.0 W" in html


def test_text_from_strangers_stays_text():
    report = recorded(workloads=["mnist_mlp"], stacks=2, repeats=1)
    for points in (report.rows, report.epochs, report.samples, report.deviations):
        for point in points:
            keep = {"status", "keras_version"}
            point.update({k: v + EVIL for k, v in point.items() if isinstance(v, str) and k not in keep})
    report.rows[0].update(status="failed", log_tail="\x1b[31mred\x1b[0m ``````` " + EVIL)
    report.title, report.notes, report.environment, report.plan_command = EVIL, [EVIL], [(EVIL, EVIL)], EVIL
    built = build_report(report)
    page = Page(built.html)
    assert len(page.scripts) == 3
    assert not any(name.startswith("on") for _, attributes in page.tags for name in attributes)
    assert all(attributes["src"].startswith("data:") for tag, attributes in page.tags if tag == "img")
    prose = re.sub(r"(?s)^(`{3,})text\n.*?\n\1$", "", built.markdown, flags=re.M)
    assert "<img" not in prose and "<!--" not in prose and "@everyone" not in prose


def test_nothing_measured_at_all():
    report = recorded(workloads=["mnist_mlp"], stacks=2, repeats=1)
    for one in report.rows:
        one.update(status="failed", reason="", epoch_s=None, framework_version=None, keras_version=None)
    report.epochs.clear()
    report.samples.clear()
    built = build_report(report)
    assert "No job gave a steady speed" in built.html
    assert "no reason known" in built.html and "no reason known" in built.markdown
    assert Page(built.html).scripts == [] and built.pictures == {}


def test_a_row_needs_only_what_was_planned():
    planned = {"run_id": "r", "job_id": "j", "workload": "w", "stack": "s", "backend": "b", "device": "cpu"}
    built = build_report(ReportInput(title="t", run_ids=["r"], created="c", rows=[{**planned, "status": "ok"}]))
    assert "one epoch only" in built.html


def test_many_cells_stay_one_readable_page():
    report = recorded(workloads=["mnist_mlp"], stacks=1, repeats=1)
    report.rows[:] = [
        {**report.rows[0], "workload": f"w{i:02d}", "job_id": f"{i}-{j}", "threads": j}
        for i in range(20) for j in range(20)
    ]  # fmt: skip
    report.epochs.clear()
    report.samples.clear()
    Page(build_report(report).html)


def test_points_must_belong_to_one_job():
    report = recorded(workloads=["mnist_mlp"], stacks=1, repeats=1)
    report.epochs[0]["job_id"] = "stranger"
    with pytest.raises(ValueError, match="0 rows for job 'stranger'"):
        build_report(report)
    report = recorded(workloads=["mnist_mlp"], stacks=1, repeats=1)
    report.rows.append({**report.rows[0], "run_id": "second"})
    report.epochs[0]["run_id"] = None
    with pytest.raises(ValueError, match="2 rows for job"):
        build_report(report)


# --- words -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("value", "text"),
    [(0.10342, "0.103"), (1.5, "1.50"), (12.34, "12.3"), (1234.5, "1,234"), (0, "0"), (None, "–"),
     (float("nan"), "–"), (0.0000001, "0.000000"), (999.9, "1,000")],
)  # fmt: skip
def test_figures_have_three_digits(value, text):
    assert figure(value) == text


def test_words():
    assert span(1.0, 1.0) == "1.00" and span(1, 2) == "1.00–2.00"
    assert listed(["a"]) == "a" and listed(["a", "b", "c"]) == "a, b and c"
    assert megabytes(512) == "512 MB" and megabytes(2048) == "2.0 GB"


def test_log_tail_is_short_and_plain():
    text = log_tail("\n".join(f"\x1b[1mline {i}\x1b[0m\x07" for i in range(100)) + "\n")
    assert text.splitlines()[0] == "line 70" and text.splitlines()[-1] == "line 99"
    assert len(log_tail("x" * 5000)) == 400


def test_a_fence_is_longer_than_any_within():
    assert fenced("a ```` b").startswith("`````text\n")


def test_markdown_is_inert():
    assert markdown_text("a|b\n<c> *d* `e` [f](g)") == "a\\|b &lt;c&gt; \\*d\\* \\`e\\` \\[f\\](g)"
    assert markdown_text("@team https://x.y www.z") == "@\u200bteam https://\u200bx.y www.\u200bz"


def test_too_many_contenders_are_listed_but_not_drawn():
    report = recorded(workloads=["mnist_mlp"], stacks=1, repeats=1)
    report = ReportInput(**{
        **{name: getattr(report, name) for name in report.__struct_fields__},
        "rows": [{**report.rows[0], "host": f"h{i}", "job_id": f"j{i}"} for i in range(41)],
        "epochs": [], "samples": [],
    })  # fmt: skip
    built = build_report(report)
    assert built.pictures == {}
    assert "41 contenders are too many to tell apart in charts" in built.markdown
    assert built.html.count("<td") > 41


def test_a_verdict_is_corrected_for_all_pairs_not_only_for_those_shown():
    def contender(backend, *times):
        return [row(backend=backend, repeat=i, epoch_s=t) for i, t in enumerate(times)]

    rows = contender("tensorflow", 1.0, 1.02, 0.98) + contender("jax", 1.1, 1.13, 1.07)
    rows += contender("cntk", 1.05, 1.3, 1.2)
    against = [speed.against for speed in speeds(lay_out(rows), lambda row: [row["epoch_s"]]).values() if speed.against]
    jax, cntk = sorted(against, key=lambda verdict: verdict.p)
    assert jax.p_adjusted == pytest.approx(3 * jax.p)
    assert cntk.p_adjusted == pytest.approx(min(1, 2 * cntk.p))


def test_the_head_names_a_few_hosts_and_counts_the_rest():
    hosts = [row(host=f"h{i}", cpu="c") for i in range(7)]
    assert machines(hosts[:2]) == ["h0 · c", "h1 · c"]
    assert machines(hosts)[4:] == ["h4 · c", "and 2 more"]
