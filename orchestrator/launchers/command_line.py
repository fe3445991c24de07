"""The words of a runtime's commands for one container. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from orchestrator.launchers.runtimes import Each, Runtime
from orchestrator.launchers.spec import ContainerSpec


def run_argv(runtime: Runtime, spec: ContainerSpec, scratch: str = "") -> list[str]:
    """argv that runs the container and ends with it."""
    values = _values(spec, scratch)
    many = {
        "program": runtime.program,
        "hardening": [
            word
            for point, words in runtime.hardening.items()
            if point not in spec.weakened
            for word in _filled(words, values)
        ],
        "gpu": _filled(gpu_argv(runtime, spec), values),
        "rootless": _filled(runtime.rootless, values),
        "extra": _filled(runtime.extra, values),
        "command": spec.command,
        **{name: _listed(each, spec, runtime) for name, each in runtime.lists.items()},
    }
    return [word for part in runtime.run for word in _expanded(part, many, values)]


def other_argv(runtime: Runtime, words: Sequence[str], **values: str) -> list[str]:
    """argv of another command: an end, a look, an image."""
    many = {"program": runtime.program}
    return [word for part in words for word in _expanded(part, many, values)]


def gpu_argv(runtime: Runtime, spec: ContainerSpec) -> list[str]:
    if spec.gpu_uuid is None:
        return []
    return runtime.gpu.get(spec.gpu_route) or next(iter(runtime.gpu.values()))


def environment(runtime: Runtime, spec: ContainerSpec) -> dict[str, str]:
    """What the job finds in its environment."""
    if spec.gpu_uuid is None or runtime.gpu_environment is None:
        return spec.full_environment
    asked = {key: value.format(gpu=spec.gpu_uuid) for key, value in runtime.gpu_environment.items()}
    return {**spec.environment, **asked}


def _values(spec: ContainerSpec, scratch: str) -> dict[str, str]:
    return {
        "name": spec.name,
        "image": spec.image,
        "user": spec.user,
        "cores": ",".join(map(str, spec.cores)),
        "memory_mb": str(spec.memory_mb),
        "pids": str(spec.pids),
        "shm_mb": str(spec.shm_mb),
        "tmp_mb": str(spec.tmp_mb),
        "gpu": spec.gpu_uuid or "",
        "minor": "" if spec.gpu_minor is None else str(spec.gpu_minor),
        "scratch": scratch,
    }


def _listed(each: Each, spec: ContainerSpec, runtime: Runtime) -> list[str]:
    entries: list[dict[str, str]]
    if each.over == "binds":
        entries = [{"host": host, "inside": inside, "mode": mode} for host, inside, mode in spec.all_binds]
    elif each.over == "keep_out":
        entries = [{"key": name} for name in spec.keep_out]
    else:
        pairs = environment(runtime, spec) if each.over == "environment" else spec.labels
        entries = [{"key": key, "value": value} for key, value in pairs.items() if key not in each.omit]
    words = [word for entry in entries for word in _filled(each.words, entry)]
    return [each.prefix + ",".join(words)] if each.prefix and words else words


def _expanded(part: str, many: Mapping[str, Sequence[str]], values: Mapping[str, str]) -> list[str]:
    name = part[1:-1] if part.startswith("{") and part.endswith("}") else ""
    return [*many[name]] if name in many else _filled([part], values)


def _filled(words: Sequence[str], values: Mapping[str, str]) -> list[str]:
    return [word.format_map(values) for word in words]
