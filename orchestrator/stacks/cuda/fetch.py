"""Asks one archive of a CUDA route: downloads it, or exports an image, and takes out what it promises."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

from orchestrator.data.archives import BadArchive
from orchestrator.data.declared import Dataset, Place
from orchestrator.data.download import Progress, fetch
from orchestrator.errors import HostError
from orchestrator.files import Chunks
from orchestrator.model import Say
from orchestrator.stacks.cuda.declared import Archive, File
from orchestrator.stacks.cuda.unpack import DAMAGE, take, take_exported


class Unreachable(Exception):
    """Why an archive could not be had, in words for people."""


class Fetcher:
    """Fetches archives for one build; a host that did not answer once is not asked again."""

    #: How patient downloads are: seconds per connection and read, attempts, seconds between them.
    PATIENCE = (30.0, 3, 1.0)

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
            raise BadArchive(f"{archive.urls[0]}: {reason}") from reason
        finally:
            path.unlink(missing_ok=True)  # what it holds is kept, not the archive

    def _download(self, archive: Archive) -> Path:
        alive = [url for url in archive.urls if urlsplit(url).netloc not in self._silent]
        if not alive:
            raise Unreachable(f"{urlsplit(archive.urls[0]).netloc} did not answer before")
        name = unquote(urlsplit(alive[0]).path.rpartition("/")[2])
        dataset = Dataset(
            name="cuda",
            title=name,
            file=name,
            accepted=[],
            places=[Place(url=url, sha256=archive.sha256) for url in alive],
            synthetic="0" * 64,
        )
        self._say(f"fetching {name}")
        timeout, attempts, pause = self.PATIENCE
        try:
            return fetch(dataset, self.cache / "downloads", told(name, self._say), timeout, attempts, pause)
        except HostError as error:
            reasons = [line.strip() for line in error.message.splitlines()[1:]]
            if not reasons:  # not the place's fault: the disk
                raise
            self._silent |= set(unanswered(reasons))
            raise Unreachable("; ".join(reasons)) from error

    def _from_image(self, image: str, files: list[File], folder: Path) -> dict[str, Path]:
        import docker.errors

        try:
            with exported(self._client, image, self._say) as stream:
                return take_exported(stream, files, folder)
        except BadArchive as reason:
            raise BadArchive(f"{image}: {reason}") from reason
        except docker.errors.APIError as error:
            raise Unreachable(f"{image}: {error.explanation or error}") from error
        except DAMAGE as error:
            raise Unreachable(f"{image}: {error}") from error


def unanswered(reasons: list[str]) -> Iterator[str]:
    """The hosts among "address: reason" that gave no answer at all, not even a refusal."""
    for reason in reasons:
        url, _, why = reason.partition(": ")
        if not why.startswith(("HTTP ", "wrong ", "connection cut", "the server continued")):
            yield urlsplit(url).netloc


def told(name: str, say: Say) -> Progress:
    """Progress in lines, one for every tenth."""
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
    import docker.errors
    import docker.utils

    try:
        client.images.get(image)
    except docker.errors.ImageNotFound:
        say(f"pulling {image}")
        repository, tag = docker.utils.parse_repository_tag(image)
        client.images.pull(repository, tag=tag or "latest")
    container = client.containers.create(image, ["true"])
    try:
        yield Chunks(container.export())
    finally:
        container.remove(v=True)
