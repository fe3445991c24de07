"""What a stack compiles has a name of one user and one content."""

from __future__ import annotations

import re

import pytest

from orchestrator.launchers.caches import cache_name, is_others, ours
from orchestrator.plan.catalog import load_catalog

STACKS = load_catalog().stacks


def test_a_name_is_one_that_engines_take_and_says_whose_it_is():
    name = cache_name("keras2-theano", "theano", 1000, "sha256:1", "f" * 64)
    assert re.fullmatch(r"keras-orchestrate-keras2-theano-theano-u1000-[0-9a-f]{12}", name)
    assert name == cache_name("keras2-theano", "theano", 1000, "sha256:1", "f" * 64)


def test_where_one_part_of_the_content_ends_matters():
    assert cache_name("s", "c", 1, "ab", "c") != cache_name("s", "c", 1, "a", "bc")


def test_whose_a_cache_is():
    name = cache_name("keras2-theano", "theano", 1000, "x")
    assert [is_others(name, uid) for uid in (0, 1000, 1001)] == [False, False, True]
    assert not is_others("keras-orchestrate-keras2-theano-theano", 1001)


@pytest.mark.parametrize(
    ("name", "is_ours"),
    [
        (cache_name("keras2-theano", "theano", 0, "x"), True),
        ("keras-orchestrate-keras2-theano-theano", True),  # of releases with one for everybody
        ("keras-orchestrate-keras2-theano-theano-mine", False),
        ("keras-orchestrate-notes-u1000-0123456789ab", False),
        ("my-keras-orchestrate-keras2-theano-theano", False),
    ],
)
def test_only_such_names_are_ours(name, is_ours):
    assert ours(name, STACKS) is is_ours
