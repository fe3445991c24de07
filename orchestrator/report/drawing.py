"""Draws the pictures of a report, in this process or as a program of its own.

    python -m orchestrator.report.drawing < material > lines

Pictures are drawn as SVG first, which needs no library, and then made into PNG files by one that may want more memory
than it gets. As a program it costs only these then: `collected` makes a list of what came back, and of what did not.
"""

from __future__ import annotations

import os
import pickle
import resource
import sys
from collections.abc import Iterable, Iterator, Mapping

import msgspec
from msgspec import Struct
from msgspec.structs import replace

from orchestrator import extras
from orchestrator.report.blocks import Drawn, Picture
from orchestrator.report.charts import figure, figures
from orchestrator.report.charts.material import Material
from orchestrator.report.view import View
from orchestrator.text import listed, plural, printable

#: The titles that a sentence names; of more it tells the number.
MOST_NAMED = 3
#: Pixels of a PNG for each of the SVG.
SCALE = 2


class Line(Struct, frozen=True, omit_defaults=True):
    """One thing that the drawing has to say: what will be drawn, a picture, why there is none, or its PNG."""

    #: Title by name.
    planned: dict[str, str] | None = None
    name: str = ""
    picture: Picture | None = None
    trouble: str = ""
    png: bytes = b""


def material(view: View) -> Material:
    """All that the pictures are made of."""
    return Material(
        layout=view.layout,
        speeds=view.speeds,
        epochs=view.epochs,
        samples=view.samples,
        gpu=view.gpu,
        marks=view.marks,
        reference=view.report.reference,
        price=view.report.price,
    )


def drawn_here(view: View) -> Drawn:
    """The pictures of a view, drawn in this process."""
    return collected(drawing(material(view)))


def drawing(made_of: Material) -> Iterator[Line]:
    """Draws all pictures, one after the other, then the PNG of each."""
    found = list(figures(made_of))
    yield Line(planned={name: title for name, title, _ in found})
    svgs = {}
    for name, _, made in found:
        try:
            if isinstance(made, Exception):
                raise made
            svgs[name] = figure.one_file(made)
            yield Line(name=name, picture=_picture(made, svgs[name]))
        except Exception as error:
            yield Line(name=name, trouble=in_words(error))
    if not extras.lacking("charts"):
        yield from _pixels(svgs)


def _picture(made: figure.Figure, svg: str) -> Picture:
    panels = [panel.inline for panel in made.panels]
    return Picture(title=made.title, caption=made.caption, alt=made.alt, panels=panels, words=made.words, svg=svg)


def _pixels(svgs: Mapping[str, str]) -> Iterator[Line]:
    for name, svg in svgs.items():
        try:
            yield Line(name=name, png=png(svg))
        except Exception as error:
            yield Line(name=name, trouble=in_words(error))


def png(svg: str) -> bytes:
    """The pixels of an SVG. Needs neither a browser nor a network."""
    with extras.needed("vl_convert"):
        import vl_convert
    pixels: bytes = vl_convert.svg_to_png(svg, scale=SCALE)
    return pixels


def collected(lines: Iterable[Line], ended: str = "") -> Drawn:
    """What was drawn; `ended` says why the lines may have ended early."""
    planned: dict[str, str] | None = None
    pictures: dict[str, Picture] = {}
    troubles: dict[str, str] = {}
    try:
        for line in lines:
            planned = line.planned if line.planned is not None else planned
            if line.picture is not None:
                pictures[line.name] = line.picture
            elif line.png and line.name in pictures:
                pictures[line.name] = replace(pictures[line.name], png=line.png)
            elif line.name:
                troubles[line.name] = line.trouble
    except Exception as error:
        ended = in_words(error)
    if planned is None:
        return Drawn(lacking=[f"The charts are not drawn: {ended or 'nothing came back'}."])
    missing = {name: troubles.get(name) or ended for name in planned if name not in pictures}
    pixels = {name: troubles.get(name) or ended for name, picture in pictures.items() if not picture.png}
    lacking = _sentences(planned, missing, "could not be drawn")
    if any(pixels.values()):  # without the library, which nobody has to have, there is nothing to tell
        lacking += _sentences(planned, {name: why for name, why in pixels.items() if why}, "have no PNG file")
    return Drawn(pictures, lacking)


def _sentences(planned: Mapping[str, str], missing: Mapping[str, str], what: str) -> list[str]:
    """One sentence for each reason."""
    found = []
    for reason in dict.fromkeys(missing.values()):
        titles = [planned[name] for name, why in missing.items() if why == reason]
        named = f" ({listed(titles)})" if len(titles) <= MOST_NAMED else ""
        found.append(f"{len(titles)} of {plural(len(planned), 'chart')} {what}{named}: {reason}.")
    return found


def in_words(error: BaseException) -> str:
    """An error of the libraries, on one line."""
    said = printable(" ".join(str(error).split()), 200)
    return f"{type(error).__name__}: {said}" if said else type(error).__name__


def main() -> None:
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))  # an engine that fails is known, and leaves no memory dump
    answer = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # whatever a library prints is no answer
    for line in drawing(pickle.load(sys.stdin.buffer)):
        answer.write(msgspec.json.encode(line) + b"\n")
        answer.flush()


if __name__ == "__main__":
    main()
