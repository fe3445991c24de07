"""Values of options that click has no type for: percentages, names of images, data by name."""

from __future__ import annotations

import math
import re
from pathlib import Path
from typing import Any

import click

PLAIN_NUMBER = re.compile(r"\d+(\.\d*)?\Z", re.ASCII)
_HOST, _PATH = r"[A-Za-z0-9][A-Za-z0-9.-]*(?::\d+)?", r"[a-z0-9]+(?:(?:\.|_{1,2}|-+)[a-z0-9]+)*"
_TAG, _DIGEST = r"\w[\w.-]{0,127}", r"sha256:[0-9a-f]{64}"
#: A name of data for a file of one's own: a file name, and a part of a variable's name.
DATA_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_-]{0,39}\Z", re.ASCII)
AXIS_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_]{0,39}\Z", re.ASCII)
IMAGE_REFERENCE = re.compile(rf"(?:{_HOST}/)?{_PATH}(?:/{_PATH})*(?::{_TAG})?(?:@{_DIGEST})?\Z", re.ASCII)
#: A folder that is there.
FOLDER = click.Path(exists=True, file_okay=False, path_type=Path)


class Number(click.ParamType):  # type: ignore[type-arg,unused-ignore]
    """A number between two bounds. `kind`: int, or float where parts count."""

    def __init__(self, low: int, high: int | None = None, kind: type[int] | type[float] = int) -> None:
        self.low, self.high, self.kind = low, high, kind
        self.name = "whole number" if kind is int else "number"

    @property
    def expected(self) -> str:
        """`a whole number from 1 to 10,000`."""
        end = f" to {self.high:,}" if self.high is not None else " on"
        return f"a {self.name} from {self.low:,}{end}"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> int | float:
        try:
            number = self.kind(value)
        except ValueError:
            number = None
        if number is None or not self.low <= number <= (math.inf if self.high is None else self.high):
            self.fail(f"{value!r} is not {self.expected}", param, ctx)
        return number


def percent(value: Any) -> float:
    """`5%` as a share. The sign is asked for: 5 could mean 500 %, and 0.5 half of one."""
    if isinstance(value, float):
        return value  # the default of an option
    text = str(value).strip()
    number = text.removesuffix("%").rstrip()
    share = float(number) / 100 if text.endswith("%") and PLAIN_NUMBER.match(number) else -1.0
    if not 0 <= share < 10:
        raise click.BadParameter(f"{text!r} is no percentage: write it with its sign, such as 5%")
    return share


def bound(value: Any) -> float:
    """A percentage that can be reached: above 0 %, below 100 %."""
    share = percent(value)
    if not 0 < share < 1:
        raise click.BadParameter(f"{value!r} is no bound: it lies above 0% and below 100%")
    return share


def image_reference(ctx: click.Context, parameter: click.Parameter, value: str | None) -> str | None:
    """The name of an image: [host[:port]/]path[:tag][@sha256:digest]."""
    if value is not None and not IMAGE_REFERENCE.match(value):
        raise click.BadParameter(
            f"{value!r} is no name of an image: write it like debian:bullseye-slim", ctx, parameter
        )
    return value


def image_names(ctx: click.Context, parameter: click.Parameter, value: tuple[str, ...]) -> tuple[str, ...]:
    """Names of images, or files of images by their paths."""
    return tuple(word if Path(word).is_file() else str(image_reference(ctx, parameter, word)) for word in value)


def named_paths(ctx: click.Context, parameter: click.Parameter, value: tuple[str, ...]) -> dict[str, str]:
    """`NAME=PATH` words as paths by name, each of which is there."""
    found: dict[str, str] = {}
    for word in value:
        name, sign, path = word.partition("=")
        if not sign or not DATA_NAME.match(name) or not path:
            raise click.BadParameter(f"{word!r} is not NAME=PATH, such as images=/data/cats", ctx, parameter)
        if not (Path(path).is_file() or Path(path).is_dir()):
            what = "neither a file nor a folder" if Path(path).exists() else "not there"
            raise click.BadParameter(f"{path} is {what}", ctx, parameter)
        if name in found:
            raise click.BadParameter(f"{name} is named twice", ctx, parameter)
        found[name] = path
    return found


def varied(ctx: click.Context, parameter: click.Parameter, value: tuple[str, ...]) -> dict[str, list[str]]:
    """`AXIS=V1,V2` words as values by axis; what they may be is checked with the rest of a configuration."""
    found: dict[str, list[str]] = {}
    for word in value:
        name, sign, values = word.partition("=")
        if not sign or not AXIS_NAME.match(name):
            raise click.BadParameter(f"{word!r} is not AXIS=V1,V2, such as batch_size=32,256", ctx, parameter)
        if name in found:
            raise click.BadParameter(f"{name} is named twice: write {name}=V1,V2", ctx, parameter)
        found[name] = [text.strip() for text in values.split(",")]
    return found
