"""Where each number leads, read from a real Asterisk's dialplan by callmon's own user: no call is placed."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from callmon.config.schema import WeekTable
from callmon.config.settings import load
from callmon.tools.check_remarks import check_remarks
from callmon.tools.init import WEEK
from callmon.tools.routes import ExchangeRoutes, as_text, read
from tests.commands.test_init import asked
from tests.lab.exchange import Asterisk
from tests.lab.needed import needed
from tests.process.test_doctor import SECRET_VARIABLE, configured

pytestmark = pytest.mark.lab
FOLDER = Path(__file__).with_name("routes")
CALLED = re.compile(r"CALL\(([\w-]+),(.*)\)$", re.MULTILINE)
# Issabel's FreePBX calls macros, today's calls the same by Gosub.
FORMS = {"16": r"Macro(\1,\2)", "22": r"Gosub(macro-\1,s,1(\2))"}
GLOBALS = ("RINGTIMER_DEFAULT 15", "DIAL_OPTIONS HhTtr")
QUEUE = "queue 700 for 300 s (music, no ring) → voicemail box 1101"
GROUP = "phones 1101, 1102 for 24 s → voicemail box 1101"
DAY = "phones PJSIP/101 for 24 s → "
BOX = "voicemail box 500@default"
SECOND = f"{DAY}phones PJSIP/102 for 12 s → {BOX}"
TRUNKS = ("PJSIP/trunk", "PJSIP/trunk-loop")
HOURS = "08:30-17:00,mon-fri,*,*"
LED = {
    # FreePBX: extensions, groups, queue, menu, hours, words, language, box, mobile, nothing.
    "4165550101": ["phones 1101 for 15 s → voicemail box 1101"],
    "4165550102": [f"phones 1102 for 15 s → {QUEUE}"],
    "4165550103": [
        "phones 1103 for 30 s → voicemail box 1103",
        "phones 1103, 94165550199# for 20 s → voicemail box 1103",
    ],
    "4165550104": [GROUP],
    "4165550105": [f"phones 1101, 1102 for 20 s (music, no ring) → {QUEUE}"],
    "4165550106": [QUEUE],
    "4165550107": [
        f"key 1 → {GROUP}",
        f"key 2 → language fr → {QUEUE}",
        "key 9 → voicemail box 1101",
        f"no key → phones 1102 for 15 s → {QUEUE}",
        "no key → again from an earlier step",
    ],
    "4165550108": [f"in the time {HOURS} → {GROUP}", f"outside the time {HOURS} → voicemail box 1101"],
    "4165550109": [QUEUE],
    "4165550110": [f"language fr → {QUEUE}"],
    "4165550111": ["voicemail box 1101"],
    "4165550112": ["phones Local/94165550199@from-internal for 60 s → the exchange hangs up"],
    "4165550113": ["the exchange hangs up"],
    "4165550114": ["not followed: from-did-direct,1199,1"],
    # As people write them.
    "4165550120": ["queue hot for 45 s → the exchange hangs up"],
    "4165550121": [
        f"in the time {HOURS} → {DAY}{BOX}",
        f"in the time {HOURS} → {SECOND}",
        f"outside the time {HOURS} → the exchange hangs up",
    ],
    "4165550122": ["language fr → phones PJSIP/103 for 20 s → voicemail box 500@default"],
    "4165550123": ["not followed: from-pstn,4165550123,1 AGI(route.py,${EXTEN})"],
    "4165550124": ["not followed: from-pstn,4165550124,1 Goto(${ROUTE_${EXTEN}},s,1)"],
    "4165550125": ["again from an earlier step"],
    "4165550126": ["not followed: from-pstn,4165550126,1 Goto(day,s,nowhere)"],
    "4165550127": ["phones PJSIP/101, PJSIP/102 → the exchange hangs up"],
    "4165550128": [
        f"key 1 → {DAY}{BOX}",
        f"key 1 → {SECOND}",
        "key 2 → phones PJSIP/104 for 18 s (music, no ring) → voicemail box 504@default",
        "no key → the exchange hangs up",
    ],
    "4165550129": ["phones PJSIP/109 for 12 s → the exchange hangs up"],
    "_4165550[23]XX": ["not followed: from-pstn,_4165550[23]XX,1"],
    # The shipped dialplan, before the lab's own steps.
    "4163272422": ["phones PJSIP/101, PJSIP/102, PJSIP/103 for 24 s → voicemail box 500@default"],
    "8668532137": ["phones PJSIP/104 for 24 s → voicemail box 504@default"],
}


def told(routes: ExchangeRoutes) -> dict[str, list[str]]:
    """The paths of each number, as printed."""
    found: dict[str, list[str]] = {}
    for line in as_text(routes).splitlines():
        if line.startswith(" "):
            found[list(found)[-1]].append(line.strip())
        else:
            found[line] = []
    return found


@pytest.fixture(params=["22", "16"])
def exchange(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[Asterisk]:
    with needed(request.param):
        asterisk = Asterisk(request.param)
    generated = CALLED.sub(FORMS[request.param], (FOLDER / "freepbx.conf").read_text())
    with (asterisk.place / "etc/site/extensions.conf").open("a") as site:
        site.write("\n" + generated + (FOLDER / "plain.conf").read_text().replace("[from-pstn]", "[from-pstn](+)"))
    monkeypatch.setenv(SECRET_VARIABLE, asterisk.secret)
    with asterisk:
        asterisk.cli("database put AMPUSER 1103/ringtimer 30")
        for each in GLOBALS:
            asterisk.cli(f"dialplan set global {each}")
        yield asterisk


def test_each_number_leads_where_its_dialplan_does_or_is_not_followed(exchange: Asterisk) -> None:
    before = exchange.messages.read_text(errors="replace")
    (found,) = read(configured(exchange.ami_port).exchanges).values()
    led = told(found)
    shipped = {number: led.pop(number)[:1] for number in sorted(led) if not re.match("_?4165550", number)}
    expected = {number: paths for number, paths in LED.items() if re.match("_?4165550", number)}
    assert led == expected
    assert {number: shipped[number] for number in LED if number not in expected} == {
        number: paths for number, paths in LED.items() if number not in expected
    }
    assert "\n0 calls processed" in exchange.cli("core show channels")
    assert exchange.messages.read_text(errors="replace") == before


def test_a_user_without_reporting_is_told_which_right_is_missing(exchange: Asterisk) -> None:
    with (exchange.place / "etc/site/manager.conf").open("a") as site:
        site.write("\n[callmon](+)\nwrite = agent\n")
    exchange.cli("manager reload")
    (found,) = read(configured(exchange.ami_port).exchanges).values()
    assert as_text(found) == "The AMI user may not read the dialplan: give it write = reporting."


ANSWERED = "416 555-0199", "416 555-0107, 4165550108, 416 555 0110, 4165550123, 4165550127", "416-555-0127", "", ""
# For each line its mode, boxes, phones, language, and whether a menu asks for it.
WRITTEN = {
    "+14165550107": ("voice", ("1101",), (), None, True),
    "+14165550108": ("voice", ("1101",), ("1101", "1102"), None, False),
    "+14165550110": ("voice", ("1101",), (), "fr", False),
    "+14165550123": ("voice", (), (), None, False),
    "+14165550127": ("tty", (), ("101", "102"), None, False),
}


@pytest.mark.parametrize("language", ["en", "fr"])
def test_init_writes_the_lines_that_a_person_chooses_of_the_dialplan(
    exchange: Asterisk, tmp_path: Path, language: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "ami.secret").write_text(exchange.secret)
    given = (f"127.0.0.1:{exchange.ami_port}", str(tmp_path / "ami.secret"), *ANSWERED)
    status, out, reported = asked(tmp_path, given, language)
    refused = {"en": "+14165550199 is not among them.", "fr": "+14165550199 n’en fait pas partie."}
    assert (status, out, [x[-len(refused[language]) :] for x in reported].count(refused[language])) == (
        0,
        "new/callmon.toml\n",
        1,
    )
    monkeypatch.delenv(SECRET_VARIABLE)
    settings = load(tmp_path / "new/callmon.toml")
    (one,) = settings.exchanges.values()
    assert (one.port, one.trunks, one.parking_extensions) == (exchange.ami_port, TRUNKS, ("700",))
    assert (one.voicemail_contexts, one.dial_prefixes) == (("box",), ("9",))
    lines = {
        x.numbers[0]: (x.mode, x.mailboxes, x.extensions, x.language, x.language_menu) for x in settings.lines()
    }
    assert lines == WRITTEN
    assert settings.configuration.calendar.hours == WeekTable.model_validate(dict.fromkeys(WEEK, "08:30-17:00"))
    assert [text for text in check_remarks(settings) if "FILL IN" in text] == [
        f"{settings.source}: 13 lines still have a mark FILL IN or À REMPLIR; the first is line 14."
    ]
