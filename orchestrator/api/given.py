"""Checks what a program gave, keyword by keyword, before anything is done with it. Raises UserError, and nothing else.

Numbers of NumPy, and whatever else is a number or an iterable of its own, are as good as Python's.
"""

from __future__ import annotations

import numbers
import os
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from orchestrator.errors import UserError
from orchestrator.plan.config import Config
from orchestrator.text import one_line

Where = str | os.PathLike[str]
Names = Where | Iterable[Where]
Value = bool | int | float | str
#: Letters of a value that a message quotes.
MOST_QUOTED = 60


def path(name: str, given: object) -> Path:
    """A path, which need not be there."""
    return Path(_word(name, given, "a path", "give a text or a pathlib.Path"))


def folder(name: str, given: object) -> Path:
    """A folder that is there."""
    found = path(name, given)
    if not found.is_dir():
        raise UserError(f"{name}: {given} is no folder", "name one that is there")
    return found


def text(name: str, given: object, like: str) -> str:
    """A text, such as `like`."""
    if not isinstance(given, str) or "\0" in given:
        raise _wrong(name, given, "text", f'write it like "{like}"')
    return given


def names(name: str, given: object) -> list[str]:
    """One name or several."""
    if isinstance(given, str | os.PathLike):
        return [_word(name, given, "a name", "")]
    if isinstance(given, bytes | Mapping) or not isinstance(given, Iterable):
        raise _wrong(name, given, "a name, nor a list of names", 'write "mnist_mlp", or ["mnist_mlp", "mnist_cnn"]')
    return [_word(name, each, "a name", "names are texts or paths") for each in given]


def varied(given: object) -> dict[str, list[Value]]:
    """The values of each axis, one or several."""
    if not isinstance(given, Mapping) or not all(isinstance(name, str) for name in given):
        raise _wrong("vary", given, "a dictionary of names and values", 'write {"batch_size": [32, 256]}')
    return {name: _values(f"vary {name}", values) for name, values in given.items()}


def share(name: str, given: object) -> float:
    """A number between 0 and 1."""
    found = _number(name, given, "a share between 0 and 1", "write 0.02 for 2 %")
    if not 0 < found < 1:
        raise _wrong(name, given, "a share between 0 and 1", "write 0.02 for 2 %")
    return found


def price(given: object) -> float:
    """What an hour costs."""
    hint = "write what an hour costs as a number, such as 0.9, or leave it out"
    found = _number("price", given, "a price", hint)
    if not 0 < found <= 1e6:
        raise _wrong("price", given, "above 0, and at most 1,000,000", hint)
    return found


def flag(name: str, given: object) -> bool:
    """True or False: a text such as "no" would count as true."""
    if not isinstance(given, bool):
        raise _wrong(name, given, "True or False", "write one of them")
    return given


def function(name: str, given: Any) -> Any:
    """What can be called."""
    if not callable(given):
        raise _wrong(name, given, "a function", f"write {name}=print")
    return given


def plain(given: Any) -> Any:
    """The same in Python's own numbers, lists and dictionaries, as a configuration takes them."""
    if given is None or isinstance(given, bool | str | bytes):
        return given
    if isinstance(given, numbers.Integral):
        return int(given)
    if isinstance(given, numbers.Real):
        return float(given)
    if isinstance(given, os.PathLike):
        return os.fspath(given)
    if isinstance(given, Mapping):
        return {name: plain(value) for name, value in given.items()}
    return [plain(value) for value in given] if isinstance(given, Iterable) else given


def refuse_empty(base: Config, changes: Mapping[str, Any]) -> None:
    """Raises UserError for a list of nothing where the configuration has something, which would be taken instead."""
    for name, value in changes.items():
        own = getattr(base, name, None)
        if isinstance(value, list | dict) and not value and isinstance(own, list | dict) and own:
            raise UserError(f"{name}: nothing is named", f"name something, or leave {name} out")


def _values(name: str, given: object) -> list[Value]:
    found = plain(given)
    each = [found] if isinstance(found, bool | int | float | str) else found
    if not isinstance(each, list) or not all(isinstance(value, bool | int | float | str) for value in each):
        raise _wrong(name, given, "a value, nor a list of values", "values are numbers, texts, True or False")
    return each


def _word(name: str, given: object, what: str, hint: str) -> str:
    word = os.fspath(given) if isinstance(given, str | os.PathLike) else None
    if not isinstance(word, str) or "\0" in word:
        raise _wrong(name, given, what, hint)
    return word


def _number(name: str, given: object, what: str, hint: str) -> float:
    found = plain(given)
    if isinstance(found, bool) or not isinstance(found, int | float):
        raise _wrong(name, given, what, hint)
    return found


def _wrong(name: str, given: object, what: str, hint: str) -> UserError:
    return UserError(f"{name}: {one_line(repr(given), MOST_QUOTED)} is not {what}", hint)
