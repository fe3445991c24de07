"""Runs one workload on the Keras at hand and writes what happens to OUT/events.jsonl.

    KERAS_BACKEND=... python run.py mnist_mlp --data ~/.keras/datasets/mnist.npz --out /tmp/x

Exit codes: 0 trained to the end, 1 an error (with an error event), 2 wrong arguments,
130 the starter is gone (--lease), 143 terminated.
"""
import argparse
import importlib
import os
import platform
import sys
import traceback

import events
import job
import rounding

HERE = os.path.dirname(os.path.abspath(__file__))
SIZES = ("epochs", "batch_size", "train", "validation")


def workloads():
    """The names of the workloads that lie beside this file: each has a line that begins with `DEFAULTS =`."""
    found = []
    for name in os.listdir(HERE):
        if name.endswith(".py"):
            with open(os.path.join(HERE, name), "rb") as source:
                if any(line.startswith(b"DEFAULTS =") for line in source):
                    found.append(name[:-len(".py")])
    return sorted(found)


def parser(names, about):
    """The command line of a workload of these names; sizes that are left out are None and come from the workload."""
    parser = argparse.ArgumentParser(description=about.split("\n")[0])
    parser.add_argument("workload", choices=names)
    parser.add_argument("--data", required=True, help="the data set's file")
    parser.add_argument("--data-kind", choices=("official", "given", "synthetic", "generated"), default="given")
    job.add_arguments(parser)
    for size in SIZES:
        parser.add_argument("--" + size.replace("_", "-"), type=job.positive)
    parser.add_argument("--variant", choices=("faithful", "modern"), default="faithful")
    parser.add_argument("--initial-weights", choices=("equal", "framework"),
                        help="default: equal for the faithful variant and without training, else framework")
    return parser


def settled(parser, argv):
    """The arguments, with the kind of initial weights that belongs to the others."""
    args = parser.parse_args(argv)
    if args.initial_weights is None:
        args.initial_weights = "equal" if args.variant == "faithful" or args.mode != "train" else "framework"
    return args


def shapes_of(x):
    """One shape per input, without the axis of samples."""
    return [array.shape[1:] for array in (x if isinstance(x, list) else [x])]


def full_shape(x):
    return [list(array.shape) for array in x] if isinstance(x, list) else list(x.shape)


def load(args, workload, keras, writer):
    """The samples; fewer than asked for if the file has no more, which its event shows."""
    import data
    import opened

    with writer.phase("data"):
        with opened.Watched(args.data) as watched:
            samples = workload.load(args.data, args.train, args.validation, keras.image_data_format)
    if watched.opened:
        used = {"file": os.path.basename(args.data), "sha256": data.sha256(args.data), "kind": args.data_kind}
    else:  # samples of its own making: to name the data set would be untrue
        used = {"file": None, "sha256": None, "kind": "generated" if args.data_kind == "generated" else "own"}
    writer.write("data", train=full_shape(samples.x), validation=full_shape(samples.x_val), **used)
    return samples


def build(args, workload, keras, samples, writer):
    """The compiled model with its initial weights. Raises ValueError if its size is not the known one."""
    with writer.phase("build"):
        model, optimizer = workload.build(keras, shapes_of(samples.x), samples.y.shape[-1])
        if args.initial_weights == "equal":
            keras.set_initial_weights(model)
    with writer.phase("compile"):
        keras.compile(model, optimizer)
    expected = workload.DEFAULTS["parameters"]
    if model.count_params() != expected:
        raise ValueError("%s has %d parameters instead of %d: another model, or other data" % (
            args.workload, model.count_params(), expected))
    return model


def describe_ready(args, keras, model, writer):
    import numpy

    library = keras.library
    writer.write(
        "ready", backend=library.name, framework_version=library.version, keras_version=keras.version,
        versions=dict({"python": platform.python_version(), "numpy": numpy.__version__, library.name: library.version},
                      **({"keras": keras.version} if keras.version else {})),
        packages=job.packages(), image_data_format=keras.image_data_format,
        threads=job.thread_settings(args.threads, keras.threads),
        precision=keras.precision, deterministic=keras.deterministic, computing=library.computing(),
        parameters=model.count_params(), settings=keras.settings(model))


def train(args, workload, keras, model, samples, writer):
    class Callback(events.EpochClock, keras.callback_class):
        pass

    callback = Callback(writer, args.batch_size, len(samples.y), lambda: keras.wait_for_device(model),
                        keras.axes.waits.seconds)
    batches = None
    if hasattr(workload, "batches"):
        if len(samples.y) < args.batch_size:
            raise ValueError("%d samples are less than one batch of %d" % (len(samples.y), args.batch_size))
        batches = workload.batches(samples, args.batch_size, args.seed, keras.image_data_format)
    keras.fit(model, samples, args.epochs, args.batch_size, callback, batches)
    return callback


def call(args, workload, keras, model, samples, writer):
    """What is timed without training; the figures of its end event, which has none of a training."""
    import calls
    import tokens

    ways = calls.ways(model, None if keras.axes.spares_compiled else keras.compiled(model))
    if args.mode == "generate":
        tokens.generate(writer, ways, samples.x, workload.GENERATE, args.call_seconds)
    else:
        calls.predict(writer, ways, samples.x, args.batch_size, args.call_seconds)
    return {"elapsed_s": None, "metrics": {}}


def trained(args, workload, keras, model, samples, writer):
    """A training; the figures of its end event."""
    callback = train(args, workload, keras, model, samples, writer)
    return {"elapsed_s": callback.elapsed_s, "metrics": callback.last_metrics}


def run(args, writer, workload_of, speaker_of):
    """One job from import to the end of what it times.

    `workload_of`, `speaker_of`: functions of the arguments. The second gives the Keras that speaks (compat.py), or what
    stands in its place, and loads the library.
    """
    workload = workload_of(args)
    for size in SIZES:
        if getattr(args, size) is None:
            setattr(args, size, workload.DEFAULTS[size])
    params = {name: getattr(args, name) for name in SIZES + ("seed", "threads", "initial_weights")}
    job.describe_start(writer, args.job, args.workload, args.variant, params)
    cached = job.cache_sizes()
    with writer.phase("import"):
        keras = speaker_of(args)
        if args.axes:
            keras.vary(args.axes)
    samples = load(args, workload, keras, writer)
    model = build(args, workload, keras, samples, writer)
    describe_ready(args, keras, model, writer)
    timed = trained if args.mode == "train" else call
    figures = timed(args, workload, keras, model, samples, writer)
    figures.update(rss_peak_mb=events.rss_peak_mb(), caches=job.cache_changes(cached),
                   axes=keras.axes.got(model, keras.library, args.batch_size, keras.threads))
    writer.write("end", rounding=rounding.measured(keras.library), **figures)


def perform(args, workload_of, speaker_of):
    """The whole job; its exit code."""
    writer = job.begin(args)
    try:
        run(args, writer, workload_of, speaker_of)
    except (Exception, job.Refused) as error:
        writer.error(error)
        traceback.print_exc()
        return 1
    return 0


def workload_of(args):
    return importlib.import_module(args.workload)


def speaker_of(args):
    import compat

    return compat.Keras(args.variant, args.threads, args.seed, args.deterministic)


def main(argv=None):
    args = settled(parser(workloads(), __doc__), argv)
    return perform(args, workload_of, speaker_of)


if __name__ == "__main__":
    sys.exit(main())
