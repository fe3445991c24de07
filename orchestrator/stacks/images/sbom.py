"""Writes the software bill of materials of an image, as CycloneDX 1.5, from what a container of it lists."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from typing import Any
from urllib.parse import quote

from orchestrator.errors import HostError
from orchestrator.host.docker_sdk import docker_sdk
from orchestrator.stacks.images.engine import ImageInfo

#: Prints, in a container of the image: Debian's packages, Python's packages, CUDA files with their hashes.
SCRIPT = """
dpkg-query -W -f 'deb ${Package} ${Version} ${Architecture}\\n'
sed 's/^/pypi /' /opt/venv/packages.txt
[ ! -d /opt/cuda ] || find /opt/cuda -type f -exec sha256sum {} + | sed 's/^/file /'
"""


def listing(client: Any, name: str) -> str:
    """What SCRIPT prints in the image. Raises HostError if it cannot run there."""
    try:
        output: bytes = client.containers.run(
            name, ["sh", "-ec", SCRIPT], remove=True, network_mode="none", read_only=True, cap_drop=["ALL"]
        )
    except docker_sdk().errors.DockerException as error:
        raise HostError(
            f"{name} does not say what is in it: {error}", "Is it an image of `orchestrate build`?"
        ) from error
    return output.decode()


def document(name: str, info: ImageInfo, suite: str, listed: str) -> dict[str, Any]:
    """The bill of one image. The same image gives the same document, serial number included."""
    components = sorted(parse(listed, suite), key=lambda component: component["bom-ref"])
    return {
        "bomFormat": "CycloneDX",
        "specVersion": "1.5",
        "serialNumber": f"urn:uuid:{uuid.uuid5(uuid.NAMESPACE_URL, f'{name}@{info.id}')}",
        "version": 1,
        "metadata": {
            "timestamp": f"{info.created[:19]}Z",
            "component": {
                "type": "container",
                "bom-ref": name,
                "name": name.rpartition(":")[0],
                "version": name.rpartition(":")[2],
                "hashes": [{"alg": "SHA-256", "content": info.id.partition(":")[2]}],
            },
        },
        "components": components,
    }


def parse(listed: str, suite: str) -> Iterator[dict[str, Any]]:
    """One component for each line of a listing."""
    for kind, rest in (line.split(" ", 1) for line in listed.splitlines() if line):
        if kind == "deb":
            package, version, architecture = rest.split(" ")
            purl = f"pkg:deb/debian/{quote(package)}@{quote(version)}?arch={architecture}&distro={suite}"
            yield {"type": "library", "bom-ref": purl, "name": package, "version": version, "purl": purl}
        elif kind == "pypi":
            package, _, version = rest.partition("==")
            purl = f"pkg:pypi/{quote(package.lower().replace('_', '-'))}@{quote(version)}"
            yield {"type": "library", "bom-ref": purl, "name": package, "version": version, "purl": purl}
        else:
            digest, _, path = rest.partition("  ")
            hashes = [{"alg": "SHA-256", "content": digest}]
            yield {"type": "file", "bom-ref": path, "name": path, "hashes": hashes}
