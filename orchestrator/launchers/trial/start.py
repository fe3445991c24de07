"""Starts a trial container on a Docker engine or by a runtime's command line, and gives what it printed."""

from __future__ import annotations

import contextlib
import os
import subprocess
import threading
from collections.abc import Iterator, Mapping
from typing import IO, Any

import msgspec

from orchestrator.host.docker_sdk import connection_errors, docker_sdk, explanation
from orchestrator.launchers.command import PROXY_NAMES, kept_environment, with_path
from orchestrator.launchers.command_line import other_argv, run_argv
from orchestrator.launchers.runtimes import Runtime
from orchestrator.launchers.spec import ContainerSpec
from orchestrator.launchers.trial.judge import Ran

#: Seconds for a container that only looks around; a runtime may have to unpack its image first.
TRIAL_S = 120
#: Bytes of what it prints that are kept.
MOST = 4 * 2**20
#: Seconds for the last words of a command that has ended.
GRACE_S = 1.0


def on_engine(client: Any, spec: ContainerSpec, seconds: float | None = None) -> Ran:
    """By the Docker SDK. The container is removed, whatever happens, and its output bounded."""
    seconds = seconds or TRIAL_S
    try:
        container = client.containers.create(**spec.engine_arguments())
        limit = threading.Timer(seconds, _remove, (container,))
        try:
            output = container.attach(stdout=True, stderr=True, stream=True)
            container.start()
            limit.start()
            printed = _bounded(output)
            over = limit.finished.is_set()
            return Ran(refusal=f"it did not end within {seconds:g} s") if over else Ran(output=printed)
        finally:
            limit.cancel()
            _remove(container)
    except (docker_sdk().errors.DockerException, *connection_errors()) as error:
        return Ran(refusal=" ".join(explanation(error).split()))


def _remove(container: Any) -> None:
    with contextlib.suppress(Exception):  # the next sweep finds it
        container.remove(force=True, v=True)


def _bounded(output: Iterator[bytes]) -> bytes:
    """What a container prints, up to MOST bytes: whoever prints more is not heard to the end."""
    pieces, size = [], 0
    for piece in output:
        pieces.append(piece)
        size += len(piece)
        if size > MOST:
            break
    return b"".join(pieces)


def by_command(runtime: Runtime, spec: ContainerSpec, seconds: float | None = None) -> Ran:
    """By the command line of a runtime with a store of its own. Its output is bounded, too."""
    seconds = seconds or TRIAL_S
    argv = run_argv(runtime, msgspec.structs.replace(spec, keep_out=list(PROXY_NAMES)))
    environment = kept_environment(os.environ)
    try:
        ended = _captured(with_path(argv), environment, seconds)
    except OSError as error:
        return Ran(refusal=f"cannot start {error.filename}: {error.strerror}")
    except subprocess.TimeoutExpired:
        with contextlib.suppress(OSError, subprocess.TimeoutExpired):
            subprocess.run(with_path(other_argv(runtime, runtime.end, name=spec.name)), capture_output=True, timeout=60)
        return Ran(refusal=f"it did not end within {seconds:g} s")
    if ended.returncode in runtime.could_not_start:
        return Ran(refusal=" ".join(ended.stderr.decode("utf-8", "replace").split()))
    return Ran(output=ended.stdout + (ended.stderr if ended.returncode else b""))


def _captured(argv: list[str], environment: Mapping[str, str], seconds: float) -> subprocess.CompletedProcess[bytes]:
    """What a command printed, up to MOST bytes of each stream: the rest is read and dropped.

    Raises OSError, subprocess.TimeoutExpired.
    """
    with subprocess.Popen(
        argv, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=environment
    ) as process:
        kept = [bytearray(), bytearray()]
        streams = zip((process.stdout, process.stderr), kept, strict=True)
        readers = [threading.Thread(target=_keep, args=pair, daemon=True) for pair in streams]
        for reader in readers:
            reader.start()
        try:
            process.wait(seconds)
        except BaseException:
            process.kill()
            raise
        for reader in readers:
            reader.join(GRACE_S)
    return subprocess.CompletedProcess(argv, process.returncode, bytes(kept[0]), bytes(kept[1]))


def _keep(stream: IO[bytes], kept: bytearray) -> None:
    with contextlib.suppress(OSError, ValueError):  # ValueError: closed meanwhile
        while piece := os.read(stream.fileno(), 2**16):
            kept += piece[: MOST - len(kept)]
