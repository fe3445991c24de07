"""CUDA files that GPU images need from outside PyPI and Debian: found, downloaded, unpacked, checked, kept.

In: docker/cuda.yaml and the names of the files. Out: a path for each, with the route that gave it (`find.find`), or a
HostError with everything that was tried. Trusts no archive: nothing is written under a name that one chose.
"""
