"""Titles, colours, marks and dashes of backends: the same in tables and charts."""

from __future__ import annotations

BACKENDS = {
    "cntk": "CNTK",
    "jax": "JAX",
    "mxnet": "MXNet",
    "tensorflow": "TensorFlow",
    "theano": "Theano",
    "torch": "PyTorch",
}


def backend_title(name: str) -> str:
    return BACKENDS.get(name, name)


#: Chosen for the largest smallest distance under normal, deutan, protan and tritan vision, on white and
#: on dark. A backend keeps its colour in every chart.
COLOURS = {
    "tensorflow": "#E69F00",
    "cntk": "#C2649A",
    "theano": "#56B4E9",
    "mxnet": "#8A8B2C",
    "jax": "#5B4BB5",
    "torch": "#A83232",
}
OTHER_COLOUR = "#808590"
#: By position, so that no contender is known by its colour alone.
SHAPES = ("circle", "square", "triangle-up", "diamond", "cross", "triangle-down", "triangle-right", "triangle-left")
#: Solid for the first contender of a backend, then the others in turn.
DASHES = ([1, 0], [6, 3], [2, 2], [8, 3, 2, 3])


def colour(backend: str) -> str:
    return COLOURS.get(backend, OTHER_COLOUR)
