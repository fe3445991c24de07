"""Marks the epochs of a training loop of one's own, for `orchestrate my.py` to time.

    from orchestrated import epochs

    for epoch in epochs(10, model=model):             # elsewhere: the numbers 0 to 9
        ...train...
        epoch.trained(loss=loss, batches=n)           # optional: training ends here, validation follows
        epoch.metrics(val_loss=..., val_acc=...)      # optional

Outside of a job nothing is timed, written or waited for.
"""

#: Set inside of a job: called with the number of epochs and the model, it gives the epochs.
_job = None


class Epoch(int):
    """The number of an epoch, from 0."""

    def trained(self, loss=None, batches=None, samples=None, **metrics):
        """Training ends here; what follows in this epoch is validation. Values may be tensors."""

    def metrics(self, **values):
        """Figures of this epoch: loss, acc, val_loss, val_acc, or names of your own."""


def epochs(count, model=None):
    """Gives `count` epochs, or as many as `--epochs` says. `model`: its parameters are counted."""
    return _job(count, model) if _job else (Epoch(number) for number in range(count))
