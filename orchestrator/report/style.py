"""How backends, phases and charts look: the same in tables and charts, on white and on dark.

A colour is a pair: one for each theme, each at least 3:1 against everything that it is drawn on. Faint marks are
thinner and paler, and still keep 3:1 (tests/unit/report/test_style.py works it out).
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import NamedTuple

from orchestrator.model import is_native, library_of


class Pair(NamedTuple):
    """One colour: on the light page, and on the dark one."""

    light: str
    dark: str


class BackendStyle(NamedTuple):
    """The title of a backend and its colours, which it keeps in every table and chart."""

    title: str
    colours: Pair


#: One line for each backend library. The colours were chosen for the largest smallest distance under normal, deutan,
#: protan and tritan vision, on white and on dark.
BACKENDS = {
    "tensorflow": BackendStyle("TensorFlow", Pair("#9a5b00", "#f4b236")),
    "cntk": BackendStyle("CNTK", Pair("#b0307a", "#f08cc4")),
    "theano": BackendStyle("Theano", Pair("#0f6d9c", "#74c7f7")),
    "mxnet": BackendStyle("MXNet", Pair("#5a6100", "#c6cc5e")),
    "jax": BackendStyle("JAX", Pair("#4a3aa7", "#b3a6ff")),
    "torch": BackendStyle("PyTorch", Pair("#a12626", "#ff8d80")),
}
OTHER = Pair("#5b6069", "#b2b8c2")
#: What the time of a job goes to, in its order: a letter that stands in its bar, in words, and its colours.
PHASES = {
    "start": ("S", "start of the container or process", Pair("#5b6069", "#b2b8c2")),
    "import": ("I", "import", Pair("#0f6d9c", "#74c7f7")),
    "data": ("D", "data", Pair("#5a6100", "#c6cc5e")),
    "build": ("B", "build and compile()", Pair("#9a5b00", "#f4b236")),
    "first": ("1", "first epoch", Pair("#a12626", "#ff8d80")),
    "steady": ("E", "steady epochs", Pair("#4a3aa7", "#b3a6ff")),
    "validation": ("V", "validation", Pair("#0c6b50", "#6fd3ad")),
    "exit": ("X", "exit and all else", Pair("#6b4a4a", "#d3b1b1")),
}
#: What charts are drawn on and with, as in report.css: name -> colours. Files that stand alone have no other page.
SURFACES = {
    "card": Pair("#ffffff", "#181b20"), "page": Pair("#fbfbfa", "#121417"),
    "text": Pair("#1c1f24", "#e6e8eb"), "soft": Pair("#5d646f", "#a0a8b4"), "line": Pair("#e2e4e8", "#2d323a"),
    "quiet-bg": Pair("#eceef1", "#262b33"), "accent": Pair("#1a56a8", "#8ab8f5"), "bad": Pair("#a3261f", "#ff9d94"),
}  # fmt: skip
#: How much of its colour a faint mark has.
FAINT = 0.8
#: By position, so that no contender is known by its colour alone.
SHAPES = ("circle", "square", "triangle", "diamond", "cross", "wedge", "bar", "star")
#: Solid for the first contender of a backend, then the others in turn.
DASHES = ("", "6 3", "2 2", "8 3 2 3")


def title(backend: str) -> str:
    """What people call the backend; its own name where it is not known here."""
    library = library_of(backend)
    if library not in BACKENDS:
        return backend
    return f"{'plain ' if is_native(backend) else ''}{BACKENDS[library].title}"


def pair(backend: str) -> Pair:
    library = library_of(backend)
    return BACKENDS[library].colours if library in BACKENDS else OTHER


def name(backend: str) -> str:
    """The name of a backend's colour in style sheets: that of all others for one that is not known here."""
    library = library_of(backend)
    return f"b-{library}" if library in BACKENDS else "b-other"


def colour(backend: str) -> str:
    """The colour of a backend for a style sheet of the page, where it follows the theme."""
    return f"var(--{name(backend)})"


def named() -> dict[str, Pair]:
    """Every colour of marks by its name in style sheets."""
    backends = {name(backend): style.colours for backend, style in BACKENDS.items()}
    phases = {f"p-{phase}": colours for phase, (_, _, colours) in PHASES.items()}
    return {**backends, "b-other": OTHER, **phases}


def sheet() -> str:
    """The colours of marks as a style sheet for the page: light, dark, and light on paper."""
    light, dark = (_declared(named(), theme) for theme in ("light", "dark"))
    paper = f"@media print {{ :root {{ {light} }} }}"
    rules = "\n".join(f".{key} {{ color: var(--{key}); }}" for key in named())
    return f":root {{ {light} }}\n@media (prefers-color-scheme: dark) {{ :root {{ {dark} }} }}\n{paper}\n{rules}\n"


def alone(css: str) -> str:
    """A style sheet for a file that stands alone: its variables replaced by colours, those of light and of dark."""
    rules = css + "".join(f".{key} {{ color: var(--{key}); }}\n" for key in named())
    light, dark = (_filled(rules, theme) for theme in ("light", "dark"))
    return f"{light}@media (prefers-color-scheme: dark) {{ {dark} }}"


def _declared(colours: Mapping[str, Pair], theme: str) -> str:
    return " ".join(f"--{key}: {getattr(value, theme)};" for key, value in colours.items())


def _filled(css: str, theme: str) -> str:
    values = {key: getattr(value, theme) for key, value in {**SURFACES, **named()}.items()}
    return re.sub(r"var\(--([a-z0-9-]+)\)", lambda found: values[found[1]], css)


def contrast(one: str, other: str) -> float:
    """The contrast of two colours as WCAG 2 counts it: 1 to 21."""
    high, low = sorted((_luminance(one), _luminance(other)), reverse=True)
    return (high + 0.05) / (low + 0.05)


def blended(colour: str, ground: str, share: float) -> str:
    """What is seen of `share` of a colour over a ground."""
    mixed = (round(share * a + (1 - share) * b) for a, b in zip(_channels(colour), _channels(ground), strict=True))
    return "#" + "".join(f"{value:02x}" for value in mixed)


def _channels(colour: str) -> Iterator[int]:
    return (int(colour[i : i + 2], 16) for i in (1, 3, 5))


def _luminance(colour: str) -> float:
    shares = (value / 255 for value in _channels(colour))
    linear = [v / 12.92 if v <= 0.04045 else ((v + 0.055) / 1.055) ** 2.4 for v in shares]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]
