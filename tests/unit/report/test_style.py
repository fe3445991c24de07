"""Every backend has a title and a colour, and no two look alike."""

from __future__ import annotations

from orchestrator.plan.catalog import load_catalog
from orchestrator.report import style


def test_every_backend_of_the_catalog_has_its_line():
    names = {backend.name for stack in load_catalog().stacks for backend in stack.backends}
    assert names <= set(style.BACKENDS)


def test_titles_and_colours_are_unique():
    for values in zip(*style.BACKENDS.values(), strict=True):
        assert len(set(values)) == len(style.BACKENDS)


def test_an_unknown_backend_has_its_own_name_and_the_common_colour():
    assert (style.title("torch"), style.title("mlx")) == ("PyTorch", "mlx")
    assert style.colour("torch") != style.colour("mlx") == style.OTHER_COLOUR
