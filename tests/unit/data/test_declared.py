"""The data sets that ship with the package, and what a declaration may say."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest

from orchestrator.data.declared import SYNTHETIC_VERSION, Dataset, Place, load_datasets, synthetic_path

DATASETS = load_datasets()


def test_the_shipped_data_sets_are_complete() -> None:
    assert set(DATASETS) == {"mnist", "cifar10", "babi"}
    for dataset in DATASETS.values():
        assert dataset.file in dataset.accepted
        assert dataset.places
        assert bool(dataset.arrays) != bool(dataset.members)
        assert all(place.size for place in dataset.places)
        assert all(place.sha256 or place.url.startswith("https") for place in dataset.places)


def test_each_is_known_by_its_name() -> None:
    assert all(dataset.name == name for name, dataset in DATASETS.items())


def test_synthetic_files_have_names_of_their_own_with_a_version(tmp_path: Path) -> None:
    names = {synthetic_path(dataset.file, tmp_path).name for dataset in DATASETS.values()}
    assert f"mnist.synthetic-v{SYNTHETIC_VERSION}.npz" in names
    assert len(names) == len(DATASETS)
    assert not names & {name for dataset in DATASETS.values() for name in dataset.accepted}


@pytest.mark.parametrize(
    ("kind", "fields", "message"),
    [
        (Place, {"url": "https://x", "sha256": "abc"}, r"\$\.sha256"),
        (Place, {"url": "https://x", "size": 0}, r"\$\.size"),
        (Place, {"url": "https://x", "sise": 1}, "unknown field `sise`"),
        (Dataset, {"name": "mnist"}, "missing required field `title`"),
    ],
)
def test_a_wrong_declaration_is_named(kind: type, fields: dict[str, object], message: str) -> None:
    with pytest.raises(msgspec.ValidationError, match=message):
        msgspec.convert(fields, kind)
