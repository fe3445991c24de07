"""`orchestrate compare`: its formats, and the exit code of a regression."""

from __future__ import annotations

import json

import pytest

from orchestrator.cli.comparison import compared_along
from orchestrator.errors import UserError
from orchestrator.results import source
from tests.make import row
from tests.unit.cli.verbs.makers import call, slowed


@pytest.mark.slow
def test_compare_exits_1_above_the_threshold_only(runs, tmp_path):
    base, same = slowed(runs[1], tmp_path / "base", 1.0), slowed(runs[1], tmp_path / "same", 1.0)
    slow = slowed(runs[1], tmp_path / "slow", 1.2)
    assert "no significant regression above 5 %" in call("compare", base, same, "--threshold", "5%")
    assert "15 cells regressed by more than 5 %" in call("compare", base, slow, "--threshold", "5%", code=1)
    call("compare", base, slow, "--threshold", "30%")
    call("compare", slow, base, "--threshold", "5%")
    call("compare", base, slow)  # without a threshold it only tells
    document = json.loads(call("compare", base, slow, "--json"))
    assert {ratio["verdict"][:7] for ratio in document["ratios"]} == {"takes 1"}
    assert document["judged"] == 15 and document["passed"] is None
    assert call("compare", base, slow, "--format", "junit").startswith("<?xml")


FORMATS = ("text", "markdown", "json", "junit", "github-action-benchmark")


@pytest.mark.slow
@pytest.mark.parametrize("change", ["scripts", "one repeat"])
def test_a_gate_that_could_judge_nothing_is_red_in_every_format(runs, tmp_path, change):
    """A changed hash must not turn it green for ever; and one repeat can never tell a regression."""
    base, other = slowed(runs[1], tmp_path / "base", 1.0), runs[1]
    if change == "scripts":
        other = slowed(runs[1], tmp_path / "other", 2.0)
        for path in other.glob("jobs/*/result.json"):
            result = json.loads(path.read_text())
            result["fingerprint"]["workloads_sha256"] = "0" * 64
            path.write_text(json.dumps(result))
    call("merge", other, "--to", tmp_path / "set")
    for second in (other, tmp_path / "set"):
        for form in FORMATS:
            text = call("compare", base, second, "--threshold", "5%", "--format", form, code=1)
            if form in ("text", "markdown"):
                assert "FAILED: no cell could be" in text and "no significant regression" not in text
            if form == "json":
                assert json.loads(text)["passed"] is False and len(json.loads(text)["not_judged"]) == 15
            if form == "junit":
                assert 'errors="16"' in text and 'skipped="0"' in text


@pytest.mark.slow
def test_compare_of_a_set_is_that_of_its_run(runs, tmp_path):
    call("merge", runs[0], "--to", tmp_path / "set")
    document = json.loads(call("compare", runs[0], tmp_path / "set", "--json"))
    assert {ratio["ratio"] for ratio in document["ratios"]} == {1.0}


@pytest.fixture
def two(monkeypatch, tmp_path):
    """Two folders, `a` and `b`; the cells of `b` take half as long again."""

    def read_source(path, epochs=()):
        rows = [row(repeat=n, epoch_s=s * (1.5 if path.name == "b" else 1)) for n, s in enumerate((1.0, 1.01, 0.99), 1)]
        return source.Source(rows=rows, epochs=[])

    monkeypatch.setattr(source, "read_source", read_source)
    for name in "ab":
        (tmp_path / name).mkdir()


@pytest.mark.parametrize(
    ("words", "code"),
    [
        (["a", "b"], 0),
        (["a", "b", "--threshold", "5%"], 1),
        (["a", "b", "--threshold", "5%", "--json"], 1),
        (["a", "b", "--threshold", "60%"], 0),
        (["b", "a", "--threshold", "5%"], 0),
    ],
)
def test_only_a_slower_second_above_a_threshold_is_a_failure(orchestrate, two, words, code):
    assert orchestrate("compare", *words).returncode == code


@pytest.mark.parametrize(
    ("form", "begins"),
    [("markdown", "**"), ("json", "{"), ("junit", "<?xml"), ("github-action-benchmark", "["), ("text", " ")],
)
def test_every_format_begins_as_its_readers_expect(orchestrate, two, form, begins):
    answer = orchestrate("compare", "a", "b", "--format", form)
    assert answer.stdout.lstrip("\n").startswith(begins)
    assert answer.stderr == ""


def test_json_for_short_is_the_same_document(orchestrate, two):
    short = orchestrate("compare", "a", "b", "--json").stdout
    assert json.loads(short) == json.loads(orchestrate("compare", "a", "b", "--format", "json").stdout)


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["a"], "SECOND is missing"),
        (["a", "nowhere"], "nowhere"),
        (["a", "b", "--threshold", "5"], "'5' is no percentage"),  # which could mean 500 %
        (["a", "b", "--threshold", "much"], "'much' is no percentage: write it with its sign, such as 5%"),
        (["a", "b", "--format", "html"], "'html' is not one of"),
    ],
)
def test_mistakes(orchestrate, two, words, message):
    answer = orchestrate("compare", *words)
    assert answer.returncode == 2
    assert message in answer.stderr


def test_what_could_not_be_read_of_a_run_is_said_once(orchestrate, monkeypatch, tmp_path):
    rows = [row(repeat=n, epoch_s=1.0 + n / 100) for n in (1, 2, 3)]
    read = source.Source(rows=rows, epochs=[], notes=["No figures of GPUs: duckdb is not installed."])
    monkeypatch.setattr(source, "read_source", lambda path, epochs=(): read)
    said = orchestrate("compare", tmp_path, tmp_path).stderr
    assert said.count("No figures of GPUs: duckdb is not installed.") == 1


def test_along_an_axis_one_run_is_enough_and_two_are_taken_together(monkeypatch, tmp_path):
    """Each folder has the values of its name; the values of both are those of one comparison."""

    def read_source(path, epochs=()):
        sizes = {"both": (32, 64), "a": (32,), "b": (64,)}[path.name]
        shared = [{"run_id": path.name, "batch_size": size, "axes": f"batch_size={size}"} for size in sizes]
        rows = [
            row(**each, job_id=f"{each['axes']}-{n}", repeat=n, epoch_s=32 / each["batch_size"] * (1 + n / 100))
            for each in shared
            for n in range(3)
        ]
        return source.Source(rows=rows, epochs=[])

    monkeypatch.setattr(source, "read_source", read_source)
    for name in ("a", "b", "both"):
        (tmp_path / name).mkdir()
    along = ("--along", "batch_size", "--json")
    for folders in ([tmp_path / "both"], [tmp_path / "a", tmp_path / "b"], [tmp_path / "both", tmp_path / "both"]):
        (ratio,) = json.loads(call("compare", *folders, *along))["ratios"]
        assert (ratio["cell"]["along"], ratio["n_a"], ratio["n_b"]) == ("batch_size=32 to 64", 3, 3)
        assert round(ratio["ratio"], 6) == 0.5 and ratio["verdict"].startswith("takes 0.4")
    call("compare", tmp_path / "both", *along, "--threshold", "5%")
    with pytest.raises(UserError, match="only one value of batch_size is here: 32"):
        compared_along([tmp_path / "a"], "batch_size")
    with pytest.raises(UserError, match="several values of 'jit'"):
        compared_along([tmp_path / "both"], "jit")


def test_jobs_without_the_axis_are_said_to_be_left_out_and_one_value_is_none(orchestrate, monkeypatch, tmp_path):
    def read_source(path, epochs=()):
        axes = {"swept": ("n=1", "n=2"), "plain": (None,), "jax": ("n=1",), "torch": ("n=2",)}[path.name]
        backend = {"backend": path.name} if path.name in ("jax", "torch") else {}
        rows = [row(run_id=path.name, job_id=str(each), axes=each, epoch_s=1.0, **backend) for each in axes]
        return source.Source(rows=rows, epochs=[])

    monkeypatch.setattr(source, "read_source", read_source)
    for name in ("swept", "plain", "jax", "torch"):
        (tmp_path / name).mkdir()
    answer = orchestrate("compare", tmp_path / "swept", tmp_path / "plain", "--along", "n")
    said = " ".join(answer.stderr.split())
    assert answer.returncode == 0 and "1 job of 1 in" in said and "left out: n was not varied there" in said
    answer = orchestrate("compare", tmp_path / "jax", tmp_path / "torch", "--along", "n")
    assert answer.returncode == 2 and "no cell here has several values of n (1, 2)" in answer.stderr
    answer = orchestrate("compare", tmp_path / "jax", "--along", "n")
    assert answer.returncode == 2 and "only one value of n is here: 1" in answer.stderr
