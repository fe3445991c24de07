"""Write requirements/<stack>-<cpu|gpu>.txt from the .in file beside it: every package, pinned, with hashes.

Usage: python docker/lock.py [STACK | STACK-cpu | STACK-gpu ...]      (all of them when none is named)

The first comment lines of an .in file say how it is locked:
  # python: 2.7       the interpreter of the stack
  # index: URL        an index that holds wheels which the main index lacks

Python 2.7: the .in file already names every package (pip installs it with --no-deps), so all that is missing
is the hashes; they come from the index's JSON answers (PEP 691). uv refuses to resolve for Python 2.
Later versions: `uv pip compile` resolves and hashes.

PIP_INDEX_URL and PIP_FIND_LINKS mean what they mean to pip. Needs nothing but the standard library, and uv.
"""

import json
import os
import re
import subprocess
import sys
import urllib.request
from pathlib import Path

REQUIREMENTS = Path(__file__).resolve().parent / "requirements"
JSON_INDEX = "application/vnd.pypi.simple.v1+json"
PYTHON_TAGS = {"cp27", "py2", "py27"}
ABI_TAGS = {"cp27mu", "none"}
PLATFORM_TAGS = {"any", "manylinux1_x86_64", "manylinux2010_x86_64", "manylinux2014_x86_64"}


def main(names):
    """Lock every .in file that `names` selects; returns the exit code."""
    sources = [path for path in sorted(REQUIREMENTS.glob("*.in")) if not names or selected(path.stem, names)]
    if not sources:
        print(f"no requirements/*.in is called {' or '.join(names)}", file=sys.stderr)
        return 2
    for source in sources:
        settings = read_settings(source)
        lock = lock_python2 if settings["python"].startswith("2.") else lock_with_uv
        lock(source, settings)
        print(f"wrote {source.with_suffix('.txt').name}")
    return 0


def selected(stem, names):
    """Whether `names` holds this lock (keras2-theano-cpu) or its stack (keras2-theano)."""
    return stem in names or stem.rpartition("-")[0] in names


def read_settings(source):
    """The `# key: value` lines at the top of an .in file."""
    found = re.findall(r"^# (python|index): (\S+)$", source.read_text(), re.MULTILINE)
    if len(dict(found)) < len(found):
        raise SystemExit(f"{source.name} says python or index twice: keep one line of each")
    return dict(found)


def lock_python2(source, settings):
    """Add the hashes of the files that Python 2.7 on x86-64 Linux can use."""
    lines = [f"# Made by docker/lock.py from {source.name}; do not edit."]
    for line in source.read_text().splitlines():
        pin = line.partition("#")[0].strip()
        if pin:
            name, _, version = pin.partition("==")
            hashes = sorted(usable_hashes(name, version))
            lines.append(" \\\n    ".join([pin, *(f"--hash=sha256:{digest}" for digest in hashes)]))
    source.with_suffix(".txt").write_text("\n".join(lines) + "\n")


def usable_hashes(name, version):
    """SHA-256 of the wheels that fit; of the source archive where there is no such wheel."""
    files = [file for file in index_files(name) if belongs(file["filename"], version)]
    chosen = [file for file in files if is_usable_wheel(file["filename"])]
    chosen = chosen or [file for file in files if file["filename"].endswith((".tar.gz", ".zip"))]
    if not chosen:
        raise SystemExit(f"{name}=={version}: the index has no file for Python 2.7 on x86-64 Linux")
    return [file["hashes"]["sha256"] for file in chosen]


def index_files(name):
    """The index's list of files of one project."""
    index = os.environ.get("PIP_INDEX_URL") or "https://pypi.org/simple"
    url = f"{index.rstrip('/')}/{re.sub(r'[-_.]+', '-', name).lower()}/"
    request = urllib.request.Request(url, headers={"Accept": JSON_INDEX})
    with urllib.request.urlopen(request, timeout=60) as answer:
        return json.load(answer)["files"]


def belongs(filename, version):
    """Whether a wheel or a source archive is of this version."""
    if filename.endswith(".whl"):
        return filename.split("-")[1] == version
    return re.sub(r"\.(tar\.gz|zip)$", "", filename).endswith(f"-{version}")


def is_usable_wheel(filename):
    """Whether one of the wheel's tag combinations is CPython 2.7 (wide Unicode) on x86-64 Linux."""
    if not filename.endswith(".whl"):
        return False
    pythons, abis, platforms = filename[: -len(".whl")].split("-")[-3:]
    return all(
        set(tags.split(".")) & known
        for tags, known in ((pythons, PYTHON_TAGS), (abis, ABI_TAGS), (platforms, PLATFORM_TAGS))
    )


def lock_with_uv(source, settings):
    """Let uv resolve for the stack's interpreter on x86-64 Linux."""
    command = ["uv", "pip", "compile", source.name, "--output-file", source.with_suffix(".txt").name]
    command += ["--generate-hashes", "--no-header", "--no-annotate", "--quiet", "--upgrade"]
    command += ["--python-version", settings["python"], "--python-platform", "x86_64-manylinux_2_28"]
    command += ["--default-index", os.environ.get("PIP_INDEX_URL") or "https://pypi.org/simple"]
    command += wheel_places(settings)
    subprocess.run(command, check=True, cwd=REQUIREMENTS)


def wheel_places(settings):
    """Where uv finds wheels that the main index lacks: a folder that pip knows too, else the stack's index."""
    if "index" not in settings:
        return []
    folders = os.environ.get("PIP_FIND_LINKS", "").split()
    if folders:
        return [f"--find-links={folder}" for folder in folders]
    return ["--index", settings["index"], "--index-strategy", "unsafe-best-match"]


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
