"""What is wrong with a value of a configuration, in words that need no knowledge of types."""

from __future__ import annotations

import re

KINDS = {
    **{"int": "a whole number", "float": "a number", "str": "text", "bool": "true or false", "null": "none"},
    **{"array": "a list", "object": "names with values", "bytes": "bytes"},
}
_FORM = re.compile(r"Expected `([^`]+)`(?: (>=|<=|>|<) (\S+))?(.*?)(?:, got `([^`]+)`)?(?: - at `\$\.?(.*)`)?\Z", re.S)
_ENUM = re.compile(r"Invalid enum value (.*) - at `\$\.?(.*)`\Z", re.S)
BOUNDS = {">=": "from", "<=": "up to", ">": "above", "<": "below"}


def in_words(message: str) -> str:
    """What msgspec says of a value as a sentence that begins with its name; as it is, where it is of another form."""
    other = _ENUM.match(message)
    if other:
        return f"{_field(other[2])}{other[1]} is none of the values that there are"
    found = _FORM.match(message)
    if found is None:
        return message
    kinds, bound, limit, rest, got, place = found.groups()
    expected = " or ".join(KINDS.get(kind, kind) for kind in kinds.split(" | ") if kind != "null")
    expected += f" {BOUNDS[bound]} {limit}" if bound else rest.replace("of length <=", "of at most")
    return f"{_field(place)}expected {expected}{f', got {KINDS.get(got, got)}' if got else ''}"


def _field(place: str | None) -> str:
    return f"{place}: " if place else ""
