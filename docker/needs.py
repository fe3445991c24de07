"""Write needs.yaml: what the locked GPU packages need from outside, and what Debian's packages give.

Usage: python docker/needs.py packages FILE.whl|FILE.tar.gz|FILE.deb ...   (as pip and apt download them)
       python docker/needs.py code FILE.whl ...   (which GPUs the code in them is for; any wheel)
       python docker/needs.py debian BASE_IMAGE [PACKAGE ...]      (a base image on a Docker engine; for each package
                                                                    the libraries that installing it adds)

Of a package: the DT_NEEDED of every library inside; the names of libraries of NVIDIA or the driver that stand in its
code as text, for dlopen finds libraries by those; and, if it is no wheel, the headers of CUDA that its C code includes,
for it is compiled at run time. Only what is not in the package itself is written, with the libraries that it brings. A
test compares all this with stacks.yaml and cuda.yaml (tests/unit/repository/test_needs.py).

Of code (machine_code.py): the compute capabilities that most fat binaries have machine code for, the newest PTX, and
each kind of fat binary with how many there are of it.

The wheels are large (tensorflow-gpu 159 MB, mxnet-cu80 156 MB, cntk-gpu 475 MB), hence this file and not a test
that downloads them.
"""

import hashlib
import io
import re
import subprocess
import sys
import tarfile
import zipfile
from collections import Counter
from pathlib import Path

import yaml

from orchestrator.stacks.cuda import machine_code
from orchestrator.stacks.cuda.elf import NotALibrary, dynamic
from orchestrator.stacks.cuda.unpack import debian_data

NEEDS = Path(__file__).resolve().parent / "needs.yaml"
HEADER = "# Made by docker/needs.py from the wheels and packages themselves; do not edit.\n"
#: Names of libraries as they stand in a program's text; those of CUDA and of the driver.
LIBRARY = re.compile(rb"(?<![\w.-])lib(?:cu|nv|nccl)[\w-]*\.so(?:\.\d+)*(?![\w.])")
#: Headers of CUDA as C code names them, or Python code that writes C code.
HEADER_NAME = re.compile(rb"""[<"'](cu\w+\.h)[>"']""")
#: Bytes of one file in an archive; the largest library of a wheel has two thousand million.
MOST_BYTES = 8 * 2**30
CODE = (".c", ".h", ".py", ".pyx", ".cpp", ".cu")


def main(words):
    """The command line; returns the exit code."""
    if len(words) < 2 or words[0] not in ("packages", "debian", "code"):
        print(__doc__, file=sys.stderr)
        return 2
    needs = yaml.safe_load(NEEDS.read_text()) if NEEDS.is_file() else {"packages": {}, "debian": {}}
    if words[0] == "packages":
        needs["packages"] |= dict(map(package, map(Path, words[1:])))
    elif words[0] == "code":
        needs["code"] = needs.get("code", {}) | dict(map(code, map(Path, words[1:])))
    else:
        needs["debian"] |= debian(words[1], words[2:])
    NEEDS.write_text(HEADER + yaml.safe_dump(needs, sort_keys=True, width=110, default_flow_style=None))
    return 0


def code(path):
    """A wheel and the GPUs that it has code for: of most fat binaries, and each kind of them with its count."""
    name, version = named(path)
    found = [kind for _, content in members(path) if content[:4] == b"\x7fELF" for kind in machine_code.kinds(content)]
    most, counts = machine_code.together(found), Counter()
    for kind in found:
        counts[(tuple(kind.native), tuple(kind.ptx.items()))] += kind.binaries
    return f"{name}=={version}", {
        "file": path.name,
        "sha256": hashlib.sha256(path.read_bytes()).hexdigest(),
        "native": most.native,
        "ptx": most.ptx,
        "kinds": [f"{count}: {' '.join(native)}{ptx_words(ptx)}" for (native, ptx), count in counts.most_common()],
    }


def ptx_words(ptx):
    return "".join(f", PTX {version} for {capability}" for capability, version in ptx)


def named(path):
    """Name and version in a file's name."""
    pattern = r"([^_]+)_([^_]+)_" if path.suffix == ".deb" else r"(\w+)-([\d.]+\d)[-.]"
    name, version = re.match(pattern, path.name).groups()
    return name.replace("_", "-"), version


def package(path):
    """Name and needs of one wheel, source archive or Debian package."""
    name, version = named(path)
    libraries = dict(shared_libraries(path))
    bundled = {library.soname or Path(place).name for place, library in libraries.items()}
    bundled |= {Path(place).name for place in libraries}
    needed = {need for library in libraries.values() for need in library.needed} - bundled
    return name, {
        "version": version,
        "file": path.name,
        "sha256": hashlib.sha256(path.read_bytes()).hexdigest(),
        "bundled": sorted(bundled) if len(bundled) < 60 else sorted(filter(is_nvidias, bundled)),
        "needed": sorted(needed),
        "dlopened": sorted(in_code(path, LIBRARY) - bundled - needed),
        "headers": headers(path),
    }


def headers(path):
    """Headers of CUDA for code that is compiled at run time; what a wheel holds is compiled."""
    if path.suffix == ".whl":
        return []
    return sorted(in_code(path, HEADER_NAME) - {Path(place).name for place, _ in members(path)})


def is_nvidias(name):
    return bool(LIBRARY.fullmatch(name.encode()))


def shared_libraries(path):
    """Place in the archive and dynamic section of every library."""
    for place, content in members(path):
        if content.startswith(b"\x7fELF"):
            try:
                yield place, dynamic(io.BytesIO(content))
            except NotALibrary as reason:
                print(f"{place}: {reason}", file=sys.stderr)


def in_code(path, pattern):
    """What a pattern finds in the package's code, translated or not."""
    contents = (content for place, content in members(path) if place.endswith(CODE) or content.startswith(b"\x7fELF"))
    return {match.decode() for content in contents for match in pattern.findall(content)}


def members(path):
    """Place and content of every file of a wheel, a .tar.gz or a .deb."""
    if path.suffix == ".whl":
        with zipfile.ZipFile(path) as wheel:
            for member in wheel.infolist():
                refuse_bomb(path, member.filename, member.file_size)
                yield member.filename, wheel.read(member)
        return
    with (
        path.open("rb") as stream,
        tarfile.open(fileobj=debian_data(stream) if path.suffix == ".deb" else stream) as tar,
    ):
        for member in filter(tarfile.TarInfo.isfile, tar):
            refuse_bomb(path, member.name, member.size)
            yield member.name, tar.extractfile(member).read()


def refuse_bomb(path, name, size):
    """No more of a file is unpacked than its archive says."""
    if size > MOST_BYTES:
        raise SystemExit(f"{path.name}: {name!r} unpacks to {size:,} bytes, which no library has")


def debian(image, packages):
    """The sonames in the base image, and those that each package adds to it with all that it depends on."""
    base = sonames(image, [])
    return {"base": base, **{name: sorted(set(sonames(image, [name])) - set(base)) for name in packages}}


def sonames(image, packages):
    """What the loader finds in a container of the image once the packages are installed."""
    install = f"apt-get -qq update && apt-get -qq install -y --no-install-recommends {' '.join(packages)} && "
    script = (install if packages else "") + "ldconfig && ldconfig -p"
    command = ["docker", "run", "--rm", "--network=host", image, "sh", "-c", script]
    output = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    return sorted(set(re.findall(r"^\t(\S+) \(libc6", output, re.MULTILINE)))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
