"""Says which modules have no test file of their name; the list of those that may lack one only gets shorter.

python tests/modules.py     exit code 1 if a module lacks its test file and is not listed, or is listed and has one.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
LIST = Path(__file__).with_name("modules.txt")
NO_MODULES = ("__init__.py", "__main__.py")


def without_test(root: Path) -> set[str]:
    """The modules, as paths below orchestrator/, whose file tests/unit/<room>/test_<module>.py is not there."""
    package, tests = root / "orchestrator", root / "tests" / "unit"
    modules = [path.relative_to(package) for path in package.rglob("*.py") if path.name not in NO_MODULES]
    return {path.as_posix() for path in modules if not (tests / path.parent / f"test_{path.name}").is_file()}


def faults(root: Path, listed: set[str]) -> Iterator[str]:
    lacking = without_test(root)
    for path in sorted(lacking - listed):
        yield f"orchestrator/{path} has no tests/unit/{Path(path).parent / ('test_' + Path(path).name)}"
    for path in sorted(listed - lacking):
        yield f"tests/modules.txt lists {path}, which has a test by now or is gone: remove the line"


def main() -> int:
    found = list(faults(ROOT, set(LIST.read_text().split())))
    print("\n".join(found), end="\n" if found else "")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
