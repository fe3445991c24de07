"""Where packages come from, as the caller's environment says: pip's variables, pip.conf, uv's variables.

An environment may be made by uv or by pip, and an image by a pip inside of it. Each reads only its own settings, so all
of them are read here and handed to each in its own words: no package comes from another index in silence.
"""

from __future__ import annotations

import configparser
import os
import re
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from urllib.parse import urlsplit

from msgspec.structs import replace

from orchestrator.environment import CA_BUNDLES, CHOICES, PIP_SOURCES, UV_SOURCES
from orchestrator.errors import UserError
from orchestrator.files import expanded
from orchestrator.model import Noun
from orchestrator.stacks.locks import local_folder
from orchestrator.text import listed, public

PYPI = "https://pypi.org/simple"
TRUE = ("1", "true", "yes", "on", "y", "t")
#: The sections of pip.conf that `pip install` reads, in its order.
SECTIONS = ("global", "install")


class Named(Noun, frozen=True):
    """A value, and the variable or file that gave it."""

    value: str
    by: str

    @property
    def words(self) -> str:
        """For people: an address without its password."""
        return f"{public(plain_url(self.value))} ({self.by})"


class Sources(Noun, frozen=True, kw_only=True):
    """What is said of package indexes; what is not said is None or empty."""

    index: Named | None = None
    extra: list[Named] = []
    #: Folders with wheels here; pages with links to them elsewhere.
    folders: list[Path] = []
    pages: list[Named] = []
    no_index: Named | None = None
    trusted: list[Named] = []
    cert: Named | None = None
    client_cert: Named | None = None
    proxy: Named | None = None
    #: What is not obeyed, one line each.
    notes: list[str] = []

    def further(self, own: Sequence[str]) -> list[Named]:
        """The indexes beside the main one. Those of the caller's variables come in place of a stack's `own`."""
        chosen = any(each.by in (*PIP_SOURCES, *UV_SOURCES) for each in self.extra)
        return self.extra if chosen else [*self.extra, *(Named(url, "its lock") for url in own)]

    def words(self, own: Sequence[str]) -> str:
        """Every place that packages may come from, for people."""
        indexes = [] if self.no_index else [self.index or Named(PYPI, "the default"), *self.further(own)]
        return listed([*map(str, self.folders), *(each.words for each in (*self.pages, *indexes))] or ["nowhere"])


def find(environ: Mapping[str, str], files: Sequence[Path] | None = None) -> Sources:
    """What the environment and pip's files say. Raises UserError where two variables contradict each other.

    `files`: pip's, in its order; None looks where pip does.
    """
    pip = _pip(environ, pip_files(environ) if files is None else files)
    links = [*_many(pip, "find-links"), *_split(environ, "UV_FIND_LINKS")]
    folders = [(folder, link) for link in links if (folder := local_folder(link.value))]
    missing = [f"{link.words} is not there" for folder, link in folders if not folder.is_dir()]
    return Sources(
        index=_main_index(pip.get("index-url"), _first(environ, "UV_DEFAULT_INDEX", "UV_INDEX_URL")),
        extra=[*_many(pip, "extra-index-url"), *_split(environ, "UV_INDEX"), *_split(environ, "UV_EXTRA_INDEX_URL")],
        folders=list(dict.fromkeys(folder for folder, _ in folders if folder.is_dir())),
        pages=[link for link in links if not local_folder(link.value)],
        no_index=_true(pip.get("no-index")) or _true(_first(environ, "UV_NO_INDEX")),
        trusted=[*_many(pip, "trusted-host"), *_split(environ, "UV_INSECURE_HOST")],
        cert=pip.get("cert") or _first(environ, *CA_BUNDLES),
        client_cert=pip.get("client-cert") or _first(environ, "SSL_CLIENT_CERT"),
        proxy=pip.get("proxy"),
        notes=[*missing, *_unread(environ)],
    )


def with_options(sources: Sources, index: str | None, ca_bundle: str | None) -> Sources:
    """The sources with what the command line says of them, which counts more than any variable."""
    given = {"index": index and Named(index, "--pip-index-url"), "cert": ca_bundle and Named(ca_bundle, "--ca-bundle")}
    return replace(sources, **{name: named for name, named in given.items() if named})


def for_uv(sources: Sources, own: Sequence[str], environ: Mapping[str, str]) -> dict[str, str]:
    """The environment for uv: addresses may hold a password, which is nobody's to see in a list of processes."""
    further = [each.value for each in sources.further(own)]
    proxy = sources.proxy.value if sources.proxy else ""
    said = {
        "UV_DEFAULT_INDEX": sources.index.value if sources.index else "",
        "UV_INDEX": " ".join(further),
        # As pip does: the lock's hashes decide, not which index was asked first.
        "UV_INDEX_STRATEGY": environ.get("UV_INDEX_STRATEGY") or ("unsafe-best-match" if further else ""),
        "UV_FIND_LINKS": ",".join(each.value for each in sources.pages),
        "UV_INSECURE_HOST": " ".join(each.value for each in sources.trusted),
        "SSL_CERT_FILE": str(ca_bundle(sources.cert)) if sources.cert else "",
        "SSL_CLIENT_CERT": sources.client_cert.value if sources.client_cert else "",
        **{name: proxy for name in ("HTTP_PROXY", "HTTPS_PROXY", "http_proxy", "https_proxy") if proxy},
    }
    return _set(environ, said, (*UV_SOURCES, *CHOICES))


def for_pip(sources: Sources, own: Sequence[str], environ: Mapping[str, str]) -> dict[str, str]:
    """The environment for pip, which also reads its files."""
    said = {
        "PIP_INDEX_URL": _url(sources.index),
        "PIP_EXTRA_INDEX_URL": " ".join(map(_url, sources.further(own))),
        "PIP_FIND_LINKS": " ".join([*(f.absolute().as_uri() for f in sources.folders), *map(_url, sources.pages)]),
        "PIP_NO_INDEX": "1" if sources.no_index else "0",
        "PIP_TRUSTED_HOST": " ".join(each.value for each in sources.trusted),
        "PIP_CERT": str(ca_bundle(sources.cert)) if sources.cert else "",
        "PIP_CLIENT_CERT": sources.client_cert.value if sources.client_cert else "",
        "PIP_PROXY": sources.proxy.value if sources.proxy else "",
    }
    return _set(environ, said, CHOICES)


def uv_flags(sources: Sources) -> list[str]:
    """uv's options for what has no variable, or one that would cut the name of a folder at a comma."""
    flags = [flag for folder in sources.folders for flag in ("--find-links", str(folder.absolute()))]
    return [*flags, "--no-index"] if sources.no_index else flags


def ca_bundle(named: Named) -> Path:
    """The file of certificate authorities. Raises UserError if it is no such PEM file: uv would pass over it."""
    path = expanded(named.value)
    try:
        text = path.read_bytes()
    except OSError as error:
        raise UserError(
            f"the CA bundle {path} ({named.by}) cannot be read: {error.strerror}", "name a PEM file, or unset it"
        ) from error
    if b"-----BEGIN CERTIFICATE-----" not in text:
        raise UserError(f"the CA bundle {path} ({named.by}) holds no PEM certificate", "name a PEM file, or unset it")
    return path


def pip_files(environ: Mapping[str, str]) -> list[Path]:
    """The files that pip reads, the last one first heard."""
    named = environ.get("PIP_CONFIG_FILE", "")
    if named == os.devnull:
        return []
    folders = environ.get("XDG_CONFIG_DIRS") or "/etc/xdg"
    found = [Path(folder, "pip", "pip.conf") for folder in folders.split(os.pathsep) if folder]
    found.append(Path("/etc/pip.conf"))
    home = environ.get("HOME")
    if home:
        found.append(Path(home, ".pip", "pip.conf"))
    config = environ.get("XDG_CONFIG_HOME") or (home and str(Path(home, ".config")))
    if config:
        found.append(Path(config, "pip", "pip.conf"))
    return [*found, Path(sys.prefix, "pip.conf"), *([Path(named)] if named else [])]


def plain_url(url: str) -> str:
    """An index without the name that uv may know it by: name=URL."""
    return re.sub(r"^[\w.-]+=(?=[a-z+]+:)", "", url)


def is_local(url: str) -> bool:
    """Whether the index is a folder of this host."""
    return urlsplit(plain_url(url)).scheme in ("", "file")


def _pip(environ: Mapping[str, str], files: Sequence[Path]) -> dict[str, Named]:
    """pip's settings of sources, by their names in pip.conf. A variable counts more than files, a later file more."""
    by_section: dict[str, dict[str, Named]] = {section: {} for section in SECTIONS}
    for file in files:
        for section, name, value in _settings(file):
            by_section[section][name] = Named(value, str(file))
    found = {**by_section["global"], **by_section["install"]}
    for variable in PIP_SOURCES:
        if environ.get(variable):
            found[variable.removeprefix("PIP_").lower().replace("_", "-")] = Named(environ[variable], variable)
    return found


def _settings(file: Path) -> Iterator[tuple[str, str, str]]:
    """(section, name, value) of one pip.conf. Raises UserError for one that pip could not read either."""
    parser = configparser.RawConfigParser()
    try:
        parser.read_string(file.read_text(encoding="utf-8"), str(file))
    except OSError:
        return
    except (configparser.Error, UnicodeError) as error:
        raise UserError(
            f"{file} is no pip.conf: {' '.join(str(error).split())}", "correct it, or move it away"
        ) from error
    for section in SECTIONS:
        for name, value in parser.items(section) if parser.has_section(section) else ():
            if value:
                yield section, name.lower().removeprefix("--").replace("_", "-"), value


def _main_index(pip: Named | None, uv: Named | None) -> Named | None:
    if pip is None or uv is None:
        return pip or uv
    same = plain_url(pip.value).rstrip("/") == plain_url(uv.value).rstrip("/")
    if not same and pip.by in PIP_SOURCES:
        raise UserError(f"two package indexes: {pip.words} and {uv.words}", f"unset {pip.by} or {uv.by}")
    return uv


def _unread(environ: Mapping[str, str]) -> Iterator[str]:
    """What is set and not obeyed, in words."""
    choices = [name for name in CHOICES if environ.get(name)]
    if choices:
        yield f"{listed(choices)} not obeyed: what is installed is what the lock says"
    home = environ.get("XDG_CONFIG_HOME") or (environ.get("HOME") and str(Path(environ["HOME"], ".config")))
    places = [environ.get("UV_CONFIG_FILE"), home and str(Path(home, "uv", "uv.toml")), "/etc/uv/uv.toml"]
    if not _true(_first(environ, "UV_NO_CONFIG")):
        for place in places:
            if place and Path(place).is_file():
                yield f"{place} is not read: name the package index with UV_DEFAULT_INDEX or PIP_INDEX_URL"


def _first(environ: Mapping[str, str], *names: str) -> Named | None:
    return next((Named(environ[name], name) for name in names if environ.get(name)), None)


def _many(pip: Mapping[str, Named], name: str) -> list[Named]:
    """A setting of pip that holds several words."""
    given = pip.get(name)
    return [Named(word, given.by) for word in given.value.split()] if given else []


def _split(environ: Mapping[str, str], name: str) -> list[Named]:
    """A variable of uv that holds several words; places of links are separated by commas."""
    separator = "," if name == "UV_FIND_LINKS" else None
    return [Named(word.strip(), name) for word in environ.get(name, "").split(separator) if word.strip()]


def _true(named: Named | None) -> Named | None:
    return named if named and named.value.strip().lower() in TRUE else None


def _url(named: Named | None) -> str:
    return plain_url(named.value) if named else ""


def _set(environ: Mapping[str, str], said: Mapping[str, str], without: Sequence[str]) -> dict[str, str]:
    """The caller's environment without some variables, and with what is said; what is empty is not said."""
    kept = {name: value for name, value in environ.items() if name not in (*without, *said)}
    return {**kept, **{name: value for name, value in said.items() if value}}
