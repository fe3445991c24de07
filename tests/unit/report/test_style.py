"""Every backend has a title and colours, no two look alike, and each can be seen in both themes."""

from __future__ import annotations

import re

import pytest

from orchestrator.plan.catalog import load_catalog
from orchestrator.report import style
from orchestrator.report.render import TEMPLATES
from orchestrator.report.style import Pair


def test_every_backend_of_the_catalog_has_its_line():
    names = {backend.name for stack in load_catalog().stacks for backend in stack.backends}
    assert names <= set(style.BACKENDS)


def test_titles_and_colours_are_unique():
    for values in zip(*style.BACKENDS.values(), strict=True):
        assert len(set(values)) == len(style.BACKENDS)
    letters = [letter for letter, _, _ in style.PHASES.values()]
    assert len(set(letters)) == len(letters)


def test_an_unknown_backend_has_its_own_name_and_the_common_colour():
    assert (style.title("torch"), style.title("mlx")) == ("PyTorch", "mlx")
    assert style.colour("torch") != style.colour("mlx") == "var(--b-other)"


def test_a_library_without_keras_is_called_plain_and_keeps_its_colour():
    assert (style.title("torch-native"), style.title("mlx-native")) == ("plain PyTorch", "mlx-native")
    assert style.colour("jax-native") == style.colour("jax") and style.pair("jax-native") == style.pair("jax")


def test_contrast_is_that_of_wcag():
    assert style.contrast("#000000", "#ffffff") == pytest.approx(21)
    assert style.contrast("#777777", "#ffffff") == pytest.approx(4.48, abs=0.01)


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("ground", ["card", "page", "quiet-bg"])
def test_every_mark_is_seen_against_its_background_even_a_faint_one(theme, ground):
    """WCAG 2.1, 1.4.11: 3:1. Text in a bar of a phase has the colour of the card: 4.5:1."""
    behind = getattr(style.SURFACES[ground], theme)
    for name, pair in {**style.named(), "bad": style.SURFACES["bad"], "accent": style.SURFACES["accent"]}.items():
        colour = getattr(pair, theme)
        assert style.contrast(colour, behind) >= 3, name
        assert style.contrast(style.blended(colour, behind, style.FAINT), behind) >= 3, f"{name}, faint"
        assert ground != "card" or style.contrast(colour, behind) >= 4.5, f"text in {name}"


def test_the_surfaces_are_those_of_the_page_and_faint_marks_those_of_the_sheet():
    css = (TEMPLATES / "report.css").read_text()
    light, dark = (dict(re.findall(r"--([a-z-]+): (#[0-9a-f]+);", block)) for block in css.split("@media")[:2])
    whole = {name: Pair(*(_long(theme[name]) for theme in (light, dark))) for name in style.SURFACES}
    assert whole == style.SURFACES
    sheet = (TEMPLATES / "charts.css").read_text()
    assert set(re.findall(r"opacity: ([.0-9]+)", sheet)) == {f"{style.FAINT}".removeprefix("0")}


def test_a_sheet_that_stands_alone_has_no_variables_left():
    alone = style.alone((TEMPLATES / "charts.css").read_text())
    assert "var(" not in alone and "prefers-color-scheme: dark" in alone
    for pair in style.named().values():
        assert pair.light in alone and pair.dark in alone


def _long(colour: str) -> str:
    return colour if len(colour) == 7 else "#" + "".join(2 * digit for digit in colour[1:])
