"""Compares Keras backends: measures the same workloads in many stacks, and reports how fast and how sure.

request -> plan -> executor(stacks, data, measure(launcher)) -> results -> stats -> report

`orchestrator.run(...)` and `orchestrator.load(...)` are the interface for notebooks and programs (docs/API.md); they
are loaded when they are first asked for. `__init__.pyi` has their types.
"""

from __future__ import annotations

import importlib
import sys
from types import ModuleType
from typing import Any

__version__ = "0.1.0"

#: What orchestrator/api/ gives, beside `run`.
OFFERED = ("Results", "Table", "load")
__all__ = ["Results", "Table", "__version__", "load", "run"]


class _Package(ModuleType):
    """The folder run/ and the function `run` have one name: as an attribute it is the function, in imports the folder.

    Importing the folder sets the attribute of its name, which a property outlives.
    """

    @property
    def run(self) -> Any:
        return importlib.import_module("orchestrator.api").run

    @run.setter
    def run(self, folder: ModuleType) -> None:
        pass


sys.modules[__name__].__class__ = _Package


def __getattr__(name: str) -> Any:
    if name in OFFERED:
        return getattr(importlib.import_module("orchestrator.api"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
