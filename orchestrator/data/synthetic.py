"""Makes synthetic stand-ins for the data sets: shapes and file formats of the real ones, learnable, reproducible.

Only integer arithmetic on a frozen random stream goes into them, so a file has the same sha256 on every
machine and with every version of Python and numpy. Results on them say nothing about real accuracy.
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import IO, Any

import numpy as np

from orchestrator.data.archives import write_npz, write_tar_gz
from orchestrator.data.babi import babi_text
from orchestrator.data.declared import DATA_MODE, synthetic_path
from orchestrator.files import cache_locked, disk_errors, replacing

Bytes = np.ndarray[Any, np.dtype[np.uint8]]

#: Which strokes of a seven-segment display each digit lights: top, upper right, lower right, bottom,
#: lower left, upper left, middle.
_SEGMENTS = ("012345", "12", "01643", "01623", "5612", "05623", "056234", "012", "0123456", "012356")
#: Pixels by which a digit may be off the centre, either way.
_SHIFTS = range(-2, 3)
_LABELS = ("airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck")


def make(dataset: str, file: str, cache: Path) -> Path:
    """The synthetic file for `dataset` (mnist, cifar10, babi), made unless it is there.

    Safe with other processes doing the same. Raises HostError where the cache cannot be written.
    """
    path = synthetic_path(file, cache)
    with cache_locked(path):
        if not path.is_file():
            with disk_errors(path, "cache"), replacing(path, DATA_MODE) as stream:
                _WRITERS[dataset](stream)
    return path


def _write_mnist(stream: IO[bytes]) -> None:
    """x_*: 60,000 and 10,000 images (28, 28) of uint8; y_*: their digits."""
    table = _digit_table()
    arrays: dict[str, Bytes] = {}
    for part, samples, seed in (("train", 60_000, 11), ("test", 10_000, 12)):
        rng = np.random.RandomState(seed)
        labels = _balanced_labels(samples, rng)
        images = _draw(table, labels, rng, _with_speckle)
        arrays |= {f"x_{part}": images.reshape(samples, 28, 28), f"y_{part}": labels}
    write_npz(stream, arrays)


def _write_cifar10(stream: IO[bytes]) -> None:
    """Five training batches and a test batch of 10,000 images each, as pickles that Python 2 can read."""
    write_tar_gz(stream, _cifar_files())


def _write_babi(stream: IO[bytes]) -> None:
    """1,000 training and 1,000 test questions of task 2."""
    name = "tasks_1-20_v1-2/en/qa2_two-supporting-facts_{}.txt"
    write_tar_gz(stream, [(name.format(part), babi_text(part).encode()) for part in ("train", "test")])


_WRITERS: dict[str, Callable[[IO[bytes]], None]] = {
    "mnist": _write_mnist,
    "cifar10": _write_cifar10,
    "babi": _write_babi,
}


def _balanced_labels(samples: int, rng: np.random.RandomState) -> Bytes:
    """Equally many of each of ten classes (uint8), shuffled."""
    order = np.argsort(_random(samples, rng, "<u4"), kind="stable")
    labels: Bytes = (np.arange(samples) % 10).astype(np.uint8)[order]
    return labels


def _random(count: int, rng: np.random.RandomState, dtype: str = "u1") -> np.ndarray[Any, Any]:
    return np.frombuffer(rng.bytes(count * np.dtype(dtype).itemsize), dtype)


def _draw(
    table: Bytes,
    labels: Bytes,
    rng: np.random.RandomState,
    finish: Callable[[Bytes, np.random.RandomState], Bytes],
) -> Bytes:
    """One random appearance per label. `table`: (classes, appearances, pixels) -> (samples, pixels)."""
    images = np.empty((len(labels), table.shape[2]), np.uint8)
    for start in range(0, len(labels), 2_000):  # in pieces, to limit the memory of the noise
        chunk = labels[start : start + 2_000]
        which = _random(len(chunk), rng, "<u4") % table.shape[1]
        images[start : start + len(chunk)] = finish(table[chunk, which], rng)
    return images


def _with_speckle(images: Bytes, rng: np.random.RandomState) -> Bytes:
    """Varies the ink (0.5 to 1) and adds grain up to 31, saturating at 255."""
    ink = 128 + _random(len(images), rng).astype(np.uint16)[:, None] // 2
    grain = (_random(images.size, rng) >> 3).reshape(images.shape)
    inked: Bytes = np.minimum(images * ink // 256 + grain, 255).astype(np.uint8)
    return inked


def _with_contrast(images: Bytes, rng: np.random.RandomState) -> Bytes:
    """Varies the contrast (0.25 to 0.75) and the brightness (+-32) and adds noise (+-48)."""
    contrast = 64 + _random(len(images), rng).astype(np.int16)[:, None] // 2
    light = _random(len(images), rng).astype(np.int16)[:, None] // 4 - 32
    noise = _random(images.size, rng).reshape(images.shape).astype(np.int16) * 3 // 8 - 48
    picture = (images.astype(np.int16) - 128) * contrast // 256
    lit: Bytes = np.clip(picture + 128 + light + noise, 0, 255).astype(np.uint8)
    return lit


def _digit_table() -> Bytes:
    """Seven-segment digits, thin and bold, short and tall, upright and slanted, shifted by up to 2 pixels."""
    digits = []
    for lit in _SEGMENTS:
        looks = [
            _blurred(_digit(lit, thick, height, slant))
            for thick in (2, 3)
            for height in (14, 18)
            for slant in (-1, 0, 1)
        ]
        digits.append([np.roll(look, (dy, dx), (0, 1)) for look in looks for dy in _SHIFTS for dx in _SHIFTS])
    return np.array(digits, np.uint8).reshape(10, -1, 28 * 28)


def _digit(lit: str, thick: int, height: int, slant: int) -> Bytes:
    top, left, width, half = 14 - height // 2, 9, 10, height // 2
    canvas = np.zeros((28, 28), np.uint8)
    boxes = (
        (0, 0, thick, width),
        (0, width - thick, half, thick),
        (half, width - thick, half, thick),
        (height - thick, 0, thick, width),
        (half, 0, half, thick),
        (0, 0, half, thick),
        (half - thick // 2, 0, thick, width),
    )
    for y, x, rows, columns in (boxes[int(segment)] for segment in lit):
        canvas[top + y : top + y + rows, left + x : left + x + columns] = 255
    for row in range(28):
        canvas[row] = np.roll(canvas[row], slant * (14 - row) // 4)
    return canvas


def _blurred(image: Bytes) -> Bytes:
    soft = image.astype(np.uint16)
    for axis in (0, 1):
        soft = (np.roll(soft, 1, axis) + 2 * soft + np.roll(soft, -1, axis)) // 4
    return soft.astype(np.uint8)


def _colour_table() -> Bytes:
    """Two soft colour fields per class, seen through windows shifted by up to 16 pixels, mirrored or not."""
    rng = np.random.RandomState(21)
    classes = []
    for _ in range(10):
        fields = [_colour_field(rng) for _ in range(2)]
        corners = [(y, x) for y in range(0, 17, 2) for x in range(0, 17, 2)]
        windows = [field[:, y : y + 32, x : x + 32] for field in fields for y, x in corners]
        classes.append(windows + [window[:, :, ::-1] for window in windows])
    return np.array(classes, np.uint8).reshape(10, -1, 3 * 32 * 32)


def _colour_field(rng: np.random.RandomState) -> Bytes:
    """(3, 48, 48): a 7 x 7 grid of random colours, interpolated linearly."""
    grid = _random(3 * 7 * 7, rng).reshape(3, 7, 7).astype(np.int32)
    cell, part = np.divmod(np.arange(48), 8)
    rows = grid[:, cell] * (8 - part)[:, None] + grid[:, cell + 1] * part[:, None]
    both = rows[:, :, cell] * (8 - part) + rows[:, :, cell + 1] * part
    field: Bytes = (both // 64).astype(np.uint8)
    return field


def _cifar_files() -> Iterator[tuple[str, bytes]]:
    table = _colour_table()
    titles = {f"data_batch_{n}": f"training batch {n} of 5" for n in range(1, 6)}
    for number, (name, title) in enumerate({**titles, "test_batch": "testing batch 1 of 1"}.items()):
        rng = np.random.RandomState(30 + number)
        labels = _balanced_labels(10_000, rng)
        images = _draw(table, labels, rng, _with_contrast)
        yield f"cifar-10-batches-py/{name}", _batch_pickle(images, labels, title)
    names = b"".join(_text(label) for label in _LABELS)
    meta = _text("label_names") + b"](" + names + b"e" + _text("num_cases_per_batch") + _number(10_000)
    yield "cifar-10-batches-py/batches.meta", b"\x80\x02}(" + meta + _text("num_vis") + _number(3072) + b"u."


def _batch_pickle(images: Bytes, labels: Bytes, title: str) -> bytes:
    """{batch_label, labels, data, filenames} as Python 2 pickled it (protocol 2, byte strings).

    Spelt out in opcodes because Python 3 writes bytes in another way, which is larger and slow to read.
    """
    array = (
        b"cnumpy.core.multiarray\n_reconstruct\n"
        b"cnumpy\nndarray\n" + _number(0) + b"\x85" + _text("b") + b"\x87R"
        b"(" + _number(1) + _number(images.shape[0]) + _number(images.shape[1]) + b"\x86"
        b"cnumpy\ndtype\n" + _text("u1") + _number(0) + _number(1) + b"\x87R"
        b"(" + _number(3) + _text("|") + b"NNN" + _number(-1) + _number(-1) + _number(0) + b"tb"
        b"\x89T" + struct.pack("<i", images.size) + images.tobytes() + b"tb"
    )
    numbers = b"".join(_number(int(label)) for label in labels)
    files = b"".join(_text(f"synthetic_{index:05d}.png") for index in range(len(labels)))
    fields = {"batch_label": _text(title), "labels": b"](" + numbers + b"e", "data": array}
    fields["filenames"] = b"](" + files + b"e"
    return b"\x80\x02}(" + b"".join(_text(key) + value for key, value in fields.items()) + b"u."


def _text(value: str) -> bytes:
    return b"U" + struct.pack("<B", len(value)) + value.encode("ascii")


def _number(value: int) -> bytes:
    return b"J" + struct.pack("<i", value)
