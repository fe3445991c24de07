"""Environments that were there before: interpreters and images, as a probe inside each tells.

In: what a user names (--python, --image). Out: a `Stack` with `found` for each, or an error in one line. What a probe
prints is a stranger's word: bounded, printable, and it orders nothing.
"""
