"""`callmon import`: what is stored of queue_log, CDR and CEL, what stays, what is counted, and what is refused."""

from __future__ import annotations

import gzip
import html
import json
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from click.testing import CliRunner
from sqlalchemy import text

from callmon.backfill.imported.job import Import
from callmon.cli import common
from callmon.config.settings import load
from callmon.config.wording import CONTROL
from callmon.core.statistics import period
from callmon.core.statistics.counters import CALLS, METRICS
from callmon.features.months.page import month_row
from callmon.main import main
from callmon.store import opening
from callmon.store.access import add_account
from callmon.store.commands import pending_callback_commands
from callmon.store.privacy import subject_access
from callmon.store.queries import calls as queries
from callmon.store.queries.coverage import Fingerprint, heard_spans
from callmon.store.queries.months import month_counts
from callmon.store.queries.reconciliations import first_sign
from callmon.store.rejudge import counter_differences
from callmon.store.sign_off import STEPS
from callmon.web.formatter import WebFormatter
from tests.recordings.test_imported_records import IMPORTED, settings, truth
from tests.store.test_backfill import BackfillOffice
from tests.support.fact_builder import TORONTO
from tests.support.made_queue_log import held, made
from tests.support.moments import stopped
from tests.support.sign_in_app import MADE, PASSWORD, kept_password, quick_passwords
from tests.support.store_fixtures import answered_call, database, outcomes, wrote

NOW = datetime(2026, 12, 2, 12, tzinfo=UTC)
OF_QUEUE_LOG = "queue_log tells the wait, the outcome and transfers; no rings, and nothing before the queue."
OF_TORONTO = ("--timezone", "America/Toronto")  # of a made record
AGREE = "Facts, calls, ledger, figures and roll-ups agree.\n"
OUTCOMES = 'SELECT outcome, heard, count(*) FROM "call" GROUP BY outcome, heard ORDER BY outcome, heard'
EVERYTHING = ('"call"', "finding", "rollup", "counter", "fact")


@pytest.fixture
def office(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> BackfillOffice:
    return lab_office(tmp_path, monkeypatch)


def lab_office(folder: Path, monkeypatch: pytest.MonkeyPatch) -> BackfillOffice:
    """The lab's site: its queues and contexts are names of lines, and its clock is that of UTC."""
    monkeypatch.setattr(common, "datetime", stopped(NOW))
    found = BackfillOffice(folder)
    names = settings("22", "queue_log").lines()["general"].arrives_as
    names += settings("22", "cdr-custom.csv").lines()["general"].arrives_as
    written = found.config.read_text(encoding="utf-8")
    for line, more in (("general", names), ("tty", ("ring-tty",)), ("poci", ("ring-poci",))):
        written = written.replace(f"[lines.{line}]\n", f"[lines.{line}]\narrives_as = {json.dumps([*more])}\n")
    written = written.replace("[exchanges.toronto]\n", '[exchanges.toronto]\ntimezone = "UTC"\n')
    found.config.write_text(written, encoding="utf-8")
    return found


def record(name: str, version: str = "22") -> str:
    return str(IMPORTED / version / name)


def rows(office: BackfillOffice, question: str) -> list[tuple[Any, ...]]:
    with closing(office.store()) as store, store.reading() as connection:
        return [tuple(row) for row in connection.execute(text(question))]


def everything(office: BackfillOffice) -> list[list[str]]:
    return [sorted(map(repr, rows(office, f"SELECT * FROM {table}"))) for table in EVERYTHING]


# What is stored.


def test_a_second_import_of_queue_log_changes_nothing(office: BackfillOffice) -> None:
    first = office.run("import", "queue_log", record("queue_log"))
    assert first.stdout == "2026-11  queue_log  14\n47 lines read. Calls created: 14, replaced: 0.\n"
    assert first.stderr.splitlines() == [
        "queue_log from 2026-11-30 to 2026-11-30.",
        "The import takes about 1 min.",
        f"2026-11: {OF_QUEUE_LOG}",
    ]
    assert rows(office, OUTCOMES) == [
        *(("abandoned", "queue_log", 1), ("answered", "queue_log", 9), ("unknown", "queue_log", 4)),
    ]
    before = everything(office)
    second = office.run("import", "queue_log", record("queue_log"))
    assert second.stdout == "47 lines read. Calls created: 0, replaced: 0.\n"
    assert everything(office) == before
    assert office.run("db", "check").stdout == AGREE
    assert office.run("db", "rejudge", "--dry-run").stdout == ""


@pytest.mark.parametrize(("kind", "name"), [("cdr", "cdr-csv.csv"), ("cel", "cel.csv.gz")])
def test_a_second_import_of_cdr_or_cel_changes_nothing(office: BackfillOffice, kind: str, name: str) -> None:
    office.run("import", kind, record(name))
    before = everything(office)
    done = json.loads(office.run("import", kind, record(name), "--json").stdout)
    assert (done["created"], done["replaced"], everything(office)) == (0, 0, before)
    assert rows(office, 'SELECT count(*) > 10 FROM "call"') == [(True,)]


def test_the_record_that_holds_most_of_a_call_wins_in_any_order(office: BackfillOffice, tmp_path: Path) -> None:
    other = BackfillOffice(tmp_path_of(tmp_path, "other"))
    other.config.write_text(
        office.config.read_text(encoding="utf-8").replace(str(tmp_path), str(other.config.parent)),
        encoding="utf-8",
    )
    given = {"cdr": "cdr-custom.csv", "queue_log": "queue_log", "cel": "cel.csv.gz"}
    for kind, name in given.items():
        office.run("import", kind, record(name))
        assert office.run("db", "check").stdout == AGREE
    for kind in reversed(given):
        other.run("import", kind, record(given[kind]))
    inbound = {x for x, one in truth("22").items() if one["direction"] == "inbound"}
    by_call = 'SELECT "call", outcome, heard, line FROM "call" ORDER BY "call"'
    assert rows(office, by_call) == rows(other, by_call)
    assert {(name, heard) for name, _, heard, _ in rows(office, by_call)} == {(name, "cel") for name in inbound}


def tmp_path_of(folder: Path, name: str) -> Path:
    (folder / name).mkdir()
    return folder / name


def test_imported_calls_are_in_the_rollups_and_in_no_exported_counter(office: BackfillOffice) -> None:
    for kind, name in (("cdr", "cdr-custom.csv"), ("cel", "cel.csv.gz")):
        office.run("import", kind, record(name))
    with closing(office.store()) as store:
        counters = queries.counters(store)
        assert pending_callback_commands(store, 0, 10) == []
    calls_metrics = {metric.name for metric in METRICS if metric.name.startswith("callmon_calls")}
    assert {figure[0] for figure in counters if figure[0] in calls_metrics} == set()
    assert rows(office, "SELECT sum(calls) FROM rollup") == rows(office, 'SELECT count(*) FROM "call"')
    assert office.run("db", "check").stdout == AGREE


@pytest.mark.parametrize("kind", ["queue_log", "cdr", "cel"])
def test_every_half_hour_of_a_made_record_is_what_the_record_was_made_of(
    office: BackfillOffice, tmp_path: Path, kind: str
) -> None:
    log, cells = made(days=10, calls_a_day=60, record=kind)
    (tmp_path / "record").write_text(log)
    assert office.run("import", kind, str(tmp_path / "record"), *OF_TORONTO).exit_code == 0
    shown_text = json.loads(office.run("half-hours", "2026-03-01", "2026-03-12", "--json").stdout)["half_hours"]
    assert {line: held(kind, found) for line, found in shown_text.items()} == dict.fromkeys(
        ("general", "all"), held(kind, cells)
    )


def test_an_import_that_is_interrupted_anywhere_is_whole_after_the_next(
    office: BackfillOffice, tmp_path: Path
) -> None:
    log, cells = made(days=3, calls_a_day=400)
    file = tmp_path / "queue_log"
    file.write_text(log)
    given = load(office.config)
    for stop_at in (1, 2, 3):
        with closing(opening.open_for_writing(given)) as store:
            job, steps = Import(given, store, "queue_log", "toronto", writes=True, now=NOW), 0
            found = job.examine([file])

            def interrupt(
                original: Callable[..., Any] = job.work.fill, limit: int = stop_at
            ) -> Callable[..., Any]:
                def fill(*given: Any) -> Any:
                    nonlocal steps
                    steps += 1
                    if steps > limit:
                        raise KeyboardInterrupt
                    return original(*given)

                return fill

            job.work.fill = interrupt()  # type: ignore[method-assign]  # stops between two transactions
            with pytest.raises(KeyboardInterrupt):
                list(job.run(found, (None, None)))
    office.run("import", "queue_log", str(file))
    shown_text = json.loads(office.run("half-hours", "2026-03-01", "2026-03-12", "--json").stdout)["half_hours"]
    assert shown_text["all"] == cells
    assert office.run("db", "check").stdout == AGREE


def test_calls_that_are_heard_during_an_import_are_stored_and_counted_once(
    office: BackfillOffice, tmp_path: Path
) -> None:
    file, heard = tmp_path / "queue_log", range(100)
    file.write_text(made(days=3, calls_a_day=200)[0])
    with closing(office.store()) as store, closing(office.store()) as daemon, ThreadPoolExecutor(1) as beside:
        job = Import(office.settings(), store, "queue_log", "toronto", writes=True, now=NOW)
        done = beside.submit(list, job.run(job.examine([file]), (None, None)))
        with database(daemon) as writer:
            for number in heard:
                for outcome in outcomes(answered_call(number)):
                    writer.offer(outcome)
                assert writer.flush(60)
        done.result()
        counted = {x: n for x, n in queries.counters(daemon).items() if x[0] == CALLS.name}
        assert (sum(counted.values()), counter_differences(daemon)) == (len(heard), [])
    assert rows(office, 'SELECT heard, count(*) FROM "call" GROUP BY heard ORDER BY heard') == [
        *(("full", len(heard)), ("queue_log", 600)),
    ]


def test_a_dry_run_says_the_same_and_writes_nothing(office: BackfillOffice) -> None:
    office.run("db", "upgrade")
    done = office.run("import", "queue_log", record("queue_log"), "--dry-run")
    assert done.stdout == "2026-11  queue_log  14\n47 lines read. Calls created: 14, replaced: 0.\n"
    assert done.stderr.splitlines()[-1] == "Nothing was written."
    assert rows(office, OUTCOMES) == []
    assert rows(office, "SELECT who FROM access") == []


def test_without_files_the_records_are_found_and_the_best_comes_first(
    office: BackfillOffice, tmp_path: Path
) -> None:
    logs = tmp_path / "logs"
    places = {
        "cel-custom/Master.csv.1.gz": "cel.csv.gz",
        "queue_log": "queue_log",
        "cdr-csv/Master.csv": "cdr-csv.csv",
        "cdr-custom/Master.csv": "cdr-custom.csv",
    }
    for place, name in places.items():
        (logs / place).parent.mkdir(parents=True, exist_ok=True)
        (logs / place).write_bytes(Path(record(name)).read_bytes())
    (logs / "queue_log.2").touch()
    done = office.run("import", "--logs", str(logs), "--json")
    results = [json.loads(line) for line in done.stdout.splitlines()]
    inbound = sum(one["direction"] == "inbound" for one in truth("22").values())
    assert [(x["source"], x["created"], x["replaced"]) for x in results] == [
        *(("cel", inbound, 0), ("queue_log", 0, 0), ("cdr", 0, 0)),
    ]
    assert [line.partition(" from ")[0] for line in done.stderr.splitlines()[:3]] == ["CEL", "queue_log", "CDR"]
    only = json.loads(office.run("import", "queue_log", "--logs", str(logs), "--json").stdout)
    assert (only["source"], only["created"]) == ("queue_log", 0)


def test_only_calls_of_these_days_within_the_retention_are_read(office: BackfillOffice, tmp_path: Path) -> None:
    log, _ = made(days=3, calls_a_day=20)
    file = tmp_path / "queue_log"
    file.write_text(log)
    done = json.loads(
        office.run(
            "import", "queue_log", str(file), "--json", "--from", "2026-03-03", "--until", "2026-03-03"
        ).stdout
    )
    assert done == {
        "source": "queue_log",
        "exchange": "toronto",
        "lines": log.count("\n"),
        "created": 20,
        "replaced": 0,
        "left_out": {"older": 0, "broken_lines": 0, "without_line": 0, "in_progress": 0},
        "months": {"2026-03": 20},
    }
    written = office.config.read_text(encoding="utf-8")
    kept = "retention_authority = 'schedule 1'\nretention_days = 274"  # from 2026-03-03 12:00 UTC on
    assert written.count("retention_days = 400") == 1
    office.config.write_text(written.replace("retention_days = 400", kept), encoding="utf-8")
    done = json.loads(office.run("import", "queue_log", str(file), "--json").stdout)
    assert (done["created"], done["left_out"]["older"]) == (20, 20)


def test_numbers_of_an_import_are_encrypted_and_the_act_is_recorded(
    office: BackfillOffice, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SUDO_USER", "m.roy")
    office.run("import", "queue_log", record("queue_log"))
    numbers = rows(office, "SELECT number, token FROM number")
    assert (len(numbers), [number for number, token in numbers if "555" in number or not token]) == (14, [])
    with closing(office.store()) as store:
        found = subject_access.accesses(store)
    assert [(x.who, x.purpose, x.command, x.found) for x in found] == [("m.roy", "import queue_log", "import", 14)]


@pytest.mark.parametrize(
    ("kind", "name"), [("queue_log", "queue_log"), ("cdr", "cdr-csv.csv"), ("cel", "cel.csv.gz")]
)
def test_a_site_that_keeps_no_numbers_of_records_keeps_none_imported(
    office: BackfillOffice, kind: str, name: str
) -> None:
    with office.config.open("a", encoding="utf-8") as file:
        file.write('\n[exchanges.toronto.cel]\nfile = "cel.csv"\nnumbers = false\n')
    office.run("import", kind, record(name))
    assert (rows(office, "SELECT * FROM number"), len(rows(office, 'SELECT "call" FROM "call"')) > 9) == ([], True)


def test_rotated_and_compressed_files_in_any_order_are_one_record(office: BackfillOffice, tmp_path: Path) -> None:
    lines = Path(record("queue_log")).read_text(encoding="utf-8").splitlines(keepends=True)
    (tmp_path / "queue_log").write_bytes(
        "".join(lines[25:]).encode() + "1796050300|x|y|Zoé|PAUSE|\n".encode("latin-1")
    )
    (tmp_path / "queue_log.1.gz").write_bytes(gzip.compress("".join(lines[:25]).encode()))
    files = [str(tmp_path / name) for name in ("queue_log", "queue_log.1.gz")]
    assert office.run("import", "queue_log", *files).stdout.endswith(
        "48 lines read. Calls created: 14, replaced: 0.\n"
    )


def test_a_block_of_zeros_that_a_power_failure_left_hides_no_other_line(
    office: BackfillOffice, tmp_path: Path
) -> None:
    first, *rest = Path(record("queue_log")).read_bytes().splitlines(keepends=True)
    (tmp_path / "queue_log").write_bytes(first + b"\0" * 4096 + b"".join(rest))
    done = office.run("import", "queue_log", str(tmp_path / "queue_log"))
    assert done.stdout == "2026-11  queue_log  14\n47 lines read. Calls created: 14, replaced: 0.\n"


def test_a_name_in_a_record_reaches_the_terminal_without_its_escapes(
    office: BackfillOffice, tmp_path: Path
) -> None:
    name = "\x1b]0;owned\x07\x1b[2J\x9b1mlab"
    written = Path(record("queue_log")).read_text("utf-8").replace("lab-queue-one", name)
    (tmp_path / "queue_log").write_text(written, "utf-8")
    done = office.run("import", "queue_log", str(tmp_path / "queue_log"))
    unknown = "]0;owned[2J1mlab: calls on no line: "
    assert [line[: len(unknown)] for line in done.stderr.splitlines() if "owned" in line] == [unknown]
    assert CONTROL.findall(done.stdout + done.stderr) == []


def test_a_broken_row_of_cel_is_shown_with_its_file_and_line(office: BackfillOffice, tmp_path: Path) -> None:
    first, second = ([*made(1, 5, day, record="cel")[0].splitlines()] for day in ("2026-03-02", "2026-03-03"))
    (tmp_path / "first").write_text("\n".join([*first, '"HANGUP","1"', ""]))
    (tmp_path / "second").write_text("\n".join([*second[:2], '"HANGUP","1', *second[2:], ""]))
    files = [str(tmp_path / name) for name in ("second", "first")]
    done = office.run("import", "cel", *files, "--json")
    assert [line for line in done.stderr.splitlines() if line.startswith(str(tmp_path))] == [
        f"{tmp_path}/first, line {len(first) + 1}: too few columns.",
        f"{tmp_path}/second, line 3: a quotation mark is missing.",
    ]
    result = json.loads(done.stdout)
    assert (result["created"], result["left_out"]["broken_lines"]) == (10, 2)


# Marks.

RESTS = {
    "en": "This month rests in part on imported calls, which callmon did not hear: queue_log 540, CDR 2, CEL 30. "
    "What their record does not tell is not known. Of the callbacks to these callers, only those that CEL or CDR "
    "shows are known.",
    "fr": "Ce mois repose en partie sur des appels importés, que callmon n’a pas entendus : queue_log 540, CDR 2, "
    "CEL 30. Ce que leur enregistrement ne dit pas est indéterminé. Parmi les rappels à ces appelants, seuls ceux "
    "que montrent CEL ou les CDR sont connus.",
}
BUSY = (
    '"","4165550101","4163272422","in","","PJSIP/trunk-1","","Busy","5","2026-03-02 1{n}:00:00",,'
    '"2026-03-02 1{n}:00:01",1,0,"BUSY","DOCUMENTATION","177247000{n}.1",""\n'
)


def import_march(office: BackfillOffice, folder: Path) -> None:
    """Calls of March 2026 from each record: 540 of queue_log, 2 of CDR, 30 of CEL."""
    texts = {
        "queue_log": made(days=9, calls_a_day=60)[0],
        "cdr": "".join(BUSY.format(n=n) for n in range(2)),
        "cel": made(1, 30, "2026-03-20", record="cel")[0],
    }
    for kind, lines in texts.items():
        (folder / kind).write_text(lines)
        office.run("import", kind, str(folder / kind))


def test_a_month_says_first_on_which_imported_record_it_rests(office: BackfillOffice, tmp_path: Path) -> None:
    import_march(office, tmp_path)
    for language, sentence in RESTS.items():
        file = tmp_path / f"{language}.html"
        office.run("report", "2026-03", "-o", str(file), "--lang", language)
        written = " ".join(html.unescape(file.read_text(encoding="utf-8")).replace("\xa0", " ").split())
        assert written.count(sentence) == 1
        opening = written.index("<main") if "<main" in written else 0
        assert written.index(sentence) < written.index(OFFERED[language], opening)
    office.run("report", "2026-03", "--format", "json", "-o", str(tmp_path / "report.json"))
    published = json.loads((tmp_path / "report.json").read_bytes())
    assert published["imported"] == {"queue_log": 540, "CDR": 2, "CEL": 30}
    office.run("report", "2026-03", "--format", "csv", "-o", str(tmp_path / "report.csv"), "--lang", "en")
    assert (tmp_path / "report.csv").read_text(encoding="utf-8-sig").splitlines()[-3:] == [
        "2026-03,whole,,All,imported,queue_log,Imported calls,540,,,count,known,540,",
        "2026-03,whole,,All,imported,CDR,Imported calls,2,,,count,known,2,",
        "2026-03,whole,,All,imported,CEL,Imported calls,30,,,count,known,30,",
    ]
    with closing(office.store()) as store:
        month = period.month("2026-03", TORONTO)
        (found,) = month_counts(store, TORONTO, [month]) or ()
        formatter = WebFormatter(office.settings(), "en", NOW)
    shown = month_row(month.first, found, formatter)
    assert (shown["calls"], shown["imported"], shown["rates"]["complete"]) == (
        *(572, "queue_log 540, CDR 2, CEL 30", "0%"),
    )
    assert [found.counts["imported", record] for record in ("queue_log", "cdr", "cel")] == [540, 2, 30]


def test_the_signed_edition_of_a_month_names_its_imported_records(office: BackfillOffice, tmp_path: Path) -> None:
    import_march(office, tmp_path)
    with quick_passwords(), closing(office.store()) as store:
        for name in ("g.lavoie", "a.roy"):
            add_account(store, name, kept_password(), ("manager",), MADE)
        for step, by in zip(STEPS, ("g.lavoie", "a.roy", "a.roy"), strict=True):
            words = ["report", "sign", "2026-03", step, "--by", by, "--format", "html"]
            done = CliRunner().invoke(main, [*words, "--config", str(office.config)], input=f"{PASSWORD}\n")
            assert done.exit_code == 0, done.output
    office.run("report", "signed", "2026-03", "--save", str(tmp_path / "signed"))
    for language, sentence in RESTS.items():
        file = tmp_path / "signed" / f"callmon-2026-03-r1-{language}.html"
        written = " ".join(html.unescape(file.read_text(encoding="utf-8")).replace("\xa0", " ").split())
        assert written.count(sentence) == 1


OFFERED = {"en": "572 calls", "fr": "572 appels"}


@pytest.mark.parametrize(
    ("language", "words"),
    [
        (
            "en",
            [
                "imported call: queue_log only",
                "The call is imported from a record of the exchange, which tells only the following of it.",
                "The imported record does not tell all, from 9:50:04 a.m. to a time not known.",
                "The call ended; the imported record does not tell how.",
            ],
        ),
        (
            "fr",
            [
                "appel importé : queue_log seulement",
                "L’appel est importé d’un enregistrement de l’autocommutateur, qui n’en dit que ce qui suit.",
                "L’appel a pris fin; l’enregistrement importé ne dit pas comment.",
            ],
        ),
    ],
)
def test_the_story_of_an_imported_call_says_what_its_record_does_not_tell(
    office: BackfillOffice, language: str, words: list[str]
) -> None:
    office.run("import", "queue_log", record("queue_log"))
    name = next(x for x, one in truth("22").items() if one["situation"] == "queue_then_transfer")
    shown_text = " ".join(office.run("explain", name, "--lang", language).stdout.replace("\xa0", " ").split())
    assert [word for word in words if word not in shown_text] == []


@pytest.mark.parametrize("kind", ["queue_log", "cdr", "cel"])
def test_imported_calls_are_no_sign_that_callmon_listened(
    office: BackfillOffice, tmp_path: Path, kind: str
) -> None:
    (tmp_path / kind).write_text(made(days=2, calls_a_day=5, record=kind)[0])
    office.run("import", kind, str(tmp_path / kind), *OF_TORONTO)
    year = datetime(2026, 1, 1, tzinfo=UTC), datetime(2026, 12, 1, tzinfo=UTC)
    with closing(office.store()) as store:
        with store.reading() as connection:
            assert heard_spans(connection, *year, Fingerprint()) == {"toronto": (None, None, ())}
        assert first_sign(store, "toronto") is None
        facts = answered_call(1)
        wrote(store, *outcomes(facts))
        with store.reading() as connection:
            assert heard_spans(connection, *year, Fingerprint()) == {"toronto": (facts[0].at, None, ())}


def test_the_story_of_a_call_imported_from_cel_says_so(office: BackfillOffice) -> None:
    office.run("import", "cel", record("cel.csv.gz"))
    name = next(x for x, one in truth("22").items() if one["situation"] == "queue_answered")
    shown_text = " ".join(office.run("explain", name, "--lang", "en").stdout.replace("\xa0", " ").split())
    shown = ["imported call: CEL only", "The exchange's own log (CEL) tells all of the call", "imported record"]
    assert [shown_text.count(words) for words in shown] == [1, 1, 0]


# On a terminal.


@pytest.mark.parametrize(("answer", "created"), [("y\n", 14), ("n\n", 0)])
def test_on_a_terminal_it_asks_first_and_a_no_writes_nothing(
    office: BackfillOffice, answer: str, created: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    office.run("db", "upgrade")
    terminal = SimpleNamespace(stdin=SimpleNamespace(isatty=lambda: True))
    monkeypatch.setattr("callmon.backfill.import_command.sys", terminal)
    words = ["import", "queue_log", record("queue_log"), "--config", str(office.config)]
    done = CliRunner(env={"LC_ALL": "en_CA.UTF-8"}).invoke(main, words, input=answer)
    assert done.stderr.count("Import them?") == 1
    assert rows(office, 'SELECT count(*) FROM "call"') == [(created,)]
