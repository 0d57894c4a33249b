"""`callmon import`: what it finds, what it says first, and what it reads from a table of a database."""

from __future__ import annotations

import json
import os
import sys
import tomllib
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from socket import socket
from typing import Any

import pytest
from click.testing import CliRunner
from sqlalchemy import create_engine, make_url, text

from callmon.backfill.imported import job
from callmon.backfill.imported.examined import examined
from callmon.backfill.imported.sources import databases_in
from callmon.cli.language import in_language
from callmon.errors import ConfigError
from callmon.main import main
from callmon.store.imports import ImportProgress, noted_imports
from tests.commands.test_import import NOW, OF_QUEUE_LOG, everything, lab_office, rows
from tests.commands.test_import_ahead import reader as reader_of_queue_log
from tests.store.test_backfill import BackfillOffice
from tests.support.environment import reader_of
from tests.support.made_queue_log import made
from tests.support.mysql_server import SHORT_ROW, false_mysql, file_request
from tests.support.record_tables import RECORDED, table
from tests.support.store_fixtures import POSTGRESQL, postgres_database

FILES = {"cel": "cel.csv.gz", "queue_log": "queue_log", "cdr": "cdr-csv.csv"}
CEL = "CEL tells nearly all that callmon hears; no messages and no holds."
CDR = "CDR tells who was answered, busy or taken by voicemail; no rings, no waits, no transfers."


@pytest.fixture
def office(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> BackfillOffice:
    return lab_office(tmp_path, monkeypatch)


# What it says first.


def months(days: int, first: str, folder: Path) -> str:
    (folder / "queue_log").write_text(made(days, 5, first)[0])
    return str(folder / "queue_log")


def test_before_the_import_each_month_has_a_sentence_on_its_records(
    office: BackfillOffice, tmp_path: Path
) -> None:
    logs = tmp_path / "logs"
    (logs / "cdr-csv").mkdir(parents=True)
    months(40, "2026-09-20", logs)
    (logs / "cdr-csv" / "Master.csv").write_bytes((RECORDED / "cdr-csv.csv").read_bytes())
    office.run("db", "upgrade")
    done = office.run("import", "--logs", str(logs), "--etc", str(logs), "--dry-run")
    assert done.stderr.splitlines()[:6] == [
        "queue_log from 2026-09-20 to 2026-10-29.",
        "CDR from 2026-11-30 to 2026-11-30.",
        "The import takes about 1 min.",
        f"2026-09: {OF_QUEUE_LOG}",
        f"2026-10: {OF_QUEUE_LOG}",
        f"2026-11: {CDR}",
    ]


def test_a_month_that_is_not_read_is_not_reported(office: BackfillOffice, tmp_path: Path) -> None:
    """The retention of 400 days goes back to 2025-10-28."""
    file = months(100, "2025-09-20", tmp_path)
    office.run("db", "upgrade")
    done = office.run("import", "queue_log", file, "--until", "2025-11-30", "--dry-run")
    assert done.stderr.splitlines()[2:4] == [f"2025-10: {OF_QUEUE_LOG}", f"2025-11: {OF_QUEUE_LOG}"]
    assert done.stderr.splitlines()[4] == "Nothing was written."


def test_the_time_that_an_import_takes_grows_with_its_lines(
    office: BackfillOffice, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    log, _ = made(1, 5)
    monkeypatch.setitem(job.SPEED, "queue_log", len(log.splitlines()))  # lines a second
    (tmp_path / "queue_log").write_text(log * 61)
    office.run("db", "upgrade")
    done = office.run("import", "queue_log", str(tmp_path / "queue_log"), "--until", "2026-02-01", "--dry-run")
    assert done.stderr.splitlines()[1:3] == [
        f"{tmp_path}/queue_log: is not in the order of time; callmon sorts its lines.",
        "The import takes about 2 min.",
    ]


# A table of a database.


@pytest.fixture(params=["sqlite", POSTGRESQL])
def database(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """The URL of an empty database of the exchange."""
    if request.param == "sqlite":
        yield f"sqlite:///{tmp_path}/asterisk.db"
        return
    with postgres_database(request.getfixturevalue("postgres_server"), "template1") as url:
        yield url


def address(url: str) -> str:
    """As a person writes it."""
    made_of = make_url(url)
    return made_of.set(drivername=made_of.get_backend_name()).render_as_string(hide_password=False)


CALLS = 'SELECT "call", line, outcome, heard, arrived FROM "call" ORDER BY "call"'


def stored(office: BackfillOffice, *words: str) -> list[Any]:
    """What the import stores in an empty database.

    Of CDR the calls alone: FreePBX's table has no end of a call, and its length is cut to whole seconds.
    """
    for file in office.config.parent.glob("callmon.db*"):
        file.unlink()
    office.run("import", *words)
    return rows(office, CALLS) if "cdr" in words else everything(office)


@pytest.mark.filterwarnings("ignore:.*multi-threaded:DeprecationWarning")  # of pytest's workers
@pytest.mark.parametrize("long", [job.LONG, 1], ids=["one process", "two processes"])
@pytest.mark.parametrize("kind", FILES)
def test_a_table_stores_what_the_file_of_the_same_record_stores(
    office: BackfillOffice, kind: str, database: str, long: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(job, "LONG", long)
    table(database, kind)
    of_file = stored(office, kind, str(RECORDED / FILES[kind]))
    assert stored(office, kind, address(database)) == of_file
    assert rows(office, 'SELECT count(*) > 10 FROM "call"') == [(True,)]


@pytest.mark.parametrize("name", ["queuelog", "queue_log"])
def test_without_files_the_tables_of_the_database_that_has_cel_are_found(
    office: BackfillOffice, tmp_path: Path, name: str
) -> None:
    url = f"sqlite:///{tmp_path}/asterisk.db"
    for kind in FILES:
        table(url, kind, name if kind == "queue_log" else kind)
    with office.config.open("a", encoding="utf-8") as file:
        file.write(f'\n[exchanges.toronto.cel]\nurl = "{url}"\n')
    (tmp_path / "none").mkdir()
    done = office.run("import", "--logs", f"{tmp_path}/none", "--etc", f"{tmp_path}/none", "--json")
    found = [json.loads(line) for line in done.stdout.splitlines()]
    assert [(x["source"], x["created"] > 10) for x in found] == [
        ("cel", True),
        ("queue_log", False),
        ("cdr", False),
    ]


@pytest.mark.parametrize(
    ("file", "text", "found"),
    [
        (
            "freepbx.conf",
            "<?php\n$amp_conf['AMPDBUSER'] = 'freepbxuser';\n$amp_conf['AMPDBPASS'] = 'x1';\n"
            "$amp_conf['AMPDBHOST'] = 'localhost';\n$amp_conf['AMPDBNAME'] = 'asterisk';\n",
            ("mysql://freepbxuser@localhost/asteriskcdrdb", "x1"),
        ),
        (
            "issabelpbx.conf",
            "<?php\n$amp_conf['AMPDBUSER']\t= 'asteriskuser';\n$amp_conf['AMPDBPASS']\t= 'x2';\n",
            ("mysql://asteriskuser@localhost/asteriskcdrdb", "x2"),
        ),
        (
            "amportal.conf",
            "# AMPDBUSER=other\nAMPDBUSER=asteriskuser\nAMPDBPASS=x3\nAMPDBHOST=192.0.2.7\n",
            ("mysql://asteriskuser@192.0.2.7/asteriskcdrdb", "x3"),
        ),
        (
            "wazo-call-logd/config.yml",
            "debug: false\ndb_uri: postgresql://wazo:no@localhost/wazo\n"
            "cel_db_uri: postgresql://asterisk:x4@localhost/asterisk?application_name=wazo-call-logd\n",
            ("postgresql://asterisk@localhost:5432/asterisk", "x4"),
        ),
        ("freepbx.conf", "<?php\n", None),
        ("amportal.conf", "AMPDBUSER=x\nAMPDBHOST=db/x?read_default_file=/etc/my.cnf&a=\n", None),
        ("amportal.conf", "AMPDBUSER=x\nAMPDBHOST=db:3306/other\n", None),
    ],
)
def test_the_database_of_freepbx_issabel_and_wazo_is_found_in_its_settings(
    tmp_path: Path, file: str, text: str, found: tuple[str, str] | None
) -> None:
    (tmp_path / file).parent.mkdir(exist_ok=True)
    (tmp_path / file).write_text(text, encoding="utf-8")
    assert [*databases_in(tmp_path)] == ([] if found is None else [found])


# Settings files of an exchange are data of whoever may write there.


@pytest.mark.parametrize(
    ("file", "text"),
    [
        (
            "freepbx.conf",
            "$amp_conf['AMPDBUSER'] = 'x';\n$amp_conf['AMPDBHOST'] = '{place}/x?local_infile=1&a=';\n",
        ),
        ("amportal.conf", "AMPDBUSER=x@{place}/x?local_infile=1&a=\nAMPDBHOST=localhost:1\n"),
        ("issabelpbx.conf", "$amp_conf['AMPDBUSER'] = 'x';\n$amp_conf['AMPDBHOST'] = '{place}';\n"),
    ],
)
def test_no_file_is_sent_to_a_server_that_the_exchanges_settings_name(
    office: BackfillOffice, tmp_path: Path, file: str, text: str
) -> None:
    office.run("db", "upgrade")
    (tmp_path / "secret").write_text("secret-2")
    with false_mysql(file_request(f"{tmp_path}/secret")) as server:
        (tmp_path / file).write_text(text.format(place=f"127.0.0.1:{server.port}"))
        done = office.run("import", "--etc", str(tmp_path), "--logs", str(tmp_path), "--dry-run", status=2)
    assert (server.sent, "Traceback" in done.output) == ([], False)
    assert done.stderr.startswith("Left out: ")


def test_no_file_is_sent_to_a_server_whose_address_was_typed_with_options(
    office: BackfillOffice, tmp_path: Path
) -> None:
    office.run("db", "upgrade")
    (tmp_path / "secret").write_text("secret-2")
    with false_mysql(file_request(f"{tmp_path}/secret")) as server:
        address = f"mysql://x@127.0.0.1:{server.port}/x?local_infile=1"
        done = office.run("import", "cdr", address, "--dry-run", status=2)
    assert (server.sent, len(done.stderr.splitlines())) == ([], 1)


@pytest.mark.parametrize("answer", [SHORT_ROW, b"\xfb/etc/hostname", b"\x01\x03", b"\xff", b"\xfe", b""])
def test_a_server_that_answers_oddly_gives_one_sentence(office: BackfillOffice, answer: bytes) -> None:
    office.run("db", "upgrade")
    with false_mysql(answer) as server:
        done = office.run("import", "cdr", f"mysql://x@127.0.0.1:{server.port}/x", "--dry-run", status=2)
    assert done.stderr.splitlines()[0].startswith("127.0.0.1/x: the database cannot be read: ")
    assert len(done.stderr.splitlines()) == 1


@pytest.mark.parametrize("place", ["amportal.conf", "."])
def test_a_settings_file_that_others_may_write_is_left_out(
    office: BackfillOffice, tmp_path: Path, place: str
) -> None:
    etc = tmp_path / "etc"
    etc.mkdir()
    (etc / "amportal.conf").write_text("AMPDBUSER=x\n")
    (etc / place).chmod(0o770)
    assert [*databases_in(etc)] == []


def test_a_database_that_cannot_be_read_is_named_without_its_password(
    office: BackfillOffice, tmp_path: Path
) -> None:
    (tmp_path / "queue_log").write_text(made(1, 5)[0])
    with socket() as closed:
        closed.bind(("127.0.0.1", 0))
        written = f"cel_db_uri: postgresql://asterisk:secret-1@127.0.0.1:{closed.getsockname()[1]}/asterisk\n"
        (tmp_path / "wazo-call-logd").mkdir()
        (tmp_path / "wazo-call-logd" / "config.yml").write_text(written)
        done = office.run("import", "--logs", str(tmp_path), "--etc", str(tmp_path))
    assert done.stderr.startswith("Left out: 127.0.0.1/asterisk: the database cannot be read: connection failed")
    assert ("secret-1" in done.output, done.stdout.splitlines()[0]) == (False, "2026-03  queue_log  5")


def test_a_table_that_was_found_empty_is_left_out(office: BackfillOffice, tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/asterisk.db"
    table(url, "cdr")
    with create_engine(url).begin() as connection:
        connection.execute(
            text("CREATE TABLE queuelog (time TEXT, callid TEXT, queuename TEXT, agent TEXT, event TEXT)")
        )
    with office.config.open("a", encoding="utf-8") as file:
        file.write(f'\n[exchanges.toronto.cel]\nurl = "{url}"\n')
    (tmp_path / "none").mkdir()
    done = office.run("import", "--logs", f"{tmp_path}/none", "--etc", f"{tmp_path}/none", "--json")
    assert done.stderr.splitlines()[0] == f"Left out: {tmp_path}/asterisk.db/queuelog: has no row of queue_log."
    assert [json.loads(line)["source"] for line in done.stdout.splitlines()] == ["cdr"]


def test_without_the_driver_of_freepbxs_database_the_files_are_imported(
    office: BackfillOffice, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "pymysql", None)
    (tmp_path / "queue_log").write_text(made(1, 5)[0])
    (tmp_path / "freepbx.conf").write_text("$amp_conf['AMPDBUSER'] = 'x';\n$amp_conf['AMPDBPASS'] = 'secret-1';\n")
    done = office.run("import", "--logs", str(tmp_path), "--etc", str(tmp_path))
    assert done.stderr.splitlines()[0] == (
        "Left out: mysql://x@localhost/asteriskcdrdb: the MariaDB driver is missing; "
        'see "Extras" in docs/en/how-to/install.md'
    )
    assert done.stdout.splitlines()[0] == "2026-03  queue_log  5"


def test_a_row_without_a_time_hides_neither_end_of_the_table(office: BackfillOffice, database: str) -> None:
    table(database, "cdr")
    with create_engine(database).begin() as connection:
        connection.execute(text("INSERT INTO cdr (id, uniqueid, disposition) VALUES (9999, '1.1', 'ANSWERED')"))
        connection.execute(text("UPDATE cdr SET calldate = '2026-11-27 09:00:00.000000' WHERE id = 1"))
    done = office.run("import", "cdr", address(database), "--json")
    result = json.loads(done.stdout)
    assert (result["created"], result["left_out"]["broken_lines"]) == (44, 1)
    assert done.stderr.startswith("CDR from 2026-11-27 to 2026-11-30.")


# What is refused: one sentence, its status, and nothing is written.

REFUSED = tomllib.loads(Path(__file__).with_name("refused_tables.toml").read_text(encoding="utf-8"))["refused"]


@pytest.mark.parametrize("language", ["en", "fr"])
@pytest.mark.parametrize("case", REFUSED)
def test_a_table_that_cannot_be_imported_is_refused_in_one_sentence(
    office: BackfillOffice, tmp_path: Path, language: str, case: dict[str, Any]
) -> None:
    of_exchange = f"sqlite:///{tmp_path}/asterisk.db"
    table(of_exchange, "cdr")
    with create_engine(of_exchange).begin() as connection:
        connection.execute(text("CREATE TABLE bare (id INTEGER)"))
        connection.execute(
            text("CREATE TABLE queue_log (time TEXT, callid TEXT, queuename TEXT, agent TEXT, event TEXT)")
        )
    (tmp_path / "text").write_text("no database, but a text of some length")
    office.run("db", "upgrade")
    words = [word.replace("HERE", str(tmp_path)) for word in (case["kind"], case["url"], *case["more"])]
    given = ["import", *words, "--config", str(office.config)]
    done = CliRunner(env={"LC_ALL": f"{language}_CA.UTF-8"}).invoke(main, given)
    assert done.stderr.splitlines() == [case["sentences"][language].replace("HERE", str(tmp_path))]
    assert (done.exit_code, done.stdout, (tmp_path / "none.db").exists()) == (case["status"], "", False)
    assert rows(office, 'SELECT count(*) FROM "call"') == [(0,)]


DATED = (
    '"2026-11-30 14:50:01","x","4165550101","s","busy","PJSIP/trunk-1","PJSIP/101-1","Dial","x",3,3,"ANSWERED"\n'
)
CALLED = "1796050196|1796050196.1|general|NONE|ENTERQUEUE||4165550101|1\n"
NO_LINE = {
    "en": "{file}: has no line of {kind}; name a file that Asterisk wrote.",
    "fr": "{file} : aucune ligne de {kind}; nommez un fichier qu’Asterisk a écrit.",
}
NO_ROW = {
    "en": "{file}, line 1: no row of CDR.",
    "fr": "{file}, ligne 1 : ce n’est pas une ligne de CDR.",
}
NO_COLUMN = {
    "en": "{file}: its head has no column uniqueid; export it with that column.",
    "fr": "{file} : son en-tête n’a pas de colonne uniqueid; exportez-le avec cette colonne.",
}
NO_ENTRY = {
    "en": "{file}, line 1: no line of a queue_log.",
    "fr": "{file}, ligne 1 : ce n’est pas une ligne de queue_log.",
}
OTHER = [
    ("cdr", "[2026-11-30 14:50:01] VERBOSE[12] pbx.c: Executing [s@x:1] Dial\n" * 3, NO_ROW),  # its log `full`
    ("cdr", "calldate,src,dst\n2026-11-30 14:50:01,4165550101,100\n", NO_ROW),  # an export without columns
    ("cdr", "calldate,clid,src,dst,dcontext,channel,dstchannel,lastapp,lastdata,duration,billsec,disposition\n"
     + DATED, NO_COLUMN),
    ("cdr", CALLED, NO_ROW),
    ("cdr", CALLED.encode("utf-16"), NO_ROW),
    ("queue_log", "when,call,queue\n2026-11-30 14:50:01,1796050196.1,general\n", NO_ENTRY),
    ("queue_log", CALLED.replace("|", ","), NO_ENTRY),  # an export without its head
    ("queue_log", "time,callid,queuename,agent,event,data1\n", NO_LINE),  # a head alone
    ("cel", (RECORDED / "cdr-custom.csv").read_text(encoding="utf-8"), NO_LINE),
    ("cel", CALLED, NO_LINE),
]  # fmt: skip
IS_ALSO = {"cel": "CEL", "cdr": "CDR", "queue_log": "queue_log"}


@pytest.mark.parametrize("language", ["en", "fr"])
@pytest.mark.parametrize(("kind", "content", "sentences"), OTHER)
def test_a_file_of_another_record_layout_or_encoding_is_refused(
    office: BackfillOffice,
    tmp_path: Path,
    language: str,
    kind: str,
    content: str | bytes,
    sentences: dict[str, str],
) -> None:
    office.run("db", "upgrade")
    file = tmp_path / "given"
    file.write_bytes(content.encode() if isinstance(content, str) else content)
    words = ["import", kind, str(file), "--config", str(office.config)]
    done = CliRunner(env={"LC_ALL": f"{language}_CA.UTF-8"}).invoke(main, words)
    assert done.stderr.splitlines() == [sentences[language].format(file=file, kind=IS_ALSO[kind])]
    assert (done.exit_code, done.stdout, rows(office, 'SELECT count(*) FROM "call"')) == (2, "", [(0,)])


def test_a_file_that_this_user_may_not_read_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "queue_log"
    file.write_text(CALLED)
    file.chmod(0)
    own = os.geteuid()
    with reader_of("fr"):
        os.seteuid(own or 65534)
        try:
            with pytest.raises(ConfigError) as refused:
                examined(file, reader_of_queue_log())
        finally:
            os.seteuid(own)
        sentence = f"{file} : illisible (accès refusé); nommez un fichier que cet utilisateur peut lire."
        assert in_language(refused.value.sentences[0]) == sentence


# What it notes of its progress, for the page.


def test_the_last_import_of_each_record_is_noted_and_a_dry_run_is_not(
    office: BackfillOffice, tmp_path: Path
) -> None:
    office.run("import", "cdr", str(RECORDED / "cdr-csv.csv"))
    office.run("import", "queue_log", str(RECORDED / "queue_log"))
    office.run("import", "queue_log", str(RECORDED / "queue_log"))
    office.run("import", "cel", str(RECORDED / "cel.csv.gz"), "--dry-run")
    with closing(office.store()) as store:
        noted = [one._replace(at=NOW) for one in noted_imports(store)]
    assert noted == [
        ImportProgress("toronto", "queue_log", NOW, 47, 47, 0, 0),
        ImportProgress("toronto", "cdr", NOW, 123, 123, 44, 0),
    ]
