"""Runs the pending jobs of a plan under one executor until all have a result, or the user stops them."""

from __future__ import annotations

from orchestrator.executors.executor import Executor, Listener
from orchestrator.executors.prepared import Ready
from orchestrator.executors.signals import stop_on_signals
from orchestrator.results.folder import RunFolder


def execute(executor: Executor, ready: Ready, folder: RunFolder, listener: Listener) -> bool:
    """Whether the user stopped it. Each pending job has exactly one result then, whatever happened."""
    listener.expect(len(ready.pending))
    with stop_on_signals(executor.stop) as stopped:
        ended = sum(1 for _ in executor.run(ready, folder, listener))
    assert ended == len(ready.pending), "every planned job gives exactly one result"
    return stopped.is_set()
