"""Measures somebody's own script, or the model of a module, and writes what happens to OUT/events.jsonl.

    KERAS_BACKEND=... python -B own.py /home/me/my.py --contract script --out /tmp/x -- --lr 0.1

What stands behind -- is the script's, in sys.argv.

Exit codes: 0 the script ended and had trained, 1 an error (with an error event), 2 wrong arguments,
130 the starter is gone (--lease), 143 terminated.
"""
import argparse
import os
import sys

#: Python 2 empties a module that nobody holds.
_HIDDEN = []
HERE = os.path.dirname(os.path.abspath(__file__))
#: The project's models: they may import what lies here.
MODELS = os.path.join(HERE, "models")
_BEFORE = set(sys.modules)

import backends
import bounding
import closed
import described
import events
import failures
import fits
import given
import imports
import job
import loops
import orchestrated
import place
import recorder
import rounding
import varied

NEVER_TRAINED = ("%s ended without training: it called no fit() and marked no epoch "
                 "(docs/OWN.md: Training loops of your own)")


def parse(argv):
    """The command line; what is left out is None and stays as the script has it."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("file", help="the script, by its absolute path")
    parser.add_argument("--contract", choices=("script", "module"), required=True)
    job.add_arguments(parser)
    for name in ("epochs", "steps", "batch-size"):
        parser.add_argument("--" + name, type=job.positive)
    parser.add_argument("--parameter", dest="parameters", metavar="NAME=VALUE", action="append", default=[],
                        type=job.axis, help="an argument of the module's build() or data()")
    parser.add_argument("--scale", help="one of the module's SCALES")
    parser.add_argument("--data", metavar="NAME=PATH", action="append", default=[], type=named_path)
    parser.add_argument("--dataset", help="the one of --data that the project's models read")
    parser.add_argument("--data-kind", default="own", help="what that is, or that the file makes up its data")
    parser.add_argument("--network", action="store_true", help="let the script open connections")
    argv = list(sys.argv[1:] if argv is None else argv)
    own = argv.index("--") if "--" in argv else len(argv)
    args = parser.parse_args(argv[:own])
    args.arguments = argv[own + 1:]
    if not os.path.isfile(args.file):
        parser.error("%s is no file" % args.file)
    if args.mode != "train" and args.contract == "script":
        parser.error("--mode %s needs a module, with build() and data()" % args.mode)
    args.file, args.out = os.path.abspath(args.file), os.path.abspath(args.out)
    return args


def named_path(text):
    name, equals, path = text.partition("=")
    if not equals or not name or os.sep in name or name.startswith("."):
        raise argparse.ArgumentTypeError("must be NAME=PATH, not %s" % text)
    return name, path


class Job(object):
    """One job: what fit() and loops of one's own may do, and what they tell."""

    def __init__(self, args, writer):
        self._args, self._writer = args, writer
        self.shipped = os.path.dirname(args.file) == MODELS
        self._library = None
        self._said = self._batch_size = None
        self.in_loop = False
        self.initial_weights, self.first_output = "framework", None
        self.used = {"file": None, "sha256": None, "kind": "own" if args.dataset else args.data_kind}
        self.recorder = recorder.Recorder(writer, self._wait)
        self.bounds = bounding.Bounds(args.epochs, args.steps, args.batch_size)
        self.fits = fits.Fits(self, self.bounds)
        self.axes, self._effective = varied.Axes(args.axes, args.parameters), {}
        self.imports = imports.Imports(args.seed, args.threads, self._patch, args.deterministic)

    def _patch(self, keras):
        """A Keras was imported."""
        self.fits.patch(keras)
        self.axes.settle(keras, described.library(keras))

    def _wait(self):
        if self._library:
            self._library.wait()

    def before_fit(self, keras, model, training, call):
        """A training begins: what is known of it before anything is timed."""
        self._library = described.library(keras)
        training.parameters = described.parameters(model)
        if training.is_cell:
            self._begin(keras, described.keras_settings(keras, model, call), model)
            self._said["arrays"] = given.described(call.given())
            self._batch_size = call.largest_batch()
            self._data(*call.shapes())

    def before_calls(self, keras, model, samples, batch):
        """A model is about to be called without training: says what is known of it, and gives its compiled call."""
        self._library = described.library(keras)
        self._begin(keras, described.model_settings(keras, model, batch), model)
        self._settings.update(described.effective(model))
        self._said["arrays"] = given.described([("x", samples)])
        self._data(given.shape(samples), [])
        self._writer.write("ready", parameters=described.parameters(model), settings=self._settings, **self._said)
        directly = described.calls_directly(keras) and not self.axes.spares_compiled
        return self._library.compiled(model) if directly else None

    def after_calls(self, model):
        """The calls are made: what became of each axis."""
        self._read_back(model, self._settings["batch_size"])

    def _read_back(self, model, batch_size):
        self._effective = self.axes.got(model, self._library, batch_size, self._threads())

    def before_loop(self, training, model, asked):
        """The same for a loop of one's own."""
        keras = sys.modules.get("keras") or sys.modules.get("tf_keras")
        self._library = described.library(keras)
        training.parameters = described.parameters(model) if model is not None else None
        if training.is_cell:
            if self.bounds.steps or self.bounds.batch_size:
                raise job.Refused("`--steps` and `--batch-size` are for fit(): a training loop of one's own has its own")
            if {"jit", "optimizer", "pipeline"} & set(self.axes.asked):
                raise job.Refused("jit, optimizer and pipeline can be varied of compile() and fit(), not of a loop of one's own")
            self._begin(keras, loops.settings(model, asked))
            if model is not None:
                self._read_back(model, None)
            self._said["arrays"] = {}
            self._data([None], [])

    def _data(self, train, validation):
        self._writer.write("data", train=train, validation=validation, **self.used)

    def _begin(self, keras, settings, model=None):
        used = self._library
        devices = (used.devices_of(model) if model is not None else used.devices()) if used else ["cpu"]
        if used:
            try:
                backends.check_gpu(used, devices)
            except RuntimeError as error:
                raise job.Refused(str(error))
        self._settings = dict(
            settings, devices=devices, gpu_requested=backends.gpu_requested(),
            script_asked={"KERAS_BACKEND": self.imports.asked} if self.imports.asked else {},
            initial_weights=self.initial_weights)
        self._writer.write("phase", name="import", seconds=self.imports.seconds)
        self._said = {
            "backend": used.name if used else None, "framework_version": used.version if used else None,
            "keras_version": getattr(keras, "__version__", None), "versions": described.versions(keras, used),
            "packages": described.packages(), "precision": used.precision() if used else {},
            "deterministic": self._deterministic(), "computing": used.computing() if used else {},
            "threads": job.thread_settings(self._args.threads, self._threads()),
            "image_data_format": described.image_data_format(keras),
        }
        if self.first_output is not None:
            self._said["first_output"] = self.first_output

    def _deterministic(self):
        made = self.imports.deterministic
        return made if made is None or self._library is None else made.get(self._library.name, {})

    @property
    def effective(self):
        """What each axis was in the first training, or in the calls."""
        return self._effective

    def rounding(self):
        """How exact products are where the script has left its library."""
        return rounding.measured(self._library) if self._library else {}

    def _threads(self):
        used = self._library
        return (used.threads() or self.imports.threads_set.get(used.name, {})) if used else {}

    def ready(self, model, training):
        """Says what is trained: before the first epoch, and again after it if the model was built in it."""
        known = training.parameters
        if known is None or hasattr(model, "_flatten_layers"):  # some of its layers may have been built since
            training.parameters = described.parameters(model)
        if training.is_cell and not (training.epochs and known == training.parameters):
            self._settings.update(described.effective(model))
            self._read_back(model, self._batch_size)
            self.say_ready(training)

    def say_ready(self, training):
        self._writer.write("ready", parameters=training.parameters, settings=self._settings, **self._said)


def run(args, writer, network):
    """The script from its first line to its last."""
    about = {name: getattr(args, name) for name in ("epochs", "steps", "batch_size", "scale", "seed", "threads")}
    job.describe_start(writer, args.job, os.path.basename(args.file), args.contract, about)
    cached = job.cache_sizes()
    work = Job(args, writer)
    place.prepare(args.file, args.out, dict(args.data))
    place.add_packages()
    if not args.network:
        network.close()
    if args.contract == "module":
        import modules  # which needs numpy: it comes after the threads
    orchestrated._job = loops.Loops(work).epochs
    if not work.shipped:
        hide(args.out)
    work.imports.watch()
    try:
        if args.contract == "module":
            (modules.train if args.mode == "train" else modules.call)(args, writer, work)
        else:
            failures.run_as_main(args.file, args.arguments)
    finally:
        work.recorder.write_further()
    if args.mode != "train":
        writer.write("end", rss_peak_mb=events.rss_peak_mb(), metrics={}, caches=job.cache_changes(cached),
                     rounding=work.rounding(), axes=work.effective)
        return
    cell = work.recorder.cell
    if cell is None:
        raise job.Refused(NEVER_TRAINED % os.path.basename(args.file))
    writer.write("end", elapsed_s=cell.elapsed_s, rss_peak_mb=cell.rss_peak_mb, metrics=cell.metrics(),
                 caches=job.cache_changes(cached), fits=len(work.recorder.trainings), rounding=work.rounding(),
                 axes=work.effective)


def hide(out):
    """Takes what the job is made of out of the script's sight: it may have a data.py or an events.py of its own."""
    for name in set(sys.modules) - _BEFORE:
        path = getattr(sys.modules[name], "__file__", None) or ""
        if os.path.dirname(os.path.abspath(path)) == HERE and name != "orchestrated":
            _HIDDEN.append(sys.modules.pop(name))
    sys.path[:] = [folder for folder in sys.path if os.path.abspath(folder or os.curdir) != HERE]
    sys.path.append(place.folder_of(os.path.join(HERE, "orchestrated.py"), out))


def main(argv=None):
    args = parse(argv)
    writer = job.begin(args)
    network = closed.Closed(os.path.basename(args.file))
    try:
        run(args, writer, network)
    except BaseException as error:
        return failures.tell(error, args.file, writer, network)
    return 0


if __name__ == "__main__":
    sys.exit(main())
