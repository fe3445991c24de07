"""What a report takes from merged runs and the catalog."""

from __future__ import annotations

import msgspec
import pytest

from orchestrator.files import PACKAGE, read_yaml
from orchestrator.model import OwnStack
from orchestrator.plan.catalog import load_catalog
from orchestrator.report.input import Reference, learned, report_input
from orchestrator.results.collect import Merged

ROW = {
    "run_id": "r", "job_id": "j", "workload": "mnist_mlp", "stack": "keras2-theano", "device": "cpu",
    "scale": "article", "data_kind": "given", "epochs": 20,
}  # fmt: skip


@pytest.fixture(scope="module")
def catalog():
    return load_catalog()


@pytest.fixture(scope="module")
def reference():
    return read_yaml(PACKAGE / "report" / "reference" / "bhatia-2017.yaml", Reference)


def made(catalog, *rows):
    epochs = [{"job_id": "j", "elapsed": 2.5}]
    merged = Merged(
        run_ids=["r"], rows=list(rows), epochs=epochs, samples=[], gpu=[], marks=[], environment=[("host", "h")],
        notes=["a note"], logs={"r/j": "last line"},
    )  # fmt: skip
    return report_input(merged, catalog, "orchestrate run", "now")


def test_rows_know_their_month_their_log_and_when_they_learned(catalog):
    report = made(catalog, ROW)
    assert (report.rows[0]["released"], report.rows[0]["log_tail"]) == ("2017-08", "last line")
    assert report.rows[0]["learned"] == learned(ROW, catalog) is not None
    assert report.epochs[0]["elapsed_s"] == 2.5
    assert (report.plan_command, report.created, report.notes) == ("orchestrate run", "now", ["a note"])


def test_only_deviations_of_what_ran_are_told(catalog):
    stacks = {item["stack"] for item in made(catalog, ROW).deviations}
    assert stacks == {"keras2-theano"}
    assert all(item["device"] in (None, "cpu") for item in made(catalog, ROW).deviations)


@pytest.mark.parametrize(
    "change", [{"data_kind": "synthetic"}, {"epochs": 1}, {"workload": "unknown"}, {"scale": "unknown"}]
)
def test_learning_is_judged_on_real_data_with_enough_epochs(catalog, change):
    assert learned({**ROW, **change}, catalog) is None


def test_the_published_figures_name_cells_of_this_project(reference, catalog):
    old = {backend.name for stack in catalog.stacks if stack.article for backend in stack.backends}
    for figure in reference.figures:
        assert catalog.workload(figure.workload) and figure.backend in old
        assert figure.source and figure.confidence in ("seen", "computed", "inferred")
    assert len({(f.workload, f.backend) for f in reference.figures}) == len(reference.figures) == 15
    assert all(slip.source for slip in reference.errors)


def own_row(**changes):
    own = {"workload": "my", "variant": "own", "file": "my.py", "data_kind": "own", "epochs": 3, "scale": "own"}
    return {**ROW, "stack": "mine", **own, "released": "2024-02", "learned": 0.9, **changes}


def test_a_file_of_ones_own_differs_from_no_article_and_names_the_report(catalog):
    report = made(catalog, own_row(stack="keras2-theano"))
    assert report.deviations == []
    assert report.title == "Which backend trains my.py fastest here?"
    assert made(catalog, own_row(), ROW).title == "Which Keras backend trains fastest here?"
    assert made(catalog, own_row(), ROW).deviations == made(catalog, ROW).deviations


def test_a_stack_and_a_gate_that_the_catalog_does_not_know_are_those_of_the_row(catalog):
    (row,) = made(catalog, own_row()).rows
    assert (row["released"], row["article"], row["learned"]) == ("2024-02", False, 0.9)
    assert learned(own_row(learned=None), catalog) is None


def test_a_month_on_record_is_that_of_the_versions_that_ran(catalog):
    cntk = {"stack": "keras2-tensorflow-cntk", "backend": "cntk"}
    rows = made(catalog, {**ROW, **cntk}, {**ROW, **cntk, "backend": "tensorflow"}, {**ROW, "released": "2016-01"}).rows
    assert [row["released"] for row in rows] == ["2018-04", "2017-08", "2016-01"]
    assert all(row["article"] and not row["own"] for row in rows)


def test_a_stack_of_ones_own_is_none_of_the_articles(catalog):
    """Whatever its Keras: it never was the article's, and its figures stand beside nobody's."""
    where = OwnStack(path="/a.yaml", sha256="0" * 64, like="keras2-theano", lock="/a-cpu.txt", lock_sha256="1" * 64)
    own = msgspec.structs.replace(catalog.stack("keras2-theano"), name="mine", own=where, article=False, deviations=[])
    report = made(catalog.extended([], [own]), {**ROW, "stack": "mine"}, ROW)
    assert [(row["own"], row["article"]) for row in report.rows] == [(True, False), (False, True)]


def test_an_environment_that_was_found_is_told_also_where_the_catalog_does_not_know_it(catalog):
    report = made(catalog, own_row(found="Python 3.11.7 at /opt/conda, as found"), own_row(stack="other", found=None))
    assert report.environment[1:] == [("environment mine", "Python 3.11.7 at /opt/conda, as found; cannot be rebuilt")]


def test_a_row_has_the_name_that_its_job_had_while_it_ran(catalog):
    jax = {**ROW, "stack": "keras3-jax", "backend": "jax", "device": "gpu", "workload": "mnist_cnn", "repeat": 2}
    version = catalog.stack("keras3-jax").backends[0].title.removeprefix("JAX ")
    rows = made(catalog, jax, {**jax, "framework_version": f"{version}+cuda"}).rows
    assert {row["called"] for row in rows} == {f"MNIST CNN on JAX {version} (gpu), repeat 2"}
    (other,) = made(catalog, {**jax, "framework_version": "0.1", "variant": "modern"}).rows
    assert other["called"] == "MNIST CNN on JAX 0.1 (gpu, modern), repeat 2"
    early = made(catalog, {**jax, "framework_version": "0.1"}, {**jax, "repeat": 3}, {**jax, "run_id": "s"}).rows
    assert [row["called"].split()[4] for row in early] == ["0.1", "0.1", version]
    (mine,) = made(catalog, {**jax, "stack": "theirs", "workload": "my-own", "file": "my.py", "repeat": 1}).rows
    assert mine["called"] == "my.py on JAX (gpu)"
