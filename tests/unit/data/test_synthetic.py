"""The synthetic data: equal everywhere, of the real shapes, readable by every reader, learnable."""

from __future__ import annotations

import pickle
import pickletools
import tarfile
import tempfile
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from orchestrator.data import synthetic
from orchestrator.data.archives import check
from orchestrator.data.declared import SYNTHETIC_VERSION, load_datasets
from orchestrator.errors import HostError
from orchestrator.files import sha256_file

pytestmark = pytest.mark.slow

DATASETS = load_datasets()


@pytest.fixture(scope="module")
def made() -> Iterator[dict[str, Path]]:
    """All three files; 240 MB, hence not left behind in pytest's folders."""
    with tempfile.TemporaryDirectory() as folder:
        yield {name: synthetic.make(name, d.file, Path(folder)) for name, d in DATASETS.items()}


@pytest.fixture(scope="module")
def mnist(made: dict[str, Path]) -> dict[str, np.ndarray]:
    with np.load(made["mnist"], allow_pickle=False) as npz:
        return dict(npz)


@pytest.fixture(scope="module")
def cifar(made: dict[str, Path]) -> dict[str, bytes]:
    """The pickles of the first and the test batch, and the meta data."""
    with tarfile.open(made["cifar10"]) as tar:
        return {
            name: tar.extractfile(f"cifar-10-batches-py/{name}").read()  # type: ignore[union-attr]
            for name in ("data_batch_1", "test_batch", "batches.meta")
        }


@pytest.mark.parametrize("name", DATASETS)
def test_the_bytes_are_those_of_every_other_machine(made: dict[str, Path], name: str) -> None:
    """If this fails because the generator was changed: raise VERSION and record the new hash."""
    assert sha256_file(made[name]) == DATASETS[name].synthetic
    check(made[name], DATASETS[name].arrays, DATASETS[name].members)


def test_a_file_is_made_once_and_its_name_tells_the_version(tmp_path: Path) -> None:
    path = synthetic.make("babi", DATASETS["babi"].file, tmp_path)
    assert path.name == f"babi_tasks_1-20_v1-2.synthetic-v{SYNTHETIC_VERSION}.tar.gz"
    stamp = path.stat().st_mtime_ns
    assert synthetic.make("babi", DATASETS["babi"].file, tmp_path) == path
    assert path.stat().st_mtime_ns == stamp
    path.unlink()
    assert sha256_file(synthetic.make("babi", DATASETS["babi"].file, tmp_path)) == DATASETS["babi"].synthetic


def test_a_cache_that_cannot_be_written_is_the_hosts_fault(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(HostError, match="cannot write"):
        synthetic.make("babi", DATASETS["babi"].file, tmp_path / "file")


def test_mnist_has_the_real_shapes(mnist: dict[str, np.ndarray]) -> None:
    assert {name: (array.shape, str(array.dtype)) for name, array in mnist.items()} == {
        "x_train": ((60_000, 28, 28), "uint8"),
        "y_train": ((60_000,), "uint8"),
        "x_test": ((10_000, 28, 28), "uint8"),
        "y_test": ((10_000,), "uint8"),
    }
    assert np.bincount(mnist["y_train"]).tolist() == [6_000] * 10


def test_mnist_is_learnable_but_not_trivial(mnist: dict[str, np.ndarray]) -> None:
    train, test = mnist["x_train"][:5_000], mnist["x_test"][:1_000]
    score = centroid_accuracy(train, mnist["y_train"][:5_000], test, mnist["y_test"][:1_000])
    assert 0.5 < score < 0.95
    assert len(np.unique(mnist["x_train"].reshape(60_000, -1)[:1_000], axis=0)) == 1_000


def test_cifar_has_the_official_layout(cifar: dict[str, bytes]) -> None:
    for name in ("data_batch_1", "test_batch"):
        batch = pickle.loads(cifar[name], encoding="bytes")
        assert set(batch) == {b"batch_label", b"labels", b"data", b"filenames"}
        assert (batch[b"data"].shape, str(batch[b"data"].dtype)) == ((10_000, 3_072), "uint8")
        assert np.bincount(batch[b"labels"]).tolist() == [1_000] * 10
        assert len(batch[b"filenames"]) == 10_000
    meta = pickle.loads(cifar["batches.meta"], encoding="bytes")
    assert meta[b"label_names"][3] == b"cat"
    assert (meta[b"num_cases_per_batch"], meta[b"num_vis"]) == (10_000, 3_072)


def test_cifar_pickles_suit_python_2(cifar: dict[str, bytes]) -> None:
    for content in cifar.values():
        codes = [(code.proto, code.name, argument) for code, argument, _ in pickletools.genops(content)]
        assert max(proto for proto, _, _ in codes) == 2
        names = {argument for _, name, argument in codes if name == "GLOBAL"}
        assert names <= {"numpy.core.multiarray _reconstruct", "numpy ndarray", "numpy dtype"}


def test_cifar_is_learnable_but_not_trivial(cifar: dict[str, bytes]) -> None:
    train, test = (pickle.loads(cifar[n], encoding="bytes") for n in ("data_batch_1", "test_batch"))
    score = centroid_accuracy(
        train[b"data"], np.array(train[b"labels"]), test[b"data"][:1_000], np.array(test[b"labels"])[:1_000]
    )
    assert 0.25 < score < 0.9


def centroid_accuracy(train: np.ndarray, labels: np.ndarray, test: np.ndarray, expected: np.ndarray) -> float:
    """How often the nearest of the class means is the right class (chance: 0.1)."""
    flat, probe = (images.reshape(len(images), -1).astype(np.float32) for images in (train, test))
    means = np.stack([flat[labels == label].mean(0) for label in range(10)])
    distance = (means**2).sum(1) - 2 * probe @ means.T
    return float((distance.argmin(1) == expected).mean())
