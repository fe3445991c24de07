"""Whether the files inside an archive can be trained on: looked at as the workloads will, before a job is started."""

from __future__ import annotations

import codecs
import io
import pickle
import re
from typing import Any, Literal

#: How the files of a data set are made: pickled batches of images (CIFAR-10), or numbered sentences (bAbI).
Content = Literal["batches", "stories"]
PIXELS = 3072
#: A line of a story: its number, and a sentence or a question with its answer behind a tab.
LINE = re.compile(r"\d+ \S.*")


class BadArchive(ValueError):
    """Why an archive cannot be used, in words for people, on one line."""


def check_content(name: str, data: bytes, content: Content, classes: int) -> None:
    """Raises BadArchive for a file that no workload could read. No class is loaded but arrays."""
    if content == "batches":
        _check_batch(name, data, classes)
    else:
        _check_stories(name, data)


def check_labels(name: str, labels: Any, classes: int) -> None:
    """Raises BadArchive for a label that is none of 0 to `classes` - 1."""
    import numpy as np

    odd = np.asarray(labels)
    odd = odd[(odd < 0) | (odd >= classes)]
    if odd.size:
        raise BadArchive(f"{name} has the label {odd[0]}, expected 0 to {classes - 1}")


def _check_batch(name: str, data: bytes, classes: int) -> None:
    """A dictionary of images (n, 3072) and as many labels, as Python 2 or 3 pickled it."""
    import numpy as np

    try:
        batch = _Arrays(io.BytesIO(data), encoding="bytes").load()
        images, labels = batch[b"data"], batch[b"labels"]
        shape, kind = images.shape, str(images.dtype)
    except Exception as error:  # a pickle may raise anything
        words = " ".join(str(error).split()) or type(error).__name__
        raise BadArchive(f"{name} is no batch of images ({words[:200]})") from error
    if len(shape) != 2 or shape[1] != PIXELS or kind != "uint8" or not shape[0]:
        raise BadArchive(f"{name} has images of shape {shape} and type {kind}, expected (images, {PIXELS}) and uint8")
    numbers = np.asarray(labels) if isinstance(labels, list | np.ndarray) else np.empty(0)
    if numbers.shape != shape[:1] or numbers.dtype.kind not in "iu":
        raise BadArchive(f"{name} has no list of {shape[0]} labels")
    check_labels(name, numbers, classes)


def _check_stories(name: str, data: bytes) -> None:
    try:
        lines = data.decode("utf-8").strip().splitlines()
    except UnicodeDecodeError as error:
        raise BadArchive(f"{name} is no text in UTF-8") from error
    for number, line in enumerate(lines, 1):
        if not LINE.fullmatch(line.strip()):
            raise BadArchive(f"{name} has a line {number} that is no sentence of a story")
    # One to train on and one to validate with; the last words of a question are its answer.
    if sum("\t" in line for line in lines) < 2:
        raise BadArchive(f"{name} has less than two questions")


class _Arrays(pickle.Unpickler):
    """Loads arrays and plain containers only, as workloads/data.py does: a pickle may otherwise run any code."""

    def find_class(self, module: str, name: str) -> Any:
        import numpy as np

        if name == "_reconstruct" and module in ("numpy.core.multiarray", "numpy._core.multiarray"):
            return np.empty(0).__reduce__()[0]
        if module == "numpy" and name in ("ndarray", "dtype"):
            return getattr(np, name)
        if (module, name) in (("__builtin__", "bytes"), ("builtins", "bytes")):
            return bytes
        if (module, name) == ("_codecs", "encode"):
            return codecs.encode
        raise pickle.UnpicklingError(f"{module}.{name} has no place in a data file")
