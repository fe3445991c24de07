"""Which images an engine would take from an archive, and under which names: whatever its own index says of it.

Engines read `manifest.json`, `repositories` and `index.json` (OCI), each in its own version and order. All that are
there must name the same images, and so that no engine could read something else in them.
"""

from __future__ import annotations

import json
import posixpath
import tarfile
from collections.abc import Iterator, Mapping
from typing import Any

from orchestrator.text import one_line

#: What engines read names from.
TELLING = ("manifest.json", "repositories", "index.json", "oci-layout")
#: Bytes of one of these members; ours have a few hundred for each image.
LONGEST = 2**22
#: Members of an archive; an image has some ten for each of its layers.
MOST_MEMBERS = 100_000
IMAGE_NAME, REF_NAME = "io.containerd.image.name", "org.opencontainers.image.ref.name"
OURS = "keras-orchestrate/"


class Ambiguous(Exception):
    """What in an archive can be read in two ways, or names other images, in words."""


class Members:
    """The names of members, as they are met: each may be there once, and under no second name."""

    def __init__(self) -> None:
        self._seen: set[str] = set()
        self._links: set[str] = set()

    def meet(self, member: tarfile.TarInfo) -> None:
        """Raises Ambiguous."""
        name = member.name
        if name != posixpath.normpath(name) or name.startswith(("/", "..")):
            raise Ambiguous(f"a member is called {one_line(name)!r}")
        if name in self._seen and not member.isdir():
            raise Ambiguous(f"{one_line(name)} is in it twice")
        parts = name.split("/")
        if any("/".join(parts[:count]) in self._links for count in range(1, len(parts))):
            raise Ambiguous(f"{one_line(name)} lies behind a link")
        if name in TELLING and not (member.isreg() and member.size <= LONGEST):
            raise Ambiguous(f"{name} is no file of a few kilobytes")
        self._seen.add(name)
        if not member.isreg() and not member.isdir():
            self._links.add(name)


class Headers:
    """A stream of which a member's header takes no more than `LONGEST` bytes: a name of gigabytes packs to nothing."""

    def __init__(self, stream: Any) -> None:
        self._stream = stream
        self._left: int | None = LONGEST

    def read(self, size: int) -> bytes:
        data: bytes = self._stream.read(size)
        if self._left is not None:
            self._left -= len(data)
            if self._left < 0:
                raise Ambiguous(f"the header of a member has more than {LONGEST >> 20} MiB")
        return data

    def bounded(self, archive: tarfile.TarFile) -> Iterator[tarfile.TarInfo]:
        """The members of the archive that reads this stream. Raises Ambiguous, also for far too many of them."""
        for number, member in enumerate(archive):
            if number >= MOST_MEMBERS:
                raise Ambiguous(f"it has more than {MOST_MEMBERS:,} members")
            self._left = None
            yield member
            self._left = LONGEST


def images_in(told: Mapping[str, bytes], members: Mapping[str, str]) -> dict[str, set[str]]:
    """The ids that each name may have on an engine, by name. `told`: the content of the members in TELLING.

    `members`: sha256 by name. Raises Ambiguous.
    """
    try:
        found = _from_manifest(_read(told["manifest.json"]), members)
        for name, digest in _from_index(_read(told["index.json"])) if "index.json" in told else ():
            if name not in found:
                raise Ambiguous(f"index.json names {one_line(name)}, and manifest.json does not")
            found[name].add(digest)
        if "repositories" in told:
            for repository, tags in _read(told["repositories"]).items():
                for tag in tags:
                    if f"{repository}:{tag}" not in found:
                        other = one_line(f"{repository}:{tag}")
                        raise Ambiguous(f"repositories names {other}, and manifest.json does not")
    except (KeyError, TypeError, ValueError, AttributeError, RecursionError) as error:
        raise Ambiguous("its manifest.json, repositories or index.json is none") from error
    return found


def _from_manifest(entries: Any, members: Mapping[str, str]) -> dict[str, set[str]]:
    found: dict[str, set[str]] = {}
    if not isinstance(entries, list):
        raise TypeError
    for entry in entries:
        fields = {key.lower(): value for key, value in entry.items()}  # as Go reads them
        for name in fields["repotags"]:
            if name in found:
                raise Ambiguous(f"manifest.json names {one_line(name)} twice")
            found[name] = {f"sha256:{members[fields['config']]}"}
    return found


def _from_index(index: Any) -> Iterator[tuple[str, str]]:
    """(name, digest) of each image that an OCI index names."""
    fields = {key.lower(): value for key, value in index.items()}
    for entry in fields["manifests"]:
        parts = {key.lower(): value for key, value in entry.items()}
        notes = parts.get("annotations") or {}
        names = [notes[key] for key in (IMAGE_NAME, REF_NAME) if key in notes]
        whole = [name.removeprefix("docker.io/") for name in names]
        if len(whole) == 2 and whole[0].rpartition(":")[2] == whole[1]:  # the second one is the tag alone
            whole.pop()
        yield from ((name, parts["digest"]) for name in whole)


def _read(text: bytes) -> Any:
    """JSON in which no key can be read in two ways: engines take letters of either case for the same."""
    return json.loads(text, object_pairs_hook=_unambiguous)


def _unambiguous(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    keys = [key.lower() for key, _ in pairs]
    if len({*keys}) != len(keys) or not all(key.isascii() for key in keys):
        raise Ambiguous("a key of its JSON can be read in two ways")
    return dict(pairs)
