"""The executors there are, by the name that a configuration gives them."""

from __future__ import annotations

from collections.abc import Callable

from orchestrator.executors.executor import Detachable, Executor
from orchestrator.executors.local.executor import LocalExecutor
from orchestrator.executors.slurm.executor import SlurmExecutor
from orchestrator.model import Say
from orchestrator.plan.catalog import Catalog
from orchestrator.plan.request import RunRequest

EXECUTORS: dict[str, Callable[[RunRequest, Catalog, Say], Executor]] = {"local": LocalExecutor, "slurm": SlurmExecutor}
#: Those whose jobs go on without the orchestrator.
DETACHABLE = [name for name, kind in EXECUTORS.items() if isinstance(kind, type) and issubclass(kind, Detachable)]


def choose_executor(request: RunRequest, catalog: Catalog, say: Say) -> Executor:
    """The executor that the request's configuration names. Raises HostError where it cannot be reached."""
    return EXECUTORS[request.config.executor](request, catalog, say)
