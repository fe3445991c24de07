"""Folders for tests: catalogues of misbehaving workloads for --root, data, the program of a stub runtime."""

from __future__ import annotations

import functools
import io
import shutil
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent.parent


def make_root(folder: Path, workloads: list[str], timeout_s: int = 60) -> Path:
    """docker/ as it is, workloads/ with tests/fakes/stub_run.py and one entry per name."""
    shutil.copytree(ROOT / "docker", folder / "docker", ignore=shutil.ignore_patterns("__pycache__", "cuda", "eras"))
    make_script(folder / "workloads")
    scale = f"{{epochs: 2, train: 64, validation: 32, timeout_s: {timeout_s}}}"
    entries = [
        f"  - {{name: {name}, title: {name}, dataset: mnist, batch_size: 32, parameters: 10, "
        f"scales: {{smoke: {scale}, quick: {scale}, article: {scale}}}}}\n"
        for name in workloads
    ]
    (folder / "workloads" / "workloads.yaml").write_text("workloads:\n" + "".join(entries))
    return folder


def make_script(folder: Path) -> Path:
    """A folder with stub_run.py as the run.py that launchers start."""
    folder.mkdir(parents=True)
    shutil.copy(HERE / "stub_run.py", folder / "run.py")
    return folder


def make_runtime(folder: Path) -> Path:
    """A stub `apptainer` in `folder`, to be put on the search path, and the file of a runtime that uses it.

    The runtime is apptainer's but for the user: tests may run as root.
    """
    folder.mkdir(parents=True)
    program = folder / "apptainer"
    program.write_text(f"#!{sys.executable}\n{(HERE / 'stub_apptainer.py').read_text()}")
    program.chmod(0o755)
    runtime = folder / "stub.yaml"
    runtime.write_text("{like: apptainer, hardening: {user: [--security, 'uid:{user}']}}")
    return runtime


#: The two stacks of a catalogue whose environments are empty: nothing is installed. %(python)s is this Python.
GPU_STACKS = """
bases:
  any: {tag: "any:1", digest: "sha256:%(zeros)s", suite: bookworm}
stacks:
  - name: stub-old
    title: CUDA 8 stub
    released: "2017-08"
    article: true
    python: "%(python)s"
    keras: 2.0.8
    base: any
    backends: [{name: theano, title: Theano, package: {gpu: Theano}}]
    images: {gpu: {gpu_needs: {cuda: "8.0", min_driver: "375.26", compute_capability: ["3.0", "6.2"]}}}
  - name: stub-today
    title: CUDA 13 stub
    released: "2026-07"
    python: "%(python)s"
    keras: 3.15.1
    base: any
    backends: [{name: jax, title: JAX, package: {gpu: jax}}]
    images: {gpu: {gpu_needs: {cuda: "13.0", min_driver: "580.65.06", compute_capability: ["7.5"]}}}
"""
CPU_STACKS = """
bases:
  any: {tag: "any:1", digest: "sha256:%(zeros)s", suite: bookworm}
stacks:
  - name: stub
    title: stub with a cache
    released: "2017-08"
    article: true
    python: "%(python)s"
    keras: 2.0.8
    base: any
    backends: [{name: theano, title: Theano, package: {cpu: Theano}}]
    caches: [{name: compiled, path: /cache, why: to have one}]
    images: {cpu: {}}
  - name: stub-nowhere
    title: stub for a Python that no host has
    released: "2026-07"
    python: "1.5"
    keras: 3.15.1
    base: any
    backends: [{name: jax, title: JAX, package: {cpu: jax}}]
    images: {cpu: {}}
"""


def make_gpu_root(folder: Path, workloads: list[str]) -> Path:
    """A catalogue with an old and a new stack for GPUs."""
    return _with_stacks(make_root(folder, workloads), GPU_STACKS, "stub-old-gpu", "stub-today-gpu")


def make_cpu_root(folder: Path, workloads: list[str]) -> Path:
    """A catalogue with a stack for CPUs, and one that cannot be had."""
    return _with_stacks(make_root(folder, workloads), CPU_STACKS, "stub-cpu", "stub-nowhere-cpu")


def _with_stacks(root: Path, stacks: str, *locks: str) -> Path:
    version = {"python": f"{sys.version_info[0]}.{sys.version_info[1]}", "zeros": "0" * 64}
    (root / "docker" / "stacks.yaml").write_text(stacks % version)
    for name in locks:
        for suffix in ("in", "txt"):
            (root / "docker" / "requirements" / f"{name}.{suffix}").write_text("")
    return root


def make_data(folder: Path) -> Path:
    """A data folder with a tiny mnist.npz of the right form."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "mnist.npz").write_bytes(_mnist())
    return folder


@functools.cache
def _mnist() -> bytes:
    import numpy

    images, labels = numpy.zeros((60000, 28, 28), "u1"), numpy.arange(60000, dtype="u1") % 10
    file = io.BytesIO()
    numpy.savez_compressed(file, x_train=images, y_train=labels, x_test=images[:10000], y_test=labels[:10000])
    return file.getvalue()
