"""Finds the records of an exchange: those that a person names, those in the folder of its logs and its databases.

FreePBX and Issabel keep CEL, CDR and queue_log in asteriskcdrdb, Wazo CEL and queue_log in its own database. Each
has the user and the password of that database in a file below /etc. Each record is read once.

Refuses: to keep or to print a password. A database or table that was found but cannot be read is left out, with a
sentence.
"""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from datetime import datetime
from pathlib import Path
from typing import Any, NamedTuple

import click
from pydantic import ValidationError
from sqlalchemy import Engine
from sqlalchemy.engine import make_url

from callmon.backfill.imported.job import Import, Source
from callmon.backfill.imported.tables import usual_tables
from callmon.backfill.job import read_only_engine
from callmon.cli.language import said
from callmon.config.exchange import CelSettings
from callmon.config.validation import hidden, sentences
from callmon.errors import ConfigError

# Best first. Of two places of one record the first that has files is taken: both would hold the same calls.
PLACES: Mapping[str, tuple[str, ...]] = {
    "cel": ("cel-custom/Master.csv*",),
    "queue_log": ("queue_log*",),
    "cdr": ("cdr-csv/Master.csv*", "cdr-custom/Master.csv*"),
}
DISTRIBUTIONS = ("freepbx.conf", "issabelpbx.conf", "amportal.conf")
AMP = re.compile(r"""^\s*(?:\$amp_conf\[)?['"]?AMPDB(USER|PASS|HOST)['"]?\]?\s*=\s*['"]?([^'";\s]*)""", re.M)
WAZO = ("wazo-call-logd/conf.d/*.yml", "wazo-call-logd/config.yml")
OF_WAZO = re.compile(r"""^cel_db_uri:\s*['"]?(postgresql://[^\s'"?]+)""", re.M)
Record = tuple[Import, list[Source]]


class Search(NamedTuple):
    """`new` makes the import of a record; `where`: the options of the command that name places and passwords."""

    new: Callable[[str], Import]
    cel: CelSettings
    now: datetime
    where: Mapping[str, Any]

    def records(self, kind: str | None, files: Sequence[str]) -> list[Record]:
        """The import of each record with its sources, the record that holds most first. Raises ConfigError."""
        found = self._given(kind, files) if kind and files else self._found(kind)
        if records := sorted(found, key=lambda record: [*PLACES].index(record[0].kind)):
            return records
        where = self.where["logs"]
        raise ConfigError("{folder}: no CEL, queue_log or CDR was found there; name KIND and FILES.", folder=where)

    def _given(self, kind: str, files: Sequence[str]) -> Iterator[Record]:
        if paths := [Path(name) for name in files if "://" not in name]:
            job = self.new(kind)
            yield job, job.examine(paths, self.now)
        for address in (name for name in files if "://" in name):
            engine, job = _engine(address, self.where["password_file"], self.where["password_env"]), self.new(kind)
            named = self.where["table"] or next((name for _, name in usual_tables(engine, kind)), kind)
            yield job, job.examine_table(engine, named, self.now)

    def _found(self, kind: str | None) -> Iterator[Record]:
        for record, paths in records_in(self.where["logs"], kind).items():
            job = self.new(record)
            yield job, job.examine(paths, self.now)
        own = {} if self.cel.url is None else {self.cel.url: self.cel.password()}
        for address, password in (dict(databases_in(self.where["etc"])) | own).items():
            tables: list[tuple[Engine, str, str]] = []
            with _left_out():
                engine = read_only_engine(address, password, hidden(address))
                tables = [(engine, *found) for found in usual_tables(engine, kind)]
            for engine, record, name in tables:
                with _left_out():
                    job = self.new(record)
                    yield job, job.examine_table(engine, name, self.now)


@contextmanager
def _left_out() -> Iterator[None]:
    """Tells what was found and cannot be read, and goes on."""
    try:
        yield
    except ConfigError as error:
        click.echo(said("Left out: {why}", why=error.sentences[0]), err=True)


def _engine(address: str, password_file: Path | None, password_env: str | None) -> Engine:
    given = {"url": address, "password_file": password_file, "password_env": password_env}
    try:
        settings = CelSettings.model_validate(given)
    except ValidationError as error:
        raise ConfigError(*sentences(error, CelSettings, hidden(address))) from None
    url = make_url(address)
    if url.get_backend_name() == "sqlite" and not Path(url.database or "").is_file():  # SQLite would make it
        raise ConfigError("{path}: no such file.", path=url.database)
    settings.locate("import")
    return read_only_engine(address, settings.password(), hidden(address))


def records_in(folder: Path, kind: str | None = None) -> dict[str, list[Path]]:
    """By record (`kind`: only this one), its files that are not empty. A record without files is left out."""
    found = {name: _first(folder, places) for name, places in PLACES.items() if kind in (None, name)}
    return {name: files for name, files in found.items() if files}


def _first(folder: Path, places: tuple[str, ...]) -> list[Path]:
    return next(filter(None, (list(_files(folder, place)) for place in places)), [])


def _files(folder: Path, place: str) -> Iterator[Path]:
    yield from (path for path in sorted(folder.glob(place)) if path.is_file() and path.stat().st_size)


def databases_in(folder: Path) -> Iterator[tuple[str, str | None]]:
    """The databases that the exchange's own settings below /etc name: address and password."""
    for text in _texts(folder, DISTRIBUTIONS):
        if "USER" in (own := dict(AMP.findall(text))):
            yield f"mysql://{own['USER']}@{own.get('HOST') or 'localhost'}/asteriskcdrdb", own.get("PASS")
    for text in _texts(folder, WAZO):
        if (found := OF_WAZO.search(text)) is not None:
            url = make_url(found[1])
            yield f"postgresql://{url.username}@{url.host}:{url.port or 5432}/{url.database}", url.password


def _texts(folder: Path, places: tuple[str, ...]) -> Iterator[str]:
    """The texts of these files, as far as this user may read them."""
    for path in (path for place in places for path in sorted(folder.glob(place))):
        with suppress(OSError):
            yield path.read_text(encoding="utf-8", errors="replace")
