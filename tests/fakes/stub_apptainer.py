"""Stands in for `apptainer`: runs the command on the host with the paths that --bind names, without any confinement."""

import os
import sys
from pathlib import Path

HERE = Path(sys.argv[0]).resolve().parent


def main(argv):
    with (HERE / "calls").open("a") as file:
        file.write(" ".join(argv) + "\n")
    if argv == ["--version"]:
        print("apptainer version 1.3 (a stub)")
        return 0
    if argv[0] == "build":
        file, source = argv[-2:]
        Path(file).write_bytes(Path(source.split(":")[1]).read_bytes())
        return 0
    if (HERE / "broken").exists():
        print("FATAL:   could not open image")
        return 255
    if not Path(argv[argv.index("--workdir") + 1]).is_dir():
        return 255
    binds = [argv[i + 1].split(":") for i, word in enumerate(argv) if word == "--bind"]
    command = argv[argv.index("python") :]
    words = [sys.executable, *(on_host(word, binds) for word in command[1:])]
    prefix = "APPTAINERENV_"
    inside = {key.removeprefix(prefix): value for key, value in os.environ.items() if key.startswith(prefix)}
    os.execve(words[0], words, inside)


def on_host(word, binds):
    for host, inside, _ in binds:
        if word == inside or word.startswith(inside + "/"):
            return host + word[len(inside) :]
    return word


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
