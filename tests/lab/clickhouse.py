"""ClickHouse in a process of its own (chdb): its wheel, downloaded once and verified, beside the Debian folders.

The wheel has 181 MB and asks for pandas and pyarrow, which a query does not need: it is unpacked, not installed.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

from tests.lab.wheel import unpacked

CHDB = "chdb-core==26.9.0"
SHA256 = "707e2ec3fe0f7953bac97942eaeb7a1ed1d66b1e56ecef3f0aa2130f61f6e735"  # of the wheel for x86-64
ASK = "import sys, chdb; print(chdb.query(sys.stdin.read(), 'JSONCompactEachRow'))"


def folder() -> Path:
    """The folder with the package `chdb`. Raises LabUnavailable if it cannot be downloaded."""
    return unpacked(CHDB, SHA256)


def asked(place: Path, query: str) -> list[list[Any]]:
    """The rows that ClickHouse answers; counts as numbers."""
    settings = "SETTINGS output_format_json_quote_64bit_integers = 0"
    done = subprocess.run(
        [sys.executable, "-c", ASK],
        input=f"{query} {settings}",
        env={**os.environ, "PYTHONPATH": str(place)},
        capture_output=True,
        text=True,
        check=True,
    )
    return [json.loads(line) for line in done.stdout.splitlines() if line]
