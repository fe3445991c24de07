"""What is inside of archives: what our own synthetic data and their readers agree on."""

from __future__ import annotations

import pytest

from orchestrator.data.archives import check
from orchestrator.data.contents import BadArchive, check_content, check_labels
from orchestrator.data.declared import load_datasets
from orchestrator.data.synthetic import make
from tests.unit.data.test_archives import STORIES, batch

DATASETS = load_datasets()


@pytest.mark.parametrize("name", ["babi", pytest.param("cifar10", marks=pytest.mark.slow)])
def test_what_we_make_ourselves_passes(name, tmp_path):
    dataset = DATASETS[name]
    check(make(name, dataset.file, tmp_path), {}, dataset.members, dataset.content, dataset.classes)


def test_each_kind_of_content_is_told_from_the_other():
    check_content("m", batch(), "batches", 10)
    check_content("m", STORIES.encode(), "stories", 10)
    for content, data in (("stories", batch()), ("batches", STORIES.encode())):
        with pytest.raises(BadArchive, match=r"^m "):
            check_content("m", data, content, 10)


def test_labels_are_those_of_the_classes():
    check_labels("y", [0, 9], 10)
    with pytest.raises(BadArchive, match="y has the label 9, expected 0 to 8"):
        check_labels("y", [0, 9], 9)
