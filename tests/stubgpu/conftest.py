"""Stub hosts for these tests: a K80 under driver 470, an H200 under driver 580; the real nvidia-ml-py on top."""

from __future__ import annotations

import shutil

import pytest

from tests.fakes import nvml_host


@pytest.fixture(scope="session")
def libraries(tmp_path_factory):
    if shutil.which("gcc") is None:
        pytest.skip("no C compiler (gcc) to build the stub driver with")
    folder = tmp_path_factory.mktemp("nvml")
    return {driver: nvml_host.build(folder, driver) for driver in (440, 470, 535, 580)}


@pytest.fixture
def k80(libraries, tmp_path):
    """Two GPUs."""
    return nvml_host.StubHost(libraries[470], tmp_path / "k80", nvml_host.k80())


@pytest.fixture
def h200(libraries, tmp_path):
    return nvml_host.StubHost(libraries[580], tmp_path / "h200", nvml_host.h200())
