"""Trainings of one model in one process, with the hooks of a measured job and without, in turn.

It is put in the place of run.py in a copy of workloads/, where that is job_run.py; the file `pairs` beside it says how
often. Runs on Python 2.7 and 3. Prints one line of JSON: the seconds of each fit() `ours` and `bare`.
"""

from __future__ import print_function

import contextlib
import importlib
import json
import os

import events
import job
import job_run


class Nothing(object):
    """Takes the events of what is prepared."""

    def write(self, event, **fields):
        pass

    @contextlib.contextmanager
    def phase(self, name):
        yield


def main():
    args = job_run.settled(job_run.parser(job_run.workloads(), job_run.__doc__), None)
    with open(os.path.join(job_run.HERE, "pairs")) as file:
        pairs = int(file.read())
    writer, workload = job.begin(args), importlib.import_module(args.workload)
    keras = job_run.speaker_of(args)
    samples = job_run.load(args, workload, keras, Nothing())
    model = job_run.build(args, workload, keras, samples, Nothing())

    class Bare(keras.callback_class):
        def fit_called(self):
            pass

    def ours():
        job_run.train(args, workload, keras, model, samples, writer)

    def bare():
        keras.fit(model, samples, args.epochs, args.batch_size, Bare())

    seconds = {"ours": [], "bare": []}
    sides = [("ours", ours), ("bare", bare)]
    for pair in range(-1, pairs):  # the first of each compiles
        for name, fit in sides if pair % 2 else sides[::-1]:
            begin = events.clock()
            fit()
            keras.wait_for_device(model)
            if pair >= 0:
                seconds[name].append(events.clock() - begin)
    print(json.dumps(seconds))


if __name__ == "__main__":
    main()
