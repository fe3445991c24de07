"""How backends and contenders look: the same in tables and charts."""

from __future__ import annotations

from typing import NamedTuple


class BackendStyle(NamedTuple):
    """The title of a backend and its colour, which it keeps in every chart."""

    title: str
    colour: str


#: One line for each backend library. The colours were chosen for the largest smallest distance under normal, deutan,
#: protan and tritan vision, on white and on dark.
BACKENDS = {
    "tensorflow": BackendStyle("TensorFlow", "#E69F00"),
    "cntk": BackendStyle("CNTK", "#C2649A"),
    "theano": BackendStyle("Theano", "#56B4E9"),
    "mxnet": BackendStyle("MXNet", "#8A8B2C"),
    "jax": BackendStyle("JAX", "#5B4BB5"),
    "torch": BackendStyle("PyTorch", "#A83232"),
}
OTHER_COLOUR = "#808590"
#: By position, so that no contender is known by its colour alone.
SHAPES = ("circle", "square", "triangle-up", "diamond", "cross", "triangle-down", "triangle-right", "triangle-left")
#: Solid for the first contender of a backend, then the others in turn.
DASHES = ([1, 0], [6, 3], [2, 2], [8, 3, 2, 3])


def title(backend: str) -> str:
    """What people call the backend; its own name where it is not known here."""
    return BACKENDS[backend].title if backend in BACKENDS else backend


def colour(backend: str) -> str:
    return BACKENDS[backend].colour if backend in BACKENDS else OTHER_COLOUR
