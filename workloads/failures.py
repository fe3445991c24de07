"""Runs a script as `__main__`, and says of its end what its author needs: which package, which network, which line."""
import os
import re
import sys
import traceback

import job
from imports import LIBRARIES

HERE = os.path.dirname(os.path.abspath(__file__))
#: Python 2 empties a module that nobody holds, and own.py was `__main__` before.
_HELD = []
#: Packages whose modules have another name.
PACKAGES = {"PIL": "pillow", "bs4": "beautifulsoup4", "cv2": "opencv-python-headless", "keras_cv": "keras-cv",
            "keras_hub": "keras-hub", "keras_tuner": "keras-tuner", "skimage": "scikit-image",
            "sklearn": "scikit-learn", "tensorflow_datasets": "tensorflow-datasets", "yaml": "pyyaml"}
OWN_MODULE = "a module of your own must lie beside the script"
#: What libraries say that miss an optional package of theirs.
LACKS = re.compile(r"not installed|pip install|must install|please install", re.IGNORECASE)
BLOCK = " (a block `# /// script` at the script's top brings packages: docs/OWN.md)"
ARGUMENTS = " (arguments for the script come after --: orchestrate my.py -- --lr 0.1)"
NO_PACKAGE = " (it is run by its file: let it import what lies beside it by plain names)"
NO_ANSWERS = " (nobody answers a job: let the script ask nothing)"


def source_of(path):
    """The compiled code of a file; its coding line is obeyed."""
    with open(path, "rb") as file:
        return compile(file.read(), path, "exec", 0, True)


def new_module(name, path, arguments):
    """An empty module that is imported under `name`, and whose folder comes first in the search path."""
    module = type(sys)(name)
    module.__file__ = path
    module.__builtins__ = __builtins__
    _HELD.append(sys.modules.get(name))
    sys.modules[name] = module
    sys.path.insert(0, os.path.dirname(path))
    sys.argv = [path] + arguments
    return module


def run_as_main(path, arguments=()):
    """Runs the script as Python would. Exit code 0 is a normal end."""
    module = new_module("__main__", path, list(arguments))
    try:
        exec(source_of(path), module.__dict__)
    except SystemExit as ended:
        if ended.code not in (None, 0):
            raise


def tell(error, path, writer, network):
    """Writes the error event and the script's traceback; the exit code."""
    script = os.path.basename(path)
    text = "" if isinstance(error, job.Refused) else trace()
    message = words(error, script)
    kind = type(error).__name__
    if isinstance(error, job.Refused):
        kind = "RuntimeError"
    if network.caused(error):
        kind, message = "OSError", network.message()
    elif network.wanted:
        message += " (before that, %s)" % network.message()
    writer.write("error", type=kind, message=message, traceback=text)
    sys.stderr.write((text or message) + "\n")
    return 1


def words(error, script):
    """What went wrong, in a line."""
    if isinstance(error, SystemExit):
        ended = "exit code %s" % error.code if isinstance(error.code, int) else "%s" % (error.code,)
        hint = ARGUMENTS if error.code == 2 else ""  # what argparse and its kin end with
        return "%s ended itself: %s%s" % (script, refused_arguments() or ended, hint)
    missing = missing_module(error)
    if missing:
        package = PACKAGES.get(missing, missing)
        beside = "--backend %s leaves out who has it not" % missing if missing in LIBRARIES else OWN_MODULE
        return ('%s needs the package %s, which this environment does not have: a block `# /// script` at its top, '
                'with `# dependencies = ["%s"]`, brings it; %s'
                % (script, package, package, beside))
    return ("%s" % (error,) or type(error).__name__) + hint_for(error)


def refused_arguments():
    """What argparse says of the command line in the traceback at hand, or None."""
    frames = sys.exc_info()[2]
    while frames is not None:
        frame, frames = frames.tb_frame, frames.tb_next
        if frame.f_globals.get("__name__") == "argparse" and frame.f_code.co_name == "error":
            return frame.f_locals.get("message")
    return None


def hint_for(error):
    """What the author can do about an error that says nothing of jobs; "" for most."""
    if isinstance(error, EOFError) and str(error).startswith("EOF when reading a line"):
        return NO_ANSWERS
    if isinstance(error, IndexError) and "argv" in (traceback.extract_tb(sys.exc_info()[2])[-1][3] or ""):
        return ARGUMENTS
    if isinstance(error, ImportError) and "no known parent package" in str(error):
        return NO_PACKAGE
    return BLOCK if LACKS.search(str(error)) else ""


def missing_module(error):
    """The top-level module that an ImportError says is not there; None for any other error."""
    if not isinstance(error, ImportError):
        return None
    match = re.match(r"No module named '?([A-Za-z_]\w*)'?$", str(error))
    return match.group(1) if match else None


def trace():
    """The traceback of the exception at hand: without our own frames, unless one of them raised it."""
    kind, error, frames = sys.exc_info()
    if _ours(traceback.extract_tb(frames)[-1][0]) and not isinstance(error, (OSError, SyntaxError)):
        return traceback.format_exc()
    if hasattr(traceback, "TracebackException"):
        told = traceback.TracebackException(kind, error, frames)  # novm: not on Python 2
        _strip(told, set())
        return "".join(told.format())
    kept = [frame for frame in traceback.extract_tb(frames) if not _ours(frame[0])]
    lines = ["Traceback (most recent call last):\n"] + traceback.format_list(kept)
    return "".join(lines + traceback.format_exception_only(kind, error))


def _strip(told, seen):
    if told is None or id(told) in seen:
        return
    seen.add(id(told))
    told.stack = traceback.StackSummary.from_list([frame for frame in told.stack if not _ours(frame.filename)])  # novm: not on Python 2
    _strip(told.__cause__, seen)
    _strip(told.__context__, seen)


def _ours(path):
    return os.path.dirname(os.path.abspath(path)) == HERE
