"""Rows as a Parquet file, written by DuckDB. The same rows give the same bytes.

DuckDB is an extra package, imported only when a Parquet file is written. Without it the error states how to
install it. It reads the rows as JSON from a temporary folder that only this user can open.

Refuses: to load an extension of DuckDB, which could come from the network.
"""

from collections.abc import Iterable, Mapping
from functools import lru_cache
from importlib import import_module
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import msgspec

from callmon.errors import MissingError, Sentence

MISSING = Sentence(
    "Parquet needs DuckDB (callmon[parquet]). In a copy of callmon's repository run "
    "`pip install --require-hashes -r .ci/requirements-extras.txt` with the pip that installed callmon; "
    'see "Extras" in docs/en/how-to/install.md.'
)
OPTIONS = {"threads": 1, "autoinstall_known_extensions": False, "autoload_known_extensions": False}
_encode = msgspec.json.Encoder().encode


def parquet(columns: Mapping[str, str], rows: Iterable[Mapping[str, object]]) -> bytes:
    """The rows, in their order. `columns`: the SQL type of each name. Raises MissingError without DuckDB."""
    try:
        duckdb = import_module("duckdb")
    except ImportError:
        raise MissingError(MISSING) from None
    connection = _connection(duckdb)
    with TemporaryDirectory(prefix="callmon-") as folder:
        source, target = Path(folder, "rows.json"), Path(folder, "rows.parquet")
        with source.open("wb") as file:
            file.writelines(_encode(row) + b"\n" for row in rows)
        types = ", ".join(f"{_quoted(name)}: {_quoted(kind)}" for name, kind in columns.items())
        read = f"read_json({_quoted(source)}, format = 'newline_delimited', columns = {{{types}}})"
        connection.execute(f"COPY (FROM {read}) TO {_quoted(target)} (FORMAT parquet, COMPRESSION zstd)")
        return target.read_bytes()


@lru_cache(maxsize=1)
def _connection(duckdb: Any) -> Any:
    """One for all files of this process: opening it takes longer than writing a file."""
    return duckdb.connect(":memory:", config=OPTIONS)


def _quoted(text: object) -> str:
    """A string of SQL."""
    return "'" + str(text).replace("'", "''") + "'"
