"""Stories: recordings of a real Asterisk told whole, as files reviewed by eye, and the rules they keep.

After a change that is meant: `CALLMON_RECORD_STORIES=1 pytest tests/unit/test_explain.py`, then read the diff.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, cast, get_args
from zoneinfo import ZoneInfo

import msgspec
import pytest

from callmon.config.phone_numbers import NO_BREAK
from callmon.config.settings import example
from callmon.core import facts as f
from callmon.core.callbacks.entries import AnyEntry
from callmon.core.calls.account import CallAccount
from callmon.core.facts import AnyFact, Fact
from callmon.core.monitor import Monitor
from callmon.store.queries.calls import StoredCall
from callmon.store.row_mapping import without_numbers
from callmon.text import story as explain
from callmon.text.formatter import Formatter
from callmon.text.labels import STANDARDS
from callmon.text.story.sentences import QUOTES, TEXTS, sentence
from callmon.text.story.timeline import StoryContext, moments
from callmon.tools.replay import Replay, chunks
from tests.support.ami_builders import settings
from tests.support.environment import GIVEN
from tests.support.store_fixtures import CALLER, EXCHANGE, START, account, answered_call, finding, seconds

HERE = Path(__file__).parents[1]
STORIES = HERE / "data" / "stories"
SETTINGS = example()
TIMEZONE = ZoneInfo("America/Toronto")
TURNED_AWAY = re.compile(r"\b(deaf|blind\w*|dumb|kill\w*|sourde?s?|aveugles?|blondes?|muet\w*)\b", re.IGNORECASE)

RECORDED = (
    "hunt_too_late",
    "hunt_voicemail",
    "menu_french",
    "menu_chosen_voicemail",
    "queue_second_member",
    "queue_timeout_voicemail",
    "queue_left_by_key",
    "busy_all",
    "hold_unhold",
    "abandon_ring4",
    "closed_announcement",
    "offline_to_voicemail",
    "early_media_phone",
    "tty_answered",
    "outbound_answered",
    "internal_call",
    "blind_transfer",
    "attended_transfer",
    "two_transfers",
    "transfer_to_voicemail",
    "blonde_returned",
    "park_retrieve",
    "park_timeout",
    "forward_302",
    "pickup",
)


def recorded(name: str) -> StoredCall:
    """The one call of a recording, as the database keeps it: no person's number in it."""
    replay = Replay(Monitor(SETTINGS, EXCHANGE, every_call=True, token=str), EXCHANGE)
    facts: list[Fact] = []
    with (HERE / "recordings" / f"{name}.ami").open("rb") as source:
        for outcome in replay.connection(chunks(source)):
            facts += outcome.facts
    (call,) = replay.ended
    reported = tuple(without_numbers(fact) if isinstance(fact, f.Arrived) else fact for fact in facts)
    findings = sorted(replay.findings.get(call.call, ()), key=lambda x: (x.at, x.standard))
    return StoredCall(EXCHANGE, without_numbers(call), reported, tuple(findings))


def reported(facts: Sequence[Fact], in_progress: bool = False) -> StoredCall:
    """A stored call of these facts, judged as the daemon would."""
    outcome = Monitor(SETTINGS, token=str).retell(EXCHANGE, facts)
    assert outcome is not None
    return StoredCall(EXCHANGE, None if in_progress else outcome.calls[0], tuple(facts), outcome.findings)


# ── whole stories ──


def check(name: str, stored: StoredCall) -> None:
    """Both languages against their files; the files are written when they are asked for."""
    for language in ("fr", "en"):
        path = STORIES / f"{name}.{language}.txt"
        text = explain.story(stored, SETTINGS, language)
        if GIVEN.get("CALLMON_RECORD_STORIES"):
            path.write_text(text, encoding="utf-8")
        assert text == path.read_text(encoding="utf-8"), f"{path.name} tells it otherwise"


@pytest.mark.parametrize("name", RECORDED)
def test_a_recorded_call_is_explained_in_both_languages_as_in_files(name: str) -> None:
    check(name, recorded(name))


CALL, CHANNEL = "1795527733.0", "PJSIP/trunk-00000000"


def arrived(**changed: Any) -> f.Arrived:
    plain = f.Arrived(CALL, START, "inbound", "general", "4163272422", None, None, CHANNEL)
    return msgspec.structs.replace(plain, **changed)


def phone(name: str, at: float) -> list[Fact]:
    channel = f"PJSIP/{name}-00000001"
    when = START + seconds(at)
    return [f.PhoneDialled(CALL, when, name, channel), f.PhoneRang(CALL, when, name, channel)]


def after(at: float) -> datetime:
    return START + seconds(at)


CONSTRUCTED: dict[str, tuple[list[Fact], bool]] = {
    "unheard_while_ringing": (
        [
            arrived(),
            *phone("101", 0.1),
            f.Unheard(CALL, after(5.2), after(14.7), True),
            f.Answered(CALL, after(5.2), "101", "PJSIP/101-00000001", after(0.1), slack=seconds(9.5)),
            f.Ended(CALL, after(40), "caller"),
        ],
        False,
    ),
    "found_in_progress_and_ended_unheard": (
        [
            arrived(found=True, may_hide_answer=True, slack=seconds(1)),
            f.PhoneDialled(CALL, None, "101", "PJSIP/101-00000001"),
            f.PhoneRang(CALL, START, "101", "PJSIP/101-00000001", slack=seconds(1)),
            f.Unheard(CALL, after(9), after(20)),
            f.Ended(CALL, None, "unknown", "unheard"),
        ],
        False,
    ),
    "withheld_and_still_ringing": ([arrived(withheld="withheld"), *phone("101", 0), *phone("103", 0.3)], True),
    "stopped_while_outside_rang": (
        [
            arrived(),
            *phone("outside", 0.2),
            f.PhoneStopped(CALL, after(13), "outside", "PJSIP/outside-00000001", "busy", True),
            f.Ended(CALL, after(20), "exchange", "stopped"),
        ],
        False,
    ),
}


@pytest.mark.parametrize("name", CONSTRUCTED)
def test_a_call_received_in_part_says_what_is_unknown_as_its_files_have_it(name: str) -> None:
    check(name, reported(*CONSTRUCTED[name]))


# ── rules that every story keeps ──


def every_story() -> Iterator[tuple[str, str]]:
    for path in sorted(STORIES.iterdir()):
        yield path.name, path.read_text(encoding="utf-8")


def test_no_line_of_a_story_is_wider_than_100_columns() -> None:
    assert [(name, line) for name, text in every_story() for line in text.splitlines() if len(line) > 100] == []


def test_no_story_makes_a_metaphor_of_a_disability_or_of_hair() -> None:
    assert [(name, found) for name, text in every_story() for found in TURNED_AWAY.findall(text)] == []


def test_no_french_story_breaks_before_a_colon_a_closing_quote_or_a_unit() -> None:
    broken = re.compile(r"« | »| :|\d (?:h|min|s)\b")
    french = [(name, text) for name, text in every_story() if name.endswith(".fr.txt")]
    assert [(name, found) for name, text in french for found in broken.findall(text)] == []


def test_a_callers_number_is_shown_only_where_it_was_asked_for() -> None:
    facts = answered_call(0)
    without = tuple(without_numbers(x) if isinstance(x, f.Arrived) else x for x in facts)
    hidden = StoredCall(EXCHANGE, without_numbers(account(facts)), without, ())
    shown = StoredCall(EXCHANGE, account(facts), tuple(facts), ())
    assert row(explain.story(hidden, SETTINGS, "fr"), "Numéro de l’appelant") == "transmis, non affiché ici"
    assert row(explain.story(shown, SETTINGS, "fr"), "Numéro de l’appelant") == f"416{NO_BREAK}555-0101"


@pytest.mark.parametrize(
    ("withheld", "french", "english"),
    [("withheld", "numéro confidentiel", "number withheld"), ("unknown", "numéro inconnu", "number not known")],
)
def test_a_hidden_number_is_not_shown_even_where_it_was_delivered(
    withheld: str, french: str, english: str
) -> None:
    stored = reported([arrived(withheld=withheld, caller=CALLER), f.Ended(CALL, after(3), "caller")])
    assert row(explain.story(stored, SETTINGS, "fr"), "Numéro de l’appelant") == french
    assert row(explain.story(stored, SETTINGS, "en"), "Caller's number") == english


def row(story: str, name: str) -> str:
    (found,) = (line for line in story.splitlines() if line.startswith(f"  {name} "))
    return found.removeprefix(f"  {name}").strip(" ")


def test_a_terminals_cursor_cannot_be_moved_by_what_the_exchange_says() -> None:
    stored = reported([arrived(), f.QueueEntered(CALL, after(1), "a\x1b[2Jb"), f.Ended(CALL, after(3), "caller")])
    assert "\x1b" not in explain.story(stored, SETTINGS, "fr")


# ── sentences ──


def sentences(facts: Sequence[Fact], language: str = "en") -> list[str]:
    stored = reported(facts) if isinstance(facts[-1], f.Ended) else reported(facts, in_progress=True)
    story = CallAccount(cast(f.Arrived, facts[0]))
    for fact in facts:
        story.record_fact(fact)
    all_facts = cast("Sequence[AnyFact]", facts)
    call = stored.account or story.call()
    context = StoryContext(language, TIMEZONE, call, all_facts, story.clock, story.doubt.clock_slack)
    return [
        sentence(context, moment).replace(NO_BREAK, " ") for moment in moments(all_facts, context.third_ring_over)
    ]


ONE_OF_EACH: list[Fact] = [
    arrived(),
    f.NumberWithheld(CALL, after(0.5)),
    f.LineOpened(CALL, after(1)),
    f.CallbackRequested(CALL, after(1.5), "outside", "fr"),
    f.ComplaintMade(CALL, after(1.7)),
    f.SipCallIdGiven(CALL, after(1.8), "a84b4c76e66710@192.0.2.10"),
    f.LanguageChosen(CALL, after(2), "fr"),
    f.QueueEntered(CALL, after(3), "genline"),
    f.QueueLeft(CALL, after(20), "genline"),
    f.PhoneDialled(CALL, after(21), "101", "PJSIP/101-1"),
    f.MusicPlayed(CALL, after(22)),
    f.PhoneRang(CALL, after(24), "101", "PJSIP/101-1"),
    f.PhoneStopped(CALL, after(27), "101", "PJSIP/101-1", "no_answer", True),
    f.PhonesSeen(CALL, after(28), "in_use"),
    f.Answered(CALL, after(30), "102", "PJSIP/102-1"),
    f.Held(CALL, after(31), "102"),
    f.Resumed(CALL, after(33.5), "102"),
    f.SentOff(CALL, after(34.2), "blind", "PJSIP/102-1", "104"),
    f.CameBack(CALL, after(34.3), "104"),
    f.Transferred(CALL, after(34.4), "redirect", "PJSIP/102-1", "104", True),
    f.PersonJoined(CALL, after(34.4), "104", "PJSIP/104-1"),
    f.Parted(CALL, after(34.4)),
    f.Parked(CALL, after(34.4)),
    f.Retrieved(CALL, after(34.4), "105"),
    f.ParkingEnded(CALL, after(34.4)),
    f.Forwarded(CALL, after(34.4), "105", "outside"),
    f.Overflowed(CALL, after(34.5)),
    f.ThirdJoined(CALL, after(34.5), "106", "PJSIP/106-1"),
    f.SurveyOffered(CALL, after(34.6), "transfer"),
    f.DialFailed(CALL, after(34.8)),
    f.RingbackBegan(CALL, after(34.9), "dial"),
    f.RingbackEnded(CALL, after(34.9)),
    f.RingbackUnknown(CALL, after(38)),
    f.CallerBusy(CALL, after(35)),
    f.MenuAnswered(CALL, after(35), True),
    f.MenuAnswered(CALL, after(35), False),
    f.MenuAnswered(CALL, after(35), None),
    f.MenuAnswered(CALL, after(35), True, waits=True),
    f.MenuAnswered(CALL, after(35), True, pressed="3"),
    f.MenuAnswered(CALL, after(35), True, waits=True, pressed="3"),
    f.PersonSought(CALL, after(35)),
    f.MessageUnclear(CALL, after(35)),
    f.Unheard(CALL, after(35), after(36), True, unreported=True),
    f.VoicemailTook(CALL, after(36), "500"),
    f.MessageLeft(CALL, after(40), "500"),
    f.Unheard(CALL, after(41), after(42)),
    f.ClockSet(CALL, after(42.5), timedelta(0.1)),
    f.Filled(CALL, after(43)),
    f.HangupRequested(CALL, after(44)),
    f.Ended(CALL, after(45), "unknown"),
]


def test_every_kind_of_fact_has_its_sentence() -> None:
    assert {type(fact) for fact in ONE_OF_EACH} == set(get_args(AnyFact))
    assert len(sentences(ONE_OF_EACH)) == len(ONE_OF_EACH)


@pytest.mark.parametrize(
    ("before", "told"),
    [([], "Another menu asks for a key."), (phone("101", 1), "It is not known whether the caller presses a key.")],
)
def test_a_key_of_which_nothing_tells_after_a_dial_is_not_told_as_a_menu(before: list[Fact], told: str) -> None:
    facts = [arrived(), *before, f.MenuAnswered(CALL, after(35), None)]
    assert sentences([*facts, f.Ended(CALL, after(40), "caller")])[-2] == told


NONE_FREE, IDLE = "No phone of the line is free.", "At least one phone of the line is free and does not ring."
FREE_RINGS = "A free phone of the line rings for the caller."


@pytest.mark.parametrize(
    ("states", "shown"),
    [
        ([(1, "in_use"), (1, "ringing")], [FREE_RINGS]),
        ([(1, "in_use"), (2, "ringing")], [FREE_RINGS]),
        ([(1, "in_use"), (2.1, "ringing")], [NONE_FREE, FREE_RINGS]),
        ([(1, "in_use"), (1.5, "free"), (2, "ringing")], [FREE_RINGS]),
        ([(1, "in_use"), (5, "free")], [NONE_FREE, IDLE]),
        # The third ring ends at 19 s: the cause of its verdict is that no phone was free.
        ([(18.9, "in_use"), (19, "ringing")], [NONE_FREE, FREE_RINGS]),
        ([(19, "in_use"), (19.5, "ringing")], [FREE_RINGS]),
    ],
)
def test_two_states_of_the_phones_are_not_said_within_one_second(
    states: list[tuple[float, f.PhonesBest]], shown: list[str]
) -> None:
    rang = f.PhoneRang(CALL, after(1), "101", "PJSIP/101-1")
    facts = [arrived(), rang, *(f.PhonesSeen(CALL, after(at), best) for at, best in states)]
    found = sentences([*facts, f.Ended(CALL, after(30), "caller")])
    assert [x for x in found if x in (NONE_FREE, IDLE, FREE_RINGS)] == shown


@pytest.mark.parametrize("language", ["fr", "en"])
def test_every_sentence_ends_with_one_full_stop(language: str) -> None:
    ends = [text[-2:] for text in sentences(ONE_OF_EACH, language)]
    assert [end for end in ends if end[1] != "." or end == ".."] == []


def test_a_clock_that_was_set_is_reported_in_both_languages_and_which_way() -> None:
    facts = [arrived(), *(f.ClockSet(CALL, after(n), timedelta(seconds=by)) for n, by in ((1, 3600), (2, -1.5)))]
    assert sentences(facts, "fr")[1:] == [
        "L’horloge de l’autocommutateur a été avancée de 3600,0 s.",
        "L’horloge de l’autocommutateur a été reculée de 1,5 s.",
    ]
    assert sentences(facts, "en")[1:] == [
        "The exchange's clock was set forward by 3600.0 s.",
        "The exchange's clock was set back by 1.5 s.",
    ]


def test_relay_third_person_and_survey_are_in_both_languages() -> None:
    facts = [
        arrived(relay=True),
        f.Answered(CALL, after(3), "101", "PJSIP/101-1"),
        f.ThirdJoined(CALL, after(9), "102", "PJSIP/102-1"),
        f.SurveyOffered(CALL, after(30), "dialplan"),
        f.SurveyOffered(CALL, after(31), "transfer"),
    ]
    assert [text for text in sentences(facts, "fr") if "répond" not in text] == [
        "L’appel arrive (par service de relais).",
        "Le poste 102 se joint à la conversation.",
        "Le sondage est offert à l’appelant.",
        "L’appelant est envoyé au sondage (aucun réacheminement).",
    ]
    assert [text for text in sentences(facts, "en") if "answers" not in text] == [
        "The call arrives (through a relay service).",
        "Phone 102 joins the conversation.",
        "The caller is offered the survey.",
        "The caller is sent to the survey (no redirection).",
    ]


def phones_at(*starts: tuple[str, float]) -> list[str]:
    return sentences([arrived(), *(fact for name, at in starts for fact in phone(name, at))], "fr")[1:]


def test_phones_that_start_within_half_a_second_are_one_sentence() -> None:
    assert phones_at(("103", 0), ("101", 0.2), ("102", 0.5)) == [
        "Les postes 101, 102 et 103 sonnent (1re sonnerie de l’appelant)."
    ]
    assert phones_at(("101", 0), ("102", 0.501)) == [
        "Le poste 101 sonne (1re sonnerie de l’appelant).",
        "Le poste 102 sonne (1re sonnerie de l’appelant).",
    ]


@pytest.mark.parametrize(("at", "ring"), [(17.999, "3e"), (18.0, "4e")])
def test_a_phone_that_rings_at_18_seconds_rings_at_the_callers_fourth(at: float, ring: str) -> None:
    assert phones_at(("101", 0), ("103", at))[1] == f"Le poste 103 sonne ({ring} sonnerie de l’appelant)."


def test_a_phone_dialled_with_others_that_rings_outside_is_not_numbered() -> None:
    assert phones_at(("101", 0), ("outside", 0)) == [
        "Le poste 101 sonne (1re sonnerie de l’appelant).",
        "Un numéro de l’extérieur sonne (1re sonnerie de l’appelant).",
    ]


def test_an_answer_whose_time_a_listing_brought_later_is_reported_once() -> None:
    channel = "PJSIP/101-00000001"
    doubtful = f.Answered(CALL, after(0), "101", channel, after(0), slack=seconds(10))
    exact = f.Answered(CALL, after(8), "101", channel, after(0))
    assert sentences([arrived(), *phone("101", 0), doubtful, exact])[2:] == [
        "Phone 101 answers (the caller's ring 2)."
    ]


def test_a_phone_that_lets_go_without_having_held_says_nothing() -> None:
    assert sentences([arrived(), f.Resumed(CALL, after(3), "101")]) == ["The call arrives."]


@pytest.mark.parametrize(
    ("direction", "ended"), [("inbound", "Our side ends the call."), ("outbound", "The other side ends the call.")]
)
def test_who_hung_up_is_seen_from_our_side(direction: str, ended: str) -> None:
    facts = [arrived(direction=direction, line="general"), *phone("101", 0)]
    facts += [f.Answered(CALL, after(2), "101", "PJSIP/101-00000001"), f.Ended(CALL, after(9), "exchange")]
    assert sentences(facts)[-1] == ended


# ── handed on ──

TALKING: list[Fact] = [arrived(), *phone("101", 0), f.Answered(CALL, after(2), "101", "PJSIP/101-00000001")]
SENT = f.SentOff(CALL, after(9), "blind", "PJSIP/101-00000001", "104")


def handed_on(*facts: Fact, language: str = "fr") -> list[str]:
    """The sentences after the answer; each ends with the caller's hang-up, which is left out."""
    ended = f.Ended(CALL, after(60), "caller")
    return sentences([*TALKING, *facts, ended], language)[3:-1]


@pytest.mark.parametrize(
    ("kind", "french", "english"),
    [
        (
            "blind",
            "Le poste 101 transfère l’appel à un numéro de l’extérieur, sans annonce.",
            "Phone 101 transfers the call to an outside number, unannounced.",
        ),
        (
            "attended",
            "Le poste 101 transfère l’appel à un numéro de l’extérieur, avec annonce.",
            "Phone 101 transfers the call to an outside number, announced.",
        ),
        (
            "blonde",
            "Le poste 101 transfère l’appel à un numéro de l’extérieur, pendant la sonnerie.",
            "Phone 101 hands the call over to an outside number while it rings.",
        ),
        (
            "redirect",
            "L’autocommutateur transfère l’appel à un numéro de l’extérieur.",
            "The exchange transfers the call to an outside number.",
        ),
    ],
)
def test_each_kind_of_transfer_is_reported_with_its_own_words(
    kind: f.TransferKind, french: str, english: str
) -> None:
    sent = f.SentOff(CALL, after(9), kind, "PJSIP/101-00000001", "outside")
    assert (handed_on(sent), handed_on(sent, language="en")) == ([french], [english])


@pytest.mark.parametrize(
    ("kind", "french", "english"),
    [
        (
            "attended",
            "Le poste 101 transfère l’appel au numéro interne 104; on ne sait pas comment (réacheminement 1).",
            "Phone 101 transfers the call to the internal number 104; how is not known (redirection 1).",
        ),
        (
            "redirect",
            "L’appel est transféré; on ne sait ni comment ni à qui (réacheminement 1).",
            "The call is transferred; neither how nor to whom is known (redirection 1).",
        ),
    ],
)
def test_of_a_transfer_whose_kind_went_unheard_the_story_names_no_kind(
    kind: f.TransferKind, french: str, english: str
) -> None:
    channel = "PJSIP/101-00000001"
    sent = f.SentOff(CALL, after(9), kind, channel, "104", unheard=True)
    counted = f.Transferred(CALL, after(9), kind, channel, "104", True, unheard=True)
    assert (handed_on(sent, counted), handed_on(sent, counted, language="en")) == ([french], [english])


def test_a_transfer_without_a_sending_names_its_target_if_received() -> None:
    heard = f.Transferred(CALL, after(9), "redirect", "PJSIP/101-00000001", "outside", True)
    unheard = msgspec.structs.replace(heard, unheard=True)
    assert [handed_on(heard), handed_on(unheard), handed_on(unheard, language="en")] == [
        ["Le transfert à un numéro de l’extérieur a lieu (réacheminement 1)."],
        ["Un transfert a lieu; on ne sait ni comment ni à qui (réacheminement 1)."],
        ["A transfer takes place; neither how nor to whom is known (redirection 1)."],
    ]


def test_a_transfer_is_reported_by_its_name_once_it_was_named() -> None:
    seen = msgspec.structs.replace(SENT, kind="redirect")
    counted = f.Transferred(CALL, after(9), "blind", "PJSIP/101-00000001", "104", True)
    assert handed_on(seen, SENT, counted) == [
        "Le poste 101 transfère l’appel au numéro interne 104, sans annonce (réacheminement 1)."
    ]


def test_a_caller_who_came_back_differs_from_a_transfer_to_nothing() -> None:
    back, nothing = f.CameBack(CALL, after(20), "104"), f.CameBack(CALL, after(60), "104")
    sent = "Le poste 101 transfère l’appel au numéro interne 104, sans annonce."
    assert handed_on(SENT, back) == [sent, "Le poste 101 retrouve l’appelant (aucun réacheminement)."]
    assert handed_on(SENT, nothing) == [
        sent,
        "Le transfert au numéro interne 104 n’aboutit pas (aucun réacheminement).",
    ]


def test_a_transferer_outside_is_an_outside_number() -> None:
    channel = "PJSIP/trunk-00000009"
    facts = [*TALKING[:3], f.Answered(CALL, after(2), "outside", channel)]
    sent = f.SentOff(CALL, after(9), "blind", channel, "104")
    sentences_now = sentences([*facts, sent, f.Ended(CALL, after(60), "caller")], "en")
    assert sentences_now[3] == "An outside number transfers the call to the internal number 104, unannounced."


def test_who_takes_a_call_after_parking_or_an_overflow_takes_no_transfer() -> None:
    joined = f.PersonJoined(CALL, after(40), "104", "PJSIP/104-00000002")
    assert handed_on(f.Parked(CALL, after(9)), f.ParkingEnded(CALL, after(30)), joined)[-1] == (
        "Le poste 104 reprend l’appel parqué."
    )
    assert handed_on(f.Overflowed(CALL, after(30)), joined) == [
        "Notre côté raccroche; l’autocommutateur garde l’appelant et appelle un autre poste "
        "(aucun réacheminement).",
        "Le poste 104 prend l’appel.",
    ]


# ── how it speaks ──


@pytest.mark.parametrize(
    ("at", "french", "english"),
    [
        (datetime(2026, 11, 24, 18, 42, 5, tzinfo=UTC), "13 h 42", "1:42 p.m."),
        (datetime(2026, 11, 24, 22, 0, tzinfo=UTC), "17 h", "5 p.m."),
        (datetime(2026, 7, 1, 4, 5, tzinfo=UTC), "0 h 05", "12:05 a.m."),
        (datetime(2026, 7, 1, 16, 0, tzinfo=UTC), "12 h", "noon"),
        (datetime(2026, 7, 1, 4, 0, tzinfo=UTC), "0 h", "midnight"),
    ],
)
def test_a_time_is_printed_as_the_ministry_prints_it(at: datetime, french: str, english: str) -> None:
    times = [Formatter(language, TIMEZONE).minute(at).replace(NO_BREAK, " ") for language in ("fr", "en")]
    assert times == [french, english]


@pytest.mark.parametrize(
    ("length", "french", "english"),
    [
        (17.999, "17,9 s", "17.9 s"),
        (18.0, "18,0 s", "18.0 s"),
        (-0.05, "0,0 s", "0.0 s"),
        (-4.23, "\N{MINUS SIGN}4,2 s", "\N{MINUS SIGN}4.2 s"),
    ],
)
def test_seconds_are_cut_off_so_ring_three_never_reads_as_four(length: float, french: str, english: str) -> None:
    span = timedelta(seconds=length)
    reported = [Formatter(language, TIMEZONE).seconds(span).replace(NO_BREAK, " ") for language in ("fr", "en")]
    assert reported == [french, english]


def test_the_first_of_a_month_is_1er_in_french_only() -> None:
    at = datetime(2026, 11, 1, 18, tzinfo=UTC)
    days = [Formatter(language, TIMEZONE).day(at).replace(NO_BREAK, " ") for language in ("fr", "en")]
    assert days == ["1er novembre 2026", "1 November 2026"]


# ── sentences ──


@pytest.mark.parametrize(("part", "kinds"), [("facts", get_args(AnyFact)), ("entries", get_args(AnyEntry))])
def test_every_fact_and_ledger_entry_has_a_sentence(part: str, kinds: tuple[type[msgspec.Struct], ...]) -> None:
    assert {name.partition(".")[0] for name in TEXTS[part]} == {f.tag_of(kind) for kind in kinds}


def test_every_promise_has_its_words_in_the_policy_and_translated() -> None:
    assert sorted(QUOTES) == sorted(STANDARDS)
    assert [quote for quote in QUOTES.values() if quote.english in ("", quote.words)] == []


# ── JSON ──


def test_the_json_of_a_stored_call_is_that_of_its_account_and_findings() -> None:
    facts = answered_call(0)
    call = account(facts)
    stored = StoredCall(EXCHANGE, call, tuple(facts), (finding(call),))
    found = explain.as_json(stored, SETTINGS)
    assert (found["outcome"], found["rings"], found["wait_seconds"]) == ("answered", 2, 8.4)
    assert (found["caller"], found["verdicts"]) == (CALLER, {"answer_by_third_ring": "met"})


def test_the_json_of_a_call_in_progress_goes_as_far_as_its_facts() -> None:
    stored = reported([arrived(), *phone("101", 0)], in_progress=True)
    found = explain.as_json(stored, SETTINGS)
    assert (found["ringing"], found["ended"], found["verdicts"]) == ("2026-11-24T13:42:13.217087Z", None, {})
    assert found["in_hours"] is True


@pytest.mark.parametrize(("boxes", "is_shown"), [(["500", "4165550177"], True), (["500"], False)])
def test_a_box_named_as_a_number_is_shown_where_it_is_configured(boxes: list[str], is_shown: bool) -> None:
    known = settings({'mailboxes = ["500"]': f"mailboxes = {json.dumps(boxes)}"})
    facts = [
        msgspec.structs.replace(x, mailbox="4165550177") if isinstance(x, f.VoicemailTook) else x
        for x in recorded("queue_timeout_voicemail").facts
    ]
    assert ("4165550177" in explain.story(reported(facts), known, "en")) == is_shown
