"""The environments of today's stacks, made once for all files of this folder that ask for them."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from orchestrator.errors import HostError
from orchestrator.plan.catalog import load_catalog
from orchestrator.stacks import venvs
from tests.conftest import REQUIRED


@pytest.fixture(scope="session")
def python_of() -> Callable[[str], str]:
    """A function that gives the interpreter of a stack's environment."""
    catalog = load_catalog()

    def ready(stack: str) -> str:
        try:
            return venvs.ensure(catalog.stack(stack), "cpu", catalog.docker_dir, print).python
        except HostError as error:
            said = f"{error.message} {error.hint}"
            if REQUIRED or not ("package index" in said or "no Python 3.11" in said):
                raise
            pytest.skip(said)

    return ready
