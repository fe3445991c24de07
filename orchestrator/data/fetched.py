"""What earlier downloads gave, and so which files count as official. Nothing is asked of a network here."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from orchestrator.data.declared import Place
from orchestrator.files import cached_records
from orchestrator.model import Noun, Sha256
from orchestrator.text import public

RECORD = "fetched.json"


class Fetched(Noun, frozen=True, kw_only=True):
    """What one address gave the first time."""

    dataset: str
    sha256: Sha256
    size: int


def recorded(folder: Path) -> dict[str, Fetched]:
    """What earlier downloads into `folder` gave, by address. A damaged record is a HostError."""
    return cached_records(folder / RECORD, Fetched)


def known_hashes(places: Sequence[Place], folder: Path) -> frozenset[str]:
    """The hashes that make a file official: published ones, and those its places gave the first time."""
    urls = {public(place.url) for place in places}
    published = {place.sha256 for place in places if place.sha256}
    return frozenset(published | {entry.sha256 for url, entry in recorded(folder).items() if url in urls})
