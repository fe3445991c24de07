"""A command composed of a plan: what chooses the jobs, and nothing that acts beyond them or that strangers add."""

from __future__ import annotations

import shlex

import msgspec
import pytest

from orchestrator.model import OwnFile, Workload
from orchestrator.plan.config import Config, load_config, override
from orchestrator.run.again import composed
from tests.make import make_plan


def plan_of(config, **changes):
    return make_plan(config=msgspec.to_builtins(config), **changes)


def test_a_preset_is_named_with_what_differs_from_it():
    config = override(load_config("modern"), backends=["torch", "jax"], scale="gpu", device="gpu", repeats=3)
    assert composed(plan_of(config)) == (
        "orchestrate run --config modern --backend torch --backend jax --device gpu --scale gpu"
    )


def test_a_configuration_of_ones_own_is_told_by_options():
    config = Config(stacks=["keras[12]*"], launcher="process", deterministic=True, threads=2)
    assert shlex.split(composed(plan_of(config)))[2:] == [
        *("--stack", "keras[12]*", "--launcher", "process", "--deterministic", "--threads", "2")
    ]


def test_files_are_named_without_their_folder_and_in_place_of_workloads():
    own = OwnFile(path="/home/me/my.py", sha256="a" * 64, contract="script")
    file = Workload(name="my", title="my.py", dataset=None, batch_size=None, parameters=None, scales={}, own=own)
    assert composed(plan_of(Config(workloads=["my"]), workloads=[file])) == "orchestrate run my.py"
    evil = msgspec.structs.replace(file, own=msgspec.structs.replace(own, path="/x/--root=y.py"))
    assert composed(plan_of(Config(), workloads=[evil])) == ""


@pytest.mark.parametrize(
    "changes",
    [
        {"weaken": ["network"]}, {"network": True}, {"executor": "slurm"}, {"gpu_route": "cdi"},
        {"stacks": ["--root"]}, {"stacks": ["a; rm"]}, {"launcher": "/tmp/mine.yaml"}, {"stacks": ["a/b"]},
        {"scale": 7}, {"backends": [f"b{i}" for i in range(40)]},
    ],
)  # fmt: skip
def test_what_acts_or_is_no_plain_name_makes_no_command(changes):
    plan = plan_of(Config())
    assert composed(plan) == "orchestrate run"
    assert composed(msgspec.structs.replace(plan, config={**plan.config, **changes})) == ""
