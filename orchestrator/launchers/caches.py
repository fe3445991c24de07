"""Names what a stack compiles and keeps between jobs: one cache for one person and one content.

Compiled code is run by whoever finds it, so it is never another user's, and never of another image or other scripts.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable

from orchestrator.launchers.sweep import LABEL
from orchestrator.model import Stack


def cache_name(stack: str, cache: str, uid: int, *content: str) -> str:
    """The name of the volume or folder of user `uid`; `content`: hashes of what its code is made from."""
    key = hashlib.sha256("\n".join(content).encode()).hexdigest()[:12]
    return f"{LABEL}-{stack}-{cache}-u{uid}-{key}"


def is_others(name: str, uid: int) -> bool:
    """Whether a cache of this name is another user's; root may clean up after everybody."""
    found = re.search(r"-u(\d+)-[0-9a-f]{12}$", name)
    return bool(found) and uid not in (0, int(found[1]))  # type: ignore[index]


def ours(name: str, stacks: Iterable[Stack]) -> bool:
    """Whether a volume has a name of ours: of a user's, or of the releases that had one for everybody."""
    known = "|".join(re.escape(f"{stack.name}-{cache.name}") for stack in stacks for cache in stack.caches)
    return bool(re.fullmatch(rf"{LABEL}-({known})(-u\d+-[0-9a-f]{{12}})?", name))
