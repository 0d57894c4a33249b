"""The language asked for: unknown before a choice whatever `Language:` says (R-22), or what a queue is for."""

from __future__ import annotations

from pathlib import Path

import pytest

from callmon.config.settings import Settings
from tests.support.ami_builders import GENERAL, Channel, Exchange, replayed, settings

ASKED = Path(__file__).parents[1] / "data" / "asked"
BY_QUEUE = settings({"# queue_languages = {": "queue_languages = { anglais = 'en', francais = 'fr' } # {"})

VOICE, FRENCH = 'mode = "voice"\nlanguage_menu = true', 'mode = "voice"\nlanguage = "fr"'


def finish(exchange: Exchange, caller: Channel, at: float, given: Settings | None = None) -> str | None:
    (phone,) = exchange.at(at).rings(caller, "PJSIP/101")
    exchange.at(at + 3).answer(caller, phone)
    exchange.at(at + 30).ends(caller, phone)
    language: str | None = exchange.one(given)["language"]
    return language


# Before a choice.


@pytest.mark.parametrize("before", ["en", "fr", "es", "en, then fr"])
def test_a_caller_who_hangs_up_in_the_menu_has_chosen_nothing(before: str) -> None:
    """`en, then fr`: the dialplan greets in French first, so it sets the language before the line goes up."""
    exchange = Exchange()
    caller = exchange.call(language=before[:2])
    caller.language = before[-2:]
    exchange.at(0.1).menu(caller)
    exchange.at(9).gives_up(caller)
    assert exchange.one()["language"] is None


@pytest.mark.parametrize(("language", "asked"), [("en", None), ("fr", "fr")])
def test_who_chooses_voicemail_chose_a_language_only_if_it_changed(language: str, asked: str | None) -> None:
    exchange = Exchange()
    caller = exchange.call(language="en")
    exchange.at(0.1).menu(caller)
    caller.language = language
    exchange.at(9).voicemail(caller)
    exchange.at(30).ends(caller)
    assert exchange.one()["language"] == asked


@pytest.mark.parametrize(("after", "language"), [(0.999, None), (1.0, "fr")])
def test_a_line_that_was_up_for_less_than_a_second_offered_no_menu(after: float, language: str | None) -> None:
    exchange = Exchange()
    caller = exchange.call()
    exchange.at(0.1).menu(caller)
    caller.language = "fr"
    assert finish(exchange, caller, 0.1 + after) == language


@pytest.mark.parametrize(("first", "then"), [("en", "en_CA"), ("fr_CA", "fr")])
def test_another_name_for_the_same_language_is_a_choice_only_after_a_menu(first: str, then: str) -> None:
    exchange = Exchange()
    caller = exchange.call(language=first)
    caller.language = then
    assert finish(exchange, caller, 0.1) is None
    exchange = Exchange()
    caller = exchange.call(language=first)
    exchange.at(0.1).menu(caller)
    caller.language = then
    assert finish(exchange, caller, 9) == first[:2]


@pytest.mark.parametrize("then", ["en_CA", "en"])
def test_without_a_language_menu_the_same_language_is_no_choice(then: str) -> None:
    exchange = Exchange()
    caller = exchange.call(language="en")
    exchange.at(0.1).menu(caller)
    caller.language = then
    assert finish(exchange, caller, 9, settings({VOICE: 'mode = "voice"\nlanguage_menu = false'})) is None


@pytest.mark.parametrize(
    ("read", "seconds", "language"),
    [
        ("KEY,beep,1,,1,5", 4.9, "en"),
        ("KEY,beep,1,,1,5", 5, None),  # its time-out may have passed: silence is no choice
        ("KEY,beep,1,,2,2.5", 4.9, "en"),  # two attempts
        ("KEY,beep,1,,,5", 0.05, None),  # a prompt that cannot be played ends it at once
        ("KEY,beep,1,s,1,5", 2, None),  # it need not wait
        ("KEY,beep,1", 2, None),  # for how long it waits is not told
        ("KEY,beep,1,,1,soon", 2, None),
        ("KEY,beep,1,,1,1e999", 2, None),
    ],
)
def test_a_language_set_before_a_read_can_be_over_was_chosen(
    read: str, seconds: float, language: str | None
) -> None:
    exchange = Exchange()
    caller = exchange.call(language="en")
    exchange.at(0.1).menu(caller)
    exchange.at(1).runs(caller, "Read", read, "s", "menu")
    exchange.at(1 + seconds).runs(caller, "Set", "CHANNEL(language)=en", "1", "languages")
    assert finish(exchange, caller, 20) == language


@pytest.mark.parametrize(("menu", "language"), [(False, "fr"), (True, "en")])
def test_a_french_line_needs_no_choice_and_leaves_one_to_the_caller(menu: bool, language: str) -> None:
    exchange = Exchange()
    caller = exchange.call(language="fr" if menu else "en")
    if menu:
        exchange.at(0.1).menu(caller)
        caller.language = "en"
    assert finish(exchange, caller, 9, settings({VOICE: FRENCH})) == language


@pytest.mark.parametrize("version", ["22", "16"])
def test_on_a_real_asterisk_only_a_later_change_is_a_choice(version: str) -> None:
    """A Redirect to the survey; French set before a dial; before a greeting; 3 s after the answer; not at all."""
    recorded = (ASKED / f"asterisk-{version}.ami").read_bytes()
    calls = replayed(recorded, settings=settings({"# survey_extensions": "survey_extensions"})).calls()
    reported = [(call["outcome"], call["language"], call["verdicts"]["feedback_offered"]) for call in calls]
    assert reported == [
        ("answered", None, "met"),
        ("answered", None, "not_met"),
        ("abandoned", None, "exempt"),
        ("answered", "fr", "not_met"),
        ("answered", None, "met"),
    ]


# From a queue.


def queued(
    name: str, menu: bool = False, language: str = "en", chosen: str | None = None
) -> tuple[Exchange, Channel]:
    exchange = Exchange()
    caller = exchange.call(GENERAL, language=language)
    if menu:
        exchange.at(0.1).menu(caller)
    caller.language = chosen or language
    exchange.at(9 if menu else 0.1).queue(caller, name)
    return exchange, caller


@pytest.mark.parametrize(
    ("name", "menu", "chosen", "given", "asked"),
    [
        ("francais", False, None, BY_QUEUE, "fr"),
        ("anglais", False, None, BY_QUEUE, "en"),
        ("genline", False, None, BY_QUEUE, None),
        ("francais", False, None, None, None),  # without the setting its name says nothing
        ("francais", True, None, BY_QUEUE, "fr"),  # it says more than a language that stayed through the menu
        ("anglais", True, "fr", BY_QUEUE, "fr"),  # a choice heard before says more than the queue that had room
    ],
)
def test_who_enters_a_language_queue_asked_for_that_language(
    name: str, menu: bool, chosen: str | None, given: Settings | None, asked: str | None
) -> None:
    exchange, caller = queued(name, menu=menu, chosen=chosen)
    assert finish(exchange, caller, 10, given) == asked


def test_a_second_queue_changes_nothing() -> None:
    exchange, caller = queued("francais")
    exchange.at(60).leave_queue(caller, "francais")
    exchange.queue(caller, "anglais")
    assert finish(exchange, caller, 61, BY_QUEUE) == "fr"


def test_a_queue_changes_nothing_on_a_line_that_is_french_itself() -> None:
    exchange, caller = queued("anglais")
    given = settings({
        "# queue_languages = {": "queue_languages = { anglais = 'en' } # {",
        VOICE: FRENCH,
    })  # fmt: skip
    assert finish(exchange, caller, 10, given) == "fr"


def test_a_queue_chosen_by_a_person_is_not_the_callers_choice() -> None:
    exchange = Exchange()
    caller = exchange.call()
    (phone,) = exchange.at(0.1).rings(caller, "PJSIP/101")
    exchange.at(3).answer(caller, phone)
    exchange.at(9).leave(caller)
    exchange.hangup(phone)
    exchange.queue(caller, "francais")
    exchange.at(60).ends(caller)
    assert exchange.one(BY_QUEUE)["language"] is None
