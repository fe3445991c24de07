"""The Python interface, for notebooks and programs: `run` measures, `load` reads what is on record.

In: keywords, paths. Out: `Results`: rows, data frames, verdicts, the ranking, the report. Prints nothing, never exits;
raises what errors.py has. Knows nothing of options and terminals (cli/).
"""

from orchestrator.api.measure import run
from orchestrator.api.results import Results, load
from orchestrator.api.table import Table

__all__ = ["Results", "Table", "load", "run"]
