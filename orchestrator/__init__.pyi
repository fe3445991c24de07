from orchestrator.api import Results as Results
from orchestrator.api import Table as Table
from orchestrator.api import load as load
from orchestrator.api import run as run

__version__: str
__all__ = ["Results", "Table", "__version__", "load", "run"]
