"""Downloads one archive of a CUDA route, or exports its image, and takes out the files that it promises."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

from orchestrator.data.contents import BadArchive
from orchestrator.data.declared import Place
from orchestrator.data.download import FetchFailed, Patience, Progress, fetch
from orchestrator.host.docker_sdk import docker_sdk, explanation
from orchestrator.model import Say
from orchestrator.stacks.cuda.declared import Archive, File
from orchestrator.stacks.cuda.unpack import DAMAGE, take, take_exported
from orchestrator.stacks.streams import Chunks
from orchestrator.text import public


class Unreachable(Exception):
    """Why an archive could not be had, in words for people."""


class Fetcher:
    """Fetches archives for one build; a host that did not answer once is not asked again."""

    PATIENCE = Patience(timeout_s=30.0, attempts=3, pause_s=1.0)

    def __init__(self, client: Any, cache: Path, scratch: Path, say: Say) -> None:
        self.cache = cache
        self._client = client
        self._scratch = scratch
        self._say = say
        self._silent: set[str] = set()

    def fetch(self, archive: Archive, files: list[File]) -> tuple[dict[str, Path], str]:
        """The files of the archive, by name, and the address that gave it. Raises Unreachable, BadArchive."""
        folder = Path(tempfile.mkdtemp(dir=self._scratch))
        if archive.kind == "image":
            return self._from_image(archive.urls[0], files, folder), archive.urls[0]
        path = self._download(archive)
        try:
            if archive.kind == "file":
                return {files[0].name: Path(shutil.copyfile(path, folder / "0.part"))}, archive.urls[0]
            return take(path, archive.kind, files, folder), archive.urls[0]
        except BadArchive as reason:
            raise BadArchive(f"{public(archive.urls[0])}: {reason}") from reason
        finally:
            path.unlink(missing_ok=True)  # what it holds is kept, not the archive

    def _download(self, archive: Archive) -> Path:
        alive = [url for url in archive.urls if urlsplit(public(url)).netloc not in self._silent]
        if not alive:
            raise Unreachable(f"{urlsplit(public(archive.urls[0])).netloc} did not answer before")
        name = unquote(urlsplit(alive[0]).path.rpartition("/")[2])
        places = [Place(url=url, sha256=archive.sha256) for url in alive]
        self._say(f"fetching {name}")
        target, progress = self.cache / "downloads" / name, progress_lines(name, self._say)
        try:
            return fetch("cuda", places, target, progress, self.PATIENCE, self._say)
        except FetchFailed as error:
            self._silent |= error.silent
            raise Unreachable("; ".join(error.reasons)) from error

    def _from_image(self, image: str, files: list[File], folder: Path) -> dict[str, Path]:
        try:
            with exported(self._client, image, self._say) as stream:
                return take_exported(stream, files, folder)
        except BadArchive as reason:
            raise BadArchive(f"{image}: {reason}") from reason
        except docker_sdk().errors.APIError as error:
            raise Unreachable(f"{image}: {explanation(error)}") from error
        except DAMAGE as error:
            raise Unreachable(f"{image}: {error}") from error


def progress_lines(name: str, say: Say) -> Progress:
    """Progress of a download as lines, one for every tenth."""
    shown = 0

    def progress(done: int, total: int | None) -> None:
        nonlocal shown
        tenth = 10 * done // total if total else 0
        if tenth > shown:
            shown = tenth
            say(f"{name}: {done / 1e6:.0f} of {(total or 0) / 1e6:.0f} MB")

    return progress


@contextmanager
def exported(client: Any, image: str, say: Say) -> Iterator[Chunks]:
    """An image's file system as a tar stream, by way of a container that is never started."""
    try:
        client.images.get(image)
    except docker_sdk().errors.ImageNotFound:
        say(f"pulling {image}")
        repository, tag = docker_sdk().utils.parse_repository_tag(image)
        client.images.pull(repository, tag=tag or "latest")
    container = client.containers.create(image, ["true"])
    try:
        yield Chunks(container.export())
    finally:
        container.remove(v=True)
