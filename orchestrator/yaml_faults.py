"""What is wrong with a YAML text that its reader would not say: a key given twice, and counts that explode.

A reader keeps the last of two equal keys in silence, ends the whole process at a nesting that is too deep, and fills
in aliases of aliases until there is no memory left. So the text is looked at in pieces, before anything is made of it.
"""

from __future__ import annotations

from collections.abc import Iterator

import yaml
from msgspec import Struct

#: No file that a person writes is nested deeper, or has more values once its aliases are filled in.
MOST_DEEP = 50
MOST_VALUES = 100_000

_PARSER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


class _Open(Struct):
    """A mapping or list whose end has not come yet: its keys by line, and how many values it has so far."""

    mapping: bool
    anchor: str | None
    keys: dict[str, int] = {}
    children: int = 0
    values: int = 1

    @property
    def awaits_key(self) -> bool:
        return self.mapping and self.children % 2 == 0


def faults(text: bytes) -> Iterator[str]:
    """The faults of a text in words, each with its lines. One that is no YAML at all has none here."""
    opened: list[_Open] = [_Open(mapping=False, anchor=None)]
    sizes: dict[str, int] = {}
    try:
        for event in yaml.parse(text, Loader=_PARSER):
            yield from _taken(event, opened, sizes)
            if len(opened) > MOST_DEEP + 1:
                yield f"nested deeper than {MOST_DEEP} levels in line {_line(event)}"
                return
            if max(each.values for each in opened) > MOST_VALUES:
                yield f"more than {MOST_VALUES:,} values, its aliases filled in"
                return
    except (yaml.YAMLError, UnicodeError, ValueError):
        return


def _taken(event: yaml.Event, opened: list[_Open], sizes: dict[str, int]) -> Iterator[str]:
    """The faults that one more piece brings."""
    if isinstance(event, yaml.CollectionStartEvent):
        opened.append(_Open(mapping=isinstance(event, yaml.MappingStartEvent), anchor=event.anchor))
    elif isinstance(event, yaml.CollectionEndEvent):
        ended = opened.pop()
        _add(opened[-1], ended.anchor, ended.values, sizes)
    elif isinstance(event, yaml.ScalarEvent):
        if opened[-1].awaits_key:
            yield from _key(event, opened[-1])
        _add(opened[-1], event.anchor, 1, sizes)
    elif isinstance(event, yaml.AliasEvent):
        if event.anchor in {each.anchor for each in opened}:
            yield f"*{event.anchor} in line {_line(event)} is part of what it stands for"
        _add(opened[-1], None, sizes.get(str(event.anchor), 1), sizes)


def _key(event: yaml.ScalarEvent, mapping: _Open) -> Iterator[str]:
    before = mapping.keys.get(event.value)
    mapping.keys[event.value] = _line(event)
    if before is not None:
        yield f"{event.value!r} is there twice, in line {before} and in line {_line(event)}"


def _add(to: _Open, anchor: str | None, values: int, sizes: dict[str, int]) -> None:
    to.children += 1
    to.values += values
    if anchor is not None:
        sizes[anchor] = values


def _line(event: yaml.Event) -> int:
    return 1 + (event.start_mark.line if event.start_mark else 0)
