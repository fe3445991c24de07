"""Runs one workload without Keras, in plain PyTorch, JAX or TensorFlow, and writes what happens as run.py does.

    python plain.py mnist_mlp --library torch --data ~/.keras/datasets/mnist.npz --out /tmp/x

Exit codes: those of run.py.
"""
import sys

import run
from native import names


def parse(argv):
    parser = run.parser(names.MODELS, __doc__)
    parser.add_argument("--library", choices=names.LIBRARIES, required=True)
    args = run.settled(parser, argv)
    if args.mode != "train" or args.variant != "faithful" or args.initial_weights != "equal":
        parser.error("what has no Keras trains, from equal weights, as the faithful variant does")
    return args


def workload_of(args):
    from native import models

    return models.MODELS[args.workload](args.seed)


def speaker_of(args):
    from native import speaker

    return speaker.Plain(args.library, args.threads, args.seed, args.deterministic)


def main(argv=None):
    return run.perform(parse(argv), workload_of, speaker_of)


if __name__ == "__main__":
    sys.exit(main())
