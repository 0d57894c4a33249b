"""bilingual_person and feedback_offered: every case, from what the exchange would say."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from callmon.config.settings import Settings
from callmon.core.standards.judged import judged_standards
from tests.recordings.test_integrity import blind
from tests.support.ami_builders import (
    EVENING,
    GENERAL,
    MORNING,
    Channel,
    Exchange,
    judged,
    listener,
    replayed,
    settings,
)

SURVEYS = Path(__file__).parents[1] / "data" / "surveys"
B, F, T = "bilingual_person", "feedback_offered", "one_transfer_at_most"
STAFF = """
[[staff]]
extension = "101"
languages = ["en"]
[[staff]]
extension = "102"
languages = ["fr", "en"]
[[staff]]
extension = "104"
languages = ["fr"]
valid_until = 2026-11-24
"""
LISTED = settings(more=STAFF)


def asked(language: str | None, exchange: Exchange, number: str = GENERAL) -> Channel:
    """A caller who chose a language in the menu; None: there was no menu."""
    caller = exchange.at(-20).call(number, language="fr" if language == "en" else "en")
    if language is not None:
        exchange.at(-19).menu(caller)
        caller.language = language
    return caller


def answered(exchange: Exchange, caller: Channel, extension: str, at: float = 0) -> Channel:
    (phone,) = exchange.at(at).rings(caller, f"PJSIP/{extension}")
    exchange.at(at + 3).answer(caller, phone)
    return phone


def handed(exchange: Exchange, caller: Channel, phone: Channel, to: str, at: float) -> Channel:
    """A blind transfer that a person takes."""
    blind(exchange.at(at), caller, phone, to)
    return answered(exchange, caller, to, at + 0.2)


def served(*extensions: str, language: str | None = "fr", given: Settings = LISTED, start: Any = MORNING) -> Any:
    """A call whose caller was with these, one after the other."""
    exchange = Exchange(start)
    caller = asked(language, exchange)
    phone = answered(exchange, caller, extensions[0])
    for place, extension in enumerate(extensions[1:], 1):
        phone = handed(exchange, caller, phone, extension, 20.0 * place)
    exchange.at(200).ends(caller, phone)
    return exchange.one(given)


@pytest.mark.parametrize(
    ("extensions", "reported"),
    [
        (("102",), ("met", "french_at_first_answer", None)),
        (("101",), ("not_met", "no_french_speaker", "other")),
        (("101", "102"), ("met", "french_after_first_answer", None)),
        (("102", "101"), ("met", "french_at_first_answer", None)),
        (("105",), ("unknown", "staff_not_listed", None)),
        (("101", "105"), ("unknown", "staff_not_listed", None)),
        (("105", "102"), ("met", "french_first_answer_unknown", None)),
        (("104",), ("met", "french_at_first_answer", None)),
    ],
)
def test_a_french_speaker_at_some_time_of_the_call_meets_it(extensions: tuple[str, ...], reported: Any) -> None:
    assert judged(served(*extensions), B) == reported


@pytest.mark.parametrize(
    ("language", "reported"),
    [("en", ("exempt", "not_asked_in_french", None)), ("es", ("exempt", "not_asked_in_french", None)),
     (None, ("unknown", "language_unknown", None))],
)  # fmt: skip
def test_only_a_call_asked_for_in_french_is_covered(language: str | None, reported: Any) -> None:
    assert [judged(served(x, language=language), B) for x in ("101", "102")] == [reported, reported]


def test_an_extension_whose_entry_has_ended_is_not_listed() -> None:
    text = STAFF.replace("valid_until = 2026-11-24", "valid_until = 2026-11-23")
    assert judged(served("104", given=settings(more=text)), B) == ("unknown", "staff_not_listed", None)


@pytest.mark.parametrize(
    ("before", "after", "reported"),
    [
        ("fr", "en", ("not_met", "no_french_speaker", "other")),
        ("en", "fr", ("met", "french_after_first_answer", None)),
    ],
)
def test_the_languages_of_the_day_on_which_a_person_joined_count(before: str, after: str, reported: Any) -> None:
    """The call arrives ten seconds before midnight, and is handed on twenty seconds after."""
    listed = '[[staff]]\nextension = "{}"\nlanguages = ["{}"]\nvalid_{} = 2026-11-{}\n'
    entries = [listed.format("102", before, "until", 24), listed.format("102", after, "from", 25)]
    given = settings(
        {"# hours = { monday": 'hours = { tuesday = "00:00-24:00" }\n# hours = { monday'},
        listed.format("101", "en", "from", "01") + "".join(entries),
    )
    midnight = datetime(2026, 11, 25, 5, 0, tzinfo=UTC)
    call = served("101", "102", given=given, start=midnight + timedelta(seconds=10))
    assert (call["in_hours"], judged(call, B)) == (True, reported)


def test_a_call_that_nobody_answered_or_in_closed_hours_is_not_covered() -> None:
    exchange = Exchange()
    caller = asked("fr", exchange)
    (phone,) = exchange.at(0).rings(caller, "PJSIP/102")
    exchange.at(30).gives_up(caller, caller, phone)
    assert judged(exchange.one(LISTED), B) == ("exempt", "no_person", None)
    assert judged(served("101", start=EVENING), B) == ("exempt", "closed", None)


def cut(extension: str, given: Settings = LISTED) -> dict[str, Any]:
    exchange = Exchange()
    caller = asked("fr", exchange)
    phone = answered(exchange, caller, extension)
    with exchange.at(30).unheard(until=40):
        pass
    exchange.at(200).ends(caller, phone)
    return exchange.one(given)


def test_a_gap_after_the_answer_may_hide_a_french_speaker_not_remove_one() -> None:
    assert judged(cut("101"), B) == ("unknown", "gap", None)
    assert judged(cut("102"), B) == ("met", "french_at_first_answer", None)


def test_a_french_speaker_who_joins_in_beside_the_person_was_on_the_line() -> None:
    """A three-way call: nobody was transferred."""
    exchange = Exchange()
    caller = asked("fr", exchange)
    phone = answered(exchange, caller, "101")
    third = exchange.at(20).dial(None, "PJSIP/102", linkedid=caller.linkedid)
    exchange.ring(None, third)
    exchange.at(23).answer(third, third, join=False)
    exchange.at(24).join(caller, phone, third)
    exchange.at(60).leave(third)
    exchange.hangup(third)
    exchange.at(200).ends(caller, phone)
    call = exchange.one(LISTED)
    assert (judged(call, B), call["transfers"]) == (("met", "french_after_first_answer", None), [])
    assert judged(call, T) == ("met", "transferred", None)


def test_the_first_to_answer_is_unknown_if_only_a_listing_shows_one() -> None:
    exchange = Exchange()
    caller = asked("fr", exchange)
    (phone,) = exchange.at(0).rings(caller, "PJSIP/102")
    with exchange.unheard(until=30):
        exchange.at(3).answer(caller, phone)
    exchange.at(200).ends(caller, phone)
    assert judged(exchange.one(LISTED), B) == ("met", "french_first_answer_unknown", None)


def test_a_call_handed_to_an_outside_number_was_with_an_unknown_person() -> None:
    exchange = Exchange()
    caller = asked("fr", exchange)
    phone = answered(exchange, caller, "101")
    blind(exchange.at(20), caller, phone, "94165550123")
    trunk = exchange.at(20.2).dial(caller, "PJSIP/trunk", dial_string="4165550123@trunk")
    exchange.ring(caller, trunk)
    exchange.at(25).answer(caller, trunk)
    exchange.at(200).ends(caller, trunk)
    assert judged(exchange.one(LISTED), B) == ("unknown", "staff_not_listed", None)


def test_without_a_staff_list_there_is_no_verdict_at_all() -> None:
    assert [x for x in served("102", given=settings())["verdicts"] if x in (B, F)] == []


def test_a_list_of_another_exchange_enables_nothing_here() -> None:
    other = '\n[exchanges.ottawa]\nhost = "10.0.0.1"\nsecret_env = "X"\n'
    elsewhere = settings(more=STAFF.replace("languages", 'exchange = "ottawa"\nlanguages') + other)
    assert B not in served("102", given=elsewhere)["verdicts"]


# The survey.

SURVEY = settings({"# survey_extensions": "survey_extensions"})


def surveyed(to: str = "750", given: Settings = SURVEY) -> dict[str, Any]:
    exchange = Exchange()
    caller = asked("fr", exchange)
    phone = answered(exchange, caller, "101")
    blind(exchange.at(20), caller, phone, to)
    exchange.at(50).ends(caller)
    return exchange.one(given)


def test_another_extension_offers_nothing_and_is_a_transfer() -> None:
    call = surveyed("751")
    assert judged(call, F) == ("not_met", "survey_not_offered", "other")
    assert [transfer["to"] for transfer in call["transfers"]] == ["751"]


def test_one_transfer_and_then_the_survey_is_one_transfer() -> None:
    exchange = Exchange()
    caller = asked("fr", exchange)
    phone = handed(exchange, caller, answered(exchange, caller, "101"), "104", 20)
    blind(exchange.at(40), caller, phone, "750")
    exchange.at(70).ends(caller)
    call = exchange.one(SURVEY)
    assert (len(call["transfers"]), judged(call, F)[0], judged(call, T)[0]) == (1, "met", "met")


def test_a_caller_on_the_way_to_a_phone_and_then_surveyed_moved_once() -> None:
    exchange = Exchange()
    caller = asked("fr", exchange)
    phone = answered(exchange, caller, "101")
    blind(exchange.at(20), caller, phone, "104")
    (other,) = exchange.at(20.1).rings(caller, "PJSIP/104")
    exchange.at(25).stop(caller, other, "CANCEL")
    blind(exchange, caller, phone, "750")
    exchange.at(60).ends(caller)
    call = exchange.one(SURVEY)
    assert ([x["to"] for x in call["transfers"]], judged(call, F)[0]) == (["104"], "met")


def test_an_announced_transfer_to_the_survey_is_none_either() -> None:
    exchange = Exchange()
    caller = asked("fr", exchange)
    phone = answered(exchange, caller, "101")
    second = exchange.at(20).new("PJSIP/101", 4, "750", caller="101", context="internal")
    exchange.up(second)
    exchange.at(23).event(
        "AttendedTransfer", Result="Success",
        **{f"OrigTransferer{k}": v for k, v in exchange._of(phone).items()},
        **{f"SecondTransferer{k}": v for k, v in exchange._of(second).items()},
        **{f"Transferee{k}": v for k, v in exchange._of(caller).items()},
        DestType="App", DestApp="Playback",
    )  # fmt: skip
    exchange.leave(caller)
    exchange.hangup(phone)
    exchange.hangup(second)
    exchange.at(60).ends(caller)
    (call,) = exchange.calls(SURVEY)
    assert (call["transfers"], judged(call, F)[0], judged(call, T)[0]) == ([], "met", "met")


def test_a_caller_who_dials_the_survey_without_a_person_is_not_covered() -> None:
    exchange = Exchange()
    caller = asked("fr", exchange)
    caller.exten = "750"
    exchange.at(50).ends(caller)
    assert judged(exchange.one(SURVEY), F) == ("exempt", "no_person", None)
    assert [call.survey for call in exchange.replayed(SURVEY).ended] == [None]


def test_a_gap_after_the_answer_may_hide_the_offer() -> None:
    assert judged(cut("101", SURVEY), F) == ("unknown", "gap", None)


@pytest.mark.parametrize("version", ["22", "16"])
def test_on_a_real_asterisk_the_survey_is_received_however_offered(version: str) -> None:
    """By REFER, by #1, by a second line that joins, by *2, by a UserEvent at another extension, and not at all.

    Of a survey at an extension that nobody configured the dialplan's word is heard, and the transfer counts.
    """
    recorded = (SURVEYS / f"asterisk-{version}.ami").read_bytes()
    reported = [
        (call["answered_by"]["extension"], [x["to"] for x in call["transfers"]], call["verdicts"][F])
        for call in replayed(recorded, settings=SURVEY).calls()
    ]
    assert reported == [
        ("140", [], "met"),
        ("142", [], "met"),
        ("148", [], "met"),
        ("117", [], "met"),
        ("144", ["751"], "met"),
        ("146", [], "not_met"),
    ]
    unconfigured = replayed(recorded).calls()
    assert [[x["to"] for x in call["transfers"]] for call in unconfigured[:4]] == [["750"]] * 4


def said(exchange: Exchange, channel: Channel, name: str = "CallmonSurveyOffered") -> None:
    exchange.event("UserEvent", **exchange._of(channel), UserEvent=name)


def by_dialplan(exchange: Exchange, offered: bool, name: str = "CallmonSurveyOffered") -> None:
    caller = asked("fr", exchange)
    phone = answered(exchange, caller, "101")
    if offered:
        said(exchange.at(40), caller, name)
    exchange.at(50).ends(phone, caller)


def test_the_dialplans_word_enables_the_standard_for_later_ends() -> None:
    exchange = Exchange()
    for offered in (False, True, False):
        by_dialplan(exchange, offered)
    assert [call["verdicts"].get(F) for call in exchange.calls()] == [None, "met", "not_met"]


def test_another_user_event_enables_nothing() -> None:
    for name in ("CallmonSurveyOfferedNot", "SurveyOffered", "CallmonComplaint"):
        exchange = Exchange()
        by_dialplan(exchange, True, name)
        assert F not in exchange.one()["verdicts"]


def test_a_user_event_on_no_call_is_nobodys() -> None:
    exchange = Exchange()
    stranger = exchange.new("PJSIP/109", 0, "s", "another")
    said(exchange, stranger)
    by_dialplan(exchange, False)
    assert F not in exchange.one()["verdicts"]


def test_an_offer_before_the_answer_counts_for_the_call_that_is_answered() -> None:
    exchange = Exchange()
    caller = asked("fr", exchange)
    said(exchange.at(-10), caller)
    phone = answered(exchange, caller, "101")
    exchange.at(50).ends(caller, phone)
    assert judged(exchange.one(), F) == ("met", "survey_offered", None)


def test_the_survey_stays_received_over_a_reload_which_brings_staff() -> None:
    heard, plain = listener(), listener()
    heard.survey_heard = True
    plain.adopt(heard)
    enabled = judged_standards(settings(), plain.survey_heard)
    assert (enabled[F], enabled[B]) == (True, False)
    both = settings({"# survey_extensions": "survey_extensions"}, STAFF)
    changed = listener(both)
    changed.adopt(listener())
    enabled = judged_standards(both, changed.survey_heard)
    assert (enabled[F], enabled[B]) == (True, True)
