"""A job has one name for people, everywhere, and no two cells of a run share it."""

from __future__ import annotations

import itertools

import msgspec
import pytest

from orchestrator.model import OwnFile, Workload
from orchestrator.plan.catalog import load_catalog
from orchestrator.plan.names import Names, names
from tests.make import make_job

CATALOG = load_catalog()


def own(path, name) -> Workload:
    return Workload(name=name, title="my.py", own=OwnFile(path=path, sha256="1" * 64, contract="script"))


def of(jobs, workloads=(), stacks=()) -> Names:
    return names(jobs, [*CATALOG.workloads, *workloads], [*CATALOG.stacks, *stacks])


def test_a_name_has_the_words_of_the_report():
    torch = {"workload": "mnist_cnn", "stack": "keras3-torch", "backend": "torch"}
    once, again = make_job(**torch), make_job(**torch, repeat=2)
    assert of([once, again]).job(again) == "MNIST CNN on PyTorch 2.13.0 (cpu), repeat 2"
    assert of([once, again]).job(once) == "MNIST CNN on PyTorch 2.13.0 (cpu), repeat 1"
    assert of([once]).job(once) == of([once]).cell(again) == "MNIST CNN on PyTorch 2.13.0 (cpu)"
    assert of([once]).job(again) == "MNIST CNN on PyTorch 2.13.0 (cpu), repeat 2"  # one that --until adds
    modern = make_job(**torch, variant="modern", device="gpu")
    assert of([modern]).job(modern) == "MNIST CNN on PyTorch 2.13.0 (gpu, modern)"


def test_no_two_cells_of_a_run_have_one_name():
    torch = CATALOG.stack("keras3-torch")
    twin = msgspec.structs.replace(torch, name="torch-mine")
    files = [own("/a/my.py", "my"), own("/b/my.py", "my-own")]
    jobs = [
        make_job(workload=workload, stack=stack, backend="torch", variant=variant)
        for workload, stack, variant in itertools.product(
            ("mnist_cnn", "my", "my-own"), ("keras3-torch", "torch-mine"), ("faithful", "modern")
        )
    ]
    found = of(jobs, files, [twin])
    assert len({found.cell(job) for job in jobs}) == len(jobs)
    assert found.cell(jobs[-1]) == "my.py, my-own on PyTorch 2.13.0 in torch-mine (cpu, modern)"


@pytest.mark.parametrize("name", ["\x1b[31mred", "a\nb", "x" * 500])
def test_names_of_strangers_stay_on_one_line(name):
    job = make_job(stack="theirs")
    said = Names(workloads={"mnist_mlp": name}, contenders={"theirs/theano": name}).job(job)
    assert said.isprintable() and len(said) < 250


def test_what_is_not_known_keeps_the_name_of_the_plan():
    assert Names().job(make_job(repeat=3)) == "mnist_mlp on theano (cpu), repeat 3"
