"""`orchestrate verify`: are the records of a run complete, and still what was written?"""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import click

from orchestrator.cli.console import tell, tell_document
from orchestrator.cli.options import JSON, OUT, command
from orchestrator.cli.output import print_json
from orchestrator.cli.tables import Column, table
from orchestrator.results.folder import RunFolder
from orchestrator.results.verify import verified
from orchestrator.text import plural

#: What each state of a file means for a person.
WORDS = {
    "ok": "as it was written",
    "altered": "ALTERED since it was written",
    "missing": "MISSING",
    "unsealed": "NO MANIFEST: no manifest.json says what it was",
}


@command()
@click.argument("run", default="latest")
@OUT
@JSON
@click.pass_context
def verify(ctx: click.Context, run: str, out: Path, as_json: bool) -> None:
    """Check the files of a recorded run.

    RUN is a folder, an id or `latest`. The answer: complete, incomplete or altered.

    Exit 0 if every record is there and as it was written, else 1. This finds accidents, not intent: whoever changes a
    file on purpose can change its hash as well.

    \b
    Examples:
      orchestrate verify
      orchestrate verify results/20261122-101500-1a2b --json
    """
    folder = RunFolder.locate(out, run)
    files = dict(verified(folder))
    states = Counter(files.values())
    verdict = "complete" if set(states) <= {"ok"} else "altered" if states["altered"] else "incomplete"
    if as_json:
        print_json({"run": str(folder.path), "verdict": verdict, "files": files})
    else:
        bad = [[name, WORDS[state]] for name, state in files.items() if state != "ok"]
        if bad:
            tell_document("\n".join(table((Column("file"), Column("what is wrong", "words")), bad)))
        words = WORDS["ok"] if len(files) == 1 else "as they were written"
        tell(f"{folder.path.name}: {verdict}, {states['ok']} of {plural(len(files), 'file')} {words}")
    ctx.exit(0 if verdict == "complete" else 1)
