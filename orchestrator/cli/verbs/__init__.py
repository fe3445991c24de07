"""The verbs of the command line, one file each; the command in a file has the file's name.

A verb turns its options into a request, hands it to a room below, and prints what comes back. Verbs know nothing of
each other; cli/app.py loads the one that is used.
"""
