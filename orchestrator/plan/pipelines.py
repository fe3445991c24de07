"""The axis `pipeline`: which stack has the library that a pipeline needs, which Keras takes it. Pure."""

from __future__ import annotations

import re

from orchestrator.model import Stack, Workload

PIPELINES = ("arrays", "tf.data", "dataloader", "pydataset", "grain")
#: The library that a pipeline is part of, and what it is called.
LIBRARIES = {"tf.data": ("tensorflow", "TensorFlow"), "dataloader": ("torch", "PyTorch"), "grain": ("grain", "Grain")}
#: The first Keras whose fit() takes it.
SINCE = {"tf.data": (2, 4), "pydataset": (2, 4), "dataloader": (3, 0), "grain": (3, 11)}


def lacking(pipeline: str, stack: Stack, workload: Workload | None) -> str:
    """Why a stack cannot feed a workload by a pipeline, "" where it can."""
    if pipeline and workload is not None and workload.makes_batches:
        return f"{workload.title} makes its batches while it trains, so there are no arrays that a pipeline could feed"
    if pipeline not in SINCE:
        return ""
    version = tuple(int(part) for part in stack.keras.split(".")[:2] if part.isdecimal())
    if len(version) == 2 and version < SINCE[pipeline]:
        first = ".".join(map(str, SINCE[pipeline]))
        return f"fit() of Keras {stack.keras} takes no {pipeline} here: {first} was the first"
    library, title = LIBRARIES.get(pipeline, ("", ""))
    if library and library not in _libraries(stack, workload):
        return f"pipeline={pipeline} needs {title}, which {stack.name} lacks"
    return ""


def _libraries(stack: Stack, workload: Workload | None) -> set[str]:
    """The distributions that a job finds, as far as they are known beforehand: `tensorflow` for each of its builds."""
    told = [backend.name for backend in stack.backends]
    told += stack.found.packages if stack.found else []
    told += stack.own.packages if stack.own else []
    told += workload.own.packages if workload is not None and workload.own else []
    names = {re.split(r"[^A-Za-z0-9._-]", line.strip(), maxsplit=1)[0].lower() for line in told}
    return {re.sub(r"^tensorflow-(cpu|gpu|rocm|macos)$|^tf-nightly.*", "tensorflow", name) for name in names}
