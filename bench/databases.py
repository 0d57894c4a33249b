"""Databases to write to: a file on this disk, a PostgreSQL where the lab has one. All go afterwards."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import count
from pathlib import Path

import psycopg
from sqlalchemy.engine import make_url

from bench.processes import BenchError
from tests.lab.folder import DEFAULT_PLACE, LabUnavailable
from tests.lab.postgres import Postgres

NewDatabase = Callable[[], str]
ON_DISK = "/var/tmp"


@contextmanager
def sqlite() -> Iterator[NewDatabase]:
    """Files in a folder on disk: /tmp may be memory."""
    with tempfile.TemporaryDirectory(prefix="callmon-bench-", dir=ON_DISK) as folder:
        numbers = count()
        yield lambda: f"sqlite:///{folder}/{next(numbers)}.db"


@contextmanager
def postgresql() -> Iterator[NewDatabase]:
    """New databases of one server. Raises BenchError where there is none; nothing is fetched for it."""
    with _server() as url:
        numbers, plain = count(), make_url(url).set(drivername="postgresql")

        def new() -> str:
            name = f"callmon_bench_{os.getpid()}_{next(numbers)}"
            with psycopg.connect(plain.render_as_string(hide_password=False), autocommit=True) as connection:
                connection.execute(f'CREATE DATABASE "{name}"')  # type: ignore[arg-type]
            return make_url(url).set(database=name).render_as_string(hide_password=False)

        yield new


@contextmanager
def _server() -> Iterator[str]:
    place = Path(os.environ.get("CALLMON_LAB_DIR", DEFAULT_PLACE))
    if not any(place.glob("*/usr/lib/postgresql")):
        raise BenchError("the lab's folder is not made yet (make test makes it)")
    try:
        with Postgres() as server:
            yield server.url
    except LabUnavailable as why:
        raise BenchError(str(why)) from None
