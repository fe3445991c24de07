"""Reads a record and tells three things apart: it is whole, it is damaged, or a newer version wrote it.

Newer is not damaged: nobody may call it a failure, run its job again, or take it in place of a record that can be read.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any, TypeVar

import msgspec

from orchestrator import __version__, doors
from orchestrator.doors import UNREADABLE
from orchestrator.errors import UserError
from orchestrator.model import DAMAGED, NEWER

T = TypeVar("T")
#: The `version` of the form of manifests.
FORM = 1
#: How it begins to say that a well-formed record holds what this version does not know.
_UNKNOWN = "Object contains unknown field"


class NewerRecord(UserError):
    """A record of a newer version of this program, which is whole as far as can be told."""


def read(path: Path, kind: type[T]) -> T:
    """The record in a file. Raises NewerRecord, and UserError for one that is gone or damaged."""
    try:
        data = doors.read_json(path)
        return msgspec.json.decode(data, type=kind)
    except OSError as error:
        raise UserError(f"cannot read {path}: {error.strerror}") from error
    except UNREADABLE as error:
        if _is_newer(data, error, kind):
            raise NewerRecord(f"{NEWER}: {path}: {error}", "read it with the version that wrote it") from error
        raise UserError(f"{path}: {error}", "the record is damaged, or of another version") from error


def reason(error: UserError) -> str:
    """What the row of a job says whose record cannot be read."""
    return error.message if isinstance(error, NewerRecord) else f"{DAMAGED}: {error.message}"


def _is_newer(data: bytes, error: Exception, kind: type[Any]) -> bool:
    """Whether a well-formed record with all that `kind` needs says, by its fields or versions, that it is newer."""
    if not isinstance(error, msgspec.ValidationError):
        return False
    try:
        record = msgspec.json.decode(data)
    except UNREADABLE:
        return False
    needed = [field.name for field in msgspec.structs.fields(kind) if field.required]
    if not isinstance(record, dict) or not set(needed) <= set(record):
        return False
    form, made_by = record.get("version"), record.get("fingerprint")
    version = made_by.get("orchestrator") if isinstance(made_by, dict) else None
    newer_program = isinstance(version, str) and _numbers(version) > _numbers(__version__)
    return str(error).startswith(_UNKNOWN) or newer_program or (isinstance(form, int) and form > FORM)


def _numbers(version: str) -> list[int]:
    return [int(part[:9]) for part in re.findall(r"\d+", version)]
