"""Training loops of one's own: the epochs that `orchestrated.epochs` gives inside of a job."""
import described
import orchestrated


class Epoch(orchestrated.Epoch):
    """An epoch that is timed: see `orchestrated`. Values may be tensors; they are read when the time has been taken."""

    def begin(self, training):
        """Its clock starts."""
        self._training = training
        self.batches = self.samples = None
        self.is_trained = False
        self._logs = {}
        training.epoch_begin()
        return self

    def trained(self, loss=None, batches=None, samples=None, **metrics):
        self._training.trained()
        self.is_trained = True
        self.batches, self.samples = number(batches), number(samples)
        self.metrics(**dict(metrics, **({} if loss is None else {"loss": loss})))

    def metrics(self, **values):
        self._logs.update(values)

    def complete(self):
        """Whether a loop that is left in this epoch was done with it, by what it has said."""
        return self.is_trained or bool(self._logs)

    def end(self):
        """The figures are read only now: in the middle of an epoch that would make it wait."""
        self._training.epoch_end(self._logs, self.batches, self.samples, read)


def number(value):
    return None if value is None else int(value)


def read(logs):
    """{name: float} of what may be tensors of any library."""
    found = {}
    for name, value in logs.items():
        value = value.detach() if hasattr(value, "detach") else value
        try:
            found[name] = float(value)
        except (TypeError, ValueError):
            found[name] = None
    return found


class Loops(object):
    """Gives epochs, and tells the job (own.py) of them."""

    def __init__(self, job):
        self._job = job

    def epochs(self, count, model):
        """As orchestrated.epochs; the job's number of epochs takes the place of `count`."""
        job = self._job
        training = job.recorder.training()
        job.before_loop(training, model, count)
        training.fit_called()
        training.train_begin(lambda: job.say_ready(training) if training.is_cell else None)
        job.in_loop = True
        epoch = None
        try:
            for number in range(job.bounds.epochs or count):
                epoch = Epoch(number).begin(training)
                yield epoch
                epoch.end()
                epoch = None
        except GeneratorExit:  # the loop was left
            if epoch is not None and epoch.complete():
                epoch.end()
            raise
        finally:
            job.in_loop = False
            training.fit_ended()


def settings(model, asked):
    """What can be seen of a loop of one's own."""
    devices = sorted({str(getattr(part, "device", "")) for part in _parts(model)} - {""})
    return {"optimizer": None, "loss": None, "batch_size": None, "epochs_asked": asked, "data": "loop",
            "model_class": None if model is None else type(model).__name__, "model_devices": devices[:8]}


def _parts(model):
    try:
        return list(model.parameters())
    except (AttributeError, TypeError):
        return []
