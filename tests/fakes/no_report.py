"""`orchestrate` without the report, which takes seconds to draw and which few tests look at; everything else is real.

python -m tests.fakes.no_report run ...
"""

from __future__ import annotations

from orchestrator.cli import app
from orchestrator.run import session

if __name__ == "__main__":
    session.write_report = lambda view, out: []
    app.main()
