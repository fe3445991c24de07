"""Hosts with GPUs that are not there: the real nvidia-ml-py over a stub driver, in processes of their own.

As a program it keeps such a host for a shell:  eval "$(python -m tests.fakes.nvml_host k80 /tmp/host)"
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

from tests.fakes import probed

HERE = Path(__file__).resolve().parent
SOURCE = HERE / "nvml_stub.c"
State = dict[tuple[Any, str], Any]

GAUGES = {
    "util": 0, "util_mem": 0, "temp": 40, "power_mw": 60000, "sm_mhz": 562, "mem_mhz": 2505, "max_sm_mhz": 875,
    "throttle": 1, "processes": "none", "buffer": "yes", "mem_used": 5 * 2**20,
}  # fmt: skip


def k80(gpus: int = 2) -> State:
    """The two halves of a Tesla K80 under the last driver that knows it: no energy counter."""
    state: State = {("-", "driver"): "470.256.02", ("-", "cuda"): 11040, ("-", "count"): gpus}
    for i in range(gpus):
        state |= {(i, key): value for key, value in GAUGES.items()}
        state |= {
            (i, "name"): "Tesla K80", (i, "uuid"): f"GPU-{i:08x}-aaaa-bbbb-cccc-000000000000", (i, "minor"): i,
            (i, "capability"): "3.7", (i, "mem_total"): 11441 * 2**20,
        }  # fmt: skip
    return state


def h200(gpus: int = 1) -> State:
    """Cards as one was seen at rest (probes/h200.json), each with a UUID of its own."""
    one = probed.state(probed.load("h200"))
    state: State = {key: value for key, value in one.items() if key[0] == "-"} | {("-", "count"): gpus}
    for i in range(gpus):
        state |= {(i, key): value for (gpu, key), value in one.items() if gpu == 0}
        state |= {(i, "uuid"): f"GPU-{i:08x}-aaaa-bbbb-cccc-000000000000", (i, "minor"): i}
    return state


def build(folder: Path, driver: int) -> Path:
    """The stub as libnvidia-ml.so.1 in a folder of its own. Raises CalledProcessError without a C compiler."""
    target = folder / f"driver-{driver}"
    target.mkdir(parents=True, exist_ok=True)
    library = target / "libnvidia-ml.so.1"
    flags = ["-shared", "-fPIC", "-O2", "-Wall", "-Wextra", "-Werror", "-Wl,-soname,libnvidia-ml.so.1"]
    subprocess.run(
        ["gcc", *flags, f"-DDRIVER={driver}", "-o", str(library), str(SOURCE), "-lm", "-lpthread"], check=True
    )
    return target


def build_cuda(folder: Path) -> Path:
    """A stub libcuda.so.1 in a folder; what it answers stands in the file `cuda` there. Raises CalledProcessError."""
    folder.mkdir(parents=True, exist_ok=True)
    flags = ["-shared", "-fPIC", "-O2", "-Wall", "-Wextra", "-Werror", "-Wl,-soname,libcuda.so.1"]
    target = str(folder / "libcuda.so.1")
    subprocess.run(["gcc", *flags, "-o", target, str(HERE / "cuda_stub.c"), "-ldl"], check=True)
    return folder


class StubHost:
    """A host's state, as a file that the stub reads; `environment` makes a process live on that host."""

    def __init__(self, library: Path, folder: Path, state: State) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.library = library
        self.folder = folder
        self.state = dict(state)
        self.write()

    def set(self, gpu: Any, **values: Any) -> None:
        """Changes values; None removes one: the metric is then not supported."""
        for key, value in values.items():
            if value is None:
                self.state.pop((gpu, key), None)
            else:
                self.state[gpu, key] = value
        self.write()

    def write(self) -> None:
        # "all" first: it overrules every other key of its GPU.
        ordered = sorted(self.state.items(), key=lambda item: item[0][1] != "all")
        path = self.folder / "state"
        fresh = path.with_suffix(".new")
        fresh.write_text("".join(f"{gpu} {key} {value}\n" for (gpu, key), value in ordered))
        fresh.replace(path)

    @property
    def environment(self) -> dict[str, str]:
        locks = self.folder / "locks"
        locks.mkdir(exist_ok=True)
        return {
            **os.environ,
            "LD_LIBRARY_PATH": str(self.library),
            "NVML_STUB_STATE": str(self.folder / "state"),
            "KERAS_ORCHESTRATE_LOCK_DIR": str(locks),
            "PYTHONPATH": str(HERE.parent.parent),
        }

    def python(self, code: str, *words: str) -> str:
        """What a Python program prints on this host."""
        argv = [sys.executable, "-c", code, *words]
        answer = subprocess.run(argv, env=self.environment, capture_output=True, text=True, timeout=60)
        assert answer.returncode == 0, answer.stderr
        return answer.stdout


if __name__ == "__main__":
    kind, place = sys.argv[1], Path(sys.argv[2])
    drivers = {"k80": (470, k80()), "h200": (580, h200())}
    version, hosts_state = drivers[kind]
    host = StubHost(build(place, version), place, hosts_state)
    for name in ("LD_LIBRARY_PATH", "NVML_STUB_STATE", "KERAS_ORCHESTRATE_LOCK_DIR"):
        print(f"export {name}={host.environment[name]}")
