"""Runs a job as a plain process in the virtual environment of its stack: no engine, no isolation, same figures.

Its lifeline is the same as a container's: a pipe that is held open, and when it ends, the job ends. In between runs a
reaper (reaper.py), which kills whatever the job has started, also when the orchestrator was killed.
"""

from __future__ import annotations

import errno
import os
import signal
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Literal

from orchestrator.errors import HostError
from orchestrator.files import own_folder
from orchestrator.host import makers
from orchestrator.launchers.caches import cache_name
from orchestrator.launchers.launcher import Probe, RunContext
from orchestrator.launchers.supervise import Command, Supervisor, oom_kills
from orchestrator.launchers.workload import KERAS_DATASETS, PACKAGES, Places, job_environment, script_arguments
from orchestrator.model import Device, Exit, Job, Launch, Noun


class Interpreter(Noun, frozen=True, kw_only=True):
    """The Python of one stack's environment; `lock_sha256` names what is installed in it.

    `by`: whether that is the hash of its lock, or of the packages that were found there.
    """

    python: str
    lock_sha256: str
    by: Literal["lock", "found"] = "lock"
    env: dict[str, str] = {}
    keras_spec: str | None = None


class ProcessLauncher:
    """`Launcher` over processes, each under a reaper in a session of its own. `cache_dir` holds compiled code."""

    def __init__(self, context: RunContext, interpreters: Mapping[str, Interpreter], cache_dir: Path) -> None:
        self._context = context
        self._interpreters = interpreters
        self._cache_dir = cache_dir
        self._supervisor = Supervisor(ahead=True)

    def describe(self, job: Job, device: Device, out: Path) -> Launch:
        environment, argv = self._environment(job, device, out), self._argv(job, out)
        assignments = [f"{key}={value}" for key, value in environment.items()]
        interpreter = self._interpreters[job.stack]
        return Launch(
            launcher="process",
            command=["env", "-i", *assignments, *argv],
            image_digest=f"{interpreter.by}:sha256:{interpreter.lock_sha256}",
            keras_spec=interpreter.keras_spec,
        )

    def launch(self, job: Job, device: Device, out: Path, log: Path, watch: Callable[[Probe], None]) -> Exit:
        if self._supervisor.stopping.is_set():
            return Exit(cancelled=True)
        kills, argv = oom_kills(), self._argv(job, out)
        command = Command(
            argv=argv, environment=self._environment(job, device, out), folder=str(out), cores=device.cores
        )
        try:
            for place in self._caches(job).values():
                own_folder(Path(place), 0o700)
            if not os.access(argv[0], os.X_OK):
                raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), argv[0])
            code, timed_out = self._supervisor.run(command, job.timeout_s, log, watch)
        except OSError as error:
            return Exit(error=f"cannot start {error.filename}: {error.strerror}")
        except HostError as error:
            return Exit(error=error.message)
        stopped = self._supervisor.stopping.is_set()
        killed = code == 128 + signal.SIGKILL and not timed_out and not stopped
        return Exit(code=code, timed_out=timed_out, oom=killed and oom_kills() > kills, cancelled=stopped)

    def stop(self) -> None:
        self._supervisor.stop()

    def _argv(self, job: Job, out: Path) -> list[str]:
        context, own = self._context, self._context.own.get(job.workload)
        places = Places(
            scripts=context.workloads_dir,
            out=str(out.absolute()),
            data=context.data_of(job).path,
            own=own.path if own else "",
            more=context.more_data,
        )
        return [self._interpreters[job.stack].python, *script_arguments(job, context, places)]

    def _environment(self, job: Job, device: Device, out: Path) -> dict[str, str]:
        """The job's environment: of the caller's, it has only the search path."""
        context = self._context
        stack = context.stacks[job.stack]
        home = str(out.absolute())
        environment = {
            "PATH": os.environ.get("PATH", os.defpath),
            "LANG": "C.UTF-8",
            "HOME": home,
            "TMPDIR": home,
            **stack.images[job.device].env,
            **job_environment(job, stack.backend(job.backend)),
            **self._interpreters[job.stack].env,
        }
        if job.workload in context.own and context.keras_datasets:
            environment[KERAS_DATASETS] = context.keras_datasets
        laid = context.laid_for(job)
        if laid:
            environment[PACKAGES] = laid.path
        if device.uuid is not None:
            environment = makers.of(device.uuid).environment(device, environment, os.environ)
        caches = self._caches(job)
        for inside, here in caches.items():
            environment = {key: value.replace(inside, here) for key, value in environment.items()}
        if caches:
            environment["KERAS_ORCHESTRATE_CACHES"] = os.pathsep.join(caches.values())
        return environment

    def _caches(self, job: Job) -> dict[str, str]:
        """Where what the stack compiles is kept: the folder here, by the path that a container would have."""
        stack = self._context.stacks[job.stack]
        content = (self._interpreters[job.stack].lock_sha256, self._context.workloads_sha256)
        return {
            cache.path: str(self._cache_dir / cache_name(stack.name, cache.name, os.getuid(), *content))
            for cache in stack.caches_for(job.device)
        }
