"""The data sets as data: file names, official places, checksums, expected contents."""

from __future__ import annotations

from importlib import resources

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
    text = resources.files("orchestrator").joinpath("datasets.yaml").read_bytes()
    entries = msgspec.yaml.decode(text)
    named = {name: {"name": name, **entry} for name, entry in entries.items()}
    return msgspec.convert(named, dict[str, Dataset])
