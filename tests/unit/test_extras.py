"""What the program does without, and says: the extras of setup.cfg, and that nothing else of the package needs them."""

from __future__ import annotations

import ast
import configparser
import re
import sys
from collections.abc import Iterator

import pytest

from orchestrator import extras
from orchestrator.errors import HostError
from tests.conftest import ROOT

SETUP = configparser.ConfigParser()
SETUP.read(ROOT / "setup.cfg")
#: The modules of the core's packages, where they have another name.
MODULES = {"pyyaml": "yaml", "nvidia-ml-py": "pynvml"}
#: What Jinja and the Docker SDK bring along.
BROUGHT = ("markupsafe", "urllib3")


def names(text: str) -> list[str]:
    """The packages of a list of requirements."""
    return [re.split(r"[ <>=;\[]", line)[0] for line in text.strip().splitlines()]


CORE = names(SETUP["options"]["install_requires"])
DECLARED = {name: names(text) for name, text in SETUP["options.extras_require"].items()}


def imports(tree: ast.AST, held: frozenset[str] = frozenset()) -> Iterator[tuple[str, frozenset[str]]]:
    """Each package that a file imports, and the modules for which the place of the import is a block of `needed`."""
    for node in ast.iter_child_nodes(tree):
        if isinstance(node, ast.Import):
            yield from ((alias.name.partition(".")[0], held) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield (node.module or "").partition(".")[0], held
        elif isinstance(node, ast.With):
            calls = [
                item.context_expr for item in node.items if ast.unparse(item.context_expr).startswith("extras.needed")
            ]
            inside = {str(call.args[0].value) for call in calls}  # type: ignore[attr-defined]
            yield from imports(node, held | inside)
        else:
            yield from imports(node, held)


def test_setup_cfg_has_the_same_extras():
    assert {name: sorted(extra.packages.values()) for name, extra in extras.EXTRAS.items()} == {
        name: sorted(packages) for name, packages in DECLARED.items() if name not in ("all", "test", "fuzz")
    }
    everything = re.search(r"keras-orchestrate\[(.*)\]", SETUP["options.extras_require"]["all"])
    assert everything and everything[1].split(",") == list(extras.EXTRAS)


def test_the_locked_packages_of_make_setup_are_the_core_and_all_extras():
    wanted = {*CORE, *(package for extra in extras.EXTRAS.values() for package in extra.packages.values())}
    listed = set(names((ROOT / "tests" / "requirements.in").read_text())) | {
        "tomli"
    }  # of Python 3.10, which mypy needs
    locked = set(re.findall(r"^([a-z0-9-]+)==", (ROOT / "tests" / "requirements.txt").read_text(), re.MULTILINE))
    assert wanted <= listed and wanted <= locked


def test_nothing_but_the_core_is_imported_outside_of_needed():
    optional = {module for extra in extras.EXTRAS.values() for module in extra.packages}
    core = {MODULES.get(package, package) for package in CORE} - optional
    faults = []
    for path in (ROOT / "orchestrator").rglob("*.py"):
        file = path.relative_to(ROOT / "orchestrator").as_posix()
        for package, held in imports(ast.parse(path.read_text(encoding="utf-8"))):
            if package in optional and package not in held:
                faults.append(f"{file}: {package} outside of `extras.needed`")
            known = package in sys.stdlib_module_names or package in ("orchestrator", *BROUGHT, *core, *optional)
            faults += [] if known else [f"{file}: {package} is in no list of setup.cfg"]
    assert faults == []


@pytest.mark.parametrize("name", extras.EXTRAS)
def test_what_is_not_installed_is_named_with_what_brings_it(name, monkeypatch):
    assert extras.lacking(name) == ""
    extra = extras.EXTRAS[name]
    for module in extra.packages:
        monkeypatch.setitem(sys.modules, module, None)
        with pytest.raises(extras.Lacking) as caught, extras.needed(module):
            pytest.fail("not reached")
        assert caught.value.message == f"{extra.serves} need {extra.packages[module]}, which is not installed"
        assert f"pip install 'keras-orchestrate[{name}]'" in caught.value.hint
        assert isinstance(caught.value, HostError) and caught.value.exit_code == 3
    for package in extra.packages.values():
        assert package in extras.lacking(name)


def test_a_folder_of_the_name_is_no_package(monkeypatch, tmp_path):
    """As this project's own folder docker/, which Python takes for a package where no other is found."""
    (tmp_path / "duckdb").mkdir()
    monkeypatch.delitem(sys.modules, "duckdb", raising=False)
    monkeypatch.setattr(sys, "path", [str(tmp_path)])
    assert not extras.is_there("duckdb")


def test_a_package_that_cannot_be_loaded_is_told_from_one_that_is_not_there(monkeypatch):
    with pytest.raises(extras.Lacking, match="which cannot be loaded: no libz"), extras.needed("duckdb"):
        raise ImportError("no libz")
