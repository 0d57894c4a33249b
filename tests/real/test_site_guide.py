"""The site guide, taken at its word: its lines in a real Asterisk with Debian's files and with FreePBX's.

What it promises is heard (calls as callmon's user hears them, CEL's rows), doctor agrees, and for each snippet
that is missing doctor names that fault alone and proposes the same lines.
"""

from __future__ import annotations

import csv
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from callmon.config import settings
from callmon.config.settings import Settings
from callmon.tools.doctor import DoctorFinding, as_text, examine
from tests.lab.guide import GuideSite, Snippet, snippets
from tests.lab.listener import Event, Listener, value
from tests.lab.model import LabCaller, Phone, PlayedSituation, Situation, Step
from tests.lab.needed import needed, needed_program
from tests.lab.play import play
from tests.lab.situations import named
from tests.support.ami_builders import GENERAL, replayed
from tests.support.daemon_process import round_the_clock
from tests.support.scripted_truth import disagreements, pairs

GUIDE = snippets()
SECRET_FILE = "/etc/callmon/ami.secret"
LAYOUTS = ("plain", "freepbx")
PLACES = [(version, layout) for version in ("22", "16") for layout in LAYOUTS]
NAMED = [f"{layout} {version}" for version, layout in PLACES]
# Answered after two rings that the caller could not hear: the group plays music.
MUSIC = Situation(
    "music", LabCaller(GENERAL, route="guide-music"), {"160": Phone(answers=8, steps=(Step(4, "hang_up"),))}
)
MUSIC_GROUP = "[guide-music]\nexten => s,1,Dial(PJSIP/160,24,m(default))\n same => n,Hangup()\n"
SITUATIONS = ("menu_chosen_voicemail", "blind_transfer", "queue_answered", "park_retrieve", "hold_unhold")


def snippet(start: str, layout: str = "plain") -> Snippet:
    """The one for this layout that has a line beginning so."""
    (found,) = [s for s in GUIDE if s.file(layout) and any(line.startswith(start) for line in s.lines)]
    return found


USER, TIMES = snippet("; secret"), snippet("timestampevents")
OLD, NEW = snippet("eventfilter ="), snippet("eventfilter(action")
DIARY, DIARY_FREEPBX = snippet("enable = yes"), snippet("apps = ", "freepbx")
ROWS, TLS = snippet("Master.csv"), snippet("tlsenable")
TLS_TABLE, FIRST_TABLE = snippet("tls = true", "callmon"), snippet('host = "127.0.0.1"', "callmon")


def lines_for(layout: str, filters: Snippet = OLD) -> list[Snippet]:
    """The guide's snippets for this layout, in its order."""
    other = NEW if filters is OLD else OLD
    return [s for s in GUIDE if s.file(layout) and s is not other]


# --- a real Asterisk ---------------------------------------------------------------------------------


@dataclass
class Heard:
    """One site after some calls: what callmon's user heard, what the witness heard, CEL's rows, and what
    `callmon doctor --listen` proposed."""

    site: GuideSite
    callmon: list[Event]
    witness: list[Event]
    rows: list[list[str]]
    proposed: str
    calls: list[PlayedSituation]
    bytes: bytes


@pytest.fixture(scope="module")
def pem(tmp_path_factory: pytest.TempPathFactory) -> Path:
    openssl = needed_program("openssl")
    folder = tmp_path_factory.mktemp("tls")
    make = [openssl, "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=pbx.example"]
    make += ["-addext", "subjectAltName=DNS:pbx.example", "-out", str(folder / "c"), "-keyout", str(folder / "k")]
    subprocess.run(make, check=True, capture_output=True)
    (folder / "asterisk.pem").write_text((folder / "c").read_text() + (folder / "k").read_text())
    (folder / "ca.pem").write_text((folder / "c").read_text())
    return folder / "asterisk.pem"


@pytest.fixture(scope="module")
def sites(pem: Path) -> Iterator[dict[str, Heard]]:
    """All four, and the same calls at each of them, at the same time."""
    with ExitStack() as open_, ThreadPoolExecutor(4) as together:
        laid_out = {name: _site(*place, pem) for name, place in zip(NAMED, PLACES, strict=True)}
        for site in laid_out.values():
            open_.enter_context(site.asterisk)
        yield dict(zip(laid_out, together.map(_played, laid_out.values()), strict=True))


def _site(version: str, layout: str, pem: Path) -> GuideSite:
    with needed(version):
        site = GuideSite(version, layout, pem)
    site.append("site/extensions.conf", MUSIC_GROUP)
    site.add(lines_for(layout, NEW if (version, layout) == ("22", "freepbx") else OLD))
    return site


def _played(site: GuideSite) -> Heard:
    asterisk = site.asterisk
    callmon = Listener(asterisk.ami_port, "callmon", asterisk.secret)
    witness = Listener(asterisk.ami_port, "witness", asterisk.secrets.witness)
    with callmon, witness, TemporaryDirectory() as folder:
        (Path(folder) / "callmon.toml").write_text(configuration(site, FIRST_TABLE, Path(folder)))
        with doctor(Path(folder), "--listen", "1h") as listening:
            try:
                witness.wait_for(b"\r\nAccountID: callmon\r\n", 30)  # doctor has logged in
                calls = play(asterisk, (*named(*SITUATIONS), MUSIC))
                time.sleep(1)
            except BaseException:
                listening.kill()  # else it listens for an hour
                raise
            listening.send_signal(signal.SIGINT)  # Ctrl-C, and it proposes what it has heard
            proposed, _ = listening.communicate(timeout=60)
        with asterisk.cel.open(newline="") as rows:
            written = list(csv.reader(rows))
    return Heard(site, callmon.events(), witness.events(), written, proposed, calls, callmon.heard())


def doctor(folder: Path, *more: str) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "callmon", "doctor", "--config", str(folder / "callmon.toml"), *more]
    return subprocess.Popen(
        command, stdout=subprocess.PIPE, text=True, env={**os.environ, "LC_ALL": "en_CA.UTF-8"}
    )


@pytest.fixture(params=NAMED)
def heard(request: pytest.FixtureRequest, sites: dict[str, Heard]) -> Heard:
    return sites[request.param]


@pytest.fixture
def site(heard: Heard) -> Iterator[GuideSite]:
    yield heard.site
    heard.site.fresh()
    heard.site.add(lines_for(heard.site.layout))
    heard.site.reload()


def names(events: Iterable[Event]) -> set[str]:
    return {name for event in events if (name := value(event, "Event"))}


# The situations' own: a menu, voicemail, a queue, a transfer, parking, hold, and phones that register.
NEEDED = {
    *("Newchannel", "Newstate", "Hangup", "HangupRequest", "SoftHangupRequest", "FullyBooted"),
    *("DialBegin", "DialState", "DialEnd", "BridgeEnter", "BridgeLeave", "Newexten", "MessageWaiting"),
    *("BlindTransfer", "ParkedCall", "UnParkedCall", "Hold", "Unhold", "MusicOnHoldStart"),
    *("QueueCallerJoin", "QueueCallerLeave", "DeviceStateChange"),
}


@pytest.mark.lab
def test_callmon_hears_what_it_needs_and_only_that_with_times(heard: Heard) -> None:
    events = [event for event in heard.callmon if value(event, "Event")]
    assert names(events) == NEEDED
    steps = {value(event, "Application") for event in events if value(event, "Event") == "Newexten"}
    assert steps == {
        "Answer",
        "BackGround",
        "Dial",
        "Goto",
        "Queue",
        "VoiceMail",
    }  # Goto: of the key that was pressed
    assert names(event for event in events if not value(event, "Timestamp")) == {"FullyBooted"}
    assert len(heard.witness) > 1.5 * len(events)  # the same calls, heard by a user without a filter


@pytest.mark.lab
def test_cel_has_the_rows(heard: Heard) -> None:
    kinds = {row[0] for row in heard.rows}
    assert kinds >= {"CHAN_START", "ANSWER", "HANGUP", "BRIDGE_ENTER", "BRIDGE_EXIT", "LINKEDID_END"}
    assert kinds >= {"BLINDTRANSFER", "PARK_START", "PARK_END"}
    assert {row[10] for row in heard.rows if row[0] == "APP_START"} == {"BackGround", "Dial", "Queue", "VoiceMail"}
    times = r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d" if heard.site.layout == "freepbx" else r"\d{10}\.\d{6}"
    assert [row[1] for row in heard.rows if not re.fullmatch(times, row[1])] == []


@pytest.mark.lab
def test_listening_proposes_this_sites_lines_trunk_phones_box_and_parking(heard: Heard) -> None:
    proposed = settings.parse(heard.proposed)
    exchange, (line,) = proposed.exchanges["toronto"], proposed.lines()
    assert (exchange.trunks, exchange.voicemail_contexts) == (("PJSIP/trunk",), ("box",))
    assert (exchange.username, exchange.port) == ("callmon", heard.site.asterisk.ami_port)
    assert (line.numbers, line.mailboxes) == (("+14163272422",), ("500",))
    assert line.extensions == ("101", "102", "103", "110", "127", "140", "160")
    assert [row for row in heard.proposed.splitlines() if "of its calls" in row] == [
        "# In 1 of its calls the caller heard music instead of ringing. Callers cannot count such rings: let",
        "# 1 of its calls entered a queue. If it answers with music, rings are counted from there.",
    ]
    assert [
        row for row in heard.proposed.splitlines() if "delivered" in row or "park" in row or "menu" in row
    ] == [
        "# parked calls waited at 701",
        '# parking_extensions = ["700"]  # FILL IN: the extension to which a transfer parks a call',
        "[lines.line-1]  # delivered as: 4163272422 (6)",
        "# language_menu = true  # FILL IN: true if the menu that answers asks for the language",
    ]


@pytest.mark.lab
def test_what_listening_proposed_judges_as_people_acted(heard: Heard, tmp_path: Path) -> None:
    text = heard.proposed.replace("[lines.line-1]", "[lines.general]").replace("# language_menu", "language_menu")
    (tmp_path / "callmon.toml").write_text(f"{text}\n[calendar]\n{round_the_clock()}")
    check = [sys.executable, "-m", "callmon", "check", "--config", str(tmp_path / "callmon.toml")]
    assert subprocess.run(check, capture_output=True).returncode == 0
    said = {
        call["call"]: call
        for call in replayed(heard.bytes, settings=settings.load(tmp_path / "callmon.toml")).calls()
    }
    assert [
        point for call, own in pairs(heard.calls, heard.witness) for point in disagreements(call, said[own])
    ] == []


@pytest.mark.lab
def test_the_console_shows_what_the_guide_says_to_look_for(site: GuideSite) -> None:
    console = {
        "manager show user callmon": r"(?:write perm: reporting|read perm: \S*dialplan|allow - 127\.0\.0\.1)",
        "manager show settings": r"Timestamp events: +Yes",
        "cel show status": r"CEL Tracking Application: (?:read|voicemail)\b",
    }
    found = {command: re.findall(sign, site.asterisk.cli(command)) for command, sign in console.items()}
    assert {command: len(set(signs)) for command, signs in found.items()} == dict(
        zip(console, (3, 1, 2), strict=True)
    )


@pytest.mark.lab
def test_cel_goes_on_in_a_new_file_when_logrotate_has_moved_the_old_one(site: GuideSite) -> None:
    cel = site.asterisk.cel
    cel.rename(cel.with_suffix(".moved"))
    play(site.asterisk, named("abandon_at_once"))
    assert [line.split(",")[0] for line in cel.read_text().splitlines()[:1]] == ['"CHAN_START"']


# --- doctor ------------------------------------------------------------------------------------------


def configuration(site: GuideSite, table: Snippet, folder: Path) -> str:
    """The guide's callmon.toml, for this site; its secret and its certificate are in `folder`."""
    secret = folder / "ami.secret"
    secret.write_text(f"{site.asterisk.secret}\n")
    secret.chmod(0o600)
    is_tls = "tls = true" in table.lines
    text = "\n".join((*table.lines, f"port = {site.tls_port if is_tls else site.asterisk.ami_port}", ""))
    text = text.replace('host = "pbx.example"', 'host = "127.0.0.1"\nserver_name = "pbx.example"')
    return text.replace(SECRET_FILE, str(secret)).replace("/etc/callmon/ca.pem", str(folder / "ca.pem"))


@pytest.fixture
def reported(site: GuideSite, tmp_path: Path, pem: Path) -> Callable[[Snippet], Settings]:
    """The guide's callmon.toml, for this site."""
    (tmp_path / "ca.pem").write_bytes(pem.with_name("ca.pem").read_bytes())
    return lambda table: settings.parse(configuration(site, table, tmp_path))


def complaints(given: Settings) -> list[tuple[str, tuple[str, ...]]]:
    """File and lines of each, with what is this site's own written as in the guide."""
    (exchange,) = given.exchanges.values()
    text = {str(exchange.secret_file): SECRET_FILE, f"0.0.0.0:{exchange.port}": "0.0.0.0:5039"}
    return [(c.file, tuple(_as_in_the_guide(line, text) for line in c.lines)) for c in _examined(given)]


def _as_in_the_guide(line: str, text: dict[str, str]) -> str:
    for here, there in text.items():
        line = line.replace(here, there)
    return line


def _examined(given: Settings) -> list[DoctorFinding]:
    return examine(given, datetime.now(UTC))


@pytest.mark.lab
@pytest.mark.parametrize("table", [FIRST_TABLE, TLS_TABLE], ids=["in clear", "with TLS"])
def test_doctor_has_nothing_to_complain_of(
    site: GuideSite, reported: Callable[[Snippet], Settings], table: Snippet
) -> None:
    given = reported(table)
    assert as_text(_examined(given), given.exchanges) == "toronto: no findings."


@pytest.mark.lab
@pytest.mark.parametrize("filters", [OLD, NEW], ids=["old", "new"])
def test_either_filter_is_enough_but_16_ignores_the_new_one(
    site: GuideSite, reported: Callable[[Snippet], Settings], filters: Snippet
) -> None:
    lay(site, lines_for(site.layout, filters))
    ignored = filters is NEW and site.asterisk.version == "16"
    expected = [(OLD.file(site.layout), OLD.lines)] if ignored else []
    assert complaints(reported(FIRST_TABLE)) == expected


def lay(site: GuideSite, some: Iterable[Snippet]) -> None:
    site.fresh()
    site.add(some)
    site.reload()


MISSING = {
    "the user": (USER, OLD),  # a filter for a user that there is not would spoil the whole file
    "the times": (TIMES,),
    "the filter": (OLD,),
    "CEL": (DIARY, DIARY_FREEPBX),
    "its rows": (ROWS,),
    "TLS": (TLS,),
}


@pytest.mark.lab
@pytest.mark.parametrize("what", MISSING)
def test_without_a_snippet_doctor_reports_that_fault_alone(
    site: GuideSite, reported: Callable[[Snippet], Settings], what: str
) -> None:
    left_out = [s for s in MISSING[what] if s.file(site.layout)]
    lay(site, (s for s in lines_for(site.layout) if s not in left_out))
    found = complaints(reported(TLS_TABLE if what == "TLS" else FIRST_TABLE))
    if what == "its rows" and site.layout == "freepbx":
        assert found == []  # FreePBX keeps them in its database
        return
    expected = left_out[0]
    files = {file for _, file in expected.files if what not in ("the user", "TLS")}
    either = "manager.conf (on FreePBX: manager_custom.conf)"  # not logged in, doctor does not know which it is
    assert found == [(expected.file(site.layout) if files else either, expected.lines)]
    site.add([expected])
    site.add([OLD] if what == "the user" else [])
    site.reload()
    assert _examined(reported(FIRST_TABLE)) == []


@pytest.mark.lab
def test_doctor_prints_no_secret(site: GuideSite, reported: Callable[[Snippet], Settings]) -> None:
    lay(site, [USER])
    text = as_text(_examined(reported(FIRST_TABLE)), ["toronto"])
    secrets = [site.asterisk.secret, site.asterisk.secrets.witness, "generated-at-installation", "made-in-the-gui"]
    assert (text.count("WARNING") + text.count("ERROR") > 2, [s for s in secrets if s in text]) == (True, [])
