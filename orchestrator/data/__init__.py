"""Data sets: declared, found on this host, downloaded, or made up.

In: names of data sets and a folder of the user's. Out: one checked and hashed file for each (`find.resolve`).
What is downloaded or made lies in the cache; the user's own folders are only read. Knows nothing of jobs or stacks.
"""
