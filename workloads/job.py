"""What every job does, whatever it trains: its lease, its threads, and what it says of itself."""
import argparse
import multiprocessing
import os
import platform
import re
import signal
import sys
import threading

import events

#: Read by the libraries when they are loaded; JAX's XLA knows only the last.
THREAD_VARIABLES = ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS", "PJRT_NPROC")
AXIS = re.compile(r"([A-Za-z][A-Za-z0-9_]*)=(-?[A-Za-z0-9][A-Za-z0-9._-]*)\Z")


class Refused(BaseException):
    """What a job cannot do, in words. No `except Exception` of somebody's script may swallow it."""


def positive(text):
    """An integer of at least 1, for argparse."""
    value = int(text)
    if value < 1:
        raise argparse.ArgumentTypeError("must be at least 1, not %s" % text)
    return value


def axis(text):
    """("precision", "mixed_float16") of `precision=mixed_float16`, for argparse."""
    found = AXIS.match(text)
    if not found:
        raise argparse.ArgumentTypeError("must be NAME=VALUE, not %s" % text)
    return found.group(1), found.group(2)


def add_arguments(parser):
    """The arguments that every job has."""
    parser.add_argument("--out", required=True, help="folder for events.jsonl")
    parser.add_argument("--job", default="")
    parser.add_argument("--attempt", type=positive, default=1)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--threads", type=positive, default=default_threads())
    parser.add_argument("--deterministic", action="store_true", help="ask the library for the same results each time")
    parser.add_argument("--mode", choices=("train", "predict", "generate"), default="train",
                        help="what is timed: training, calls at batch 1 and at the batch size, or tokens")
    parser.add_argument("--call-seconds", type=float, default=3.0, help="how long one way of calling is timed")
    parser.add_argument("--axis", dest="axes", metavar="NAME=VALUE", action="append", default=[], type=axis,
                        help="a setting that the run varies")
    parser.add_argument("--lease", action="store_true", help="exit as soon as standard input ends")


def default_threads():
    """The cores that this process may use."""
    affinity = getattr(os, "sched_getaffinity", None)  # absent from Python 2 and macOS
    return len(affinity(0)) if affinity else multiprocessing.cpu_count()


def begin(args):
    """Signals, lease and threads, before anything loads a library; the writer of the job's events."""
    signal.signal(signal.SIGTERM, lambda *_: os._exit(143))
    if args.lease:
        exit_with_starter()
    for name in THREAD_VARIABLES:  # before anything loads a library that reads them
        os.environ.setdefault(name, str(args.threads))
    return events.Writer(args.out, args.attempt)


def exit_with_starter():
    """Ends this process when standard input does, for a job must not outlive who watches it.

    From here on standard input is empty: who asks a question there would wait for as long as the starter lives.
    """
    starter = os.dup(0)
    empty = os.open(os.devnull, os.O_RDONLY)
    os.dup2(empty, 0)
    os.close(empty)

    def wait():
        while os.read(starter, 4096):
            pass
        os._exit(130)

    thread = threading.Thread(target=wait)
    thread.daemon = True
    thread.start()


def describe_start(writer, job, workload, variant, params):
    writer.write("start", wall=events.wall_time(), job=job, workload=workload, variant=variant,
                 pid=os.getpid(), python=platform.python_version(), platform=platform.platform(),
                 params=params)


def thread_settings(requested, framework):
    """What a job says of its threads; `framework`: what the library says, by name."""
    return {"requested": requested, "framework": framework,
            "env": {name: os.environ.get(name) for name in THREAD_VARIABLES}}


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


def cache_changes(before):
    """The same as an `end` event has it; `before`: what cache_sizes() said when the job began."""
    return {folder: {"before": before[folder], "after": size} for folder, size in cache_sizes().items()}
