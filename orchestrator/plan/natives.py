"""Contenders without Keras: what a library does with a model that is written for it alone (workloads/native/). Pure.

They are backends of their own beside those of a stack (`Stack.natives`), and run where they are asked for.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from fnmatch import fnmatchcase

from orchestrator.model import Job, Stack, Workload, is_native
from orchestrator.text import listed

#: The workloads that there are without Keras: those of workloads/native/names.py.
WORKLOADS = ("mnist_mlp", "cifar10_cnn", "text_transformer")
#: What can be varied of them; all else is a setting of Keras or of its model.
VARIED = ("batch_size", "threads")


def names(stacks: Sequence[Stack]) -> list[str]:
    """Every backend of these stacks, and then what they have without Keras."""
    return [b.name for s in stacks for b in s.backends] + [b.name for s in stacks for b in s.plain]


def unasked(patterns: Sequence[str], stacks: Sequence[Stack]) -> set[str]:
    """What has no Keras and is not meant: a pattern that fits a backend of Keras, such as `*`, means those alone."""
    of_keras = [b.name for s in stacks for b in s.backends]
    able = [each for each in patterns if not any(fnmatchcase(name, each) for name in of_keras)]
    return {b.name for s in stacks for b in s.plain if not any(fnmatchcase(b.name, each) for each in able)}


def why_not(job: Job, workloads: Iterable[Workload]) -> str:
    """Why a job cannot do without Keras, "" where it can or need not."""
    if not is_native(job.backend):
        return ""
    if job.workload not in WORKLOADS:
        title = next((workload.title for workload in workloads if workload.name == job.workload), job.workload)
        return f"{title} is written for Keras alone; without it there are {listed(WORKLOADS)}"
    if job.variant == "modern":
        return "the modern variant is Keras' defaults of today: without Keras there is the faithful one"
    if job.mode != "train":
        return f"--mode {job.mode} is for models of Keras: what is written without it trains"
    of_keras = [name for name in job.axes if name not in VARIED]
    if of_keras:
        return f"{listed(of_keras)} is a setting of Keras: without it {listed(VARIED)} can be varied"
    return ""
