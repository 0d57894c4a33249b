"""What *Now* and the wall say in each state: before the first call, closed, on a holiday, unheard, no database."""

from __future__ import annotations

import html
import re
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
import pytest

from callmon.config.lines import RING_CYCLE
from callmon.config.phone_numbers import NO_BREAK
from callmon.config.settings import Settings
from callmon.core.callbacks.index import ObligationSummary
from callmon.core.calls.call import OUTCOMES, Wait
from callmon.core.disruptions.disruption import Disruption, Notice
from callmon.core.snapshot import CallbackStatus, DaemonSnapshot, ExchangeStatus, LineStatus
from callmon.core.verdicts import VERDICTS
from callmon.site import FEATURES
from callmon.web.context import PageContext
from callmon.web.entries import page_table
from callmon.web.formatter import WebFormatter
from tests.support.fact_builder import local, usual

TUESDAY, EVENING, CHRISTMAS = local("2026-11-24 10:00"), local("2026-11-24 19:00"), local("2026-12-25 10:00")
MINUTE = timedelta(minutes=1)
ANSWER = "answer_by_third_ring"
TARGET = f"""
[lines.general.target.{ANSWER}]
percent = 90
since = 2026-01-01
signed_by = "the director"
"""


def line(name: str = "general", is_open: bool = True, **given: Any) -> LineStatus:
    """A line of which nothing is known but what is given."""
    met, missed = given.pop("judged", (0, 0))
    verdicts = {ANSWER: dict.fromkeys(VERDICTS, 0) | {"met": met, "not_met": missed}}
    calls = dict.fromkeys(OUTCOMES, 0) | {"answered": met, "abandoned": missed}
    usual_: dict[str, Any] = {"states": {}, "ringing": None, "queue": None, "phones": {}, "is_heard": True}
    usual_ |= {"day": "2026-11-24", "callbacks": (0, 0)}
    return LineStatus(name=name, is_open=is_open, calls=calls, verdicts=verdicts, **usual_ | given)


def snapshot(at: datetime = TUESDAY, *lines: LineStatus, **given: Any) -> DaemonSnapshot:
    usual_: dict[str, Any] = {
        "exchanges": (exchange(),),
    }
    return DaemonSnapshot(at, lines or (line(),), **usual_ | given)


def exchange(unheard_for: timedelta | None = None) -> ExchangeStatus:
    return ExchangeStatus("toronto", unheard_for is None, 0, None, unheard_for)


def live_part(
    seen: DaemonSnapshot, language: str = "fr", settings: Settings | None = None, view: str = "now"
) -> str:
    site = PageContext.__new__(PageContext)  # its templates alone
    site.features = [feature.package for feature in FEATURES]
    site.table = page_table(FEATURES)
    formatter = WebFormatter(settings or usual(), language, seen.at)
    values = site.table[view].view
    assert values is not None
    return site._render(f"_{view}.html", site.common(formatter) | values(seen, formatter))


def reported(
    seen: DaemonSnapshot, view: str = "now", language: str = "fr", settings: Settings | None = None
) -> str:
    """The live part as text: what is between the tags, a space where one stood."""
    page = live_part(seen, language, settings, view)
    text = html.unescape(re.sub(r"<[^>]+>", " ", page)).replace(NO_BREAK, " ")
    return " ".join(text.split())


def classes(seen: DaemonSnapshot, settings: Settings | None = None) -> set[str]:
    page = live_part(seen, settings=settings)
    return {name for found in re.findall(r'class="([^"]*)"', page) for name in found.split()}


@pytest.mark.parametrize(
    ("seen", "french", "english"),
    [
        (snapshot(), "Ouvert jusqu’à 17 h 10 h ✓ Mesure en cours ", "Open until 5 p.m. 10 a.m. ✓ Measuring "),
        (snapshot(EVENING), "Fermé : ouvre mercredi 8 h 30", "Closed: opens Wednesday 8:30 a.m."),
        (snapshot(CHRISTMAS), "Fermé (jour de Noël) : ouvre mardi 8 h 30", "Closed (Christmas Day): opens"),
        (
            snapshot(exchanges=(exchange(48 * MINUTE),)),
            "■ Mesure interrompue depuis mardi 9 h 12 : chiffres incomplets",
            "■ Measuring interrupted since Tuesday 9:12 a.m.: figures incomplete",
        ),
        (snapshot(exchanges=()), "Aucun autocommutateur configuré", "No exchange configured"),
        (snapshot(stores=False), "■ Base de données injoignable", "■ The database cannot be reached"),
        (snapshot(leads=False), "Cet appareil est en réserve", "Another callmon leads"),
        (snapshot(), "Aucun appel pour le moment.", "No call yet."),
        (snapshot(), "Aucun rappel à faire.", "No callback to do."),
        (snapshot(TUESDAY, line(judged=(41, 5))), "41 sur 46 (89,1 %)", "41 of 46 (89.1%)"),
        (snapshot(TUESDAY, line(judged=(3, 1))), "3 sur 4", "3 of 4"),
        (snapshot(EVENING, line(is_open=False, judged=(3, 1))), "norme de service, à la fermeture",
         "service standard, at closing"),
    ],
)  # fmt: skip
def test_each_state_is_said_in_words(seen: DaemonSnapshot, french: str, english: str) -> None:
    assert french in reported(seen)
    assert english in reported(seen, language="en")


@pytest.mark.parametrize(
    ("language", "strip", "listed"),
    [
        (
            "fr",
            "■ Système téléphonique jamais connecté : ottawa",
            "■ ottawa : jamais connecté; « callmon doctor » en donne la cause",
        ),
        (
            "en",
            "■ Telephone system never connected: ottawa",
            "■ ottawa: never connected; “callmon doctor” gives the cause",
        ),
    ],
)
def test_a_system_never_connected_differs_from_an_interruption(language: str, strip: str, listed: str) -> None:
    never = ExchangeStatus("ottawa", False, 0, None, 48 * MINUTE, was_connected=False)
    text = reported(snapshot(exchanges=(exchange(), never)), language=language)
    assert (text.count(strip), text.count(listed), text.count("9 h 12"), text.count("9:12")) == (1, 1, 0, 0)
    both = reported(snapshot(exchanges=(exchange(3 * MINUTE), never)), language=language)
    assert (both.count(strip), both.count(listed)) == (0, 1)


def ringing(seconds: float, count: int = 1) -> LineStatus:
    wait = Wait(TUESDAY, timedelta(seconds=seconds), RING_CYCLE)
    return line(states={"ringing": count}, ringing=wait)


@pytest.mark.parametrize(
    ("seconds", "french"),
    [
        (0.0, "●○○○ 1re sonnerie"), (11.9, "●●○○ 2e sonnerie"), (12.0, "●●●○ ▲ 3e sonnerie, la dernière"),
        (17.999, "●●●○ ▲ 3e sonnerie, la dernière"), (18.0, "●●●● ■ 4e sonnerie"), (60.0, "●●●● ■ 11e sonnerie"),
    ],
)  # fmt: skip
def test_a_ring_has_its_dots_its_sign_and_its_word(seconds: float, french: str) -> None:
    assert french in reported(snapshot(TUESDAY, ringing(seconds)))


def test_several_that_ring_are_counted_and_the_longest_is_named() -> None:
    assert "●●○○ 2e sonnerie et 2 de plus" in reported(snapshot(TUESDAY, ringing(7, 3)))


@pytest.mark.parametrize("view", ["now", "wall"])
def test_of_a_line_that_is_not_received_no_figure_of_now_is_shown(view: str) -> None:
    text = reported(snapshot(TUESDAY, line(is_heard=False)), view)
    begin, end = {"now": ("Postes libres", "Rappels"), "wall": ("En conversation", "Aujourd’hui")}[view]
    row = text.partition(begin)[2].partition(end)[0]
    assert row.count("\N{EN DASH}") == {"now": 6, "wall": 3}[view]
    assert "0" not in row


@pytest.mark.parametrize(
    ("phones", "french"),
    [
        ({}, "\N{EN DASH}"), ({"free": 2, "in_use": 1}, "2 sur 3"), ({"free": 0, "in_use": 3}, "▲ 0 sur 3"),
        ({"free": 0, "unreachable": 3}, "■ aucun joignable"),
    ],
)  # fmt: skip
def test_phones_that_nobody_watches_are_not_known(phones: dict[str, int], french: str) -> None:
    row = reported(snapshot(TUESDAY, line(phones=phones))).partition("Postes libres")[2].partition(" Rappels")[0]
    assert row.endswith(f" {french}")


def test_a_rate_has_a_colour_only_with_a_target_and_twenty_calls() -> None:
    with_target = usual(TARGET)
    enough, few = line(judged=(41, 5)), line(judged=(17, 2))
    assert "over" in classes(snapshot(TUESDAY, enough), with_target)
    assert "over" not in classes(snapshot(TUESDAY, enough))
    assert "over" not in classes(snapshot(TUESDAY, few), with_target)
    unheard = snapshot(TUESDAY, enough, exchanges=(exchange(timedelta(0)),))
    assert "reached" not in classes(unheard, with_target)
    assert "hatched" in classes(unheard, with_target)


def test_who_waits_in_the_queue_has_waited_for_seconds_or_for_minutes() -> None:
    for seconds, french in ((6, "(depuis 6 s)"), (126, "(depuis 2 min 06 s)")):
        wait = Wait(TUESDAY, timedelta(seconds=seconds), RING_CYCLE)
        assert french in reported(snapshot(TUESDAY, line(states={"queue": 1}, queue=wait)))


def test_lines_with_several_targets_are_not_said_to_have_none() -> None:
    two = snapshot(TUESDAY, line(judged=(3, 1)), line("poci", judged=(3, 1)))
    assert "cible selon la ligne" in reported(two, settings=usual(TARGET)).partition("6 sur 8")[2]


def callback_summary(*dues: timedelta) -> CallbackStatus:
    one = ObligationSummary("x", "general", "fr", TUESDAY - 60 * MINUTE, TUESDAY, None, "open", 0, None, False)
    shown = [
        msgspec.structs.replace(
            one, id=str(place), actionable=TUESDAY + due, state="overdue" if due < 0 * MINUTE else "open"
        )
        for place, due in enumerate(dues)
    ]
    to_listen_to = {"callbacks_to_listen_to": {("general", "fr"): 1}}
    return CallbackStatus(1, {one.id: one for one in shown}, counts=to_listen_to)


def test_callbacks_overdue_more_today_and_later_add_up() -> None:
    seen = snapshot(callbacks=callback_summary(72 * MINUTE, -30 * MINUTE, timedelta(hours=26)))
    figures = reported(seen).partition(" Rappels ")[2]
    assert figures.startswith(
        "en retard ■ 1 encore aujourd’hui 1 plus tard 1 à écouter, rappel impossible 1 ■ 9 h 30"
    )
    assert figures.partition("Toronto, français ")[2].startswith("Prochain rappel avant 11 h 12 (1 h 12)")


def test_on_the_wall_lines_for_tty_are_a_row_of_their_own_and_in_no_total() -> None:
    seen = snapshot(
        TUESDAY, line(judged=(2, 0)), line("general-toll-free", judged=(3, 1)), line("tty", judged=(0, 9))
    )
    text = reported(seen, "wall")
    assert "Renseignements généraux · ATS General inquiries · TTY" in text
    assert "réponse avant la 4e sonnerie 5 sur 6 " in text
    assert "servis en français" not in text  # nothing to divide


def test_the_wall_has_the_acronym_of_a_service() -> None:
    seen = snapshot(TUESDAY, line("poci"))
    assert reported(seen, "wall", "en").partition("Talking")[2].startswith(" OINP POCI 0 0 0 Today")


def test_a_snapshot_is_made_in_utc_and_shown_in_local_time() -> None:
    assert TUESDAY.tzinfo is not None
    assert TUESDAY.astimezone(UTC).hour == 15


def test_late_and_soon_due_callbacks_lead_to_their_pages() -> None:
    callbacks = callback_summary(72 * MINUTE, -30 * MINUTE, timedelta(hours=26))
    soon = msgspec.structs.replace(callbacks.visible["0"], state="due_soon")
    seen = snapshot(callbacks=msgspec.structs.replace(callbacks, visible={**callbacks.visible, "0": soon}))
    page = live_part(seen, "en")
    led = re.findall(r'<a id="cb-\d+" href="/en/callbacks/(\d+)"><span class="(\w+)">', page)
    assert led == [("1", "over"), ("0", "soon")]


@pytest.mark.parametrize(
    ("language", "row"),
    [
        ("fr", "troisième sonnerie 3e sonnerie 6 sur 8 cible : 90 % 1 sur 4 ○"),
        ("en", "third ring 3rd ring 6 of 8 target: 90% 1 of 4 ○"),
    ],
)
def test_voice_and_tty_stand_side_by_side_in_one_row_of_each_standard(language: str, row: str) -> None:
    seen = snapshot(TUESDAY, line(judged=(6, 2)), line("tty", judged=(1, 3)))
    assert reported(seen, language=language, settings=usual(TARGET)).count(row) == 1


def test_verdicts_outside_a_rate_lead_to_their_calls() -> None:
    one = line(judged=(6, 2))
    verdicts = {ANSWER: one.verdicts[ANSWER] | {"exempt": 4}}
    page = live_part(snapshot(TUESDAY, msgspec.structs.replace(one, verdicts=verdicts)), "en")
    led = [html.unescape(x) for x in re.findall(r'<a id="exempt-[^"]+" href="(/en/calls[^"]+)">', page)]
    assert led == [f"/en/calls?day=2026-11-24&standard={ANSWER}&verdict=exempt&mode=voice"]


def test_figures_of_callbacks_lead_to_the_list() -> None:
    page = live_part(snapshot(callbacks=callback_summary(72 * MINUTE, -30 * MINUTE)), "en")
    figures = page.partition('<dl class="figures">')[2].partition("</dl>")[0]
    led = re.findall(r'<a id="callbacks-[^"]+" href="([^"]+)">', figures)
    assert led == ["/en/callbacks?state=overdue", "/en/callbacks#g-today", "/en/callbacks#g-hidden"]
    none = live_part(snapshot(), "en").partition('<dl class="figures">')[2].partition("</dl>")[0]
    assert "<a " not in none


def test_thousands_are_written_alike_in_both_languages() -> None:
    seen = snapshot(TUESDAY, line(judged=(1200, 34)))
    shown = reported(seen).replace("\N{NARROW NO-BREAK SPACE}", " "), reported(seen, language="en")
    assert ("1 200 sur 1 234" in shown[0], "1,200 of 1,234" in shown[1]) == (True, True)


def test_a_rate_leads_to_the_calls_that_missed_it_or_else_met_it() -> None:
    page = live_part(snapshot(TUESDAY, line(judged=(6, 2)), line("tty", judged=(3, 0))))
    led = [html.unescape(x) for x in re.findall(r'<a id="rate-[^"]+" href="([^"]+)"', page)]
    calls = f"/fr/appels?jour=2026-11-24&norme={ANSWER}&verdict="
    assert led == [f"{calls}not_met&mode=voice", f"{calls}met&mode=tty"]
    assert "rate-" not in live_part(snapshot(TUESDAY, line(judged=(0, 0))))


@pytest.mark.parametrize(
    ("language", "first", "behind"),
    [
        (
            "fr",
            "■ ATS, Toronto · Perturbation signalée par le personnel, depuis mardi 9 h (1 h 00)",
            "Motif : panne",
        ),
        (
            "en",
            "■ TTY, Toronto · Disruption reported by staff, since Tuesday 9 a.m. (1 h 00)",
            "Reason: power failure",
        ),
    ],
)
def test_a_disruption_is_one_line_and_its_notice_is_behind_it(language: str, first: str, behind: str) -> None:
    begun = Disruption(
        id="tty-1", source="staff", exchange="", what="", lines=("tty",), began=TUESDAY - 60 * MINUTE,
        notice=Notice("panne", "power failure"), actor="m.tremblay",
    )  # fmt: skip
    seen = snapshot(disruptions=(begun,))
    page = live_part(seen, language)
    (found,) = re.findall(r'<details id="d-tty-1".*?</details>', page, re.DOTALL)
    summary, _, notice = html.unescape(re.sub(r"<(?!/summary)[^>]+>", " ", found)).partition("</summary>")
    texts = [" ".join(x.replace(NO_BREAK, " ").split()) for x in (summary, notice)]
    assert (texts[0][: len(first)], texts[1][: len(behind)]) == (first, behind)
