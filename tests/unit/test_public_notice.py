"""The public notice: what its pages, calendars and JSON say and never say, and that all files change at once."""

from __future__ import annotations

import asyncio
import fcntl
import json
import os
import resource
import shutil
import threading
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from icalendar import Calendar  # type: ignore[import-untyped]  # its types are partial

from callmon.config.phone_numbers import NO_BREAK
from callmon.config.settings import example, example_text, parse
from callmon.core.disruptions.disruption import Disruption, Notice
from callmon.core.snapshot import DaemonSnapshot, ExchangeStatus
from callmon.features.disruptions.notice import folder as notice_folder
from callmon.features.disruptions.notice.files import calendar, folded_line, notice_files
from callmon.features.disruptions.notice.folder import NoticePublisher, publish_notice
from callmon.features.disruptions.notice.text import PublicNotice
from tests.pages.test_pages_html import wrong
from tests.support.examples import examples
from tests.support.fact_builder import local

NOW = local("2026-11-24 10:12")
MINUTE, HOUR = timedelta(minutes=1), timedelta(hours=1)
WHOLE = Notice("panne de courant", "power failure", "composez la ligne sans frais; l’ATS fonctionne",
               "call the toll-free line; the TTY works", NOW + 3 * HOUR)  # fmt: skip
PAGES = {"fr": "perturbations.html", "en": "disruptions.html"}
NOTHING = {"fr": "Aucune perturbation n’est connue en ce moment.", "en": "No disruption is known at present."}
UNHEARD = {
    "fr": "La surveillance des lignes téléphoniques est interrompue : il peut y avoir des perturbations qui ne "
    "sont pas connues.",
    "en": "Monitoring of the telephone lines is interrupted: there may be disruptions that are not known.",
}
SETTINGS = example()


def disruption(**fields: object) -> Disruption:
    usual = {"id": "PJSIP-trunk-17", "source": "trunk", "exchange": "toronto", "what": "PJSIP/trunk",
             "lines": ("general", "tty"), "began": NOW - HOUR, "actor": "m.tremblay"}  # fmt: skip
    return msgspec.convert({**usual, **fields}, Disruption)


WORK = disruption(id="work-1", source="work", lines=("poci",), began=NOW + 20 * HOUR,
                  notice=msgspec.structs.replace(WHOLE, until=NOW + 24 * HOUR))  # fmt: skip


def files(*found: Disruption, is_heard: bool = True, now: datetime = NOW) -> dict[str, str]:
    return {name: data.decode() for name, data in notice_files(SETTINGS, found, is_heard, now).items()}


def sentences(page: str) -> list[str]:
    """The paragraphs between those on the update and the footer."""
    body = page.replace(NO_BREAK, " ").partition("<main>")[2].partition("</main>")[0]
    texts = [line.partition(">")[2].rpartition("<")[0] for line in body.splitlines() if line.startswith("<p")]
    return [text.replace("&#39;", "'") for text in texts[2:]]


def test_a_notice_has_the_three_promised_things_in_each_language() -> None:
    text = {name: PublicNotice(SETTINGS, name, NOW).text(disruption(notice=WHOLE)) for name in PAGES}
    assert text["fr"].replace(NO_BREAK, " ").splitlines() == [
        "Perturbation temporaire du service téléphonique",
        "Lignes touchées : Renseignements généraux, Toronto (416 327-2422) · ATS, Toronto (416 325-0866)",
        "Début : mardi 24 novembre 2026, 9 h 12",
        "Motif : panne de courant",
        "Fin prévue : mardi 24 novembre 2026, 13 h 12",
        "Services de rechange : composez la ligne sans frais; l’ATS fonctionne",
    ]
    assert text["en"].replace(NO_BREAK, " ").splitlines() == [
        "Temporary disruption of the telephone service",
        "Lines affected: General inquiries, Toronto (416-327-2422) · TTY, Toronto (416-325-0866)",
        "Start: Tuesday 24 November 2026, 9:12 a.m.",
        "Reason: power failure",
        "Expected end: Tuesday 24 November 2026, 1:12 p.m.",
        "Alternative: call the toll-free line; the TTY works",
    ]


def test_a_page_begins_with_the_ministry_where_the_site_names_it() -> None:
    named = parse('ministry = { name_fr = "Ministère", name_en = "Ministry" }\n' + example_text())
    made = [notice_files(x, (), True, NOW) for x in (named, SETTINGS)]
    begins = {PAGES[x]: [page[PAGES[x]].decode().count(f"<p><strong>{y}</strong></p>") for page in made]
              for x, y in (("fr", "Ministère"), ("en", "Ministry"))}  # fmt: skip
    assert begins == {PAGES["fr"]: [1, 0], PAGES["en"]: [1, 0]}


def test_a_text_appears_in_both_languages_at_the_same_moment() -> None:
    found = files(disruption(notice=Notice(reason_en="power failure", until=NOW)))
    assert sentences(found["disruptions.html"])[2:] == [
        "Reason: not announced yet",
        "Expected end: Tuesday 24 November 2026, 10:12 a.m.; this time has passed, a new one will be announced",
        "Alternative: not announced yet",
    ]
    assert sentences(found["perturbations.html"])[2:] == [
        "Motif : pas encore annoncé",
        "Fin prévue : mardi 24 novembre 2026, 10 h 12; cette heure est passée, une autre sera annoncée",
        "Services de rechange : pas encore annoncés",
    ]
    assert (json.loads(found["disruptions.json"])["disruptions"][0]["reason"], "power" in str(found)) == (
        None,
        False,
    )


def test_nothing_known_is_said_only_while_every_exchange_is_received() -> None:
    for language, name in PAGES.items():
        assert sentences(files()[name]) == [NOTHING[language]]
        assert sentences(files(is_heard=False)[name]) == [UNHEARD[language]]
        assert sentences(files(WORK)[name])[0] == NOTHING[language]
        assert sentences(files(disruption(), is_heard=False)[name])[0] == UNHEARD[language]
        assert {NOTHING[language], UNHEARD[language]} & set(sentences(files(disruption())[name])) == set()
    assert [json.loads(files(is_heard=x)["disruptions.json"])["heard"] for x in (True, False)] == [True, False]


def test_the_public_is_reported_neither_names_nor_trunks_nor_numbers() -> None:
    found = "".join(files(disruption(notice=WHOLE), WORK).values())
    secrets = (
        "tremblay",
        "trunk",
        "toronto-",
        "PJSIP",
        "work-1",
        *(number[-7:] for x in SETTINGS.lines() for number in x.numbers),
    )
    assert [secret for secret in secrets if secret in found] == []


def test_an_unreceived_exchange_is_no_disruption_until_staff_announces_one() -> None:
    unheard = disruption(source="exchange", confirmed=None)
    assert json.loads(files(unheard, is_heard=False)["disruptions.json"])["disruptions"] == []
    reported = msgspec.structs.replace(unheard, notice=WHOLE)
    assert len(json.loads(files(reported, is_heard=False)["disruptions.json"])["disruptions"]) == 1


def test_an_outage_within_planned_work_and_one_that_is_over_are_not_listed() -> None:
    during = disruption(work="work-1")
    found = [WORK, during, disruption(id="a", ended=NOW), disruption(id="b", how="cancelled", source="work")]
    reported = json.loads(files(*found)["disruptions.json"])["disruptions"]
    assert [(x["planned_work"], x["state"]) for x in reported] == [(True, "planned")]


@pytest.mark.parametrize("found", [(), (disruption(notice=WHOLE), disruption(id="x"), WORK)])
@pytest.mark.parametrize("is_heard", [True, False])
def test_the_pages_html_has_no_mistake_and_names_language_and_twin(
    found: tuple[Disruption, ...], is_heard: bool
) -> None:
    reported = files(*found, is_heard=is_heard)
    for language, name in PAGES.items():
        other = PAGES["en" if language == "fr" else "fr"]
        assert wrong(reported[name]) == []
        assert f'<html lang="{language}">' in reported[name]
        assert reported[name].count(f'href="{other}"') == 2
        assert "<script" not in reported[name]


# iCalendar.


def test_a_calendar_reader_finds_each_disruption_and_no_invented_end() -> None:
    found = files(disruption(notice=WHOLE), disruption(id="y", lines=("poci",)), WORK)
    read = Calendar.from_ical(found["disruptions.ics"])
    events = read.walk("VEVENT")
    assert [(x.decoded("dtstart"), x.decoded("dtend", None)) for x in events] == [
        (NOW - HOUR, NOW + 3 * HOUR), (NOW - HOUR, None), (NOW + 20 * HOUR, NOW + 24 * HOUR),
    ]  # fmt: skip
    assert str(events[0]["description"]) == PublicNotice(SETTINGS, "en", NOW).text(disruption(notice=WHOLE))
    assert len({str(x["uid"]) for x in events}) == 3
    (state,) = Calendar.from_ical(files(is_heard=False)["perturbations.ics"]).walk("VJOURNAL")
    assert str(state["description"]).replace(NO_BREAK, " ").splitlines()[0] == UNHEARD["fr"]


@given(st.text(st.characters(codec="utf-8", exclude_categories=("Cc", "Zl", "Zp")), min_size=1, max_size=300))
@settings(max_examples=examples(100))
def test_any_text_comes_back_from_a_calendar_of_lines_of_75_octets(text: str) -> None:
    notice, reported = PublicNotice(SETTINGS, "fr", NOW), disruption(notice=Notice(text, "x"))
    made = calendar(notice, [reported], True)
    (event,) = Calendar.from_ical(made).walk("VEVENT")
    assert str(event["description"]) == notice.text(reported)
    assert [line for line in made.split(b"\r\n") if len(line) > 75 or b"\n" in line] == []
    assert [line.decode() for line in made.split(b"\r\n")] != []  # no line ends within a character


def test_a_calendar_escapes_what_the_standard_says() -> None:
    made = calendar(PublicNotice(SETTINGS, "en", NOW), [disruption(notice=Notice("x", 'a;b,c\\\\d: "e"'))], True)
    lines = made.decode().replace("\r\n ", "").splitlines()
    (reported,) = [line for line in lines if "Reason" in line]
    assert reported.split("\\n")[3] == 'Reason: a\\;b\\,c\\\\\\\\d: "e"'


def test_half_a_letter_in_a_line_of_a_calendar_becomes_a_question_mark() -> None:
    assert folded_line("SUMMARY:caf\udce9") == b"SUMMARY:caf?\r\n"


def ids(*found: Disruption) -> list[str]:
    reported = json.loads(files(*found)["disruptions.json"])["disruptions"]
    events = Calendar.from_ical(files(*found)["disruptions.ics"]).walk("VEVENT")
    assert [x["id"] for x in reported] == [str(x["uid"]) for x in events]
    return [x["id"] for x in reported]


def test_the_public_identifier_tells_no_name_of_a_trunk_or_an_exchange() -> None:
    names = [("PJSIP-trunk-17", "PJSIP/trunk", "toronto"), ("ottawa-17", "", "ottawa")]
    one, other = (ids(disruption(id=name, what=what, exchange=x)) for name, what, x in names)
    assert one == other


def test_the_public_identifiers_of_disruptions_differ_and_stay() -> None:
    found = [disruption(id="a-1"), disruption(id="b-1"), disruption(id="c-1", lines=("poci",)), WORK]
    assert (len(set(ids(*found))), ids(*found)) == (4, ids(*found[::-1]))


# The folder.


def test_a_reader_sees_neither_half_a_file_nor_files_of_two_moments(tmp_path: Path) -> None:
    publish_notice(tmp_path, SETTINGS, [], True, NOW)
    is_over, seen = threading.Event(), set()

    def read() -> None:
        while not is_over.is_set():
            current = os.open(tmp_path / "current", os.O_PATH | os.O_DIRECTORY)
            texts = [_text_in(current, name) for name in PAGES.values()]
            os.close(current)
            seen.add((len({text.count("<section") for text in texts}), *(text[-8:] for text in texts)))

    reader = threading.Thread(target=read)
    reader.start()
    for number in range(25):
        some = [disruption(id=str(n)) for n in range(number % 7 * 20)]
        publish_notice(tmp_path, SETTINGS, some, True, NOW)
    is_over.set()
    reader.join()
    assert seen == {(1, "\n</html>", "\n</html>")}


def _text_in(folder: int, name: str) -> str:
    with os.fdopen(os.open(name, os.O_RDONLY, dir_fd=folder)) as file:
        return file.read()


def test_a_publication_that_fails_leaves_the_one_before_and_nothing_else(tmp_path: Path) -> None:
    publish_notice(tmp_path, SETTINGS, [], True, NOW)
    before = {path.name: path.read_text() for path in tmp_path.glob("*.html")}
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1000, hard))  # bytes: as a full disk
    try:
        for _ in range(3):
            with pytest.raises(OSError, match=str(tmp_path)):
                publish_notice(tmp_path, SETTINGS, [disruption()], True, NOW + MINUTE)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert {path.name: path.read_text() for path in tmp_path.glob("*.html")} == before
    assert len(publications(tmp_path)) == 1


def publications(folder: Path) -> list[Path]:
    return [path for path in folder.iterdir() if path.is_dir() and not path.is_symlink()]


def test_a_publication_stays_for_its_readers_for_a_minute(tmp_path: Path) -> None:
    for _ in range(3):
        publish_notice(tmp_path, SETTINGS, [], True, NOW)
    old = publications(tmp_path)
    for path in old:
        os.utime(path, (0, 0))
    current = os.readlink(tmp_path / "current")
    publish_notice(tmp_path, SETTINGS, [], True, NOW)
    assert (len(old), {path.name for path in publications(tmp_path)}) == (
        3, {current, os.readlink(tmp_path / "current")},
    )  # fmt: skip


def test_a_web_server_may_read_it_whatever_the_umask(tmp_path: Path) -> None:
    (tmp_path / "index.html").write_text("the ministry's own")
    before = os.umask(0o077)
    try:
        publish_notice(tmp_path, SETTINGS, [], True, NOW)
    finally:
        os.umask(before)
    names = ("perturbations.html", "disruptions.html", "perturbations.ics", "disruptions.ics", "disruptions.json")
    assert {oct((tmp_path / name).stat().st_mode & 0o777) for name in names} == {"0o644"}
    assert oct((tmp_path / "current").stat().st_mode & 0o777) == "0o755"
    assert (tmp_path / "index.html").read_text() == "the ministry's own"


def test_the_index_shows_the_page_of_the_default_language(tmp_path: Path) -> None:
    publish_notice(tmp_path, SETTINGS, [], True, NOW)
    assert (tmp_path / "index.html").read_text() == (tmp_path / "perturbations.html").read_text()


# The daemon's task.


class NoticeDaemon:
    """What the publisher reads of a daemon."""

    def __init__(self, folder: Path) -> None:
        text = example_text().replace("[disruptions] ", f'[disruptions]\npublish = "{folder}"\n')
        self.settings, self.stands_by = parse(text), False
        self.publisher = NoticePublisher(lambda: self.settings, lambda: self.stands_by)

    async def publish(self, *found: Disruption, unheard: bool = False) -> None:
        exchange = ExchangeStatus("toronto", not unheard, 0, None, MINUTE if unheard else None)
        await self.publisher.publish(DaemonSnapshot(at=NOW, disruptions=found, exchanges=(exchange,)))


async def test_the_daemon_writes_on_a_change_and_not_for_each_snapshot(tmp_path: Path) -> None:
    daemon = NoticeDaemon(tmp_path)
    page = tmp_path / "disruptions.html"
    made = []
    soon = disruption(began=datetime.now(UTC) - HOUR)
    for how in ({}, {}, {"unheard": True}, {"unheard": True}, {}):
        await daemon.publish(**how)
        made.append((os.readlink(tmp_path / "current"), sentences(page.read_text())[0]))
    await daemon.publish(soon)
    assert [text for _, text in made] == [NOTHING["en"]] * 2 + [UNHEARD["en"]] * 2 + [NOTHING["en"]]
    assert len({place for place, _ in made}) == 3
    assert sentences(page.read_text())[0] == "Temporary disruption of the telephone service"


async def test_a_folder_that_is_away_is_a_remark_until_it_is_back(tmp_path: Path) -> None:
    folder = tmp_path / "gone"
    daemon = NoticeDaemon(folder)
    await daemon.publish()
    assert daemon.publisher.troubles() == [
        f"The public notice in {folder} is not up to date (No such file or directory). Give callmon a folder in "
        "which it may write: [disruptions] publish."
    ]
    folder.mkdir()
    await daemon.publish()
    assert (daemon.publisher.troubles(), (folder / "index.html").exists()) == ([], True)


async def test_a_standby_publishes_nothing_until_it_leads(tmp_path: Path) -> None:
    daemon, found = NoticeDaemon(tmp_path), []
    for daemon.stands_by in (True, False):
        await daemon.publish()
        found.append((tmp_path / "disruptions.json").exists())
    assert found == [False, True]


def _held(path: Path) -> None:
    """Any reader of a file can hold a lock on it."""
    path.touch()
    fcntl.flock(os.open(path, os.O_RDONLY), fcntl.LOCK_EX)


@pytest.mark.parametrize("plant", [_held, os.mkfifo, Path.mkdir], ids=["held", "pipe", "folder"])
def test_what_others_put_where_a_lock_was_stops_no_publication(
    tmp_path: Path, plant: Callable[[Path], None]
) -> None:
    plant(tmp_path / ".lock")
    publish_notice(tmp_path, SETTINGS, [], True, NOW)
    assert _text(tmp_path) == "{}"


@pytest.mark.parametrize("name", [".lock", ".current.new", "..current.new", "disruptions.json", "index.html"])
def test_a_planted_link_lets_nobody_empty_or_make_a_file_elsewhere(tmp_path: Path, name: str) -> None:
    folder = tmp_path / "notice"
    precious = tmp_path / "precious"
    absent = tmp_path / "absent"
    precious.write_text("kept")
    for target in (precious, absent):
        folder.mkdir()
        (folder / name).symlink_to(target)
        publish_notice(folder, SETTINGS, [], True, NOW)
        shutil.rmtree(folder)
    assert (precious.read_text(), absent.exists()) == ("kept", False)


def test_a_folder_that_is_swapped_for_a_link_is_not_written_to(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir(0o700)

    def swapped(prefix: str, dir: Path) -> str:
        made = dir / f"{prefix}x"
        made.symlink_to(elsewhere)
        return str(made)

    monkeypatch.setattr(notice_folder, "mkdtemp", swapped)
    with pytest.raises(OSError, match=str(tmp_path)):
        publish_notice(tmp_path, SETTINGS, [], True, NOW)
    assert (list(elsewhere.iterdir()), elsewhere.stat().st_mode & 0o777) == ([], 0o700)


def test_two_programs_that_publish_at_once_leave_a_whole_publication(tmp_path: Path) -> None:
    faults: list[OSError] = []

    def publish() -> None:
        for _ in range(10):
            try:
                publish_notice(tmp_path, SETTINGS, [], True, NOW)
            except OSError as error:
                faults.append(error)

    threads = [threading.Thread(target=publish) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    left = sorted(path.name for path in tmp_path.iterdir() if not path.name.startswith(".notice-"))
    wanted = sorted([*files(), "current", "index.html"])
    assert (faults, left) == ([], wanted)


async def test_a_folder_that_never_answers_is_said_to_be_out_of_date(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    answers = threading.Event()
    monkeypatch.setattr(notice_folder, "publish_notice", lambda *_: answers.wait(60))
    monkeypatch.setattr(notice_folder, "SLOW_SECONDS", 0.1)
    daemon = NoticeDaemon(tmp_path)
    writing = asyncio.create_task(daemon.publish())
    await asyncio.sleep(0.3)
    (said,) = daemon.publisher.troubles()
    assert said.startswith(f"The public notice in {tmp_path} is not up to date (Connection timed out).")
    answers.set()
    await writing
    assert daemon.publisher.troubles() == []


def _text(place: Path) -> str:
    return "{}" if json.loads((place / "disruptions.json").read_text())["heard"] else ""
