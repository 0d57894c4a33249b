"""`python -m tests.lab.prepare NAMES`: makes these Debian folders (`folder.RECIPES`) before a test needs them.

Needs no package except Python's own. If a folder cannot be made it prints the reason; the tests then fail or are
skipped.
"""

from __future__ import annotations

import sys

from tests.lab.folder import LabUnavailable, folder

if __name__ == "__main__":
    for name in sys.argv[1:]:
        try:
            print(name, folder(name))  # noqa: T201  a command
        except LabUnavailable as why:
            print(f"{name}: not here: {why}")  # noqa: T201  a command
