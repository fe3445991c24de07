"""Runs one workload on the Keras at hand and writes what happens to OUT/events.jsonl.

    KERAS_BACKEND=... python run.py mnist_mlp --data ~/.keras/datasets/mnist.npz --out /tmp/x

Exit codes: 0 trained to the end, 1 an error (with an error event), 2 wrong arguments,
130 the starter is gone (--lease), 143 terminated.
"""
import argparse
import importlib
import multiprocessing
import os
import platform
import re
import signal
import sys
import threading
import traceback

import events

WORKLOADS = ("babi_rnn", "cifar10_cnn", "mnist_cnn", "mnist_mlp", "mnist_rnn")
#: Read by the libraries when they are loaded; JAX's XLA knows only the last.
THREAD_VARIABLES = ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS", "PJRT_NPROC")
SIZES = ("epochs", "batch_size", "train", "validation")


def positive(text):
    """An integer of at least 1, for argparse."""
    value = int(text)
    if value < 1:
        raise argparse.ArgumentTypeError("must be at least 1, not %s" % text)
    return value


def parse(argv):
    """The command line; sizes that are left out are None and come from the workload."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("workload", choices=WORKLOADS)
    parser.add_argument("--data", required=True, help="the data set's file")
    parser.add_argument("--data-kind", choices=("official", "given", "synthetic"), default="given")
    parser.add_argument("--out", required=True, help="folder for events.jsonl")
    parser.add_argument("--job", default="")
    parser.add_argument("--attempt", type=positive, default=1)
    for size in SIZES:
        parser.add_argument("--" + size.replace("_", "-"), type=positive)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--threads", type=positive, default=default_threads())
    parser.add_argument("--variant", choices=("faithful", "modern"), default="faithful")
    parser.add_argument("--initial-weights", choices=("equal", "framework"),
                        help="default: equal for the faithful variant, else framework")
    parser.add_argument("--lease", action="store_true", help="exit as soon as standard input ends")
    args = parser.parse_args(argv)
    if args.initial_weights is None:
        args.initial_weights = "equal" if args.variant == "faithful" else "framework"
    return args


def default_threads():
    """The cores that this process may use."""
    affinity = getattr(os, "sched_getaffinity", None)  # absent from Python 2 and macOS
    return len(affinity(0)) if affinity else multiprocessing.cpu_count()


def exit_with_starter():
    """Ends this process when standard input does, for a job must not outlive who watches it."""
    def wait():
        while os.read(0, 4096):
            pass
        os._exit(130)

    thread = threading.Thread(target=wait)
    thread.daemon = True
    thread.start()


def packages():
    """["name==version", ...] of everything installed on sys.path, read from the metadata folders."""
    found = set()
    for folder in filter(os.path.isdir, sys.path):
        for entry in os.listdir(folder):
            match = re.match(r"(.+?)-([^-]+)(-py[\d.]+)?\.(dist|egg)-info$", entry)
            if match:
                found.add("%s==%s" % (re.sub(r"[-_.]+", "-", match.group(1)).lower(), match.group(2)))
    return sorted(found)


def cache_sizes():
    """{folder: number of files} of the compile caches that the starter names, path by path."""
    folders = [f for f in os.environ.get("KERAS_ORCHESTRATE_CACHES", "").split(os.pathsep) if f]
    return {folder: sum(len(files) for _, _, files in os.walk(folder)) for folder in folders}


def shapes_of(x):
    """One shape per input, without the axis of samples."""
    return [array.shape[1:] for array in (x if isinstance(x, list) else [x])]


def full_shape(x):
    return [list(array.shape) for array in x] if isinstance(x, list) else list(x.shape)


def describe_start(args, writer):
    params = {name: getattr(args, name) for name in SIZES + ("seed", "threads", "initial_weights")}
    writer.write("start", wall=events.wall_time(), job=args.job, workload=args.workload,
                 variant=args.variant, pid=os.getpid(), python=platform.python_version(),
                 platform=platform.platform(), params=params)


def load(args, workload, keras, writer):
    """The samples; fewer than asked for if the file has no more, which its event shows."""
    import data

    with writer.phase("data"):
        samples = workload.load(args.data, args.train, args.validation, keras.image_data_format)
    writer.write("data", file=os.path.basename(args.data), sha256=data.sha256(args.data),
                 kind=args.data_kind, train=full_shape(samples.x), validation=full_shape(samples.x_val))
    return samples


def build(args, workload, keras, samples, writer):
    """The compiled model with its initial weights. Raises ValueError if its size is not the known one."""
    with writer.phase("build"):
        model, optimizer = workload.build(keras, shapes_of(samples.x), samples.y.shape[1])
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
    environment = {name: os.environ.get(name) for name in THREAD_VARIABLES}
    writer.write(
        "ready", backend=library.name, framework_version=library.version, keras_version=keras.version,
        versions={"python": platform.python_version(), "numpy": numpy.__version__,
                  "keras": keras.version, library.name: library.version},
        packages=packages(), image_data_format=keras.image_data_format,
        threads={"requested": args.threads, "env": environment, "framework": keras.threads},
        precision=keras.precision,
        parameters=model.count_params(), settings=keras.settings(model))


def train(args, workload, keras, model, samples, writer):
    class Callback(events.EpochClock, keras.callback_class):
        pass

    callback = Callback(writer, args.batch_size, len(samples.y), lambda: keras.wait_for_device(model))
    batches = None
    if hasattr(workload, "batches"):
        if len(samples.y) < args.batch_size:
            raise ValueError("%d samples are less than one batch of %d" % (len(samples.y), args.batch_size))
        batches = workload.batches(samples, args.batch_size, args.seed, keras.image_data_format)
    keras.fit(model, samples, args.epochs, args.batch_size, callback, batches)
    return callback


def run(args, writer):
    """One job from import to the end of training."""
    workload = importlib.import_module(args.workload)
    for size in SIZES:
        if getattr(args, size) is None:
            setattr(args, size, workload.DEFAULTS[size])
    describe_start(args, writer)
    cached = cache_sizes()
    with writer.phase("import"):
        import compat

        keras = compat.Keras(args.variant, args.threads, args.seed)
    samples = load(args, workload, keras, writer)
    model = build(args, workload, keras, samples, writer)
    describe_ready(args, keras, model, writer)
    callback = train(args, workload, keras, model, samples, writer)
    caches = {folder: {"before": cached[folder], "after": size} for folder, size in cache_sizes().items()}
    writer.write("end", elapsed_s=callback.elapsed_s, rss_peak_mb=events.rss_peak_mb(),
                 metrics=callback.last_metrics, caches=caches)


def main(argv=None):
    args = parse(argv)
    signal.signal(signal.SIGTERM, lambda *_: os._exit(143))
    if args.lease:
        exit_with_starter()
    for name in THREAD_VARIABLES:  # before anything loads a library that reads them
        os.environ.setdefault(name, str(args.threads))
    writer = events.Writer(args.out, args.attempt)
    try:
        run(args, writer)
    except Exception as error:
        writer.error(error)
        traceback.print_exc()
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
