"""What a job says while it runs: one JSON object per line, written at once.

Times are CLOCK_MONOTONIC in seconds, which on one Linux host is the same clock inside and outside
of a container, so that samples taken from outside can be laid over these events.
"""
import contextlib
import ctypes
import json
import os
import resource
import sys
import time
import traceback
from collections import OrderedDict

METRIC_NAMES = {"accuracy": "acc", "val_accuracy": "val_acc"}
METRICS = ("loss", "acc", "val_loss", "val_acc")


def _clock_from_libc():
    """CLOCK_MONOTONIC for Python 2, whose time module has no monotonic clock."""
    class Timespec(ctypes.Structure):
        _fields_ = [("seconds", ctypes.c_long), ("nanoseconds", ctypes.c_long)]

    libc = ctypes.CDLL(None, use_errno=True)

    def clock():
        now = Timespec()
        if libc.clock_gettime(1, ctypes.byref(now)) != 0:
            raise OSError(ctypes.get_errno(), "clock_gettime failed")
        return now.seconds + now.nanoseconds * 1e-9

    return clock


clock = getattr(time, "monotonic", None) or _clock_from_libc()


def plain(value):
    """The same value in types that strict JSON knows: NaN and infinities become null."""
    if value is None or isinstance(value, (bool, int, str, type(u""))):
        return value
    if isinstance(value, dict):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [plain(item) for item in value]
    try:
        number = float(value)  # numpy scalars, 0-d arrays, tensors
    except (TypeError, ValueError):
        return str(value)
    finite = number == number and abs(number) != float("inf")
    return number if finite else None


def not_finite(values):
    """{name: "nan", "inf" or "-inf"} of the figures that strict JSON has no words for."""
    found = {}
    for name, value in values.items():
        try:
            number = float(value)
        except (TypeError, ValueError):
            continue  # not computed
        if number != number or abs(number) == float("inf"):
            found[name] = "nan" if number != number else "inf" if number > 0 else "-inf"
    return found


class Writer(object):
    """Appends events to `<folder>/events.jsonl`; every line carries time and attempt."""

    def __init__(self, folder, attempt=1):
        if not os.path.isdir(folder):
            os.makedirs(folder)
        self.attempt = attempt
        # Unbuffered and in append mode: each event is one write(2), whole even when a callback
        # runs in another thread or the process is killed right after.
        self._file = open(os.path.join(folder, "events.jsonl"), "ab", 0)

    def write(self, event, **fields):
        line = OrderedDict([("event", event), ("t", clock()), ("attempt", self.attempt)])
        for name in sorted(fields):
            line[name] = plain(fields[name])
        self._file.write((json.dumps(line, allow_nan=False) + "\n").encode("ascii"))

    @contextlib.contextmanager
    def phase(self, name):
        """Times the block; nothing is written if it fails, the error event tells."""
        begin = clock()
        yield
        self.write("phase", name=name, seconds=clock() - begin)

    def error(self, error):
        """The exception being handled, with its traceback."""
        self.write("error", type=type(error).__name__, message=str(error),
                   traceback=traceback.format_exc())


def wall_time():
    """Now in UTC, ISO 8601: a stamp for people, never used for intervals."""
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())


def rss_peak_mb():
    """Largest resident memory of this process so far, in MiB."""
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak / (1024.0 ** 2 if sys.platform == "darwin" else 1024.0)


def metrics(logs):
    """Keras' logs under their 2017 names; a metric that was not computed is None."""
    named = {METRIC_NAMES.get(name, name): value for name, value in (logs or {}).items()}
    return {name: named.get(name) for name in METRICS}


def waited_since(before, waited):
    """What an `epoch_end` event says of how long its training waited for batches; nothing where nothing sees it.

    Read when the epoch is over: validation takes its batches from elsewhere.
    """
    now = waited()
    return {} if now is None else {"input_wait_s": now - (before or 0.0)}


class EpochClock(object):
    """Callback hooks that time epochs; to be mixed with the Callback class of some Keras.

    Training time runs from the begin of the epoch to the end of its last batch, validation time
    is the rest. Per batch it reads the clock and keeps the figure, nothing else.

    Keras 3 dispatches work asynchronously. There, JAX and PyTorch call `on_batch_end` from a
    helper thread (`async_safe`: without it Keras would wait for the device after every batch),
    and nothing waits for the last batch. So where `on_test_begin` exists it marks the end of
    training, after `wait` has let the device catch up. Preparing the validation data, once in the
    first epoch, then counts as training.
    """

    async_safe = True

    def __init__(self, writer, batch_size, samples, wait=lambda: None, waited=lambda: None):
        super(EpochClock, self).__init__()
        self._wait = wait
        self._waited = waited
        self._writer = writer
        self._batch_size = batch_size
        self._samples = samples
        self._fit = self._train_begin = None
        self.elapsed_s = None
        self.last_metrics = metrics(None)

    def fit_called(self):
        """To be called right before fit(): what is between is the framework's own set-up."""
        self._fit = clock()

    def on_train_begin(self, logs=None):
        self._train_begin = clock()
        self._writer.write("phase", name="fit_setup", seconds=self._train_begin - self._fit)

    def on_epoch_begin(self, epoch, logs=None):
        self._batch_ends = []
        self._test_begin = None
        self._writer.write("epoch_begin", epoch=epoch + 1)
        self._waited_before = self._waited()
        self._epoch_begin = clock()

    def on_batch_end(self, batch, logs=None):
        self._batch_ends.append(clock())

    def on_test_begin(self, logs=None):
        self._wait()
        self._test_begin = clock()

    def on_epoch_end(self, epoch, logs=None):
        now = clock()
        if epoch == 0:
            first = min(self._batch_ends) - self._train_begin
            self._writer.write("phase", name="first_batch", seconds=first)
        trained = self._test_begin or max(self._batch_ends)
        batches = len(self._batch_ends)
        self.elapsed_s = now - self._fit
        self.last_metrics = metrics(logs)
        figures = dict(self.last_metrics)
        if not_finite(figures):
            figures["not_finite"] = not_finite(figures)
        figures.update(waited_since(self._waited_before, self._waited))
        self._writer.write(
            "epoch_end", epoch=epoch + 1, train_s=trained - self._epoch_begin,
            validation_s=now - trained, elapsed_s=self.elapsed_s, batches=batches,
            samples=min(batches * self._batch_size, self._samples), **figures)
