"""Draws the charts of a report, in this process or as a program of its own.

    python -m orchestrator.report.drawing < material > lines

The libraries that draw start a browser's engine, which wants much memory and ends its process where it gets none. As a
program it costs only pictures then: `collected` makes a list of what came back, and of what did not.
"""

from __future__ import annotations

import os
import pickle
import resource
import sys
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Any

import msgspec
from msgspec import Struct

from orchestrator.report.blocks import Drawn, Picture
from orchestrator.text import listed, plural, printable

if TYPE_CHECKING:
    from orchestrator.report.view import View

#: The titles that a sentence names; of more it tells the number.
MOST_NAMED = 3


class Line(Struct, frozen=True, omit_defaults=True):
    """One thing that the drawing has to say: what will be drawn, a picture, why there is none, or the page's script."""

    #: Title by name.
    planned: dict[str, str] | None = None
    name: str = ""
    picture: Picture | None = None
    trouble: str = ""
    script: str = ""


def material(view: View) -> tuple[Any, ...]:
    """All that the charts are made of."""
    return view.layout, view.epochs, view.samples, view.gpu, view.marks


def drawn_here(view: View) -> Drawn:
    """The charts of a view, drawn in this process."""
    return collected(drawing(*material(view)))


def drawing(layout: Any, epochs: Any, samples: Any, gpu: Any, marks: Any) -> Iterator[Line]:
    """Draws all charts, one after the other. Raises what the libraries raise that specify them."""
    from orchestrator.report import charts, charts_gpu  # here, as they may be what fails

    specs = {**charts.charts(layout, epochs, samples), **charts_gpu.timelines(layout, gpu, marks)}
    yield Line(planned={name: title for name, (title, _) in specs.items()})
    for name, (title, spec) in specs.items():
        try:
            svg, png = charts.draw(spec)
            yield Line(name=name, picture=Picture(title=title, spec=spec, svg=svg, png=png))
        except Exception as error:
            yield Line(name=name, trouble=in_words(error))
    if specs:
        yield Line(script=charts.javascript())


def collected(lines: Iterable[Line], ended: str = "") -> Drawn:
    """What was drawn; `ended` says why the lines may have ended early."""
    planned: dict[str, str] | None = None
    pictures: dict[str, Picture] = {}
    troubles: dict[str, str] = {}
    script = ""
    try:
        for line in lines:
            planned = line.planned if line.planned is not None else planned
            script = line.script or script
            if line.picture is not None:
                pictures[line.name] = line.picture
            elif line.name:
                troubles[line.name] = line.trouble
    except Exception as error:
        ended = in_words(error)
    if planned is None:
        return Drawn(lacking=[f"The charts are not drawn: {ended or 'nothing came back'}."])
    missing = {name: troubles.get(name) or ended for name in planned if name not in pictures}
    return Drawn(pictures, script, _sentences(planned, missing))


def _sentences(planned: dict[str, str], missing: dict[str, str]) -> list[str]:
    """One sentence for each reason."""
    found = []
    for reason in dict.fromkeys(missing.values()):
        titles = [planned[name] for name, why in missing.items() if why == reason]
        count = f"{len(titles)} of {plural(len(planned), 'chart')} could not be drawn"
        named = f" ({listed(titles)})" if len(titles) <= MOST_NAMED else ""
        found.append(f"{count}{named}: {reason}.")
    return found


def in_words(error: BaseException) -> str:
    """An error of the libraries, on one line."""
    said = printable(" ".join(str(error).split()), 200)
    return f"{type(error).__name__}: {said}" if said else type(error).__name__


def main() -> None:
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))  # an engine that fails is known, and leaves no memory dump
    answer = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # whatever a library prints is no answer
    for line in drawing(*pickle.load(sys.stdin.buffer)):
        answer.write(msgspec.json.encode(line) + b"\n")
        answer.flush()


if __name__ == "__main__":
    main()
