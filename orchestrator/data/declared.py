"""The data sets that datasets.yaml declares: their files, the places that publish them, and hashes."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import msgspec

from orchestrator.data.contents import Content
from orchestrator.errors import UserError
from orchestrator.files import PACKAGE, read_yaml
from orchestrator.model import Name, Noun, Positive, Sha256


class Place(Noun, frozen=True, kw_only=True):
    """One address of a file; `size` in bytes. Without `sha256` that of the first download is recorded."""

    url: str
    sha256: Sha256 | None = None
    size: Positive | None = None


class Dataset(Noun, frozen=True, kw_only=True):
    """One data set. See datasets.yaml for the meaning of each field."""

    name: Name
    title: str
    file: str
    accepted: list[str]
    places: list[Place]
    synthetic: Sha256
    arrays: dict[str, list[int]] = {}
    members: list[str] = []
    content: Content | None = None
    classes: Positive = 10
    roots: list[str] = []


def load_datasets() -> dict[str, Dataset]:
    """All known data sets by name, from the file that ships with the package."""
    entries = read_yaml(PACKAGE / "data" / "datasets.yaml", dict[str, dict[str, Any]])
    named = {name: {"name": name, **entry} for name, entry in entries.items()}
    return msgspec.convert(named, dict[str, Dataset])


def known(datasets: Mapping[str, Dataset], name: str) -> Dataset:
    """The data set of this name. Raises UserError, with the names there are, for any other."""
    if name not in datasets:
        raise UserError(
            f"no data set is called {name!r}",
            f"There are: {', '.join(datasets)}. A model with data of your own: orchestrate my.py",
        )
    return datasets[name]


#: Permissions of the data files that we make: the jobs of root run as nobody, who must be able to read them.
DATA_MODE = 0o644
#: Part of the names of synthetic files. Raise it with every change of the content (and update datasets.yaml).
SYNTHETIC_VERSION = 1


def synthetic_path(file: str, cache: Path) -> Path:
    """Where the synthetic stand-in for the in-job file name `file` lies in the cache."""
    stem, _, suffix = file.partition(".")
    return cache / f"{stem}.synthetic-v{SYNTHETIC_VERSION}.{suffix}"
