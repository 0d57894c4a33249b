"""Finds the records of an exchange: those that a person names, those in the folder of its logs and its databases.

FreePBX and Issabel keep CEL, CDR and queue_log in asteriskcdrdb, Wazo CEL and queue_log in its own database. Each
has the user and the password of that database in a file below /etc. Each record is read once.

Refuses: to keep or to print a password. What was found but cannot be read is left out, with a sentence. So is a
settings file that another user may write.
"""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, NamedTuple

import click
from pydantic import ValidationError
from sqlalchemy import URL, Engine
from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError

from callmon.backfill.apply import HELD
from callmon.backfill.imported.job import Import, Record
from callmon.backfill.imported.tables import examined_table, usual_tables
from callmon.backfill.job import read_only_engine
from callmon.cli.language import said
from callmon.config.exchange import CelSettings
from callmon.config.places import place_written_by_others
from callmon.config.validation import sentences
from callmon.config.wording import hidden
from callmon.errors import ConfigError

# Of two places of one record the first that has files is taken: both would hold the same calls.
PLACES = (
    ("cel", "cel-custom/Master.csv*"),
    ("queue_log", "queue_log*"),
    ("cdr", "cdr-csv/Master.csv*"),
    ("cdr", "cdr-custom/Master.csv*"),
)
DISTRIBUTIONS = ("freepbx.conf", "issabelpbx.conf", "amportal.conf")
AMP = re.compile(r"""^\s*(?:\$amp_conf\[)?['"]?AMPDB(USER|PASS|HOST)['"]?\]?\s*=\s*['"]?([^'";\s]*)""", re.M)
WAZO = ("wazo-call-logd/conf.d/*.yml", "wazo-call-logd/config.yml")
OF_WAZO = re.compile(r"""^cel_db_uri:\s*['"]?(postgresql://[^\s'"?]+)""", re.M)
HOST = re.compile(r"([A-Za-z0-9][A-Za-z0-9._-]*)(?::([0-9]{1,5}))?", re.ASCII)


class Search(NamedTuple):
    """`new` makes the import of a record; `where`: the options of the command that name places and passwords."""

    new: Callable[[str], Import]
    cel: CelSettings
    where: Mapping[str, Any]

    def records(self, kind: str | None, files: Sequence[str]) -> list[Record]:
        """The import of each record with its sources, the record that holds most first. Raises ConfigError."""
        found = self._given(kind, files) if kind and files else self._found(kind)
        if records := sorted(found, key=lambda record: -HELD[record[0].kind]):
            return records
        where = self.where["logs"]
        raise ConfigError("{folder}: no CEL, queue_log or CDR was found there; name KIND and FILES.", folder=where)

    def _given(self, kind: str, files: Sequence[str]) -> Iterator[Record]:
        if paths := [Path(name) for name in files if "://" not in name]:
            yield self._of_files(kind, paths)
        for address in (name for name in files if "://" in name):
            engine = _engine(address, self.where["password_file"], self.where["password_env"])
            named = self.where["table"] or next((name for _, name in usual_tables(engine, kind)), kind)
            yield self._of_table(kind, engine, named)

    def _found(self, kind: str | None) -> Iterator[Record]:
        for record, paths in records_in(self.where["logs"], kind).items():
            yield self._of_files(record, paths)
        own = {} if self.cel.url is None else {self.cel.url: self.cel.password()}
        for address, password in (dict(databases_in(self.where["etc"])) | own).items():
            with _left_out():
                engine = read_only_engine(address, password, hidden(address))
                for record, name in usual_tables(engine, kind):
                    with _left_out():
                        yield self._of_table(record, engine, name)

    def _of_files(self, kind: str, paths: Sequence[Path]) -> Record:
        job = self.new(kind)
        return job, job.examine(paths)

    def _of_table(self, kind: str, engine: Engine, name: str) -> Record:
        job = self.new(kind)
        return job, [job.check_zone(examined_table(engine, name, job.reader))]


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
    found: dict[str, list[Path]] = {}
    for name, place in PLACES:
        files = [path for path in sorted(folder.glob(place)) if path.is_file() and path.stat().st_size]
        if files and kind in (None, name):
            found.setdefault(name, files)
    return found


def databases_in(folder: Path) -> Iterator[tuple[str, str | None]]:
    """The databases that the exchange's own settings below /etc name: address and password.

    An address is built from its parts and has no options. A file that other users may write is left out.
    """
    for path, text in _texts(folder, DISTRIBUTIONS):
        if "USER" in (own := dict(AMP.findall(text))):
            with _left_out():
                yield _address(path, "mysql", own["USER"], own.get("HOST") or "localhost"), own.get("PASS")
    for path, text in _texts(folder, WAZO):
        if (found := OF_WAZO.search(text)) is not None:
            with _left_out():
                yield _address_of_wazo(path, found[1])


def _address_of_wazo(path: Path, written: str) -> tuple[str, str | None]:
    try:
        url = make_url(written)
    except (ArgumentError, ValueError):
        raise _unreadable(path) from None
    place = f"{url.host}:{url.port or 5432}"
    return _address(path, "postgresql", url.username or "", place, url.database or ""), url.password


def _address(path: Path, kind: str, user: str, place: str, database: str = "asteriskcdrdb") -> str:
    """The address of these parts. Raises ConfigError unless `place` is a host, or a host and a port."""
    host = HOST.fullmatch(place)
    if host is None or not HOST.fullmatch(database):
        raise _unreadable(path)
    port = None if host[2] is None else int(host[2])
    return URL.create(kind, user, host=host[1], port=port, database=database).render_as_string()


def _unreadable(path: Path) -> ConfigError:
    return ConfigError("{path}: the address of its database cannot be read; name KIND and the address.", path=path)


def _texts(folder: Path, places: tuple[str, ...]) -> Iterator[tuple[Path, str]]:
    """The files and their texts, as far as this user may read them and no other may write them."""
    for path in (path for place in places for path in sorted(folder.glob(place))):
        with _left_out(), suppress(OSError):
            if (written := place_written_by_others(path)) is not None:
                raise ConfigError(
                    "{path} is not read: another user may have written to {place}; name KIND and the address.",
                    path=path,
                    place=written,
                )
            yield path, path.read_text(encoding="utf-8", errors="replace")
