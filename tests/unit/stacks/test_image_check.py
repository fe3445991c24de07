"""What a check of an image says: what does not import, what is missing, and code that was promised."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from orchestrator.plan.catalog import load_catalog
from orchestrator.stacks import image_check
from orchestrator.stacks.cuda.machine_code import MachineCode
from orchestrator.stacks.found.probe import Met
from orchestrator.stacks.images.engine import ImageInfo
from orchestrator.stacks.images.inside import Inside, Wanted

STACK = load_catalog().stack("keras3-torch")
EVERY = ["7.5", "8.0", "8.6", "9.0", "10.0", "12.0"]


@pytest.fixture
def checked(monkeypatch):
    def check(met, absent=(), capabilities=EVERY):
        code = MachineCode(binaries=9, native=["7.5"], ptx={"12.0": "9.0"})
        held = Inside(
            libraries=7, code=code, capabilities=list(capabilities), absent=list(absent), large={"torch": 1800}
        )
        info = ImageInfo(id="sha256:1", size_mb=6000, created="")
        monkeypatch.setattr(image_check, "inspect", lambda client, name: info)
        monkeypatch.setattr(image_check.found_images, "look", lambda *_: (None, SimpleNamespace(met={"torch": met})))
        monkeypatch.setattr(image_check, "exported", lambda *_: __import__("contextlib").nullcontext())
        monkeypatch.setattr(image_check, "read", lambda stream: held)
        return image_check.check(None, STACK, "gpu", "0.1.0", lambda line: None)

    return check


def test_an_image_that_is_whole_has_no_fault(checked):
    found = checked(Met(version="2.13.0", keras="3.15.1"), [Wanted(name="libnvinfer.so.10", named_by=["libx.so"])])
    assert found.faults == []
    assert "imports: torch 2.13.0" in list(found.lines)
    assert "named in code and not there: libnvinfer.so.10" in list(found.lines)


def test_every_fault_is_said(checked):
    absent = [
        Wanted(name="libcudnn.so.9", needed_by=["libtorch_cuda.so"]),
        Wanted(name="libjpeg.so.8", needed_by=["plugin.so"]),
    ]
    found = checked(Met(error="ImportError: libcudnn.so.9"), absent, ["7.5"])
    assert found.faults == [
        "torch cannot be imported: ImportError: libcudnn.so.9",
        "libcudnn.so.9 is not there, and libtorch_cuda.so cannot be loaded without it",
        "there is no code for compute capability 8.0, 8.6, 9.0, 10.0, 12.0, which docker/stacks.yaml promises",
    ]
    assert "cannot be loaded: plugin.so (libjpeg.so.8), which matters only where it is used" in list(found.lines)


def test_an_import_that_lacks_only_the_driver_is_no_fault(checked):
    found = checked(Met(error="ImportError: libnvidia-ml.so.1: cannot open shared object file"))
    assert found.faults == []
    assert "imports: torch (not tried: it needs the driver's libnvidia-ml.so.1)" in list(found.lines)
