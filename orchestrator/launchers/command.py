"""Runs a job as a container through a runtime's command line: podman, apptainer, srun, or a `docker` of one's own.

The command runs under a reaper (reaper.py), as processes do. Its standard input is the lifeline of the container: when
it ends, everything ends, also when the orchestrator was killed; what an engine keeps is then removed by name.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path

import msgspec

from orchestrator.errors import HostError
from orchestrator.files import last_line, own_folder
from orchestrator.launchers import cgroups, reaper
from orchestrator.launchers.command_line import other_argv, run_argv
from orchestrator.launchers.container import Image, caches_of, container_spec, user_of
from orchestrator.launchers.job_user import owning
from orchestrator.launchers.launcher import Probe, RunContext
from orchestrator.launchers.runtimes import Runtime, given_up, not_given
from orchestrator.launchers.spec import ContainerSpec
from orchestrator.launchers.supervise import GRACE_S as CHILD_GRACE_S
from orchestrator.launchers.supervise import Command, ProcessProbe, Supervisor, oom_kills
from orchestrator.launchers.sweep import inspect_containers
from orchestrator.model import Device, Exit, Job, Launch, Usage

#: Two final commands and a pause between them (see reaper.py), with room for an engine under load.
GRACE_S = 25.0
#: How long a probe looks for a container that is being started.
STARTING_S = 30.0
PROXIES = ("HTTP_PROXY", "HTTPS_PROXY", "FTP_PROXY", "NO_PROXY", "ALL_PROXY")
PROXY_NAMES = (*PROXIES, *(name.lower() for name in PROXIES))
#: Variables by which the caller changes what apptainer does: binds, options, a job's own environment.
STEERING = ("APPTAINER_", "APPTAINERENV_", "SINGULARITY_", "SINGULARITYENV_")
#: Those of them that only say where it works, and as whom.
HARMLESS = {
    f"{prefix}_{name}"
    for prefix in ("APPTAINER", "SINGULARITY")
    for name in ("CACHEDIR", "TMPDIR", "CONFIGDIR", "DOCKER_USERNAME", "DOCKER_PASSWORD")
}


class CommandLauncher:
    """`Launcher` over a runtime's command line. `cache_dir` holds the caches of a runtime without named volumes."""

    def __init__(self, runtime: Runtime, context: RunContext, images: Mapping[str, Image], cache_dir: Path) -> None:
        self._runtime = runtime
        self._context = context
        self._images = images
        self._cache_dir = cache_dir
        self._supervisor = Supervisor(ahead=True)

    def describe(self, job: Job, device: Device, out: Path) -> Launch:
        command = run_argv(self._runtime, self._spec(job, device, out), "SCRATCH")
        unconfined = [*self._runtime.unconfined, *not_given(self._context.lacks), *given_up(self._context.weakened)]
        return self._images[job.stack].launch(self._runtime.name, command, unconfined)

    def launch(self, job: Job, device: Device, out: Path, log: Path, watch: Callable[[Probe], None]) -> Exit:
        if self._supervisor.stopping.is_set():
            return Exit(cancelled=True)
        spec, kills = self._spec(job, device, out), oom_kills()
        try:
            self._make_caches(job)
            refused = self._unsupported(spec)
            if refused:
                return Exit(error=refused)
            with self._writable(out), self._scratch() as scratch:
                code, timed_out = self._supervisor.run(
                    self._command(spec, device, scratch), job.timeout_s, log, watch, self._probe_of(spec)
                )
        except OSError as error:
            return Exit(error=f"cannot start {error.filename}: {error.strerror}")
        except HostError as error:
            return Exit(error=error.message)
        return self._exit(code, timed_out, oom_kills() > kills, log)

    def stop(self) -> None:
        self._supervisor.stop()

    def _spec(self, job: Job, device: Device, out: Path) -> ContainerSpec:
        spec = container_spec(self._context, self._images, job, device, out)
        image = self._images[job.stack]
        binds = [(self._place(host), inside, mode) for host, inside, mode in spec.binds]
        return msgspec.structs.replace(spec, image=image.file or image.digest, binds=binds, keep_out=list(PROXY_NAMES))

    def _place(self, host: str) -> str:
        """A path, or the name of a volume; where there is no engine, a volume is a folder of ours."""
        if host.startswith("/") or self._runtime.images.store == "engine":
            return host
        return str(self._cache_dir / host)

    def _make_caches(self, job: Job) -> None:
        for volume in caches_of(self._context, self._images[job.stack], job).values():
            place = self._place(volume)
            if place.startswith("/"):
                own_folder(Path(place), 0o700)

    def _unsupported(self, spec: ContainerSpec) -> str:
        """Why the job cannot be started: a path that the command line cannot hold, a user that it cannot be; or ""."""
        for host, _, _ in spec.binds:
            if ":" in host or "," in host:
                return f"{host}: a path with ':' or ',' cannot be written on {self._runtime.name}'s command line"
            if host.startswith("/") and not Path(host).exists():  # docker would make a folder of that name
                return f"{host} is not there any more"
        if os.getuid() == 0 and not self._runtime.sets_user:
            return f"{self._runtime.name} runs a job as whoever starts it, and jobs must not be root"
        return ""

    def _command(self, spec: ContainerSpec, device: Device, scratch: str) -> Command:
        final = other_argv(self._runtime, self._runtime.end, name=spec.name)
        return Command(
            argv=with_path(run_argv(self._runtime, spec, scratch)),
            environment=kept_environment(os.environ),
            folder="/",
            cores=device.cores,
            final=with_path(final) if final else (),
            grace_s=GRACE_S if final else CHILD_GRACE_S,
        )

    @contextlib.contextmanager
    def _writable(self, out: Path) -> Iterator[None]:
        """Lets the job write to `out`, where the runtime runs it as another user."""
        with owning(out, user_of(self._context)) if self._runtime.sets_user else contextlib.nullcontext():
            yield

    @contextlib.contextmanager
    def _scratch(self) -> Iterator[str]:
        """A temporary folder for the container's own, where the runtime needs one; else ""."""
        if not self._runtime.needs_scratch:
            yield ""
            return
        with tempfile.TemporaryDirectory(prefix="keras-orchestrate-", ignore_cleanup_errors=True) as folder:
            yield folder

    def _probe_of(self, spec: ContainerSpec) -> Callable[[int], Probe]:
        """Makes the probe of the running job from the reaper's process id."""
        if self._runtime.usage == "children":
            return ProcessProbe
        if self._runtime.usage == "none" or not self._runtime.inspect:
            return lambda pid: lambda: None
        inspect = with_path(other_argv(self._runtime, self._runtime.inspect, name=spec.name))
        return lambda pid: ContainerProbe(inspect, pid)

    def _exit(self, code: int, timed_out: bool, killed_some: bool, log: Path) -> Exit:
        stopped = self._supervisor.stopping.is_set()
        natural = not timed_out and not stopped
        error = None
        if natural and code in self._runtime.could_not_start:
            error = f"{self._runtime.name} could not start it (exit code {code}): {last_line(log) or 'it said nothing'}"
        return Exit(
            code=code,
            timed_out=timed_out,
            oom=natural and killed_some and code == 128 + signal.SIGKILL,
            cancelled=stopped,
            error=error,
        )


class ContainerProbe:
    """Reads what a container uses, from its control group, or from its processes if they are below the reaper.

    `inspect` is the argv that describes the container; it is asked until there is one.
    """

    def __init__(self, inspect: Sequence[str], reaper_pid: int) -> None:
        self._inspect = inspect
        self._reaper_pid = reaper_pid
        self._end = time.monotonic() + STARTING_S
        self._reader: Probe | None = None

    def __call__(self) -> Usage | None:
        if self._reader is None and time.monotonic() < self._end:
            self._reader = self._found()
        return self._reader() if self._reader else None

    def _found(self) -> Probe | None:
        for container in inspect_containers(self._inspect):
            pid = container.get("State", {}).get("Pid") or 0
            if pid == 0:
                continue
            group = cgroups.find(pid, container.get("Id", ""))
            if group or pid not in reaper.descendants(self._reaper_pid):  # an engine elsewhere has numbers of its own
                return group
            return ProcessProbe(pid)
        return None


def kept_environment(own: Mapping[str, str]) -> dict[str, str]:
    """The caller's environment without what would silently change a job: proxies, and settings of the runtime."""
    return {
        key: value
        for key, value in own.items()
        if key not in PROXY_NAMES and (key in HARMLESS or not key.startswith(STEERING))
    }


def with_path(argv: Sequence[str]) -> list[str]:
    """argv with the absolute path of its program. Raises FileNotFoundError."""
    path = shutil.which(argv[0])
    if path is None:
        raise FileNotFoundError(2, "it is not on the search path", argv[0])
    return [path, *argv[1:]]
