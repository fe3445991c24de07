"""Energy of packages, from folders made up as the kernel has them."""

from __future__ import annotations

from pathlib import Path

import pytest

from orchestrator.host.rapl import NO_PACKAGE, Rapl, packages


def domain(root: Path, folder: str, name: str, energy: int, most: int = 1_000_000_000) -> Path:
    place = root / folder
    place.mkdir(parents=True, exist_ok=True)
    (place / "name").write_text(f"{name}\n")
    (place / "energy_uj").write_text(f"{energy}\n")
    (place / "max_energy_range_uj").write_text(f"{most}\n")
    return place


def test_packages_are_added_up_and_nothing_is_counted_twice(tmp_path: Path) -> None:
    for number in (0, 1):
        domain(tmp_path, f"intel-rapl:{number}", f"package-{number}", 5_000_000)
    domain(tmp_path, "intel-rapl-mmio:0", "package-0", 5_000_000)
    domain(tmp_path, "intel-rapl:2", "psys", 9_000_000)
    domain(tmp_path, "intel-rapl:0:0", "core", 4_000_000)
    domain(tmp_path, "dtpm", "package-7", 0)
    assert packages(tmp_path) == {f"package-{n}": tmp_path / f"intel-rapl:{n}" for n in (0, 1)}
    rapl = Rapl(tmp_path)
    assert rapl.read() == 0.0
    domain(tmp_path, "intel-rapl:0", "package-0", 8_000_000)
    domain(tmp_path, "intel-rapl:1", "package-1", 5_500_000)
    domain(tmp_path, "intel-rapl:2", "psys", 90_000_000)
    assert rapl.read() == 3.5


def test_a_counter_that_begins_anew_goes_on(tmp_path: Path) -> None:
    domain(tmp_path, "intel-rapl:0", "package-0", 9_000_000, most=10_000_000)
    rapl = Rapl(tmp_path)
    assert rapl.read() == 0.0
    domain(tmp_path, "intel-rapl:0", "package-0", 2_000_000, most=10_000_000)
    assert rapl.read() == 3.0
    domain(tmp_path, "intel-rapl:0", "package-0", 1_000_000, most=1)
    assert rapl.read() is None and "package-0 went back" in rapl.trouble


@pytest.mark.parametrize("empty", [True, False])
def test_a_host_without_packages_says_so(tmp_path: Path, empty: bool) -> None:
    rapl = Rapl(tmp_path if empty else tmp_path / "none")
    assert rapl.read() is None and rapl.trouble == NO_PACKAGE


def test_a_counter_for_root_alone_says_which_right_helps(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    domain(tmp_path, "intel-rapl:0", "package-0", 1)
    rapl, read = Rapl(tmp_path), Path.read_text

    def closed(path: Path, *args: object, **named: str) -> str:
        if path.name == "energy_uj":
            raise PermissionError(13, "Permission denied", str(path))
        return read(path, *args, **named)  # type: ignore[arg-type]

    monkeypatch.setattr(Path, "read_text", closed)
    assert rapl.read() is None
    assert rapl.trouble.startswith("only root may read") and "sudo chmod a+r" in rapl.trouble


def test_a_package_that_vanishes_or_tells_nonsense_ends_the_count(tmp_path: Path) -> None:
    first = domain(tmp_path, "intel-rapl:0", "package-0", 1_000_000)
    second = domain(tmp_path, "intel-rapl:1", "package-1", 1_000_000)
    rapl = Rapl(tmp_path)
    assert rapl.read() == 0.0
    (second / "energy_uj").unlink()
    assert rapl.read() is None and "FileNotFoundError" in rapl.trouble
    (first / "energy_uj").write_text("much\n")
    other = Rapl(tmp_path)
    assert other.read() is None and "told no number (ValueError)" in other.trouble
