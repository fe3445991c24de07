"""Data sets as declared in datasets.yaml: their files, official places and hashes."""

from __future__ import annotations

from importlib import resources
from pathlib import Path

import msgspec

from orchestrator.model import Name, Noun, Positive, Sha256


class Place(Noun, frozen=True, kw_only=True):
    """One address of a data set; `size` in bytes. Without `sha256` the first download's is recorded."""

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
    roots: list[str] = []

    @property
    def official(self) -> frozenset[str]:
        """The published sha256 hashes."""
        return frozenset(place.sha256 for place in self.places if place.sha256)


def load_datasets() -> dict[str, Dataset]:
    """All known data sets by name, from the datasets.yaml that ships with the package."""
    text = resources.files("orchestrator.data").joinpath("datasets.yaml").read_bytes()
    entries = msgspec.yaml.decode(text)
    named = {name: {"name": name, **entry} for name, entry in entries.items()}
    return msgspec.convert(named, dict[str, Dataset])


#: Part of the file names. Raise it with every change of the content (and update datasets.yaml).
SYNTHETIC_VERSION = 1


def synthetic_path(file: str, cache: Path) -> Path:
    """Where the synthetic stand-in for the in-job file name `file` lies in the cache."""
    stem, _, suffix = file.partition(".")
    return cache / f"{stem}.synthetic-v{SYNTHETIC_VERSION}.{suffix}"
