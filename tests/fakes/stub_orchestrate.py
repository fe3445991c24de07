"""`orchestrate` with the real everything but virtual environments (every stack runs on this Python) and charts.

python -m tests.fakes.stub_orchestrate run --launcher process --root ROOT_OF_STUBS ...
"""

from __future__ import annotations

import sys

from orchestrator import errors
from orchestrator.cli import app, output
from orchestrator.files import write_atomic
from orchestrator.model import to_json
from orchestrator.results.rows import merge_run
from orchestrator.run import session
from orchestrator.stacks import venvs


def this_python(stack, device, docker_dir, say, keras_spec=None, way=None):
    """In place of `venvs.ensure`."""
    digest = venvs.place(stack, device, docker_dir, keras_spec)[1]
    return venvs.Venv(python=sys.executable, lock_sha256=digest)


def rows_only(folders, out, catalog, command, listener, price=None):
    """In place of `session.report`: the rows, without the second that charts take to import and to draw."""
    rows, broken = [], None
    for folder in folders:
        plan = folder.plan()
        samples = {job.id: folder.samples(job) for job in plan.planned}
        rows += merge_run(plan, folder.results(), samples)
    try:
        write_atomic(out / "results.json", to_json({"results": rows}))
    except errors.HostError as error:
        broken = error
    return session.Finished(rows=rows, out=out, broken=broken)


def replace() -> None:
    venvs.ensure = this_python
    session.report = rows_only
    as_asked = output.print_rows
    output.print_rows = lambda finished, as_json: as_asked(finished, True)


if __name__ == "__main__":
    replace()
    app.main()
