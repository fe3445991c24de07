"""Values that click has no type for: each is taken, or refused with what is expected."""

from __future__ import annotations

import click
import pytest

from orchestrator.cli.options.values import Number, image_names, image_reference, named_paths


@pytest.mark.parametrize(
    ("kind", "value", "found"),
    [(Number(1), "7", 7), (Number(0, 100, float), "2.5", 2.5), (Number(0, 5), 5, 5), (Number(1), "1_000", 1000)],
)
def test_a_number_within_its_bounds(kind, value, found):
    assert kind.convert(value, None, None) == found


@pytest.mark.parametrize(
    ("kind", "value", "words"),
    [
        (Number(1), "0", "'0' is not a whole number from 1 on"),
        (Number(1), "1.5", "'1.5' is not a whole number from 1 on"),
        (Number(1, 10_000), "10001", "'10001' is not a whole number from 1 to 10,000"),
        (Number(0, 100, float), "nan", "'nan' is not a number from 0 to 100"),
        (Number(0, 100, float), "much", "'much' is not a number from 0 to 100"),
    ],
)
def test_another_is_refused_with_what_is_expected(kind, value, words):
    with pytest.raises(click.BadParameter) as caught:
        kind.convert(value, None, None)
    assert caught.value.message == words


def test_names_of_images_and_of_data(tmp_path):
    ctx, parameter = click.Context(click.Command("x")), click.Option(["--x"])
    (tmp_path / "image.sif").touch()
    assert image_reference(ctx, parameter, "host:5000/a/b:1") == "host:5000/a/b:1"
    assert image_names(ctx, parameter, (str(tmp_path / "image.sif"),)) == (str(tmp_path / "image.sif"),)
    assert named_paths(ctx, parameter, (f"cats={tmp_path}",)) == {"cats": str(tmp_path)}
    for bad in ("Upper Case", "--x", ""):
        with pytest.raises(click.BadParameter, match="is no name of an image"):
            image_reference(ctx, parameter, bad)
    for bad, words in (("cats", "is not NAME=PATH"), ("c=/nowhere", "is not there"), ("c=/dev/null", "neither a file")):
        with pytest.raises(click.BadParameter, match=words):
            named_paths(ctx, parameter, (bad,))
    with pytest.raises(click.BadParameter, match="is named twice"):
        named_paths(ctx, parameter, (f"cats={tmp_path}", f"cats={tmp_path}"))
