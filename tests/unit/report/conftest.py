"""The browser of the tests that need one: started once for each file of tests."""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest

from tests.fakes.browser import CHROMIUM, Browser

REQUIRED = os.environ.get("KERAS_ORCHESTRATE_REQUIRE_BROWSER") == "1"


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    """A headless Chromium; without one the test is skipped, in CI it fails."""
    if CHROMIUM is None:
        assert not REQUIRED, "a browser is required here"
        pytest.skip("no Chromium on this host: apt-get install chromium")
    found = Browser(tmp_path_factory.mktemp("profile"))
    yield found
    found.close()
