"""How a job runs on this machine: the one seam between measuring and the engine.

`describe` says what would be started, without side effects. `launch` blocks until the job has ended
for whatever reason and leaves nothing behind; it hands `watch` a probe of the running job. `stop`, from any
thread, ends everything that this launcher has started or is about to start.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Protocol

from orchestrator.model import Device, Exit, Job, Launch, Usage

#: Reads what the running job has used so far; None once it is gone.
Probe = Callable[[], Usage | None]


class Launcher(Protocol):
    def describe(self, job: Job, device: Device, out: Path) -> Launch: ...

    def launch(self, job: Job, device: Device, out: Path, log: Path, watch: Callable[[Probe], None]) -> Exit: ...

    def stop(self) -> None: ...
