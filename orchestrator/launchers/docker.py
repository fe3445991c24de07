"""Runs a job as a hardened container of a Docker engine.

The container's standard input is its lifeline, which the launcher holds. When the orchestrator dies, however it dies,
the engine closes that pipe and the workload ends itself, so no container outlives whoever started it.
"""

from __future__ import annotations

import contextlib
import functools
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import msgspec

from orchestrator.errors import HostError
from orchestrator.host.docker_sdk import connection_errors, docker_sdk, explanation
from orchestrator.launchers import cgroups, runtimes
from orchestrator.launchers.command_line import run_argv
from orchestrator.launchers.container import Image, container_spec, user_of
from orchestrator.launchers.job_user import owning
from orchestrator.launchers.launcher import Probe, RunContext
from orchestrator.launchers.log import pump
from orchestrator.launchers.spec import ContainerSpec
from orchestrator.launchers.supervise import ProcessProbe
from orchestrator.launchers.sweep import LABEL
from orchestrator.model import Device, Exit, Job, Launch, Usage

MIB = 2**20


class DockerLauncher:
    """`Launcher` over the Docker SDK. One instance serves any number of threads."""

    def __init__(
        self,
        client: Any,
        context: RunContext,
        images: Mapping[str, Image],
        grace_s: float = 1.0,
        patience_s: float = 120.0,
    ) -> None:
        """`grace_s`: for the last output of an ended job; `patience_s`: for an engine that is away to come back."""
        self._client = client
        self._context = context
        self._images = images
        self._grace_s = grace_s
        self._patience_s = patience_s
        self._stopping = threading.Event()
        self._lock = threading.Lock()
        self._running: dict[str, Any] = {}

    def describe(self, job: Job, device: Device, out: Path) -> Launch:
        command = docker_run(container_spec(self._context, self._images, job, device, out))
        context = self._context
        unconfined = [*runtimes.not_given(context.lacks), *runtimes.given_up(context.weakened)]
        return self._images[job.stack].launch("docker", command, unconfined)

    def launch(self, job: Job, device: Device, out: Path, log: Path, watch: Callable[[Probe], None]) -> Exit:
        if self._stopping.is_set():
            return Exit(cancelled=True)
        spec = container_spec(self._context, self._images, job, device, out)
        self._await_engine()  # being upgraded, it must not cost the jobs of a night
        try:
            with owning(out, user_of(self._context)), self._container(spec) as container:
                return self._supervise(container, job.timeout_s, log, watch)
        except docker_sdk().errors.ImageNotFound:
            return Exit(error=f"image {spec.image} is missing; `orchestrate build --stack {job.stack}` makes it")
        except docker_sdk().errors.DockerException as error:
            return Exit(error=f"the engine refused: {_reason(error)}")
        except HostError as error:
            return Exit(error=error.message)
        except connection_errors() as error:
            return Exit(error=f"lost the engine: {_reason(error)}")

    def stop(self) -> None:
        self._stopping.set()
        with self._lock:
            containers = list(self._running.values())
        for container in containers:
            _kill(container)

    @contextlib.contextmanager
    def _container(self, spec: ContainerSpec) -> Iterator[Any]:
        """A container that was created and not yet started; it is removed at the end, whatever happens."""
        for volume in spec.volumes:  # one that is there already stays as it is
            self._client.volumes.create(volume, labels={LABEL: "cache"})
        container = self._client.containers.create(**spec.engine_arguments())
        with self._lock:
            self._running[spec.name] = container
        try:
            yield container
        finally:
            with self._lock:
                self._running.pop(spec.name, None)
            if not _remove(container) and self._await_engine():
                _remove(container)

    @functools.cached_property
    def _has_groups(self) -> bool:
        """Whether containers have control groups of their own; without, the engine's figures are of the whole host."""
        return bool(self._client.info().get("CgroupDriver") != "none")

    def _await_engine(self) -> bool:
        """Waits until the engine answers, but not when the run is being stopped; whether it does."""
        end = time.monotonic() + self._patience_s
        while not _answers(self._client):
            if time.monotonic() > end or self._stopping.wait(0.5):
                return False
        return True

    def _supervise(self, container: Any, timeout_s: float, log: Path, watch: Callable[[Probe], None]) -> Exit:
        with contextlib.ExitStack() as streams:
            streams.callback(_close, container.attach_socket(params={"stdin": 1, "stream": 1}))
            output = container.attach(stdout=True, stderr=True, stream=True)
            streams.callback(_close, output)
            return self._watched(container, output, timeout_s, log, watch)

    def _watched(
        self, container: Any, output: Any, timeout_s: float, log: Path, watch: Callable[[Probe], None]
    ) -> Exit:
        copier = threading.Thread(target=pump, args=(output, log), daemon=True)
        copier.start()
        ended: dict[str, Any] = {}
        waiter = threading.Thread(target=_wait, args=(container, ended), daemon=True)
        deadline = time.monotonic() + timeout_s
        container.start()
        if self._stopping.is_set():  # stopped since it was made: one that does not run yet cannot be killed
            _kill(container)
        waiter.start()
        watch(probe_of(container, self._has_groups))
        waiter.join(max(0.0, deadline - time.monotonic()))
        timed_out = waiter.is_alive() and not self._stopping.is_set()
        if waiter.is_alive():
            _kill(container)
            waiter.join(10)
        copier.join(self._grace_s)
        return self._exit(container, ended, timed_out)

    def _exit(self, container: Any, ended: Mapping[str, Any], timed_out: bool) -> Exit:
        if "error" in ended:
            return Exit(error=f"lost the engine: {_reason(ended['error'])}", cancelled=self._stopping.is_set())
        container.reload()
        state = container.attrs["State"]
        code = ended.get("code")
        return Exit(
            code=code,
            timed_out=timed_out,
            # The engine also says so when a child was killed and the job got over it.
            oom=bool(state.get("OOMKilled")) and code != 0 and not timed_out,
            cancelled=self._stopping.is_set(),
            error=state.get("Error") or None,
        )


def docker_run(spec: ContainerSpec) -> list[str]:
    """The equivalent `docker run` for a person to type; it leaves nothing behind either.

    It lacks our labels: a sweep would take it for a job whose orchestrator is gone.
    """
    program, verb, *rest = run_argv(runtimes.load("docker"), msgspec.structs.replace(spec, labels={}))
    return [program, verb, *(["--userns", spec.userns] if spec.userns else []), *rest]


def probe_of(container: Any, has_groups: bool = True) -> Probe:
    """A reader of what a started container uses: from its control group if that is here, else from the engine.

    Where the engine has no groups, from the processes below the container's first one.
    """
    with contextlib.suppress(Exception):  # a job that ended at once; the engine's answer then tells as much
        container.reload()
        pid = container.attrs["State"]["Pid"]
        reader = cgroups.find(pid, container.id)
        if reader is not None:
            return reader
        if not has_groups and cgroups.mounted_in(pid, container.id):
            return ProcessProbe(pid)
    return (lambda: engine_usage(container)) if has_groups else (lambda: None)


def engine_usage(container: Any) -> Usage | None:
    """Processor time and resident memory of a running container, from the engine's statistics: about 1 s a call."""
    try:
        stats = container.client.api.stats(container.id, stream=False, one_shot=True)
    except Exception:  # whatever it is, a missing reading is an absent sample, never a failed job
        return None
    memory = stats.get("memory_stats", {}).get("stats", {})
    resident = memory.get("total_rss", memory.get("anon"))  # cgroup v1, v2
    cpu = stats.get("cpu_stats", {}).get("cpu_usage", {}).get("total_usage")
    if not cpu or resident is None:
        return None
    return Usage(cpu_s=cpu / 1e9, rss_mb=resident / MIB)


def _wait(container: Any, ended: dict[str, Any]) -> None:
    try:
        ended["code"] = container.wait(timeout=None)["StatusCode"]
    except Exception as error:
        ended["error"] = error


def _kill(container: Any) -> None:
    with contextlib.suppress(Exception):  # already gone is what was wanted
        container.kill()


def _close(stream: Any) -> None:
    """Closes the connection of an SDK's stream too, which would else stay open until it is garbage collected."""
    for part in (stream, getattr(stream, "_response", None)):
        with contextlib.suppress(Exception):
            part.close()  # type: ignore[union-attr]


def _answers(client: Any) -> bool:
    with contextlib.suppress(Exception):
        return bool(client.ping())
    return False


def _remove(container: Any) -> bool:
    """Removes the container; whether it is gone for sure. Retried, as the engine may still be tearing it down."""
    for pause in (0.0, 0.2, 1.0):
        time.sleep(pause)
        try:
            container.remove(force=True, v=True)
            return True
        except docker_sdk().errors.NotFound:
            return True
        except Exception:
            continue
    return False


def _reason(error: BaseException) -> str:
    return explanation(error).strip().splitlines()[0]
