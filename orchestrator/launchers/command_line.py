"""Fills in the command templates of a runtime: the argv that runs, ends, finds or inspects a container. Pure.

A template is a list of arguments with placeholders in braces; docs/RUNTIMES.md explains them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from orchestrator.launchers.runtimes import Each, Runtime
from orchestrator.launchers.spec import ContainerSpec


def run_argv(runtime: Runtime, spec: ContainerSpec, scratch: str = "") -> list[str]:
    """The command that runs the container and ends with it. `scratch` is a temporary folder, if it needs one."""
    values = _values(spec, scratch)
    many = {
        "program": runtime.program,
        "hardening": [
            argument
            for point, template in runtime.hardening.items()
            if point not in spec.weakened
            for argument in _filled(template, values)
        ],
        "gpu": _filled(gpu_argv(runtime, spec), values),
        "rootless": _filled(runtime.rootless, values),
        "extra": [*_filled(runtime.extra, values), *(_filled(runtime.entrypoint, values) if spec.entrypoint else [])],
        "command": [spec.entrypoint, *spec.command] if spec.entrypoint and not runtime.entrypoint else spec.command,
        **{name: _listed(each, spec, runtime) for name, each in runtime.lists.items()},
    }
    return [argument for part in runtime.run for argument in _expanded(part, many, values)]


def other_argv(runtime: Runtime, template: Sequence[str], **values: str) -> list[str]:
    """Any other command of the runtime (`end`, `inspect`, `find`, those of images), from its template."""
    many = {"program": runtime.program}
    return [argument for part in template for argument in _expanded(part, many, values)]


def gpu_argv(runtime: Runtime, spec: ContainerSpec) -> list[str]:
    """The template that asks for the GPU by the chosen route; empty without a GPU."""
    if spec.gpu_uuid is None:
        return []
    if spec.gpu_files:
        files = [word.format(file=file) for file in spec.gpu_files.files for word in runtime.gpu_file]
        return files + [word.format(group=group) for group in spec.gpu_files.groups for word in runtime.gpu_group]
    return runtime.gpu.get(spec.gpu_route) or next(iter(runtime.gpu.values()))


def environment(runtime: Runtime, spec: ContainerSpec) -> dict[str, str]:
    """What the job finds in its environment."""
    if spec.gpu_uuid is None or spec.gpu_files or runtime.gpu_environment is None:
        return spec.full_environment
    asked = {key: value.format(gpu=spec.gpu_uuid) for key, value in runtime.gpu_environment.items()}
    return {**spec.environment, **asked}


def _values(spec: ContainerSpec, scratch: str) -> dict[str, str]:
    """The placeholders that stand for one text."""
    return {
        "name": spec.name,
        "image": spec.image,
        "user": spec.user,
        "cores": ",".join(map(str, spec.cores)),
        "memory_mb": str(spec.memory_mb),
        "pids": str(spec.pids),
        "shm_mb": str(spec.shm_mb),
        "tmp_mb": str(spec.tmp_mb),
        "gpu": (spec.gpu_cdi or "").partition("=")[2] or spec.gpu_uuid or "",
        "minor": "" if spec.gpu_minor is None else str(spec.gpu_minor),
        "scratch": scratch,
        "entrypoint": spec.entrypoint or "",
    }


def _listed(each: Each, spec: ContainerSpec, runtime: Runtime) -> list[str]:
    """The arguments for every entry of a list: variables, binds, labels, variables to keep out."""
    entries: list[dict[str, str]]
    if each.over == "binds":
        entries = [{"host": host, "inside": inside, "mode": mode} for host, inside, mode in spec.all_binds]
    elif each.over == "keep_out":
        entries = [{"key": name} for name in spec.keep_out]
    else:
        pairs = environment(runtime, spec) if each.over == "environment" else spec.labels
        entries = [{"key": key, "value": value} for key, value in pairs.items() if key not in each.omit]
    arguments = [argument for entry in entries for argument in _filled(each.words, entry)]
    return [each.prefix + ",".join(arguments)] if each.prefix and arguments else arguments


def _expanded(part: str, many: Mapping[str, Sequence[str]], values: Mapping[str, str]) -> list[str]:
    """One part of a template: a placeholder of any number of arguments, or an argument to be filled in."""
    name = part[1:-1] if part.startswith("{") and part.endswith("}") else ""
    return [*many[name]] if name in many else _filled([part], values)


def _filled(template: Sequence[str], values: Mapping[str, str]) -> list[str]:
    return [argument.format_map(values) for argument in template]
