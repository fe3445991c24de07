"""Runs inside an environment that is already there, under any Python: one line says what Keras finds in it.

Whoever starts it passes the text of this file to `python -c`; the argument is `packages` for the list alone, or `all`.
Each library is imported in a process of its own, all at the same time: two of them in one may not get on.
"""

import importlib
import json
import os
import re
import sys

#: How the line begins.
MARK = "keras-orchestrate-found "
LIBRARIES = ("tensorflow", "jax", "torch", "theano", "cntk", "mxnet")
#: Packages that are Keras; before both, it was a part of TensorFlow.
KERAS = ("keras", "tf_keras")
#: Characters of an error that are passed on.
MOST = 500


def packages():
    # type: () -> list[str]
    """As pip writes them, "name==version", all that is on sys.path by the metadata folders; Python's own too."""
    found = {"python==" + ".".join(map(str, sys.version_info[:3]))}
    for folder in sys.path:
        for entry in os.listdir(folder) if os.path.isdir(folder) else []:
            match = re.match(r"(.+?)-([^-]+)(-py[\d.]+)?\.(dist|egg)-info$", entry)
            if match and match.group(1) != "Python":  # Debian's 2.7 has one for itself, without the last number
                found.add("%s==%s" % (re.sub(r"[-_.]+", "-", match.group(1)).lower(), match.group(2)))
    return sorted(found)


def there(name):
    # type: (str) -> bool
    """Whether there is a module of this name; it is not imported."""
    try:
        find = importlib.import_module("importlib.util").find_spec
    except ImportError:  # Python 2
        find = importlib.import_module("pkgutil").find_loader
    return find(name) is not None


def meet(library):
    # type: (str) -> dict[str, str]
    """Imports Keras on one library; their versions. Raises whatever stands in the way."""
    os.environ["KERAS_BACKEND"] = library
    below = importlib.import_module(library)
    name = next((name for name in KERAS if there(name)), "")
    keras = importlib.import_module(name) if name else below.keras
    used = keras.backend.backend()
    if used != library:
        raise ValueError("Keras %s takes %s instead" % (keras.__version__, used))
    found = {"version": below.__version__, "keras": keras.__version__, "module": name or library + ".keras"}
    return {key: str(value) for key, value in found.items()}


def apart(library):
    # type: (str) -> tuple[int, int]
    """Starts a process that meets a library: its number, and where it writes its answer."""
    read, write = os.pipe()
    child = os.fork()
    if child:
        os.close(write)
        return child, read
    try:
        nothing = os.open(os.devnull, os.O_RDWR)
        for number in (0, 1, 2):
            os.dup2(nothing, number)
        try:
            answer = meet(library)
        except BaseException as error:
            answer = {"error": ("%s: %s" % (type(error).__name__, error))[:MOST]}
        os.write(write, json.dumps(answer).encode("ascii"))
    finally:
        os._exit(0)


def told(child, read):
    # type: (int, int) -> dict[str, str]
    """The answer of such a process."""
    with os.fdopen(read) as pipe:
        text = pipe.read()
    status = os.waitpid(child, 0)[1]
    return json.loads(text) if text else {"error": "its import ends the process (status %d)" % status}


def look(what):
    # type: (str) -> dict[str, object]
    installed = packages()
    libraries = [name for name in LIBRARIES if what == "all" and there(name)]
    started = [(name, apart(name)) for name in libraries]
    met = {name: told(*process) for name, process in started}
    keras = [name for name in KERAS if there(name)]
    path = os.environ.get("PYTHONPATH", "")
    return {"executable": sys.executable or "", "packages": installed, "keras": keras, "met": met, "path": path}


if __name__ == "__main__":
    sys.stdout.write("\n%s%s\n" % (MARK, json.dumps(look(sys.argv[1]))))
