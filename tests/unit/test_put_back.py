"""A copy of the database that is restored as documented: it signs nobody in, and accounts are told."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import uuid4

import psycopg
import pytest
from click.testing import CliRunner
from sqlalchemy.engine import make_url

from callmon.config.settings import Settings, example_text, load
from callmon.main import main
from callmon.store import access, opening
from callmon.store.database import Database
from tests.lab.postgres import dump, restore

TERMS = access.SessionLimits(timedelta(days=1), timedelta(days=2), 10)
pytestmark = pytest.mark.usefixtures("quick_passwords")

PASSWORD = "trois sonneries, pas quatre"


def settings(place: Path, url: str) -> Settings:
    path = place / "callmon.toml"
    text = (
        example_text()
        .replace("sqlite:///callmon.db", url)
        .replace("[web]\n", "[web]\naccess = { accounts = true }\n")
    )
    key = f'[privacy]\nkey_file = "{place}/number.key"\n'
    path.write_text(text.replace("[privacy]\n", key), encoding="utf-8")
    return load(path)


def run(place: Path, *words: str) -> str:
    done = CliRunner(env={"LC_ALL": "en_CA.UTF-8"}).invoke(
        main, [*words, "--config", str(place / "callmon.toml")], input=f"{PASSWORD}\n"
    )
    assert done.exit_code == 0, done.output
    return done.stdout


def sign_in(store: Database, *names: str) -> None:
    now = datetime.now(UTC)
    for name in names:
        access.begin_session(
            store,
            access.SessionRow(
                id=f"cookie of {name}", person=name, source="account", roles=frozenset(), made=now, seen=now
            ),
            TERMS,
        )


def signed_in(store: Database) -> list[str]:
    now = datetime.now(UTC)
    known = (access.valid_session(store, f"cookie of {name}", now, TERMS) for name in ("luc", "marie", "paul"))
    return [one.person for one in known if one is not None]


def copy_of(store: Database) -> Callable[[], str]:
    """A copy as it is now; called, it is put back, and the database's address is given."""
    if store.path is not None:
        path, kept = store.path, Path(f"{store.path}.copy")
        with closing(sqlite3.connect(path)) as source, closing(sqlite3.connect(kept)) as copy:
            source.backup(copy)

        def put() -> str:
            for beside in ("-wal", "-shm"):
                Path(f"{path}{beside}").unlink(missing_ok=True)
            path.write_bytes(kept.read_bytes())
            return f"sqlite:///{path}"

        return put
    url = store.url.render_as_string(hide_password=False)
    dumped, name = dump(url, "--format=custom"), f"callmon_{uuid4().hex[:12]}"

    def restored() -> str:
        server = make_url(url).set(drivername="postgresql").render_as_string(hide_password=False)
        with psycopg.connect(server, autocommit=True) as connection:
            connection.execute(f'CREATE DATABASE "{name}"'.encode())
        target = make_url(url).set(database=name).render_as_string(hide_password=False)
        restore(target, dumped)
        return target

    return restored


@pytest.fixture
def used(url: str, tmp_path: Path) -> Database:
    """Three accounts, everybody signed in."""
    run_key = CliRunner(env={"LC_ALL": "en_CA.UTF-8"}).invoke(
        main, ["privacy", "key", str(tmp_path / "number.key")]
    )
    assert run_key.exit_code == 0, run_key.output
    store = opening.open_for_writing(settings(tmp_path, url))
    for name in ("luc", "marie", "paul"):
        run(tmp_path, "users", "add", name, "--role", "administrator")
    sign_in(store, "luc", "marie", "paul")
    return store


@pytest.mark.parametrize("change", [("lock", "marie"), ("remove", "marie"), ("password", "marie")])
def test_a_copy_from_before_a_change_of_an_account_signs_nobody_in(
    used: Database, tmp_path: Path, change: tuple[str, str]
) -> None:
    put = copy_of(used)
    run(tmp_path, "users", *change)
    assert signed_in(used) == ["luc", "paul"]
    used.close()
    again = opening.open_for_writing(settings(tmp_path, put()))
    assert signed_in(again) == []
    assert access.audit_events(again, 1)[0].act == "sessions ended"
    sign_in(again, "paul")
    again.close()
    once_more = opening.open_for_writing(load(tmp_path / "callmon.toml"))
    assert signed_in(once_more) == ["paul"]  # it was told, and is over
    once_more.close()


def test_a_start_after_a_change_with_the_same_database_signs_nobody_out(used: Database, tmp_path: Path) -> None:
    run(tmp_path, "users", "lock", "marie")
    used.close()
    again = opening.open_for_writing(load(tmp_path / "callmon.toml"))
    assert signed_in(again) == ["luc", "paul"]
    again.close()


def test_an_upgrade_signs_everybody_out_and_lists_the_accounts(used: Database, tmp_path: Path) -> None:
    run(tmp_path, "users", "lock", "marie")
    reported = run(tmp_path, "db", "upgrade").splitlines()
    assert reported[1:] == [
        "Sessions ended: 2. These accounts may sign in unless they are locked; lock or remove others:",
        "luc                     administrator",
        "marie                   administrator  locked",
        "paul                    administrator",
    ]
    assert signed_in(used) == []
    used.close()


def test_an_account_can_be_locked_where_the_change_cannot_be_noted(
    used: Database, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """A command as root writes anywhere: so there is no such folder."""
    used.notes = tmp_path / "nowhere" / "accounts"
    locked = access.AuditRow(at=datetime.now(UTC), who="root", act="account locked", about="marie")
    access.change_account(used, "marie", locked, is_locked=True)
    assert [one.name for one in access.accounts(used) if one.is_locked] == ["marie"]
    assert [record.message for record in caplog.records] == ["accounts: the change cannot be recorded in the file"]
    used.close()


def test_a_note_that_cannot_be_read_counts_as_a_change_of_now(used: Database, tmp_path: Path) -> None:
    assert used.notes is not None
    used.notes.write_text("yesterday\n")
    assert (access.end_if_older(used), signed_in(used)) == (True, [])
    used.close()
