"""The readers of Keras' own layouts, on archives made here, and the augmentation."""

from __future__ import annotations

import hashlib
import os
import pickle
import tarfile
from itertools import islice
from pathlib import Path

import data
import numpy as np
import pytest

from tests.workloads.archives import STORIES, add


def test_mnist_is_scaled_limited_and_shaped(mnist: Path) -> None:
    samples = data.mnist(str(mnist), 200, 1000, (28, 28, 1))
    assert samples.x.shape == (200, 28, 28, 1) and samples.x_val.shape == (128, 28, 28, 1)
    assert samples.x.dtype == samples.y.dtype == np.float32
    assert samples.x.min() >= 0 and samples.x.max() <= 1
    assert (samples.y.sum(axis=1) == 1).all()


def test_cifar10_reads_batches_in_their_order(cifar10: Path) -> None:
    samples = data.cifar10(str(cifar10), 50000, 2, "channels_last")
    assert samples.x.shape == (20, 32, 32, 3) and samples.x_val.shape == (2, 32, 32, 3)
    assert samples.y.argmax(axis=1).tolist() == [i for i in (1, 2, 3, 4, 5) for _ in range(4)]
    assert samples.y_val.argmax(axis=1).tolist() == [9, 9]
    assert samples.x[0, 0, 0, 0] == np.float32(50) / 255  # data_batch_1 is the last in the archive


def test_a_plain_tar_and_names_with_a_dot_read_the_same(cifar10: Path, babi: Path, tmp_path: Path) -> None:
    for path, read in (
        (cifar10, lambda path: data.cifar10(path, 9, 2, "channels_last")),
        (babi, lambda path: data.babi(path, 2, 1)),
    ):
        with tarfile.open(path) as packed, tarfile.open(tmp_path / path.name, "w") as plain:
            for member in packed:
                content = packed.extractfile(member)
                member.name = "./" + member.name
                plain.addfile(member, content)
        old, new = read(str(path)), read(str(tmp_path / path.name))
        assert all(np.array_equal(a, b) for a, b in zip(old.x, new.x, strict=True))
        assert np.array_equal(old.y, new.y)


def test_cifar10_in_both_orders_of_axes_is_the_same(cifar10: Path) -> None:
    last = data.cifar10(str(cifar10), 3, 1, "channels_last").x
    first = data.cifar10(str(cifar10), 3, 1, "channels_first").x
    assert first.shape == (3, 3, 32, 32)
    assert np.array_equal(first.transpose(0, 2, 3, 1), last)
    assert first.flags.c_contiguous and last.flags.c_contiguous


def test_an_incomplete_cifar10_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "cifar.tar.gz"
    with tarfile.open(path, "w:gz") as archive:
        add(archive, "cifar-10-batches-py/test_batch", pickle.dumps({}, protocol=2))
    with pytest.raises(ValueError, match="not the python version of CIFAR-10"):
        data.cifar10(str(path), 1, 1, "channels_last")


class Evil:
    def __reduce__(self) -> tuple:
        return os.mkdir, ("/tmp/should-never-exist",)


@pytest.mark.parametrize("payload", [Evil(), {b"data": Evil()}])
def test_a_pickle_cannot_run_code(tmp_path: Path, payload: object) -> None:
    path = tmp_path / "cifar.tar.gz"
    with tarfile.open(path, "w:gz") as archive:
        add(archive, "cifar-10-batches-py/data_batch_1", pickle.dumps(payload, protocol=2))
    with pytest.raises(pickle.UnpicklingError, match="no place in a data file"):
        data.cifar10(str(path), 1, 1, "channels_last")


def test_stories_are_what_was_told_so_far() -> None:
    samples = data.parse_stories(STORIES)
    assert [answer for _, _, answer in samples] == ["bathroom", "hall", "nowhere"]
    assert [len(story) for story, _, _ in samples] == [11, 17, 5]
    assert samples[0][1] == ["Where", "is", "Mary", "?"]
    assert samples[2][0] == ["Sandra", "got", "the", "ball", "."]


def test_babi_pads_in_front_and_numbers_sorted_words(babi: Path) -> None:
    samples = data.babi(str(babi), 2, 1)
    stories, questions = samples.x
    assert stories.shape == (2, 17) and questions.shape == (2, 5)
    assert stories.dtype == np.int32
    words = sorted({w for s, q, a in data.parse_stories(STORIES) for w in [*s, *q, a]})
    assert samples.y.shape == (2, len(words) + 1)
    assert stories[0][:6].tolist() == [0] * 6
    assert words[stories[0][6] - 1] == "Mary"
    assert words[samples.y[1].argmax() - 1] == "hall"
    assert [x.shape[0] for x in samples.x_val] == [1, 1]


def test_babi_keeps_some_questions_for_validation(babi: Path) -> None:
    assert len(data.babi(str(babi), 950, 50).y_val) == 1


def test_babi_without_its_task_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "babi.tar.gz"
    with tarfile.open(path, "w:gz") as archive:
        add(archive, "tasks_1-20_v1-2/en/qa1_single-supporting-fact_train.txt", b"")
    with pytest.raises(ValueError, match="lacks"):
        data.babi(str(path), 1, 1)


def test_sha256_is_of_the_file(tmp_path: Path) -> None:
    (tmp_path / "x").write_bytes(b"abc" * 1_000_000)
    assert data.sha256(str(tmp_path / "x")) == hashlib.sha256(b"abc" * 1_000_000).hexdigest()


def one(images: np.ndarray, down: int, right: int, flipped: bool, order: str = "channels_last") -> np.ndarray:
    entries = [np.array([value]) for value in (0, down, right, flipped)]
    return data.shifted_and_flipped(images, *entries, order)[0]


def test_shift_then_flip_against_numpy() -> None:
    image = np.arange(5 * 6 * 3).reshape(5, 6, 3)
    padded = np.pad(image, ((3, 3), (3, 3), (0, 0)), mode="edge")
    for down in (-3, 0, 2):
        for right in (-2, 0, 3):
            moved = padded[3 + down : 8 + down, 3 + right : 9 + right]
            assert np.array_equal(one(image[None], down, right, False), moved)
            assert np.array_equal(one(image[None], down, right, True), moved[:, ::-1])


def test_both_orders_of_axes_are_augmented_alike() -> None:
    images = np.random.RandomState(0).rand(40, 8, 8, 3).astype("float32")
    labels = np.eye(40)
    last = data.augmented_batches(images, labels, 16, 7, 0.1, "channels_last")
    first = data.augmented_batches(images.transpose(0, 3, 1, 2), labels, 16, 7, 0.1, "channels_first")
    for (x, y), (u, v) in islice(zip(last, first, strict=True), 5):
        assert np.array_equal(x, u.transpose(0, 2, 3, 1)) and np.array_equal(y, v)
        assert x.dtype == np.float32


def test_short_batches_are_dropped_and_epochs_differ() -> None:
    images = np.zeros((40, 32, 32, 3), dtype="float32")
    labels = np.eye(40)
    endless = data.augmented_batches(images, labels, 16, 0, 0.1, "channels_last")
    batches = [y.argmax(axis=1) for _, y in islice(endless, 4)]
    first, second = np.concatenate(batches[:2]), np.concatenate(batches[2:])
    assert len(set(first)) == len(set(second)) == 32
    assert not np.array_equal(first, second)


def test_shifts_reach_a_tenth_of_the_image_and_half_is_flipped() -> None:
    column = np.arange(32, dtype="float32")
    images = np.broadcast_to(column[None, None, :, None], (64, 32, 32, 1))
    batches = data.augmented_batches(images, np.zeros((64, 1)), 64, 1, 0.1, "channels_last")
    seen = np.concatenate([x[:, 16, 15:17, 0] for x, _ in islice(batches, 40)])
    flipped = seen[:, 1] < seen[:, 0]
    assert 0.45 < flipped.mean() < 0.55
    shifts = seen[~flipped][:, 0] - 15
    assert set(shifts) == {-3, -2, -1, 0, 1, 2, 3}
