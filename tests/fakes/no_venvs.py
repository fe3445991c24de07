"""`orchestrate` whose stacks all run on this Python, as stub jobs do; everything else, the report included, is real.

python -m tests.fakes.no_venvs run --launcher process --root ROOT_OF_STUBS ...
"""

from __future__ import annotations

from orchestrator.cli import app
from orchestrator.stacks import venvs
from tests.fakes.stub_orchestrate import this_python

if __name__ == "__main__":
    venvs.ensure = this_python
    app.main()
