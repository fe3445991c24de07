"""Finds the hashes of packages for Python 2.7 in the index's JSON answers (PEP 691): uv refuses to resolve for it.

Every package is named with its version, as pip installs them with --no-deps; all that is missing is the hashes.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from orchestrator.errors import HostError, UserError
from orchestrator.plan.eras import normal
from orchestrator.stacks import indexes
from orchestrator.stacks.indexes import PYPI, Sources
from orchestrator.text import public

JSON_INDEX = "application/vnd.pypi.simple.v1+json"
PYTHON_TAGS = {"cp27", "py2", "py27"}
ABI_TAGS = {"cp27mu", "none"}
PLATFORM_TAGS = {"any", "manylinux1_x86_64", "manylinux2010_x86_64", "manylinux2014_x86_64"}
#: Of a source archive, whose name has no tags.
ARCHIVES = (".tar.gz", ".zip")
PIN = re.compile(r"([A-Za-z0-9][\w.-]*)==([\w.!+-]+)\Z")
#: A wheel, with its tags, or a source archive.
FILENAME = re.compile(r"([\w.+!]+(-[\w.+!]+){4,5}\.whl|[\w.+!-]+(\.tar\.gz|\.zip))\Z")
#: Seconds for one read of an index's answer, and bytes of it: the longest lists have a twentieth.
TIMEOUT_S, LIMIT = 60, 2**26

File = dict[str, Any]


def locked(packages: Sequence[str], sources: Sources) -> Iterator[str]:
    """The entries of a lock: each package with the hashes of the files that Python 2.7 on x86-64 Linux can use.

    Raises UserError for a package that is not pinned, or not on the index; HostError where that does not answer.
    """
    for package in packages:
        found = PIN.match(package)
        if found is None:
            raise UserError(
                f"{package!r} has no version, and nothing resolves for Python 2.7",
                "name every package that is needed, each as name==version",
            )
        name, version = found[1], post_release(found[2])
        hashes = sorted(usable_hashes(index_files(name, sources), name, version))
        yield " \\\n    ".join([f"{name}=={version}", *(f"--hash=sha256:{digest}" for digest in hashes)])


def post_release(version: str) -> str:
    """A version as pip writes it: `3.2.3-2` is the old way to write `3.2.3.post2`."""
    return re.sub(r"-(\d+)\Z", r".post\1", version)


def usable_hashes(files: Iterable[File], name: str, version: str) -> list[str]:
    """SHA-256 of the wheels that fit; of the source archive where there is no such wheel. Raises UserError."""
    mine = [file for file in files if version_of(file["filename"], name) == version]
    chosen = [file for file in mine if is_usable_wheel(file["filename"])]
    chosen = chosen or [file for file in mine if file["filename"].endswith(ARCHIVES)]
    if not chosen:
        raise UserError(
            f"{name}=={version}: the index has no file of it for Python 2.7 on x86-64 Linux", "name another version"
        )
    return [file["hashes"]["sha256"] for file in chosen if "sha256" in file.get("hashes", {})]


def version_of(filename: str, name: str) -> str:
    """The version that a wheel or a source archive of a package is of; "" of another kind of file."""
    if filename.endswith(".whl"):
        return post_release(filename.split("-")[1])
    stem = next((filename.removesuffix(end) for end in ARCHIVES if filename.endswith(end)), "")
    parts = stem.split("-")
    for cut in range(1, len(parts)):  # a name may hold hyphens, and so may an old version
        if normal("-".join(parts[:cut])) == normal(name):
            return post_release("-".join(parts[cut:]))
    return ""


def is_usable_wheel(filename: str) -> bool:
    """Whether one of the wheel's tag combinations is CPython 2.7 (wide Unicode) on x86-64 Linux."""
    if not filename.endswith(".whl"):
        return False
    pythons, abis, platforms = filename.removesuffix(".whl").split("-")[-3:]
    return all(
        set(tags.split(".")) & known
        for tags, known in ((pythons, PYTHON_TAGS), (abis, ABI_TAGS), (platforms, PLATFORM_TAGS))
    )


def index_files(name: str, sources: Sources) -> list[File]:
    """The index's list of files of one project. Raises UserError for a project that it has not, HostError."""
    import http.client  # these only here: most commands ask no index
    import ssl
    import urllib.error
    import urllib.request

    index = indexes.plain_url(sources.index.value) if sources.index else PYPI
    url = f"{index.rstrip('/')}/{normal(name)}/"
    shown = public(url)
    if indexes.is_local(index):
        raise UserError(f"{shown} is a folder: hashes come from an index that answers", "name one with PIP_INDEX_URL")
    request = urllib.request.Request(url, headers={"Accept": JSON_INDEX})
    context = ssl.create_default_context(cafile=str(indexes.ca_bundle(sources.cert)) if sources.cert else None)
    try:
        with urllib.request.urlopen(request, timeout=TIMEOUT_S, context=context) as answer:
            text = answer.read(LIMIT + 1)
        if len(text) > LIMIT:
            raise HostError(f"{shown} answers with more than {LIMIT >> 20} MiB", "PIP_INDEX_URL names another index")
        files = list(json.loads(text)["files"])
    except urllib.error.HTTPError as error:
        if error.code == 404:
            raise UserError(f"no package is called {name!r} ({shown})", "is its name right?") from error
        raise HostError(f"the package index does not answer: {shown}: {error}", REACH) from error
    except (OSError, ValueError, RecursionError, http.client.HTTPException) as error:
        reason = getattr(error, "reason", error)
        raise HostError(f"the package index does not answer: {shown}: {reason}", REACH) from error
    except (KeyError, TypeError) as error:
        raise HostError(f"{shown} does not answer in JSON (PEP 691)", "PIP_INDEX_URL names another index") from error
    return list(filter(_is_file, files))


def _is_file(file: Any) -> bool:
    """Whether what an index says of a file can be one: its words end up in a lock, line by line."""
    if not isinstance(file, dict) or not isinstance(file.get("hashes", {}), dict):
        return False
    digest = file.get("hashes", {}).get("sha256", "0" * 64)
    return bool(
        isinstance(name := file.get("filename"), str)
        and FILENAME.match(name)
        and isinstance(digest, str)
        and re.fullmatch("[0-9a-f]{64}", digest)
    )


REACH = "is the package index in reach? PIP_INDEX_URL names another (docs/HOSTS.md: what the environment says)"
