"""The stacks of the years between: each is built and takes the steps that all others take, or says that it does not.

Three of them, which the commit chooses, so that every stack has its turn; `make eras-check` takes them all.
"""

from __future__ import annotations

import os
import re

import pytest

from orchestrator.launchers.job_user import plain
from orchestrator.measure.fingerprint import git_commit
from orchestrator.plan.catalog import load_catalog
from tests.cells import different_steps
from tests.conftest import ROOT

pytestmark = [pytest.mark.containers, pytest.mark.slow]

CATALOG = load_catalog()
STACKS = {path.stem: CATALOG.stack(path.stem) for path in CATALOG.eras_dir.glob("*.yaml")}
AT_ONCE = 3


def chosen(names: list[str], commit: str, everything: bool) -> list[str]:
    """Three of the names that stand side by side, from a place that the commit's number tells."""
    number = re.match(r"[0-9a-f]{12}", commit)
    if everything or len(names) <= AT_ONCE:
        return names
    start = int(number[0], 16) % len(names) if number else 0
    return [names[(start + i) % len(names)] for i in range(AT_ONCE)]


def test_every_stack_has_its_turn():
    names = [f"stack{i}" for i in range(14)]
    seen = {name for number in range(14) for name in chosen(names, f"{number:012x}", False)}
    assert seen == set(names)
    assert len(set(chosen(names, "deadbeefdeadbeef", False))) == AT_ONCE
    assert chosen(names, "", False) == names[:AT_ONCE]
    assert chosen(names, "deadbeefdeadbeef", True) == names
    assert len(STACKS) >= 14, "so many years lie between"


@pytest.mark.parametrize(
    "name", chosen(sorted(STACKS), git_commit(ROOT) or "", os.environ.get("KERAS_ORCHESTRATE_ALL_ERAS") == "1")
)
def test_its_steps_are_those_of_all_others_or_declared(engine, image_of, name):
    stack = STACKS[name]
    (backend,), declared = stack.backends, {each.workload for each in stack.declared}
    folders = ["/tmp", *(cache.path for cache in stack.caches_for("cpu"))]  # compiled code is loaded from them
    binds = [f"{ROOT / 'tests' / 'equal_steps.py'}:/equal_steps.py:ro", f"{ROOT / 'workloads'}:/workloads:ro"]
    output = engine.containers.run(
        image_of(name),
        ["python", "-B", "/equal_steps.py", "/workloads"],
        environment={**backend.env, "OMP_NUM_THREADS": "1"},
        volumes=binds,
        tmpfs=dict.fromkeys(folders, "mode=1777,exec"),
        user=plain(os.getuid(), os.getgid()).words,
        network_mode="none",
        remove=True,
    )
    print(f"\n{name}: losses before, during and after some steps\n{output.decode()}")
    assert different_steps(output.decode()).keys() == declared
