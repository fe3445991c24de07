"""A Docker client without an engine: it knows some images, and answers a build with what it was told to."""

from __future__ import annotations

import tarfile
import types
from typing import Any

import docker.errors

OK = [{"stream": "Step 1/2 : FROM x\n"}, {"stream": "Step 2/2 : RUN make\nmade\n"}, {"aux": {"ID": "sha256:1"}}]


class FakeImage(types.SimpleNamespace):
    """What images.get gives: id, labels, attrs."""


class FakeEngine:
    """A Docker client that knows some images, cannot pull unless told, and answers a build with `answers`."""

    def __init__(self, answers: list[dict[str, Any]] | None = None, registry: bool = False) -> None:
        self.known: dict[str, FakeImage] = {}
        self.answers = OK if answers is None else answers
        self.registry = registry
        self.requests: list[dict[str, Any]] = []
        self.context: list[str] = []
        self.networks_there = ["host", "none", "bridge"]
        self.containers = types.SimpleNamespace(list=lambda **_: [])
        self.images = self.api = self.networks = self
        self.security: list[str] = []

    def info(self) -> dict[str, Any]:
        return {"SecurityOptions": self.security}

    def get(self, name: str) -> FakeImage:
        if name not in self.known:
            raise docker.errors.ImageNotFound("no such image")
        return self.known[name]

    def pull(self, repository: str, tag: str) -> None:
        if not self.registry:
            raise docker.errors.APIError("500 Server Error", explanation="no such host")
        self.add(f"{repository}:bullseye-slim@{tag}")

    def list(self) -> list[Any]:
        return [types.SimpleNamespace(name=name) for name in self.networks_there]

    def add(self, name: str, labels: dict[str, str] | None = None) -> None:
        attrs = {"Created": "2026-01-01T00:00:00Z", "Size": 5e8}
        self.known[name] = FakeImage(id="sha256:1", labels=labels or {}, attrs=attrs)

    def build(self, fileobj: Any, **request: Any) -> Any:
        with tarfile.open(fileobj=fileobj) as archive:
            self.context = archive.getnames()
        self.requests.append(request)
        if not any("error" in answer for answer in self.answers):
            self.add(request["tag"], request["labels"])
        return iter(self.answers)
