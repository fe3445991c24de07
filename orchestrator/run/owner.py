"""Whose plan it is: the one decision between a run that this user recorded on this host and what anybody gave him.

A plan says what is to be started: code, programs, packages, options of a cluster. Each plan that is written here
carries a seal, made over all of it with a key that only this user can read and that never lies in a run's folder. A
folder that its owner moves, renames or copies keeps its seal; one that was changed, or came from somebody else, has
none that fits.
"""

from __future__ import annotations

import contextlib
import hashlib
import hmac
import os
import stat
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import msgspec

from orchestrator.errors import HostError
from orchestrator.files import cache_locked, replacing, state_folder
from orchestrator.history.digest import Digest
from orchestrator.host import probe
from orchestrator.model import Plan, Say, to_json
from orchestrator.results.folder import RunFolder

KEY = "key"
KEY_BYTES = 32
#: The field of `Plan.setup` that holds the seal: version, where the plan holds, the code.
SEAL = "owner"
VERSION = "1"
#: The hosts of a cluster see the same paths, and a run on it is collected from any of them.
CLUSTER = "cluster"


class NoKey(Exception):
    """Why this user has no key that could be relied on, in words."""


def sealed(plan: Plan, say: Say) -> Plan:
    """The plan as this user's own, to be written just so. Where no key can be kept it is said, and there is no seal."""
    bare = msgspec.structs.replace(plan, setup={k: v for k, v in plan.setup.items() if k != SEAL})
    try:
        seal = _seal("plan", _place(bare.config), bare)
    except NoKey as error:
        say(f"{error}: to resume or replay this run, its launcher and the like must be named again")
        return bare
    return msgspec.structs.replace(bare, setup={**bare.setup, SEAL: seal})


def sealed_digest(digest: Digest, plan: Plan) -> Digest:
    """The digest of a run of this user's as his own. Without a key there is no seal; that was said of the plan."""
    bare = msgspec.structs.replace(digest, owner="")
    with contextlib.suppress(NoKey):
        return msgspec.structs.replace(bare, owner=_seal("run", _place(plan.config), bare))
    return bare


def recorded(folder: RunFolder) -> tuple[Plan, str]:
    """The run's plan, and why it is not this user's own, in words; "" where it is.

    Raises UserError for a plan that cannot be read.
    """
    plan = folder.plan()  # which says what is wrong with it
    value = msgspec.json.decode(folder.plan_text())
    return msgspec.convert(value, type(plan)), strange("plan", value)


def strange(kind: str, value: dict[str, Any]) -> str:
    """Why a record, a "plan" or the digest of a "run", is not this user's own. `value`: as it lies there, decoded."""
    holder = value.get("setup", {}) if kind == "plan" else value
    version, _, rest = (holder.get(SEAL) or "").partition(":")
    place, _, code = rest.partition(":")
    if version != VERSION:
        return "it was recorded by an older version, or where no key could be kept, or by somebody else"
    try:
        key = _key(make=False)
    except NoKey as error:
        return f"{error}, so it cannot be told from a stranger's"
    others = {k: v for k, v in holder.items() if k != SEAL}
    bare = {**value, "setup": others} if kind == "plan" else {**others, SEAL: ""}
    if not hmac.compare_digest(code.encode(), _code(key, kind, place, bare).encode()):
        return f"another user recorded it, or its {kind}.json was changed since"
    if place not in (CLUSTER, _here()):
        return "it was recorded on another machine, where its paths mean other things"
    return ""


def _seal(kind: str, place: str, record: Plan | Digest) -> str:
    """Raises NoKey."""
    return f"{VERSION}:{place}:{_code(_key(make=True), kind, place, msgspec.json.decode(to_json(record)))}"


def _code(key: bytes, kind: str, place: str, value: Mapping[str, Any]) -> str:
    text = msgspec.json.encode(value, order="deterministic")
    head = f"keras-orchestrate {kind}\0{place}\0".encode()
    return hmac.new(key, head + text, hashlib.sha256).hexdigest()


def _place(config: Mapping[str, Any]) -> str:
    """Where the paths of a plan mean what they meant: on this machine, or on the hosts of a cluster."""
    return CLUSTER if config.get("executor") == "slurm" else _here()


def _here() -> str:
    return probe.machine() or "unknown"


def _key(make: bool) -> bytes:
    """The key of this user, which is made if it may be. Raises NoKey."""
    try:
        path = state_folder() / KEY
        if make and not path.exists():
            path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            _refuse_others(path.parent)
            with cache_locked(path):
                if not path.exists():
                    with replacing(path, 0o600) as stream:
                        stream.write(os.urandom(KEY_BYTES))
        _refuse_others(path.parent)
        return _read(path)
    except HostError as error:
        raise NoKey(f"your key has no place ({error.message})") from error
    except OSError as error:
        raise NoKey(f"your key cannot be read or kept in {path.parent} ({os.strerror(error.errno or 0)})") from error


def _read(path: Path) -> bytes:
    descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
    with os.fdopen(descriptor, "rb") as file:
        status = os.fstat(descriptor)
        if not stat.S_ISREG(status.st_mode) or status.st_uid != os.geteuid() or status.st_mode & 0o077:
            raise NoKey(f"{path} is not yours alone (owner you, mode 0600)")
        key = file.read(KEY_BYTES + 1)
    if len(key) != KEY_BYTES:
        raise NoKey(f"{path} is damaged (remove it; then runs recorded before count as a stranger's)")
    return key


def _refuse_others(folder: Path) -> None:
    """A folder in which another user can put a key of his own tells nothing."""
    status = os.lstat(folder)
    if not stat.S_ISDIR(status.st_mode) or status.st_uid != os.geteuid() or status.st_mode & 0o022:
        raise NoKey(f"{folder} is not a folder that you alone can write to")
