"""A fault: a name, a file, and texts to replace there. Each old text stands in its file exactly once.

When code has moved, the script says which text it no longer finds: write the fault again where the code is now, so
that its name is still true.
"""

from __future__ import annotations

from typing import NamedTuple


class Fault(NamedTuple):
    """What is put wrong. `name` says what callmon then does."""

    name: str
    file: str
    replace: tuple[tuple[str, str], ...]


def fault(name: str, file: str, *replace: tuple[str, str]) -> Fault:
    return Fault(name, f"callmon/{file}.py", replace)
