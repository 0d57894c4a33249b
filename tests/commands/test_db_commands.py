"""`callmon db upgrade` says what it did; `callmon db backup` copies a database in use, and replaces nothing."""

from __future__ import annotations

import os
import resource
import shutil
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from sqlalchemy import text

from callmon.config.settings import example_text
from callmon.errors import ConfigError, StoreError
from callmon.main import main
from callmon.store import database, migrations
from callmon.store.backup import backup
from callmon.store.database import Database, open_store
from callmon.store.migrations import HEAD
from callmon.store.queries import calls as queries
from tests.support.store_fixtures import RING, of_calls, wrote


def run(place: Path, *words: str, language: str = "en") -> Result:
    """A `callmon db` command with its database in `place`."""
    (place / "callmon.toml").write_text(example_text())
    environment = {"LC_ALL": f"{language}_CA.UTF-8", "CALLMON_CONFIG": str(place / "callmon.toml")}
    return CliRunner(env=environment).invoke(main, ["db", *words])


def test_upgrade_says_that_it_created_a_database_or_changed_none(tmp_path: Path) -> None:
    path = tmp_path / "callmon.db"
    assert [run(tmp_path, "upgrade").stdout for _ in range(2)] == [
        f"{path}: created, empty (revision {HEAD}).\n",
        f"{path}: its tables are unchanged (revision {HEAD}).\n",
    ]
    path.unlink()
    path.touch()
    french = run(tmp_path, "upgrade", language="fr").stdout
    assert french == f"{path} : base de données créée, vide (révision {HEAD}).\n"


REVISION = """
from alembic import op
revision = "0009"
down_revision = "0008"
def upgrade():
    op.execute("CREATE TABLE later (added INTEGER)")
"""


@pytest.mark.parametrize(
    ("language", "reported"),
    [("en", ": upgraded from revision 0008 to 0009."), ("fr", " : passée de la révision 0008 à 0009.")],
)
def test_upgrade_says_from_which_revision_it_upgraded(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, language: str, reported: str
) -> None:
    """The revision after the first, with a table of its own, as the next version would bring it."""
    assert run(tmp_path, "upgrade").exit_code == 0
    scripts = tmp_path / "migrations"
    shutil.copytree(Path(migrations.__file__).parent, scripts)
    (scripts / "versions/r0009.py").write_text(REVISION)
    monkeypatch.setattr(database, "SCRIPTS", str(scripts))
    for module in (migrations, database):
        monkeypatch.setattr(module, "HEAD", "0009")
    done = run(tmp_path, "upgrade", language=language)
    assert done.stdout.splitlines()[0] == f"{tmp_path}/callmon.db{reported}"
    with closing(sqlite3.connect(tmp_path / "callmon.db")) as connection:
        assert connection.execute("SELECT * FROM later").fetchall() == []
        assert connection.execute("SELECT version_num FROM alembic_version").fetchall() == [("0009",)]


def test_upgrade_of_a_database_that_is_not_this_versions_changes_nothing(tmp_path: Path) -> None:
    assert run(tmp_path, "upgrade").exit_code == 0
    with open_store(f"sqlite:///{tmp_path}/callmon.db").writing() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    done = run(tmp_path, "upgrade")
    assert (done.exit_code, done.stdout) == (1, "")


def test_a_copy_during_a_write_has_what_was_committed_for_its_owner(
    sqlite_store: Database, tmp_path: Path
) -> None:
    figures, file = wrote(sqlite_store, *of_calls(3)), tmp_path / "copy" / "callmon.db"
    file.parent.mkdir()
    before = os.umask(0)
    try:
        with sqlite_store.writing() as connection:
            connection.execute(text("DELETE FROM call"))
            backup(open_store(f"sqlite:///{tmp_path}/callmon.db"), file)
    finally:
        os.umask(before)
    assert [(path, path.stat().st_mode & 0o777) for path in file.parent.iterdir()] == [(file, 0o600)]
    copied = open_store(f"sqlite:///{file}", RING)
    with copied.reading() as connection:
        assert connection.execute(text("SELECT count(*) FROM call")).scalar() == 3
        assert connection.execute(text("PRAGMA integrity_check")).scalar() == "ok"
    assert queries.counters(copied) == figures
    copied.close()


def test_a_copy_replaces_no_file(sqlite_store: Database, tmp_path: Path) -> None:
    file = tmp_path / "precious.db"
    file.write_text("precious")
    with pytest.raises(ConfigError, match=r"precious\.db exists and is not replaced; name a new file\."):
        backup(sqlite_store, file)
    assert file.read_text() == "precious"


def test_a_copy_for_which_there_is_no_room_leaves_no_file(sqlite_store: Database, tmp_path: Path) -> None:
    wrote(sqlite_store, *of_calls(1))
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (8192, hard))
    try:
        with pytest.raises(StoreError, match=r"cannot be copied to .*part\.db: "):
            backup(sqlite_store, tmp_path / "part.db")
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert [path.name for path in tmp_path.glob("part.db*")] == []


@pytest.mark.parametrize(
    ("language", "copied", "advice"),
    [
        (
            "en",
            "copied, {} bytes.",
            "Keep a copy of the key {} in another place: without it no number can be read.",
        ),
        (
            "fr",
            "copie faite, {} octets.",
            "Gardez une copie de la clé {} à un autre endroit : sans elle, aucun numéro n’est lisible.",
        ),
    ],
)
def test_the_command_makes_the_folder_and_names_the_missing_key(
    tmp_path: Path, language: str, copied: str, advice: str
) -> None:
    run(tmp_path, "upgrade")
    file = tmp_path / "new/folder/copy.db"
    done = run(tmp_path, "backup", str(file), language=language)
    first, second = done.stdout.splitlines()
    size = f"{file.stat().st_size:,}".replace(",", "," if language == "en" else "\N{NO-BREAK SPACE}")
    assert first.partition(": ")[2] == copied.format(size)
    assert second == advice.format(tmp_path / "callmon.db-key")
