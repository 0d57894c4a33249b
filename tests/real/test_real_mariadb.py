"""A real MariaDB with CEL as FreePBX keeps it: whole seconds, local time, no row of an application that dials."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import create_engine

from tests.commands.test_import import lab_office
from tests.commands.test_import_sources import FILES, stored
from tests.lab.mariadb import PASSWORD, READER, WRITER, MariaDb
from tests.lab.needed import needed
from tests.lab.site import HOME
from tests.recordings.test_traces import NAMES, concluding, expected, truth
from tests.store.test_backfill import BackfillOffice
from tests.store.test_backfill_sources import at_of, csv_rows, from_source, local, sourced, table_of
from tests.support.record_tables import RECORDED, table

pytestmark = pytest.mark.lab

# The table's whole seconds leave two counts of rings possible.
TWO_RINGS_POSSIBLE = ("callback_answered", "hunt_voicemail", "tty_voicemail", "vm_hangup_greeting")


@pytest.fixture(scope="module")
def freepbx() -> Iterator[MariaDb]:
    with needed("mariadb"):
        server = MariaDb().__enter__()
    yield server
    server.__exit__(None, None, None)


def source(server: MariaDb, folder: Path) -> str:
    """What the site guide says: a user who may read this one table, its password in a file."""
    (folder / "cel.password").write_text(f"{PASSWORD}\n")
    return f'url = "mysql://{READER}@{server.address}"\npassword_file = "{folder}/cel.password"'


@pytest.mark.parametrize("name", NAMES)
def test_freepbxs_table_gives_the_truth(freepbx: MariaDb, tmp_path: Path, name: str) -> None:
    table_of(freepbx.url, [name], "DATETIME", local)
    office = BackfillOffice(tmp_path, f"\n[exchanges.toronto.cel]\n{source(freepbx, tmp_path)}\n")
    wanted = [expected(said, by_key=True) for said in truth(name)]
    for said in wanted:
        said["outcome"] = "voicemail" if said["outcome"].startswith("voicemail") else said["outcome"]
        said["rings"] = None if name in TWO_RINGS_POSSIBLE else said["rings"]
    assert [concluding(call) for call in office.calls()] == wanted
    with closing(sqlite3.connect(tmp_path / "callmon.db")) as stored, stored:
        assert stored.execute('SELECT count(*) FROM "call"').fetchone()[0] == sum(
            said["direction"] == "inbound" for said in wanted
        )


def test_only_the_rows_of_the_gaps_calls_are_read(freepbx: MariaDb, tmp_path: Path) -> None:
    table_of(freepbx.url, ["blind_transfer_1", "park_retrieve"], "DATETIME", local)
    office = BackfillOffice(tmp_path)
    begin, end = at_of("blind_transfer_1")
    settings = sourced(tmp_path, source(freepbx, tmp_path))
    read, created = from_source(settings, office.store(), [(begin + timedelta(seconds=7), end)])
    assert created == ["lab-1795528229.84"]
    dial = sum(row[10] == "Dial" and row[0].startswith("APP_") for row in csv_rows("blind_transfer_1"))
    assert read <= len(csv_rows("blind_transfer_1")) + len(csv_rows("park_retrieve")) - dial


def test_a_wrong_password_is_said_without_saying_it(freepbx: MariaDb, tmp_path: Path) -> None:
    reported = source(freepbx, tmp_path)
    (tmp_path / "cel.password").write_text("wrong-and-secret\n")
    result = BackfillOffice(tmp_path, f"\n[exchanges.toronto.cel]\n{reported}\n").run("backfill", status=1)
    assert result.stderr.startswith("exchanges.toronto.cel: the table cannot be read: ")
    assert "wrong-and-secret" not in result.stderr


@pytest.mark.parametrize("kind", ["cel", "queue_log", "cdr"])
def test_an_import_of_a_table_stores_what_the_file_stores(
    freepbx: MariaDb, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: str
) -> None:
    table(freepbx.url, kind)
    (tmp_path / "password").write_text(f"{PASSWORD}\n")
    office = lab_office(tmp_path, monkeypatch)
    of_file = stored(office, kind, str(RECORDED / FILES[kind]))
    words = (f"mysql://{WRITER}@{freepbx.address}", "--password-file", f"{tmp_path}/password")
    assert stored(office, kind, *words) == of_file


def test_an_import_finds_the_tables_of_freepbx_by_its_settings(
    freepbx: MariaDb, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for kind, name in (("cel", "cel"), ("queue_log", "queuelog"), ("cdr", "cdr")):
        table(freepbx.url, kind, name)
    with closing(create_engine(freepbx.url).raw_connection()) as connection:
        connection.cursor().execute("DROP TABLE IF EXISTS queue_log")
    named = {"AMPDBUSER": WRITER, "AMPDBPASS": PASSWORD, "AMPDBHOST": f"{HOME}:{freepbx.port}"}
    lines = [f"$amp_conf['{name}'] = '{value}';\n" for name, value in named.items()]
    (tmp_path / "freepbx.conf").write_text("<?php\n" + "".join(lines))
    done = lab_office(tmp_path, monkeypatch).run(
        "import", "--logs", str(tmp_path), "--etc", str(tmp_path), "--json"
    )
    found = [json.loads(line) for line in done.stdout.splitlines()]
    assert [(x["source"], x["created"] > 10) for x in found] == [
        ("cel", True),
        ("queue_log", False),
        ("cdr", False),
    ]
    assert PASSWORD not in done.output
