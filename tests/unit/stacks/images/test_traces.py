"""After a build with a secret address no layer without a name tells it, and no other layer is touched."""

from __future__ import annotations

import pytest

from orchestrator.host.docker_sdk import docker_sdk
from orchestrator.stacks.images import traces

SECRET = "https://me:S3CRET@host/simple"


class Api:
    """The layers of an engine by id: what made each, and which it was made from."""

    def __init__(self):
        self.made = {"old": ["RUN PIP_INDEX_URL=" + SECRET]}
        self.above: dict[str, str] = {}

    def images(self, all, quiet):
        return list(self.made)

    def history(self, image):
        return [{"CreatedBy": step} for step in self.made[image]]

    def remove_image(self, image):
        if image in self.above.values():
            raise docker_sdk().errors.APIError("image has dependent child images")
        del self.made[image]
        self.above.pop(image, None)


class Client:
    def __init__(self):
        self.api = Api()


@pytest.fixture
def client():
    return Client()


def build(client, address, fails=False):
    with traces.removed(client, {"PIP_INDEX_URL": address, "HTTPS_PROXY": SECRET, "https_proxy": SECRET}):
        client.api.made |= {"a": ["ARG", f"|1 PIP_INDEX_URL={address} RUN"], "b": ["COPY"], "image": ["COPY --from"]}
        client.api.made["c"] = [*client.api.made["a"], "RUN"]
        client.api.above["c"] = "a"
        if fails:
            raise OSError("broken")


def test_what_a_build_leaves_tells_no_secret(client):
    build(client, SECRET)
    assert set(client.api.made) == {"old", "b", "image"}


def test_a_build_that_fails_leaves_none_either(client):
    with pytest.raises(OSError, match="broken"):
        build(client, SECRET, fails=True)
    assert set(client.api.made) == {"old", "b", "image"}


def test_without_a_secret_the_cache_of_a_build_stays(client):
    build(client, "https://host/simple")
    assert set(client.api.made) == {"old", "a", "b", "c", "image"}


def test_a_layer_that_cannot_be_removed_ends_no_build(client):
    client.api.above["other"] = "c"
    build(client, SECRET)
    assert "c" in client.api.made
