"""What this program can do without: the packages of each extra, and what is lost where they are not installed.

`pip install keras-orchestrate` brings a small core for environments that hold Keras and little else; setup.cfg has the
same extras (a test compares the two). A package of an extra is imported only inside of `needed`, where it is used.
"""

from __future__ import annotations

import importlib.util
from collections.abc import Iterator
from contextlib import contextmanager
from typing import NamedTuple

from orchestrator.errors import HostError


class Extra(NamedTuple):
    """One extra. `packages`: module -> the name under which pip knows it; `serves`: what needs them, in words."""

    packages: dict[str, str]
    serves: str
    lost: str

    def absent(self) -> list[str]:
        """pip's names of the packages that are not installed."""
        return [package for module, package in self.packages.items() if not is_there(module)]


EXTRAS = {
    "charts": Extra(
        {"vl_convert": "vl-convert-python"},
        "PNG files of charts",
        "charts are drawn, and have no PNG files beside them",
    ),
    "tables": Extra(
        {"duckdb": "duckdb"},
        "Parquet files, merged sets and `query`",
        "runs leave no Parquet files, and `merge` and `query` do not work",
    ),
    "docker": Extra({"docker": "docker"}, "containers of a Docker engine", "jobs are processes"),
    "build": Extra(
        {"uv": "uv", "elftools": "pyelftools"},
        "locks, environments and GPU images",
        "environments of our stacks are taken where they are there, and none is made; `--python same` needs none",
    ),
    # In the core, as it is tiny: without it a host with GPUs would look like one that has none.
    "gpu": Extra({"pynvml": "nvidia-ml-py"}, "GPUs and their figures", "no GPU is found"),
}


class Lacking(HostError):
    """A package of an extra is not installed, or cannot be loaded."""


def is_there(module: str) -> bool:
    """Whether a package is installed. A folder of its name, which Python takes for a package, is none."""
    try:
        found = importlib.util.find_spec(module)
    except ValueError:  # loaded, and not from a file
        return True
    return found is not None and found.origin is not None


def remedy(name: str) -> str:
    """The command that installs an extra."""
    return f"pip install 'keras-orchestrate[{name}]'"


def lacking(name: str) -> str:
    """Which packages of an extra are not installed and what brings them, in words; "" where all are there."""
    absent = EXTRAS[name].absent()
    if not absent:
        return ""
    return f"{' and '.join(absent)} {'are' if len(absent) > 1 else 'is'} not installed ({remedy(name)})"


def require(module: str) -> None:
    """Raises Lacking where a package of an extra is not installed."""
    if not is_there(module):
        raise _lacking(module, "is not installed")


@contextmanager
def needed(module: str) -> Iterator[None]:
    """For a block that imports a package of an extra. Raises Lacking where it is not installed or cannot be loaded."""
    require(module)
    try:
        yield
    except ImportError as error:
        raise _lacking(module, f"cannot be loaded: {error}") from error


def _lacking(module: str, why: str) -> Lacking:
    name, extra = next((name, extra) for name, extra in EXTRAS.items() if module in extra.packages)
    package = extra.packages[module]
    return Lacking(f"{extra.serves} need {package}, which {why}", f"{remedy(name)}, or pip install {package}")
