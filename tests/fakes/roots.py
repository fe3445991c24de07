"""A catalogue of misbehaving workloads on the real stacks: a folder for --root."""

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
    shutil.copytree(ROOT / "docker", folder / "docker", ignore=shutil.ignore_patterns("__pycache__", "cuda"))
    (folder / "workloads").mkdir()
    shutil.copy(HERE / "stub_run.py", folder / "workloads" / "run.py")
    scale = f"{{epochs: 2, train: 64, validation: 32, timeout_s: {timeout_s}}}"
    entries = [
        f"  - {{name: {name}, title: {name}, dataset: mnist, batch_size: 32, parameters: 10, "
        f"scales: {{smoke: {scale}, quick: {scale}, article: {scale}}}}}\n"
        for name in workloads
    ]
    (folder / "workloads" / "workloads.yaml").write_text("workloads:\n" + "".join(entries))
    return folder


GPU_STACKS = """
bases:
  any: {tag: "any:1", digest: "sha256:%(zeros)s", suite: bookworm}
stacks:
  - name: stub-old
    title: CUDA 8 stub
    era: "2017"
    python: "%(python)s"
    keras: 2.0.8
    base: any
    backends: [{name: theano, title: Theano, package: {gpu: Theano}}]
    images: {gpu: {gpu_needs: {cuda: "8.0", min_driver: "375.26", compute_capability: ["3.0", "6.2"]}}}
  - name: stub-today
    title: CUDA 13 stub
    era: today
    python: "%(python)s"
    keras: 3.15.1
    base: any
    backends: [{name: jax, title: JAX, package: {gpu: jax}}]
    images: {gpu: {gpu_needs: {cuda: "13.0", min_driver: "580.65.06", compute_capability: ["7.5"]}}}
"""


def make_gpu_root(folder: Path, workloads: list[str]) -> Path:
    """A catalogue with an old and a new stack for GPUs, whose environments are empty: nothing is installed."""
    make_root(folder, workloads)
    version = {"python": f"{sys.version_info[0]}.{sys.version_info[1]}", "zeros": "0" * 64}
    (folder / "docker" / "stacks.yaml").write_text(GPU_STACKS % version)
    for name in ("stub-old-gpu", "stub-today-gpu"):
        for suffix in ("in", "txt"):
            (folder / "docker" / "requirements" / f"{name}.{suffix}").write_text("")
    return folder


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
