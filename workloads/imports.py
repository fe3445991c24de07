"""Acts when a script imports a library, and not before: seeds, threads, the backend, the patching of Keras.

Python 2 has no such hook; there everything is imported before the script begins.
"""
import importlib
import os
import random
import sys

import backends
import events

LIBRARIES = ("tensorflow", "jax", "torch", "cntk", "theano", "mxnet")
#: Where a Keras may come from.
KERAS = ("keras", "tf_keras", "tensorflow")
WATCHED = ("numpy", "keras", "tf_keras") + LIBRARIES


class Imports(object):
    """`patch`: called with each Keras that was imported. `asked`: the backend that the script set by itself, or None."""

    def __init__(self, seed, threads, patch, deterministic=False):
        self.seconds = 0.0
        self.asked = None
        self._seed, self._threads, self._patch = seed, threads, patch
        self._backend = os.environ.get("KERAS_BACKEND")
        self._depth = 0
        self.threads_set = {}
        #: The settings made for the same results each time, by library; None where they were not asked for.
        self.deterministic = {} if deterministic else None

    def watch(self):
        """From here on every import of a library is seen."""
        random.seed(self._seed)  # from which Keras 3 takes all its seeds
        if "numpy" in sys.modules:
            self._imported("numpy")
        if sys.version_info[0] > 2:
            sys.meta_path.insert(0, self)
        else:
            self._import_now()

    def _import_now(self):
        begin = events.clock()
        for name in ("numpy", "keras"):
            try:
                importlib.import_module(name)
            except ImportError:
                continue
            self._imported(name)
        self.seconds += events.clock() - begin

    def find_spec(self, name, path, target=None):
        """Of a watched library the spec that others find, whose loader tells when it has loaded."""
        if name not in WATCHED:
            return None
        others = [finder.find_spec for finder in sys.meta_path if finder is not self and hasattr(finder, "find_spec")]
        found = (find(name, path, target) for find in others)
        spec = next((spec for spec in found if spec is not None), None)
        if spec is not None and hasattr(spec.loader, "exec_module"):
            self._listen(name, spec.loader)
        return spec

    def _listen(self, name, loader):
        execute = loader.exec_module

        def exec_module(module):
            self._restore_backend(name)
            begin = events.clock()
            self._depth += 1
            try:
                execute(module)
            finally:
                self._depth -= 1
                if not self._depth:
                    self.seconds += events.clock() - begin
            del loader.exec_module
            self._imported(name)

        loader.exec_module = exec_module

    def _restore_backend(self, name):
        """Keras reads the variable once, and it is the contender's."""
        asked = os.environ.get("KERAS_BACKEND")
        if name in KERAS and self._backend and asked != self._backend:
            self.asked = asked
            os.environ["KERAS_BACKEND"] = self._backend

    def _imported(self, name):
        module = sys.modules[name]
        if name == "numpy":
            module.random.seed(self._seed % 2 ** 32)
        elif name in LIBRARIES and not backends.library(name).needs_keras and sys.version_info[0] > 2:
            self._settle(name)
        if name in KERAS:
            self._patch_keras(name, module)

    def _settle(self, name):
        """Threads and seed of a library that has just been imported; the script may still set its own."""
        library = backends.library(name)
        self.threads_set[name] = library.set_threads(self._threads)
        library.seed(self._seed)
        if self.deterministic is not None:
            self.deterministic[name] = library.deterministic()

    def _patch_keras(self, name, module):
        if name == "tensorflow":
            module = backends.library(name).own_keras()
        else:
            used = module.backend.backend()
            if used not in self.threads_set:
                self._settle(used)
        if module is not None:
            self._patch(module)
