"""The program that starts CUDA: each call in its turn, and the first that fails is told. tests/stubgpu runs it."""

from __future__ import annotations

import ctypes

from orchestrator.host.nvidia import cuda_child


class Library:
    """A libcuda whose call `fails` gives 2; `asked` has the calls."""

    def __init__(self, fails=""):
        self.fails, self.asked = fails, []

    def __getattr__(self, name):
        def call(*words):
            self.asked.append(name)
            return 2 if name == self.fails else 0

        return call


def test_all_calls_are_made_in_their_order(monkeypatch):
    library = Library()
    monkeypatch.setattr(ctypes, "CDLL", lambda name: library)
    assert cuda_child.main() == {"mib": cuda_child.MIB}
    assert [library.asked[0], library.asked[-2:]] == ["cuInit", ["cuMemAlloc_v2", "cuMemFree_v2"]]


def test_nothing_is_called_after_one_that_failed(monkeypatch):
    library = Library("cuDevicePrimaryCtxRetain")
    monkeypatch.setattr(ctypes, "CDLL", lambda name: library)
    assert cuda_child.main() == {"call": "cuDevicePrimaryCtxRetain", "code": 2, "name": "error 2"}
    assert library.asked[-2:] == ["cuDevicePrimaryCtxRetain", "cuGetErrorName"]
