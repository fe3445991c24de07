"""What images that must be made would take: measured ones exactly, layers that are shared once, the rest by guess."""

from __future__ import annotations

import msgspec
import pytest

from orchestrator.model import Measured, Stack
from orchestrator.plan.catalog import load_catalog
from orchestrator.stacks.expected import IMAGE_MB, Expected, expected, in_words, time_in_words

CATALOG = load_catalog()


def stack(name: str, mb: int | None = None, shared_mb: int = 1, seconds: int | None = None) -> Stack:
    """A stack of the catalog whose cpu image takes so much, or was never measured."""
    found = CATALOG.stack(name)
    measured = None if mb is None else Measured(mb=mb, shared_mb=shared_mb, seconds=seconds)
    image = msgspec.structs.replace(found.images["cpu"], measured=measured)
    return msgspec.structs.replace(found, images={"cpu": image})


def test_layers_that_images_share_count_once_and_not_at_all_where_one_of_them_is_there():
    new, old = stack("tf215", 1000, 300), stack("keras30-tf216", 1200, 300)
    assert expected([new], [], "cpu").mb == 2 * 700 + 300, "the stage of the build holds the packages, too"
    assert expected([new, old], [], "cpu").mb == 2 * (700 + 900) + 300
    assert expected([new], [old], "cpu").mb == 2 * 700
    other = stack("tf25", 1000, 200)
    assert expected([new, other], [], "cpu").mb == 2 * (700 + 800) + 300 + 200, "another base and Python"
    theano, mxnet = stack("theano105", 900, 700), stack("mxnet15", 500, 300)
    assert expected([theano], [mxnet], "cpu").mb == 2 * 200 + 700, "of one Python, but with other packages of Debian"


def test_what_was_never_measured_is_guessed_and_said_to_be():
    found = expected([stack("tf215"), stack("tf25", 1000, 200, 90)], [], "cpu")
    assert found == Expected(images=2, mb=IMAGE_MB["cpu"] + 2 * 800 + 200, sized=1, seconds=90, timed=1)
    assert in_words(found) == (
        "2 images to make: about 4.8 GiB with what their builds leave in the cache, 1 image of unknown size among "
        "them; about 2 min 00 s one after another, sooner as two are built at once, and 1 image of unknown length"
    )


@pytest.mark.parametrize(
    ("seconds", "timed", "said"),
    [
        (0, 0, "unknown, as nobody timed such builds"),
        (50, 1, "about 50 s one after another, sooner as two are built at once, and 2 images of unknown length"),
        (200, 3, "about 4 min 00 s one after another, sooner as two are built at once"),
    ],
)
def test_a_time_is_that_of_timed_builds_alone(seconds: int, timed: int, said: str):
    assert time_in_words(Expected(images=3, seconds=seconds, timed=timed)) == said


def test_a_single_image_has_no_order():
    assert time_in_words(Expected(images=1, seconds=50, timed=1)) == "about 50 s"


def test_nothing_to_make_takes_nothing():
    assert expected([], [stack("tf215", 1000, 300)], "cpu") == Expected()
