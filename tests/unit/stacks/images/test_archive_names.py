"""Names that engines take from an archive: every form in which an engine writes them."""

from __future__ import annotations

import json

import pytest

from orchestrator.stacks.images.archive_names import IMAGE_NAME, REF_NAME, Ambiguous, images_in

NAME = "keras-orchestrate/one:1-cpu"
MANIFEST = json.dumps([{"Config": "blobs/sha256/c", "RepoTags": [NAME], "Layers": []}]).encode()
MEMBERS = {"blobs/sha256/c": "c" * 64}


def index(**notes: str) -> bytes:
    return json.dumps({"manifests": [{"digest": "sha256:m", "annotations": notes}]}).encode()


@pytest.mark.parametrize(
    "notes",
    [
        {IMAGE_NAME: f"docker.io/{NAME}", REF_NAME: "1-cpu"},  # Docker 25 and later
        {IMAGE_NAME: f"docker.io/{NAME}", REF_NAME: NAME},
        {REF_NAME: NAME},
    ],
)
def test_both_lists_name_the_same_image_by_either_number(notes):
    told = {"manifest.json": MANIFEST, "index.json": index(**notes)}
    assert images_in(told, MEMBERS) == {NAME: {"sha256:" + "c" * 64, "sha256:m"}}


def test_an_old_engine_writes_repositories_too():
    repository, _, tag = NAME.partition(":")
    told = {"manifest.json": MANIFEST, "repositories": json.dumps({repository: {tag: "layer"}}).encode()}
    assert images_in(told, MEMBERS) == {NAME: {"sha256:" + "c" * 64}}


@pytest.mark.parametrize("text", [b"", b"{}", b"[1]", b'[{"RepoTags": ["a"]}]', b"[" * 100_000, b"\xff"])
def test_what_cannot_be_read_names_nothing(text):
    with pytest.raises(Ambiguous):
        images_in({"manifest.json": text}, MEMBERS)
    with pytest.raises(Ambiguous):
        images_in({}, MEMBERS)
