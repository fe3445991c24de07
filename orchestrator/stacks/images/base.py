"""Base images: pulled by digest where a registry answers, else made from Debian's packages."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from pathlib import Path
from typing import Any, Literal

from orchestrator.errors import HostError
from orchestrator.host.docker_sdk import docker_sdk, explanation
from orchestrator.model import Base, Say
from orchestrator.stacks.images.engine import has_image

Mode = Literal["auto", "pull", "bootstrap"]

REPOSITORY = "keras-orchestrate/base"


def ensure_base(client: Any, base: Base, mode: Mode, say: Say, mirror: str | None = None) -> str:
    """Makes sure that the engine has the base image; gives its reference.

    `auto` takes an image that is there, else pulls, else makes one and says so. Raises HostError with the way out.
    """
    own = f"{REPOSITORY}:{base.suite}"
    if mode != "bootstrap" and has_image(client, base.reference):
        return base.reference
    if mode != "pull" and has_image(client, own):
        say(f"base image: {own}, made here from Debian's packages")
        return own
    if mode == "bootstrap":
        return bootstrap(client, base, say, mirror)
    try:
        return pull(client, base, say)
    except HostError as error:
        if mode == "pull":
            raise
        say(f"{error.message}; making the base image from Debian's packages instead")
        return bootstrap(client, base, say, mirror)


def pull(client: Any, base: Base, say: Say) -> str:
    """Pull by digest, so that the image is the pinned one wherever its tag points today. Raises HostError."""
    say(f"pulling {base.reference}")
    repository = base.tag.partition(":")[0]
    try:
        client.images.pull(repository, tag=base.digest)
    except docker_sdk().errors.APIError as error:
        raise HostError(
            f"cannot pull {base.reference}: {explanation(error)}",
            "Without a registry: --base bootstrap makes the image from Debian's packages; "
            "--base-image takes one that you have.",
        ) from error
    return base.reference


def bootstrap(client: Any, base: Base, say: Say, mirror: str | None = None) -> str:
    """Make a minimal Debian with mmdebstrap and import it; the temporary archive is removed."""
    tool = shutil.which("mmdebstrap")
    if not tool:
        raise HostError(
            "mmdebstrap, which makes base images from Debian's packages, is not installed",
            "apt-get install mmdebstrap, or give an image with --base-image.",
        )
    own = f"{REPOSITORY}:{base.suite}"
    say(f"making {own} with mmdebstrap from {mirror or base.mirror}")
    with tempfile.TemporaryDirectory(prefix="keras-orchestrate-") as folder:
        archive = str(Path(folder) / "base.tar")
        run_mmdebstrap(mmdebstrap_command(tool, base, archive, mirror))
        import_base(client, base, archive, mirror or base.mirror)
    return own


def mmdebstrap_command(tool: str, base: Base, archive: str, mirror: str | None) -> list[str]:
    """The argv of mmdebstrap; the package sources that it names are also those of the image."""
    command = [tool, "--variant=minbase", "--include=ca-certificates", "--quiet"]
    place, security = mirror or base.mirror, f"{mirror or base.mirror}-security"
    if mirror:  # an archived release's index is past its date
        command.append('--aptopt=Acquire::Check-Valid-Until "false"')
    return [
        *command,
        base.suite,
        archive,
        f"deb {place} {base.suite} main",
        f"deb {place} {base.suite}-updates main",
        f"deb {security} {base.suite}-security main",
    ]


def run_mmdebstrap(command: list[str]) -> None:
    """Run it to its end. Raises HostError with its last lines."""
    result = subprocess.run(command, capture_output=True, encoding="utf-8", errors="replace", check=False)
    if result.returncode == 0:
        return
    last = "; ".join(result.stderr.strip().splitlines()[-3:])
    hint = "Is Debian's mirror in reach (--debian-mirror), and is the package debian-archive-keyring installed?"
    if os.geteuid() != 0:
        hint += " Without root it needs user namespaces: try with sudo, or give an image with --base-image."
    raise HostError(f"mmdebstrap failed: {last}", hint)


def import_base(client: Any, base: Base, archive: str, mirror: str) -> None:
    """`docker import`, with labels that say what it is and where it came from."""
    changes = [
        'CMD ["bash"]',
        f'LABEL org.keras-orchestrate.base="{base.suite}" org.keras-orchestrate.mirror="{mirror}"',
    ]
    try:
        client.api.import_image_from_file(archive, repository=REPOSITORY, tag=base.suite, changes=changes)
    except docker_sdk().errors.APIError as error:
        raise HostError(f"the engine did not take the base image: {explanation(error)}") from error
