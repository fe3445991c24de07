"""Tells whether a file was opened: a workload may be handed a data set and make up its own samples."""
import io
import os
import sys
import tarfile

#: Where Python code finds the function that opens a file, whatever library it is in.
PLACES = ((sys.modules.get("builtins") or sys.modules["__builtin__"], "open"), (io, "open"), (tarfile, "bltn_open"))


class Watched(object):
    """While it is entered, `opened` becomes true when Python code opens the file at `path`."""

    def __init__(self, path):
        self._path = os.path.realpath(path)
        self._before = []
        self.opened = False

    def __enter__(self):
        self._before = [(module, name, getattr(module, name)) for module, name in PLACES if hasattr(module, name)]
        for module, name, function in self._before:
            setattr(module, name, self._telling(function))
        return self

    def __exit__(self, *error):
        for module, name, function in self._before:
            setattr(module, name, function)

    def _telling(self, function):
        def telling(file, *more, **named):
            self._see(file)
            return function(file, *more, **named)

        return telling

    def _see(self, file):
        path = file.__fspath__() if hasattr(file, "__fspath__") else file  # os.fspath is not on Python 2
        if isinstance(path, (str, type(u""))) and os.path.realpath(path) == self._path:
            self.opened = True
