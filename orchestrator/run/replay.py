"""Plans a recorded run or job again: the same jobs, and what cannot be the same, in words. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import msgspec

from orchestrator import __version__
from orchestrator.errors import UserError
from orchestrator.launchers.runtimes import check_launcher, recorded_name
from orchestrator.model import DataFile, Fingerprint, Host, Job, Plan, Result
from orchestrator.plan.config import Config
from orchestrator.text import public

#: Fingerprint field -> what it means when it differs. Paths, ids and pinned cores may always differ.
MEANINGS = {
    "image_digest": "the image is another build: compiled code and packages may differ",
    "dockerfile_sha256": "the image is made from another Dockerfile",
    "keras_spec": "another Keras is in place",
    "packages_sha256": "the packages that the script asked for are others",
    "workloads_sha256": "the workload scripts are other files: times are not comparable",
    "data_sha256": "the data set is another file: nothing is comparable",
    "launcher": "jobs are started in another way",
    "host": "this is another host",
    "cpu": "this is another processor",
    "cores": "the host has another number of cores",
    "memory_mb": "the host has another amount of memory",
    "os": "another operating system",
    "machine": "another machine of the same name",
    "virtualization": "another hypervisor or container around it",
    "cpu_quota": "another CPU quota: times are not comparable",
    "gpu_name": "another GPU: times are not comparable",
    "gpu_uuid": "another GPU of the same kind may do",
    "driver": "another GPU driver",
    "threads": "another number of threads: times are not comparable",
    "orchestrator": "another version of the orchestrator",
    "commit": "another commit of this project",
}
#: What older records do not say.
ADDED = ("machine", "virtualization", "cpu_quota")
#: Memory is read off a running machine; what differs by less is the same machine.
MEMORY_SLACK_MB = 64


def same_plan(plan: Plan, run_id: str, created: str, only: str | None = None) -> Plan:
    """The plan under a new run id, or just the job called `only`; jobs left out then stay out.

    It is for this host, wherever the recorded one ran.
    """
    jobs = [job for job in plan.jobs if only in (None, job.id)]
    skipped = [skip for skip in plan.skipped if only is None]
    config = {**plan.config, "executor": "local"}
    return Plan(
        run_id=run_id,
        created=created,
        config=config,
        seed=plan.seed,
        jobs=jobs,
        skipped=skipped,
        workloads=plan.workloads,
        stacks=plan.stacks,
        layers=plan.layers,
    )


def same_config(plan: Plan, launcher: str | None) -> Config:
    """The recorded configuration for this host, with the launcher that was used then unless another is asked for.

    Only the plan is asked: it alone says whose it is, and results may have been changed.
    """
    try:
        config = msgspec.convert(plan.config, Config)
    except msgspec.ValidationError as error:
        raise UserError(f"the configuration of {plan.run_id} is of another version: {error}") from error
    chosen = launcher or plan.setup.get("launcher") or config.launcher
    check_launcher(chosen)
    return msgspec.structs.replace(config, launcher=chosen, executor="local")


def refuse_other_data(then: Plan, now: Mapping[str, DataFile], jobs: Sequence[Job]) -> None:
    """Raises UserError where these jobs would read other data than those on record: nothing could be compared."""
    for name in sorted({job.dataset for job in jobs if job.dataset}):
        before, after = then.data.get(name), now.get(name)
        if before and after and before.sha256 != after.sha256:
            raise UserError(
                f"{name} is {_short(before.sha256)} ({before.kind}) on record, and {after.path} is "
                f"{_short(after.sha256)} ({after.kind}): no time could be compared",
                "--data-dir FOLDER names the folder of the recorded file; --other-data replays all the same",
            )


def known_beforehand(host: Host, scripts: str, launcher: str) -> dict[str, Any]:
    """Those fields of a fingerprint that are known of any job here before anything is made ready."""
    return {
        "workloads_sha256": scripts,
        "host": host.name,
        "cpu": host.cpu,
        "cores": len(host.cores),
        "memory_mb": host.memory_mb,
        "os": host.os,
        "machine": host.machine,
        "virtualization": host.virtualization,
        "orchestrator": __version__,
        **({} if launcher == "auto" else {"launcher": recorded_name(launcher)}),
    }


def differences(recorded: Mapping[str, Result], now: Mapping[str, Mapping[str, Any]], jobs: Sequence[Job]) -> list[str]:
    """What cannot be the same, one line each, with the stacks or data sets that it concerns."""
    found: dict[str, dict[str, None]] = {}
    for job in jobs:
        before = recorded[job.id].fingerprint if job.id in recorded else None
        if before is None:
            found.setdefault("nothing is known of how it ran then", {})[job.id] = None
        elif job.id in now:
            for text in _differences(before, now[job.id]):
                found.setdefault(text, {})[job.stack] = None
    return [f"{text} ({', '.join(where)})" for text, where in found.items()]


def _differences(then: Fingerprint, now: Mapping[str, Any]) -> Iterator[str]:
    for name, meaning in MEANINGS.items():
        if name not in now or (name in ADDED and then.machine is None):
            continue
        if name == "data_sha256" and then.data_kind == "own":  # it made up its samples, and will again
            continue
        a, b = getattr(then, name), now[name]
        if a != b and not (name == "memory_mb" and abs(a - b) <= MEMORY_SLACK_MB):
            yield f"{name}: {_short(a)} then, {_short(b)} now; {meaning}"


def _short(value: Any) -> str:
    text = "none" if value is None else public(str(value))
    return text if len(text) <= 40 else text[:19] + "..."
