"""The command line: the only room that prints, asks and exits.

In: words typed by a person. Out: a request for the rooms below, and what comes back as text or JSON, with an exit code.
"""

import sys


def main() -> None:
    """Entry point. A Python that cannot find what we need (`-S`, a half-removed environment) is told so in words."""
    try:
        from orchestrator.cli import app
    except ModuleNotFoundError as error:
        if (error.name or "").startswith("orchestrator"):
            raise  # ours
        text = f"ERROR this Python ({sys.executable}) does not find the package {error.name}\n"
        hint = "  -> install keras-orchestrate for it, and do not start it with -S\n"
        if sys.stderr is not None:
            sys.stderr.write(text + hint)
        raise SystemExit(3) from None
    app.main()


__all__ = ["main"]
