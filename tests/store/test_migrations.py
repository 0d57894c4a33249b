"""A new database is of the newest revision; one from before 0008 is refused, on SQLite and on PostgreSQL."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import msgspec
import pytest
from alembic import command
from alembic.config import Config
from sqlalchemy import Connection, create_engine, inspect, text

from callmon.cli.language import in_language
from callmon.errors import Sentence, StoreError
from callmon.store import migrations
from callmon.store.database import Database, open_store, run_revisions, upgrade
from callmon.store.row_mapping import call_of, encoded, without_numbers
from callmon.store.tables import METADATA
from tests.support.environment import reader_of
from tests.support.store_fixtures import account, answered_call


def content(connection: Connection) -> dict[str, list[str]]:
    """Of each table: its columns with their types, its indexes, its rows."""
    seen = inspect(connection)
    return {
        name: [
            *(f"{x['name']} {x['type']} {x['nullable']}" for x in seen.get_columns(name)),
            *sorted(f"{x['name']} {x['column_names']}" for x in seen.get_indexes(name)),
            *sorted(str(tuple(row)) for row in connection.execute(text(f'SELECT * FROM "{name}"'))),
        ]
        for name in (*METADATA.tables, "alembic_version")
        if seen.has_table(name)
    }


def test_alembic_finds_nothing_to_do_in_a_new_database(store: Database) -> None:
    with store.writing() as connection:
        before = content(connection)
        run_revisions(connection)
        assert content(connection) == before


def test_the_table_of_the_revision_is_the_one_that_alembic_creates(sqlite_store: Database, tmp_path: Path) -> None:
    config = Config()
    config.set_main_option("script_location", "callmon:store/migrations")
    found = []
    with create_engine(f"sqlite:///{tmp_path}/alembic.db").begin() as stamped, sqlite_store.reading() as ours:
        config.attributes["connection"] = stamped
        command.stamp(config, "head")
        for connection in (stamped, ours):
            question = "SELECT sql, version_num FROM sqlite_master, alembic_version WHERE name = 'alembic_version'"
            ((sql, revision),) = connection.exec_driver_sql(question)
            found.append((sql.strip(), revision))
    assert found[0] == found[1]


REFUSED = {
    "en": "the database {store} is from before callmon's first release (revision {found}) and cannot be "
    "upgraded: its administrator sets store.url to a new database",
    "fr": "la base de données {store} date d’avant la première version de callmon (révision {found}) et ne peut "
    "pas être mise à niveau : son administrateur nomme une nouvelle base dans store.url",
}


@pytest.mark.parametrize("using", [open_store, upgrade])
@pytest.mark.parametrize("found", ["0001", "0005", "0007"])
def test_a_database_from_before_the_first_release_is_refused(
    store: Database, url: str, using: Callable[[str], Database], found: str
) -> None:
    with store.writing() as connection:
        connection.execute(text(f"UPDATE alembic_version SET version_num = '{found}'"))
        before = content(connection)
    with pytest.raises(StoreError) as refusal:
        using(url)
    for language, sentence in REFUSED.items():
        with reader_of(language):
            (reported,) = map(in_language, refusal.value.sentences)
        assert reported == sentence.format(store=store, found=found)
    with store.reading() as connection:
        assert content(connection) == before


def test_an_earlier_revision_is_sent_to_the_upgrade(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(migrations, "HEAD", "0009")
    refused = migrations.refusal("0008", "callmon.db")
    assert refused == Sentence("the database callmon.db is from an older callmon: run `callmon db upgrade`")


def test_an_account_stored_with_all_fields_is_read_as_the_same() -> None:
    call = without_numbers(account(answered_call(1)))
    whole = {name: getattr(call, name) for name in call.__struct_fields__}
    assert (call_of(msgspec.json.encode(whole).decode(), {}), call_of(encoded(call), {})) == (call, call)
    assert None not in msgspec.json.decode(encoded(call)).values()
