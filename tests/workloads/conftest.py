"""The workloads are scripts that find each other in their own folder, so the tests look there."""

from __future__ import annotations

import pickle
import sys
import tarfile
from pathlib import Path

import numpy as np
import pytest

from tests.workloads.archives import STORIES, WORKLOADS, add

sys.path.insert(0, str(WORKLOADS))


@pytest.fixture
def mnist(tmp_path: Path) -> Path:
    """A tiny mnist.npz of 256 + 128 digits."""
    random = np.random.RandomState(0)
    path = tmp_path / "mnist.npz"
    np.savez(
        path,
        x_train=random.randint(0, 256, (256, 28, 28)).astype("uint8"),
        y_train=random.randint(0, 10, 256).astype("uint8"),
        x_test=random.randint(0, 256, (128, 28, 28)).astype("uint8"),
        y_test=random.randint(0, 10, 128).astype("uint8"),
    )
    return path


@pytest.fixture
def cifar10(tmp_path: Path) -> Path:
    """A tiny CIFAR-10 of 5 x 4 + 4 images, the batches in no particular order."""
    path = tmp_path / "cifar-10-python.tar.gz"
    with tarfile.open(path, "w:gz") as archive:
        for number, name in enumerate(["data_batch_4", "test_batch", *(f"data_batch_{i}" for i in (3, 2, 5, 1))]):
            images = np.full((4, 3072), 10 * number, dtype="uint8")
            batch = {b"data": images, b"labels": [int(name[-1]) if name[-1].isdigit() else 9] * 4}
            add(archive, f"cifar-10-batches-py/{name}", pickle.dumps(batch, protocol=2))
        add(archive, "cifar-10-batches-py/readme.html", b"<html/>")
    return path


@pytest.fixture
def babi(tmp_path: Path) -> Path:
    """A tiny bAbI: task 2 in both lengths, of which only the short one may be read."""
    path = tmp_path / "babi_tasks_1-20_v1-2.tar.gz"
    with tarfile.open(path, "w:gz") as archive:
        for part in ("train", "test"):
            for folder, text in (("en", STORIES), ("en-10k", "1 Wrong file.\n2 Wrong? \tyes\t1\n")):
                name = f"tasks_1-20_v1-2/{folder}/qa2_two-supporting-facts_{part}.txt"
                add(archive, name, text.encode())
    return path
