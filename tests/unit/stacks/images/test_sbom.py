"""Bills of materials: what an image prints becomes components with addresses that others can look up."""

from __future__ import annotations

from typing import Any

import docker.errors
import pytest

from orchestrator.errors import HostError
from orchestrator.stacks.images import sbom
from orchestrator.stacks.images.engine import ImageInfo

NAME = "keras-orchestrate/keras2-theano:0.1.0-gpu"
INFO = ImageInfo(id=f"sha256:{'a' * 64}", created="2026-01-02T03:04:05.678Z", size_mb=1)
LISTED = f"""
deb libgomp1 10.2.1-6 amd64
deb libc6 2:2.31+deb11u1 amd64
pypi Theano==1.0.5
pypi backports.weakref==1.0.post1
file {"b" * 64}  /opt/cuda/lib/libcudnn.so.6
"""


def test_every_kind_of_line_becomes_a_component():
    components = {
        component["name"]: component for component in sbom.document(NAME, INFO, "bullseye", LISTED)["components"]
    }
    assert components["libc6"]["purl"] == "pkg:deb/debian/libc6@2%3A2.31%2Bdeb11u1?arch=amd64&distro=bullseye"
    assert components["Theano"]["purl"] == "pkg:pypi/theano@1.0.5"
    assert components["backports.weakref"]["version"] == "1.0.post1"
    library = components["/opt/cuda/lib/libcudnn.so.6"]
    assert library["hashes"] == [{"alg": "SHA-256", "content": "b" * 64}]
    assert "purl" not in library


def test_the_bill_names_its_image_and_is_the_same_each_time():
    bill = sbom.document(NAME, INFO, "bullseye", LISTED)
    assert (bill["bomFormat"], bill["specVersion"]) == ("CycloneDX", "1.5")
    assert bill["metadata"]["component"]["version"] == "0.1.0-gpu"
    assert bill["metadata"]["component"]["hashes"][0]["content"] == "a" * 64
    assert bill["metadata"]["timestamp"] == "2026-01-02T03:04:05Z"
    references = [component["bom-ref"] for component in bill["components"]]
    assert references == sorted(set(references))
    assert bill == sbom.document(NAME, INFO, "bullseye", LISTED)


def test_an_image_of_others_is_one_clear_error():
    class Client:
        def __init__(self) -> None:
            self.containers = self

        def run(self, *_: Any, **__: Any) -> bytes:
            raise docker.errors.APIError("no such file: sh")

    with pytest.raises(HostError, match="does not say what is in it") as caught:
        sbom.listing(Client(), NAME)
    assert "orchestrate build" in caught.value.hint
