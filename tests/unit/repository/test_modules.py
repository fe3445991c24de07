"""The list of modules without a test file of their name only gets shorter."""

from __future__ import annotations

import configparser

from tests.conftest import ROOT
from tests.modules import LIST, faults


def made(root, *paths):
    for path in paths:
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).touch()
    return root


def test_a_module_without_a_test_must_be_listed_and_one_with_a_test_must_not(tmp_path):
    tests = ("tests/unit/test_one.py", "tests/unit/room/test_two.py")
    root = made(tmp_path, "orchestrator/__init__.py", "orchestrator/one.py", "orchestrator/room/two.py", *tests)
    assert list(faults(root, set())) == []
    made(root, "orchestrator/room/three.py", "orchestrator/__main__.py", "tests/unit/test_three.py")
    assert list(faults(root, set())) == ["orchestrator/room/three.py has no tests/unit/room/test_three.py"]
    assert list(faults(root, {"room/three.py"})) == []
    (stale,) = faults(root, {"room/three.py", "one.py"})
    assert stale == "tests/modules.txt lists one.py, which has a test by now or is gone: remove the line"
    assert len(list(faults(root, {"room/three.py", "gone.py"}))) == 1


def test_the_list_is_sorted_and_names_each_module_once():
    lines = LIST.read_text().splitlines()
    assert lines == sorted(set(lines))
    assert all((ROOT / "orchestrator" / line).is_file() for line in lines)


def test_every_package_is_shipped():
    """One that setup.cfg does not list is there in a checkout, and not in what is installed from it."""
    settings = configparser.ConfigParser()
    settings.read(ROOT / "setup.cfg")
    shipped = set(settings["options"]["packages"].split())
    folders = [path.parent.relative_to(ROOT) for path in (ROOT / "orchestrator").rglob("__init__.py")]
    assets = {"orchestrator.assets.docker", "orchestrator.assets.workloads"}  # which lie elsewhere in a checkout
    assert {".".join(folder.parts) for folder in folders} == shipped - assets
