"""Stacks of other years come with the program: files as anybody may have them, with their locks beside them."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from orchestrator.errors import UserError
from orchestrator.files import read_text
from orchestrator.plan import draft
from orchestrator.plan.catalog import load_catalog
from orchestrator.plan.config import load_config
from orchestrator.plan.eras import index_of, normal, pins
from orchestrator.plan.jobs import select_stacks
from orchestrator.plan.own_stack import read_stack_file
from orchestrator.run.bring import with_stacks
from orchestrator.stacks import own_locks
from orchestrator.stacks.images.dockerfile import rendered_files
from orchestrator.stacks.locks import lock_file
from orchestrator.text import silent
from tests.make import make_host

ROOT = Path(__file__).resolve().parents[3]
CATALOG = load_catalog()
ERAS = [stack for stack in CATALOG.stacks if stack.like]
PRESET = load_config("eras")


@pytest.fixture
def copy(tmp_path):
    """A root of its own with one stack of another year, to be spoilt."""
    shutil.copytree(ROOT / "docker", tmp_path / "docker", ignore=shutil.ignore_patterns("cuda", "eras", "__pycache__"))
    (tmp_path / "docker" / "eras").mkdir()
    for name in ("tf215.yaml", "tf215-cpu.txt"):
        shutil.copy(ROOT / "docker" / "eras" / name, tmp_path / "docker" / "eras")
    (tmp_path / "workloads").mkdir()
    shutil.copy(ROOT / "workloads" / "workloads.yaml", tmp_path / "workloads")
    return tmp_path


@pytest.mark.parametrize("stack", ERAS, ids=lambda stack: stack.name)
def test_a_lock_is_that_of_its_file_and_what_the_catalog_says_is_in_it(stack):
    asked = read_stack_file(CATALOG.eras_dir / f"{stack.name}.yaml", CATALOG)
    for device in stack.images:
        own = own_locks.ready(asked, device, CATALOG, False, silent)  # refuses what is stale, or has no hash
        assert (own.title, own.keras) == (stack.title, stack.keras)
        for each, its in zip(own.backends, stack.backends, strict=True):
            assert each.package.items() <= its.package.items()
        locked = pins(read_text(lock_file(stack, device, CATALOG.docker_dir)))
        for backend in stack.backends:
            assert locked[normal(backend.package[device])].partition("+")[0] in backend.title
    assert stack.python in CATALOG.bases[stack.base].pythons and stack.released and not stack.article
    assert {stack.released_with(backend.name) for backend in stack.backends} == {stack.released}, "not that of `like`"


def test_they_are_asked_for_by_name_and_no_part_of_everything():
    names = [stack.name for stack in ERAS]
    everything = select_stacks(["*"], CATALOG.stacks)
    assert len(everything) == 6 and not set(everything) & set(names)
    assert select_stacks(["*", "tf215"], CATALOG.stacks) == [*everything, "tf215"]
    assert select_stacks(["**"], CATALOG.stacks) == [*everything, *names]
    assert not any(name in path for path in rendered_files(CATALOG, "1") for name in names)


def test_the_preset_goes_from_2017_to_today_with_a_row_for_each_model():
    plan = draft.make_plan(PRESET, CATALOG, make_host())
    cells = {(job.stack, job.backend) for job in plan.planned}
    years = {plan.released[f"{stack}/{backend}"][:4] for stack, backend in cells}
    assert len(cells) >= 14 and {"2017", "2022", "2023", "2024", "2025", "2026"} <= years
    assert len(plan.planned) == 5 * len(cells)
    assert f"{len(cells)} contenders" in read_text(ROOT / "README.md")
    told = {(skip.job.stack, skip.job.workload): (skip.status, skip.reason) for skip in plan.skipped}
    declared = {(s.name, d.workload): ("unsupported", d.why) for s in ERAS for d in s.declared if not d.runs}
    assert told == declared


def test_a_legacy_keras_is_the_one_that_runs():
    assert CATALOG.stack("tfkeras-tf221").keras == "2.21.0"


def test_one_without_a_lock_is_not_there_and_what_cannot_run_is_unsupported(copy):
    file = copy / "docker" / "eras" / "tf215.yaml"
    file.write_text(f"{file.read_text()}declared: [{{workload: babi_rnn, runs: false, why: it stops}}]\n")
    catalog = load_catalog(copy)
    config = load_config("smoke")
    plan = draft.make_plan(type(config)(stacks=["tf215"], device="cpu"), catalog, make_host())
    assert [(skip.job.workload, skip.status, skip.reason) for skip in plan.skipped] == [
        ("babi_rnn", "unsupported", "it stops")
    ]
    assert len(plan.jobs) == 4
    (file.parent / "tf215-cpu.txt").unlink()
    catalog = load_catalog(copy)
    assert len(catalog.stacks) == 6
    with pytest.raises(UserError, match="tf215 has no lock yet") as caught:
        with_stacks(["tf215"], lambda: "cpu", catalog, silent, may_lock=False)
    assert "orchestrate lock tf215" in caught.value.hint


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        ('released: "2024-03"', 'released: "2024-3"', 'released: "2024-03"'),
        ('released: "2024-03"', "", "`released` is missing"),
        ("like: keras3-tensorflow", "like: keras9", "there is no stack 'keras9'"),
        ("like:", "name: other\nlike:", "it is called other"),
        ("like:", "declared: [{workload: mnist, why: x}]\nlike:", "there is no workload 'mnist'"),
        ("like:", "deviations: [{what: a, article: b, here: c, why: d, device: gpu}]\nlike:", "no gpu image"),
        ("tensorflow-cpu==2.15.1", "numpy==1.26", None),
    ],
)
def test_a_mistake_in_a_file_is_one_line(copy, old, new, told):
    file = copy / "docker" / "eras" / "tf215.yaml"
    file.write_text(file.read_text().replace(old, new, 1))
    if told is None:  # what the file asks for is held against its lock where that is made (see above)
        assert load_catalog(copy)
        return
    with pytest.raises(UserError) as caught:
        load_catalog(copy)
    assert told in f"{caught.value.message} {caught.value.hint}" and "tf215" in caught.value.message


def test_the_index_beside_the_main_one_is_told_by_the_lock():
    assert index_of("# from: https://example.org/whl\nx==1\n") == "https://example.org/whl"
    assert index_of("x==1\n") is None
