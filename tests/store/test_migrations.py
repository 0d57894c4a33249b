"""A database of an older revision is upgraded; one from before 0005 is refused, on SQLite and on PostgreSQL."""

from __future__ import annotations

import re
import tomllib
from base64 import urlsafe_b64encode
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path

import msgspec
import pytest
from alembic import command
from alembic.config import Config
from sqlalchemy import Connection, create_engine, inspect, text

from callmon.cli.language import in_language
from callmon.config.schema import Configuration
from callmon.config.settings import Settings, example_text
from callmon.errors import Sentence, StoreError
from callmon.store import migrations, opening
from callmon.store.access import AuditRow, insert_event
from callmon.store.database import Database, open_store, parse_url, run_revisions, upgrade
from callmon.store.row_mapping import call_of, encoded, without_numbers
from callmon.store.sign_off import altered_revisions
from callmon.store.tables import METADATA, microseconds
from tests.support.environment import reader_of
from tests.support.store_fixtures import RING, account, answered_call, of_calls, outcomes, rows, wrote

BEFORE = Path(__file__).parents[1] / "data" / "tables"
CODE = "\tmac VARCHAR NOT NULL, \n"  # new in revision 0006
# New in revisions 0007 and 0008.
NEW_TABLES = re.compile(r"CREATE TABLE (?:token|webhook)|ix_(?:token|webhook)_")
SIGNED_AT = datetime(2026, 11, 2, 12, tzinfo=UTC)
SIGNED = (
    "INSERT INTO sign_off VALUES "
    f"('2026-10', 1, 'prepared', 'calls.csv', {microseconds(SIGNED_AT)}, 'lead', 'ab12')"
)


@pytest.fixture
def first(url: str, tmp_path: Path) -> Iterator[Database]:
    """A database of revision 0005, made by the statements of that revision, with calls and a signed month."""
    parsed = parse_url(url)
    kind = parsed.get_backend_name()
    if kind == "sqlite":
        (tmp_path / "callmon.db").touch(0o600)
    engine = create_engine(parsed)
    with engine.begin() as connection:
        now = (BEFORE / f"{kind}.sql").read_text(encoding="utf-8")
        assert now.count(CODE) == 1
        for statement in now.replace(CODE, "").removesuffix(";\n").split(";\n"):
            if not NEW_TABLES.search(statement):
                connection.exec_driver_sql(statement)
        connection.exec_driver_sql("CREATE TABLE alembic_version (version_num VARCHAR(32) NOT NULL)")
        connection.exec_driver_sql("INSERT INTO alembic_version VALUES ('0005')")
        connection.exec_driver_sql(SIGNED)
    engine.dispose()
    store = Database(parsed, RING)
    wrote(store, *of_calls(2), *outcomes(answered_call(3))[:7])
    yield store
    store.close()


TOKEN = [
    *(
        "id VARCHAR False",
        "name VARCHAR False",
        "roles VARCHAR False",
        "made BIGINT False",
        "expires BIGINT False",
    ),
    *("used BIGINT True", "ix_token_name ['name']"),
]


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


def test_a_database_of_revision_0005_is_upgraded_and_has_all_its_rows(
    first: Database, url: str, tmp_path: Path
) -> None:
    with first.reading() as connection:
        before = content(connection)
    with pytest.raises(StoreError, match="run `callmon db upgrade`"):
        open_store(url, RING)
    for _ in range(2):
        opened = upgrade(url, RING)
        with opened.reading() as connection:
            after = content(connection)
        opened.close()
    *columns, row = before.pop("sign_off")
    *with_code, coded = after.pop("sign_off")
    assert (with_code, coded) == ([*columns, "mac VARCHAR False"], f"{row[:-1]}, '')")
    assert (before.pop("alembic_version")[-1], after.pop("alembic_version")[-1]) == ("('0005',)", "('0008',)")
    assert after.pop("token") == TOKEN
    new = upgrade(f"sqlite:///{tmp_path}/new.db", RING)
    with new.reading() as connection:
        assert after.pop("webhook") == content(connection)["webhook"]
    new.close()
    assert after == before


def test_the_steps_found_by_an_upgrade_are_signed_by_the_key_file(
    first: Database, url: str, tmp_path: Path
) -> None:
    (tmp_path / "keys").write_text(urlsafe_b64encode(RING.raw[0]).decode() + "\n")
    (tmp_path / "keys").chmod(0o600)
    data = tomllib.loads(example_text())
    data["store"]["url"] = url
    data["privacy"] = {"key_file": str(tmp_path / "keys")}
    settings = Settings(Configuration(**data), "test")
    with first.writing() as connection:
        insert_event(
            connection, AuditRow(at=SIGNED_AT, who="lead", act="report prepared", about="2026-10 revision 1")
        )
    opening.open_for_writing(settings).close()
    store = opening.open_with_keys(settings)
    assert altered_revisions(store) == []
    store.close()
    with first.writing() as connection:
        connection.exec_driver_sql("UPDATE sign_off SET mac = ''")
    opening.open_for_writing(settings).close()
    store = opening.open_with_keys(settings)
    assert len(altered_revisions(store)) == 1
    store.close()


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


def test_calls_are_written_to_a_database_that_was_of_revision_0005(first: Database, url: str) -> None:
    opened = upgrade(url, RING)
    wrote(opened, *outcomes(answered_call(3))[7:])
    assert [rows(opened)[name] for name in ("call", "fact", "open_call")] == [3, 36, 0]
    opened.close()


REFUSED = {
    "en": "the database {store} is from before callmon's first release (revision {found}) and cannot be "
    "upgraded: its administrator sets store.url to a new database",
    "fr": "la base de données {store} date d’avant la première version de callmon (révision {found}) et ne peut "
    "pas être mise à niveau : son administrateur nomme une nouvelle base dans store.url",
}


@pytest.mark.parametrize("using", [open_store, upgrade])
@pytest.mark.parametrize("found", ["0001", "0002", "0003", "0004"])
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


def test_an_earlier_revision_is_sent_to_the_upgrade() -> None:
    refused = migrations.refusal("0005", "callmon.db")
    assert refused == Sentence("the database callmon.db is from an older callmon: run `callmon db upgrade`")


def test_an_account_stored_with_all_fields_is_read_as_the_same() -> None:
    call = without_numbers(account(answered_call(1)))
    whole = {name: getattr(call, name) for name in call.__struct_fields__}
    assert (call_of(msgspec.json.encode(whole).decode(), {}), call_of(encoded(call), {})) == (call, call)
    assert None not in msgspec.json.decode(encoded(call)).values()
