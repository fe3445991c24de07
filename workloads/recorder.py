"""What somebody's own trainings come to: epochs and fits, as events.

The first training is the cell: its epochs are events of their own. Each further one becomes a single
event `fit` when the script has ended, and says on the way that it goes on. Nothing here knows of Keras.
"""
import re

import events

#: Names of accuracies by what they are said to be, the plainest first.
ACCURACIES = ("acc", "accuracy", "binary_accuracy", "categorical_accuracy", "sparse_categorical_accuracy")
#: Further trainings with an event of their own, and figures beside the four: no event may grow without end.
FITS = 100
FIGURES = 40
#: Seconds between two events that say how far a further training is, for whoever watches.
SAID_S = 1.0
#: Logs that are kept to answer a fit() that is beyond the bound.
HISTORY = 10000


def figures(logs):
    """(the four figures under their names of 2017, all others) of one epoch's logs."""
    logs = {str(name): value for name, value in (logs or {}).items()}
    taken = {"loss": logs.pop("loss", None), "val_loss": logs.pop("val_loss", None)}
    for prefix in ("", "val_"):
        found = [name for kind in ACCURACIES for name in sorted(logs)
                 if re.match(prefix + kind + r"(_\d+)?$", name)]
        taken[prefix + "acc"] = logs.pop(found[0]) if found else None
    return taken, {name: logs[name] for name in sorted(logs)[:FIGURES]}


def median(values):
    """The median; None of nothing."""
    ordered = sorted(values)
    middle = len(ordered) // 2
    if not ordered:
        return None
    return ordered[middle] if len(ordered) % 2 else (ordered[middle - 1] + ordered[middle]) / 2.0


class Training(object):
    """One training: a fit() with those that go on with it, or a loop of one's own."""

    def __init__(self, number, writer, wait, goes_on=None):
        self.number = number
        #: How long it has waited for batches so far; None where nothing sees it.
        self.waited = lambda: None
        self.is_cell = number == 1
        self._writer = writer if self.is_cell else None
        self._goes_on = goes_on
        self._wait = wait
        self.epochs = 0
        self.train_s, self.validation_s, self.history = [], [], []
        self.last, self.others = figures(None)
        self.samples = self.parameters = self.rss_peak_mb = None
        self._earlier = 0.0
        self._begin = self.elapsed_s = None

    def _write(self, event, **fields):
        if self._writer:
            self._writer.write(event, **fields)

    def fit_called(self):
        """A fit() of this training begins: what is between this and its first epoch is set-up."""
        self._begin = events.clock()

    def train_begin(self, ready):
        """The first epoch is about to begin; `ready` tells what is trained, which is part of no figure but the sum."""
        now = events.clock()
        if not self.epochs:
            self._write("phase", name="fit_setup", seconds=now - self._begin)
            ready()
        self._train_begin = events.clock()

    def epoch_begin(self):
        self.batch_ends = []
        self._trained = None
        self._write("epoch_begin", epoch=self.epochs + 1)
        self._waited_before = self.waited()
        self._epoch_begin = events.clock()

    def batch_end(self, batch):
        """`batch`: its number from 0. All that is done per batch."""
        self.batch_ends.append((events.clock(), batch))

    def trained(self):
        """Training ends here, once the device has caught up; the rest of the epoch is validation."""
        self._wait()
        self._trained = events.clock()

    def trained_at_last_batch(self):
        """The same, looking back, where a Keras does not say when validation begins."""
        if self.batch_ends:
            self._trained = max(self.batch_ends)[0]

    def epoch_end(self, logs, batches=None, samples=None, read=dict):
        """`logs`: the epoch's figures by name, which `read` makes numbers of; None for numbers that are not known."""
        if self._trained is None:
            self._wait()
        now = events.clock()
        trained = self._trained or now
        if not self.epochs and self.batch_ends:
            first = min(self.batch_ends)[0] - self._train_begin
            self._write("phase", name="first_batch", seconds=first)
        logs = read(logs or {})
        self.epochs += 1
        self.samples = samples
        self.train_s.append(trained - self._epoch_begin)
        self.validation_s.append(now - trained)
        self.elapsed_s = self._earlier + now - self._begin
        self.last, self.others = figures(logs)
        self.history.append(logs)
        del self.history[:-HISTORY]
        extra = dict(self.last)
        if events.not_finite(extra):
            extra["not_finite"] = events.not_finite(extra)
        extra.update(events.waited_since(self._waited_before, self.waited))
        self._write("epoch_end", epoch=self.epochs, train_s=self.train_s[-1],
                    validation_s=self.validation_s[-1], elapsed_s=self.elapsed_s,
                    batches=batches, samples=samples, **extra)
        if self._goes_on and not self.is_cell:
            self._goes_on(fit=self.number, epoch=self.epochs, train_s=self.train_s[-1])

    def fit_ended(self):
        """A fit() of this training is over. The time until the next one counts nowhere."""
        self._earlier = self.elapsed_s or 0.0
        self.rss_peak_mb = events.rss_peak_mb()

    def metrics(self):
        """The last epoch's figures."""
        return dict(self.others, **self.last)

    def summary(self):
        """What an event `fit` says."""
        return dict(fit=self.number, epochs=self.epochs, first_epoch_s=self.train_s[0],
                    epoch_s=median(self.train_s[1:]), validation_s=median(self.validation_s[1:] or self.validation_s),
                    parameters=self.parameters, samples=self.samples, seconds=self.elapsed_s,
                    metrics=self.metrics())


class Recorder(object):
    """All trainings of one job, in their order."""

    def __init__(self, writer, wait):
        self._writer = writer
        self._wait = wait
        self._said = None
        self.trainings = []

    def training(self):
        """A new training; one that never ended an epoch makes room for it."""
        if self.trainings and not self.trainings[-1].epochs:
            self.trainings.pop()
        self.trainings.append(Training(len(self.trainings) + 1, self._writer, self._wait, self._say))
        return self.trainings[-1]

    def _say(self, **fields):
        """How far a further training is: now and then, as there may be thousands of short ones."""
        now = events.clock()
        if self._said is None or now - self._said >= SAID_S:
            self._said = now
            self._writer.write("fit_epoch", **fields)

    @property
    def cell(self):
        """The first training that has ended an epoch, which only the first can be; else None."""
        return self.trainings[0] if self.trainings and self.trainings[0].epochs else None

    def write_further(self):
        """The events of all trainings after the first."""
        for training in self.trainings[1:FITS + 1]:
            if training.epochs:
                self._writer.write("fit", **training.summary())
