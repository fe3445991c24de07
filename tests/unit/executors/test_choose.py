"""Which executor a configuration gets, and which of them let a run go on by itself."""

from __future__ import annotations

import pytest

from orchestrator.errors import HostError
from orchestrator.executors import choose
from orchestrator.executors.local.executor import LocalExecutor
from orchestrator.executors.slurm.controller import Controller
from orchestrator.plan.catalog import load_catalog
from orchestrator.plan.config import Config, ExecutorName
from orchestrator.plan.request import RunRequest


def test_every_name_that_a_configuration_may_give_is_an_executor():
    assert set(choose.EXECUTORS) == set(ExecutorName.__args__)


def test_jobs_of_this_host_end_with_the_orchestrator_and_those_of_a_cluster_do_not():
    assert choose.DETACHABLE == ["slurm"]


def test_by_default_jobs_run_here(tmp_path):
    executor = choose.choose_executor(RunRequest(config=Config(), out=tmp_path), load_catalog(), print)
    assert isinstance(executor, LocalExecutor)


def test_a_cluster_that_cannot_be_reached_is_told_at_once(tmp_path, monkeypatch):
    def silent(self, partition):
        raise HostError("Slurm does not answer: connection refused")

    monkeypatch.setattr(Controller, "nodes", silent)
    request = RunRequest(config=Config(executor="slurm"), out=tmp_path)
    with pytest.raises(HostError, match="Slurm does not answer"):
        choose.choose_executor(request, load_catalog(), print).host()
