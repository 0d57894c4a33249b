"""`callmon status`, beside a real daemon and without one; `callmon calls`, `config` and `completion`."""

from __future__ import annotations

import ast
import json
import re
import signal
import sqlite3
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from contextlib import ExitStack, closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import msgspec
import pytest
from click.shell_completion import ShellComplete
from click.testing import CliRunner, Result

from callmon import __version__
from callmon.cli.common import CommandContext
from callmon.cli.completion import SHELLS
from callmon.config.settings import example_text, load
from callmon.features.now.command import COUNTS
from callmon.main import main
from callmon.store import opening
from callmon.store.database import Database
from tests.process.test_connections import Toronto
from tests.support.daemon_process import configuration
from tests.support.fact_builder import CALLER, OTHER, Office
from tests.support.forked_daemon import WarmCallmon
from tests.support.hostile_peer import HostilePeer
from tests.support.store_fixtures import copy, until, wrote

ARRIVED = datetime(2026, 11, 18, 17, tzinfo=UTC)  # a Wednesday, at noon in Toronto


@pytest.fixture
def site(tmp_path: Path, sqlite_template: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Database]:
    """No daemon; a database with two messages of ARRIVED that nobody has called back."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "callmon.toml").write_text(
        example_text().replace("sqlite:///callmon.db", f"sqlite:///{tmp_path}/callmon.db")
        .replace("127.0.0.1:10469", "127.0.0.1:1")
    )  # fmt: skip
    copy(sqlite_template, tmp_path / "callmon.db")
    store = opening.open_for_writing(load("callmon.toml"))
    office = Office()
    office.hear(office.message(ARRIVED, language="fr"), office.message(ARRIVED, OTHER, "poci"))
    wrote(store, *office.outcomes)
    yield store
    store.close()


def run(*words: str) -> Result:
    return CliRunner().invoke(main, list(words))


def rows(done: Result) -> list[dict[str, Any]]:
    return [json.loads(line) for line in done.stdout.splitlines()]


def loaded(*words: str) -> list[str]:
    """Which of the large libraries the command loads, in a process of its own."""
    code = (
        "import sys; from callmon.main import main; main(sys.argv[1:], standalone_mode=False, prog_name='callmon')"
    )
    large = "print([x for x in ('pydantic', 'sqlalchemy', 'asyncio') if x in sys.modules], file=sys.stderr)"
    done = subprocess.run(
        [sys.executable, "-c", f"try:\n {code}\nexcept SystemExit: pass\n{large}", *words],
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    found: list[str] = ast.literal_eval(done.stderr.splitlines()[-1])
    return found


def connected(callmon: WarmCallmon) -> dict[str, bool]:
    """What the read API says of the exchanges."""
    return {x["name"]: x["connected"] for x in json.loads(callmon.get("/api/v1/state")[1])["exchanges"]}


# status


def test_the_version_and_the_help_load_no_large_library() -> None:
    assert [loaded("--version"), loaded("--help")] == [[], []]


def test_without_a_daemon_status_is_3_with_the_counts_of_the_database(site: Database) -> None:
    done = run("status", "--json")
    (reported,) = rows(done)
    heard = reported.pop("exchanges")
    assert (done.exit_code, reported) == (
        3,
        {
            "state": "not_running", "role": None, "version": None, "troubles": [], "remarks": [],
            "calls_today": 0, "callbacks_open": 2, "callbacks_overdue": 2, "strangers": None,
        },
    )  # fmt: skip
    assert [(one["exchange"], one["connected"]) for one in heard] == [("toronto", None)]
    assert run("status", "--lang", "en").stdout.splitlines()[:1] == [
        "callmon is not running, or does not answer at 127.0.0.1:1."
    ]
    assert run("status", "--lang", "fr").stdout.splitlines()[-1] == "Rappels à faire : 2, en retard : 2"


def test_a_count_that_cannot_be_read_is_not_a_zero(site: Database, tmp_path: Path) -> None:
    (tmp_path / "callmon.db").unlink()
    done = run("status", "--json")
    assert [rows(done)[0][name] for name in COUNTS] == [None] * 4
    assert (done.exit_code, len(done.stderr.splitlines())) == (3, 1)
    assert run("status", "--lang", "en").stdout.splitlines()[-1] == "Callbacks to make: -, overdue: -"


def test_beside_a_daemon_status_tells_its_role_exchanges_and_faults(tmp_path: Path) -> None:
    def ask() -> tuple[int, dict[str, Any]]:
        done = run("status", "--json", "--config", str(callmon.config))
        return done.exit_code, rows(done)[0]

    with ExitStack() as switched_on:
        toronto = switched_on.enter_context(Toronto())
        callmon = WarmCallmon(tmp_path, toronto.port, toronto.secret)
        patient = callmon.config.read_text()
        callmon.config.write_text(patient.replace('unheard_after = "60s"', 'unheard_after = "1s"'))
        with callmon:
            status, reported = ask()
            assert (status, reported["state"], reported["role"], reported["version"]) == (
                0,
                "ok",
                "leader",
                __version__,
            )
            assert [(x["exchange"], x["connected"]) for x in reported["exchanges"]] == [("toronto", True)]
            assert loaded("status", "--config", str(callmon.config)) == ["pydantic", "asyncio"]
            assert until(lambda: connected(callmon) == {"toronto": True})  # a snapshot may be a second old
            switched_on.close()
            assert until(lambda: ask()[0] == 1)
            _, reported = ask()
            assert (reported["state"], reported["exchanges"][0]["connected"]) == ("trouble", False)
            assert len(reported["troubles"]) == 1
            french = run("status", "--lang", "fr", "--config", str(callmon.config)).stdout.splitlines()
            assert french[3] == "Appels d’origine inconnue depuis le démarrage, non comptés : 0"
            # A remark follows it once a played call has rung: this exchange does not report ringback.
            assert [re.sub("[0-9]+", "N", line) for line in french if line.startswith("!")] == [
                "! La mesure de l’autocommutateur toronto est interrompue depuis N s."
            ]


def test_an_exchange_never_connected_is_a_fault_from_the_start(tmp_path: Path) -> None:
    def ask() -> tuple[int, list[str]]:
        done = run("status", "--lang", "en", "--config", str(callmon.config))
        return done.exit_code, [line for line in done.stdout.splitlines() if line.startswith("!")]

    never = "! The exchange toronto was never connected; `callmon doctor` gives the cause."
    with Toronto() as toronto:
        callmon = WarmCallmon(tmp_path, toronto.port, toronto.secret)
        right = callmon.config.read_text()
        callmon.config.write_text(right.replace('secret_env = "LAB_SECRET"', 'secret_file = "none.secret"'))
        callmon.start(until_heard=False)
        try:
            assert until(lambda: callmon.get("/-/ready")[0] == 200)
            assert ask() == (1, [never])
            warned = [line for line in callmon.log.read_text().splitlines() if "ever_connected=no" in line]
            assert [line.count("none.secret") for line in warned] == [1]
            callmon.config.write_text(right)
            callmon.signal(signal.SIGHUP)
            callmon.wait_until_heard()
            assert ask() == (0, [])
            assert until(lambda: heard_in(tmp_path / "callmon.db") == ["toronto"])
            callmon.stop()
            toronto.cut()
            callmon.config.write_text(right.replace('secret_env = "LAB_SECRET"', 'secret_file = "none.secret"'))
            callmon.start(until_heard=False)
            assert until(lambda: callmon.get("/-/ready")[0] == 200)
            assert ask() == (0, [])  # known from before, and not yet unheard for long
        finally:
            callmon.end_everything()


def heard_in(path: Path) -> list[str]:
    """The exchanges that this database knows to have been heard."""
    with closing(sqlite3.connect(path)) as database:
        return [name for (name,) in database.execute("SELECT exchange FROM heartbeat")]


def answered(place: Path, body: bytes) -> tuple[int, str]:
    """What status prints while another program answers at callmon's address."""
    said = b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(body) + body
    with HostilePeer(lambda wire: (wire.recv(4096), wire.sendall(said))) as peer:
        config = place / "other.toml"
        config.write_text(configuration(1, peer.port, f"sqlite:///{place}/callmon.db"), encoding="utf-8")
        done = run("status", "--lang", "en", "--config", str(config))
    assert not done.exception or isinstance(done.exception, SystemExit)
    return done.exit_code, done.output


def test_no_escape_of_a_program_at_callmons_address_reaches_the_terminal(site: Database, tmp_path: Path) -> None:
    health = {"status": "trouble", "role": "\x1b[2J", "version": "\x1b]0;x\x07", "remarks": ["\x9b2J"]}
    status, output = answered(tmp_path, msgspec.json.encode(health | {"troubles": ["\x1b[31mall is well"]}))
    assert (status, [x for x in output if not x.isprintable() and x not in "\n\xa0\u202f"]) == (1, [])
    assert "! ?[31mall is well" in output.splitlines()


def test_the_state_of_an_exchange_is_what_healthz_answers(site: Database, tmp_path: Path) -> None:
    answer = {"status": "ok", "role": "leader", "version": "1", "troubles": [], "remarks": []}
    exchanges = [
        {"exchange": "other", "connected": True, "last_event": None},
        {"exchange": "toronto", "connected": False, "last_event": "2026-11-18T17:00:00.000000Z"},
    ]
    status, output = answered(tmp_path, msgspec.json.encode(answer | {"exchanges": exchanges}))
    line = "Exchange toronto: not connected, last event: 2026-11-18 12:00:00"
    assert (status, [x for x in output.splitlines() if x.startswith("Exchange")]) == (0, [line])
    older, output = answered(tmp_path, msgspec.json.encode(answer))
    line = "Exchange toronto: state unknown, last event: -"
    assert (older, [x for x in output.splitlines() if x.startswith("Exchange")]) == (0, [line])


@pytest.mark.parametrize(
    "body",
    [
        b"[" * 100_000,
        b"{}",
        b'{"status": 5}',
        b'{"status": "ok", "role": [], "version": 1, "troubles": 5}',
        b'{"status": "ok", "role": "a", "version": "1", "troubles": [], "remarks": [], "exchanges": [5]}',
        b"\xff",
    ],
)
def test_an_answer_that_is_not_callmons_is_no_daemon(site: Database, tmp_path: Path, body: bytes) -> None:
    assert answered(tmp_path, body)[0] == 3


# calls


def test_calls_of_a_day_are_listed_and_filtered_without_numbers(site: Database) -> None:
    zone = load("callmon.toml").timezone
    day = str(ARRIVED.astimezone(zone).date())
    listed = rows(run("calls", day, "--json"))
    assert sorted(call["line"] for call in listed) == ["general", "poci"]
    assert [call["line"] for call in rows(run("calls", day, "--json", "--line", "poci"))] == ["poci"]
    assert rows(run("calls", day, "--json", "--outcome", "answered")) == []
    judged = ("--standard", "voicemail_after_fourth_ring", "--verdict")
    found = [len(rows(run("calls", day, "--json", *judged, verdict))) for verdict in ("met", "not_met")]
    assert found == [0, 2]
    assert [call["verdicts"]["voicemail_after_fourth_ring"] for call in listed] == ["not_met"] * 2
    text = run("calls", day, "--lang", "en")
    assert text.stderr.splitlines()[1:] == [f"{day}: calls found: 2"]
    assert [number in text.stdout + str(listed) for number in (CALLER, OTHER)] == [False, False]
    assert [len(line) <= 100 for line in text.stdout.splitlines()] == [True] * 3


@pytest.mark.parametrize(
    ("language", "expected"),
    [
        (
            "en",
            """
Arrival   Call                  Line                   Rings  Verdicts  Outcome
11:59:20  1700000002.0          poci                       -  ■ ■ ■ ○   voicemail, message left
11:59:20  1700000001.0          general                    -  ■ ■ ■ ○   voicemail, message left
Verdicts, in this order: third ring, voicemail, reach a person, redirections. ✓ met, ■ not met, ○ exempt, \
? not known, - none.
2026-11-18: calls found: 2
""",
        ),
        (
            "fr",
            """
Arrivée   Appel                 Ligne              Sonneries  Verdicts  Issue
11:59:20  1700000002.0          poci                       -  ■ ■ ■ ○   messagerie vocale, message laissé
11:59:20  1700000001.0          general                    -  ■ ■ ■ ○   messagerie vocale, message laissé
Verdicts, dans cet ordre : troisième sonnerie, messagerie, joindre une personne, réacheminements. ✓ respectée, \
■ non respectée, ○ non visée, ? indéterminée, - aucun.
2026-11-18, appels trouvés : 2
""",
        ),
    ],
)
def test_calls_are_a_table_with_a_head_rings_verdicts_and_a_legend(
    site: Database, language: str, expected: str
) -> None:
    done = run("calls", str(ARRIVED.date()), "--lang", language)
    assert f"\n{done.stdout}{done.stderr}" == expected


@pytest.mark.parametrize(
    ("day", "found"),
    [
        (None, "24"),
        ("today", "24"),
        ("aujourd'hui", "24"),
        ("aujourd’hui", "24"),
        ("yesterday", "23"),
        ("hier", "23"),
        ("2026-11-20", "20"),
    ],
)
def test_a_day_may_be_named_by_its_word_in_the_sites_time_zone(
    site: Database, day: str | None, found: str
) -> None:
    context = CommandContext(Path("callmon.toml"))
    context.now = datetime(2026, 11, 25, 3, tzinfo=UTC)  # 22:00 on the 24th in Toronto
    assert str(context.past_day(day, "DAY")) == f"2026-11-{found}"


def test_every_page_of_the_calls_of_a_day_is_listed(site: Database) -> None:
    office, noon = Office(), datetime(2024, 10, 8, 16, tzinfo=UTC)
    for _ in range(2):  # names that the site's calls have already
        office.message(noon)
    office.hear(*(office.message(noon + timedelta(seconds=n), f"+1416555{1000 + n}") for n in range(60)))
    wrote(site, *office.outcomes)
    assert len(rows(run("calls", "2024-10-08", "--json"))) == 60


# config


def test_the_example_is_printed_as_it_ships() -> None:
    assert run("config", "example").stdout == example_text()


def test_show_prints_every_setting_with_its_origin(site: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CALLMON_REGION", "US")
    shown = {row["setting"]: (row["value"], row["origin"]) for row in rows(run("config", "show", "--json"))}
    assert shown["region"] == ("US", "from CALLMON_REGION")
    assert shown["web.listen"] == ("127.0.0.1:1", "file")
    assert shown["retention_authority"] == ("none", "default")
    assert "region = US  (de CALLMON_REGION)" in run("config", "show").stdout.splitlines()


@pytest.mark.parametrize(
    ("key", "settings"),
    [
        ("store.url", ["store.url"]),
        ("disruptions", ["disruptions.after", "disruptions.publish"]),
        ("exchanges.toronto.port", ["exchanges.toronto.port"]),
        ("staff.extension", ["staff[].extension"]),
    ],
)
def test_explain_names_the_default_and_the_meaning_of_a_setting(key: str, settings: list[str]) -> None:
    reported = rows(run("config", "explain", key, "--json"))
    assert [row["setting"] for row in reported] == settings
    assert [bool(row["meaning"] and row["default"]) for row in reported] == [True] * len(reported)


# completion


def completed(*words: str) -> list[str]:
    *before, begun = words
    shell = ShellComplete(main, {}, "callmon", "_CALLMON_COMPLETE")
    return [item.value for item in shell.get_completions(before, begun)]


def test_values_of_the_site_are_completed(site: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CALLMON_CONFIG", "callmon.toml")
    lines = list(tomllib.loads(example_text())["lines"])
    zone = load("callmon.toml").timezone
    months = completed("report", "")
    entries = completed("callbacks", "take", "")
    assert completed("calls", "--line", "") == lines
    assert completed("calls", "--line", "po") == [line for line in lines if line.startswith("po")]
    assert completed("backfill", "--exchange", "") == ["toronto"]
    assert (months[0], months[-1]) == ("last", f"{ARRIVED.astimezone(zone):%Y-%m}")
    assert len(entries) == 2
    assert completed("config", "explain", "store.u") == ["store.url"]


def test_the_first_completed_month_is_that_of_the_first_call(
    site: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    office, evening = Office(), datetime(2026, 10, 1, 2, tzinfo=UTC)  # of 30 September in Toronto
    wrote(site, *office.hear(office.message(evening, call="1700000009.0")).outcomes)
    monkeypatch.setenv("CALLMON_CONFIG", "callmon.toml")
    assert completed("report", "")[-1] == "2026-09"


def test_completion_without_a_configuration_proposes_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert [completed("calls", "--line", ""), completed("report", "")] == [[], []]


@pytest.mark.parametrize("shell", SHELLS)
def test_the_script_of_a_shell_calls_the_completion_of_callmon(shell: str) -> None:
    done = run("completion", shell)
    assert (done.exit_code, f"_CALLMON_COMPLETE={shell}_complete" in done.stdout) == (0, True)


def test_bash_accepts_its_script() -> None:
    script = run("completion", "bash").stdout
    assert subprocess.run(["bash", "-n"], input=script, text=True, check=False).returncode == 0
