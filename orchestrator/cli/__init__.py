"""The command line: the only room that prints, asks and exits.

In: words typed by a person. Out: a request for the rooms below, and what comes back as text or JSON, with an exit code.
"""

from orchestrator.cli.app import main

__all__ = ["main"]
