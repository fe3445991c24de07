from __future__ import annotations

from pathlib import Path

import msgspec
import pytest

from orchestrator.data.declared import Place
from orchestrator.data.fetched import RECORD, Fetched, known_hashes, recorded
from orchestrator.errors import HostError

FIRST, OTHER = "1" * 64, "2" * 64


def test_what_a_place_gave_first_is_official_for_that_place_alone(tmp_path: Path) -> None:
    url = "https://example.org/toy.bin"
    given = {url: Fetched(dataset="toy", sha256=FIRST, size=1)}
    (tmp_path / RECORD).write_bytes(msgspec.json.encode(given))
    assert recorded(tmp_path) == given
    assert known_hashes([Place(url=url, sha256=OTHER)], tmp_path) == {FIRST, OTHER}
    assert known_hashes([Place(url=f"{url}.other", sha256=OTHER)], tmp_path) == {OTHER}
    assert recorded(tmp_path / "none") == {}


def test_a_damaged_record_is_told(tmp_path: Path) -> None:
    (tmp_path / RECORD).write_text("{")
    with pytest.raises(HostError, match="cannot read"):
        recorded(tmp_path)
