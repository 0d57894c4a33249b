"""Where a number leads in a dialplan; what cannot be known before a call is named and not guessed."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import replace

import pytest

from callmon.tools.doctor.finding import LANGUAGE
from callmon.tools.doctor.learn import Dialled, propose
from callmon.tools.routes import (
    ExchangeRoutes,
    Hop,
    Route,
    as_text,
    learned,
    public_numbers,
    reading,
    route_findings,
    usual_hours,
)
from callmon.tools.routes.dialplan import Dialplan, Step
from callmon.tools.routes.walk import MOST_PATHS, Walker

NUMBER, E164 = "4165550101", "+14165550101"
END = "the exchange hangs up"
MUSIC = "(music, no ring)"
GLOBALS = {"PHONES": "PJSIP/101&PJSIP/102", "RINGTIMER_DEFAULT": "15"}
Steps = Mapping[tuple[str, str], Sequence[str]]


def walked(steps: Steps) -> Route:
    """The route of NUMBER, whose dialplan is given as the steps of each context and extension."""

    def load(context: str, exten: str) -> list[Step]:
        return [
            Step(place, number, priority, application=step.partition("(")[0], data=step.partition("(")[2][:-1])
            for (place, number), listed in steps.items()
            if place == context and exten in ("", number)
            for priority, step in enumerate(listed, 1)
        ]

    return Walker(Dialplan(load), GLOBALS.get).route("trunk", NUMBER)


def paths(*steps: str, more: Steps | None = None) -> list[str]:
    text = as_text(ExchangeRoutes((walked({("trunk", NUMBER): steps} | dict(more or {})),)))
    return [line.strip() for line in text.splitlines()[1:]]


BOX: Steps = {("box", "500"): ["VoiceMail(500@default,u)"]}
MENU: Steps = {
    ("menu", "s"): ["Background(words)", "WaitExten(5)"],
    ("menu", "1"): ["Goto(box,500,1)"],
    ("menu", "22"): ["Hangup()"],
    ("menu", "333"): ["Hangup()"],
}
GREETED: Steps = {("greet", "s"): ["Set(CHANNEL(language)=${ARG1})", "Return()"]}


@pytest.mark.parametrize(
    ("steps", "led"),
    [
        (["Dial(PJSIP/101,24)", "Goto(box,500,1)"], ["phones PJSIP/101 for 24 s → voicemail box 500@default"]),
        (["Dial(${PHONES},${UNTOLD})"], ["phones PJSIP/101, PJSIP/102 → the exchange hangs up"]),
        (["Dial(PJSIP/101,24,tm(default)k)"], [f"phones PJSIP/101 for 24 s {MUSIC} → {END}"]),
        (["Dial(PJSIP/101,24,tU(m))"], ["phones PJSIP/101 for 24 s → the exchange hangs up"]),
        (["Dial(${UNTOLD},24)"], ["not followed: trunk,4165550101,1 Dial(${UNTOLD},24)"]),
        (["Queue(q,tr,,,60)"], ["queue q for 60 s → the exchange hangs up"]),
        (["Queue(q)"], ["queue q (music, no ring) → the exchange hangs up"]),
        (["Set(B=500)", "VoiceMail(${B}@default&501)"], ["voicemail box 500@default"]),
        (["ExecIf($[${A}]?Set(B=1))", "VoiceMail(${B})"], ["not followed: trunk,4165550101,2 VoiceMail(${B})"]),
        (["ExecIf($[${A}]?Goto(box,500,1))"], ["the exchange hangs up", "voicemail box 500@default"]),
        (["Goto(${EXTEN:0:3},1)"], ["not followed: trunk,416,1"]),
        (["Goto(nowhere)"], ["not followed: trunk,4165550101,1 Goto(nowhere)"]),
        (["Goto(${CUT(X,|,1)})"], ["not followed: trunk,4165550101,1 Goto(${CUT(X,|,1)})"]),
        (["GotoIf($[${A}]?box,500,1)"], ["voicemail box 500@default", "the exchange hangs up"]),
        (["GotoIf($[${A}]?:box,500,1)"], ["the exchange hangs up", "voicemail box 500@default"]),
        (
            ["GotoIfTime(9:00-17:00,*,*,*?box,500,1)"],
            [
                "in the time 9:00-17:00,*,*,* → voicemail box 500@default",
                "outside the time 9:00-17:00,*,*,* → the exchange hangs up",
            ],
        ),
        (["AGI(x.py)"], ["not followed: trunk,4165550101,1 AGI(x.py)"]),
        (["Goto(1)"], ["again from an earlier step"]),
        (["Gosub(greet,s,1(fr))", "Goto(box,500,1)"], ["language fr → voicemail box 500@default"]),
        (["Goto(menu,s,1)"], ["key 1 → voicemail box 500@default", f"key 22 → {END}", f"no key → {END}"]),
        (["Macro(exten-vm,novm,101)"], ["phones 101 for 15 s → the exchange hangs up"]),
        (["Macro(exten-vm,${A},${B})"], ["not followed: trunk,4165550101,1 Macro(exten-vm,${A},${B})"]),
        (["Macro(unknown,1)"], ["not followed: macro-unknown,s,1"]),
        (["Return()"], ["the exchange hangs up"]),
    ],
)  # fmt: skip
def test_a_step_leads_where_asterisk_would_lead_or_is_named(steps: list[str], led: list[str]) -> None:
    assert paths(*steps, more={**BOX, **MENU, **GREETED}) == led


def test_a_dialplan_without_end_has_a_hundred_paths_and_says_so() -> None:
    steps = [f"GotoIfTime({hour}:00-17:00,*,*,*?{hour + 2})" for hour in range(30)]
    route = walked({("trunk", NUMBER): steps})
    assert (len(route.paths), route.is_whole) == (MOST_PATHS, False)
    assert as_text(ExchangeRoutes((route,))).splitlines()[-1].strip() == "More paths were left out."
    deep = walked({("trunk", NUMBER): ["Set(A=${EXTEN}${A})", "Gosub(trunk,${EXTEN},1)"]})
    assert deep.paths == ((Hop("repeats"),),)


def test_a_text_without_end_is_cut() -> None:
    (path,) = walked({("trunk", NUMBER): [f"Dial({'PJSIP/101&' * 10_000})"]}).paths
    assert len(path[0].name) == 200


def test_conditions_that_meet_again_are_one_way() -> None:
    steps = [f"GotoIf($[${{A}}]?{priority + 1})" for priority in range(1, 200)]
    assert walked({("trunk", NUMBER): steps}).paths == ((Hop("hang_up"),),)


@pytest.mark.parametrize(
    ("steps", "found"),
    [
        (
            ["Dial(PJSIP/101,15)"],
            ["PJSIP/101 ring for 15 s before voicemail box 500@default: it answers in ring 3."],
        ),
        (
            ["Dial(A,12)", "Dial(B,11)"],
            ["A, B ring for 23 s before voicemail box 500@default: it answers in ring 4."],
        ),
        (["Dial(A,12)", "Dial(B,12)"], []),
        (["Dial(A)"], []),
        ([], []),
        (["Queue(q,r,,,10)"], []),
        (["Dial(A,24,m)"], ["A plays music to the caller."]),
    ],
)
def test_a_box_before_the_fourth_ring_and_music_are_told(steps: list[str], found: list[str]) -> None:
    route = walked({("trunk", NUMBER): [*steps, "Goto(box,500,1)"], **BOX})
    assert [finding.what for finding in route_findings("toronto", [route])] == found


def test_a_finding_names_ten_numbers_and_how_many_more() -> None:
    hops = (Hop("phones", "101", 15), Hop("box", "500"))
    (found,) = route_findings("toronto", [Route(f"41655501{n}", "trunk", (hops,)) for n in range(10, 22)])
    named = ", ".join(f"41655501{n}" for n in range(10, 20))
    assert found.why.split(" reach")[0] == f"Callers of {named} (+2)"


def test_the_routes_are_told_in_french() -> None:
    token = LANGUAGE.set("fr")
    hops = (Hop("key", "1"), Hop("phones", "101", 15, music=True), Hop("box", "500"))
    route = Route(NUMBER, "trunk", (hops, (Hop("unfollowed", "AGI(x)", place="a,s,1"),)))
    assert as_text(ExchangeRoutes((route,))).splitlines() == [
        NUMBER,
        "    touche 1 → téléphones 101 pendant 15 s (musique, aucune sonnerie) → boîte vocale 500",
        "    non suivi : a,s,1 AGI(x)",
    ]
    LANGUAGE.reset(token)


def line(*ways: Sequence[Hop], is_whole: bool = True) -> Dialled:
    """What is learned of the line of NUMBER that leads these ways."""
    route = Route(NUMBER, "trunk", tuple(map(tuple, ways)), is_whole)
    (found,) = learned(ExchangeRoutes((route,)), [E164], [], "CA").lines.values()
    return found


RUNG = Hop("phones", "PJSIP/101, PJSIP/102", 24)


@pytest.mark.parametrize(
    ("ways", "phones"),
    [
        ([[RUNG, Hop("box", "500@default")]], {"101", "102"}),
        ([[RUNG], [Hop("phones", "1103, 94165550199#, Local/7@x, PJSIP/out@trunk")]], {"101", "102", "1103"}),
        ([[RUNG, Hop("queue", "700")]], set()),
        ([[RUNG], [Hop("unfollowed", place="x,1,1")]], set()),
    ],
)
def test_a_line_has_the_phones_of_its_dialplan_where_it_has_all(ways: list[list[Hop]], phones: set[str]) -> None:
    assert line(*ways).phones == phones


def test_a_line_whose_paths_were_cut_has_no_phones() -> None:
    assert line([RUNG], is_whole=False).phones == set()


@pytest.mark.parametrize(
    ("ways", "given", "has_menu"),
    [
        ([[Hop("language", "fr"), RUNG]], {"fr"}, False),
        ([[Hop("language", "fr"), RUNG], [RUNG]], {"fr", ""}, False),
        ([[Hop("key", "1"), RUNG], [Hop("key", "2"), Hop("language", "fr"), RUNG]], {""}, True),
        ([[Hop("key", "1"), RUNG]], {""}, False),
    ],
)
def test_a_language_belongs_to_the_line_unless_a_key_chooses_it(
    ways: list[list[Hop]], given: set[str], has_menu: bool
) -> None:
    found = line(*ways)
    assert (found.given, found.has_menu) == (given, has_menu)


@pytest.mark.parametrize(
    ("times", "hours"),
    [
        (["08:30-17:00,mon-fri,*,*"] * 2, "08:30-17:00"),
        (["08:30-17:00,mon-fri,*,*", "9:00-16:00,mon-fri,*,*"], ""),
        (["08:30-12:00,sat,*,*"], ""),
        ([], ""),
    ],
)
def test_hours_are_proposed_where_all_time_conditions_agree(times: list[str], hours: str) -> None:
    assert usual_hours([line([Hop("hours", name), RUNG]) for name in times]) == hours


def test_a_pattern_of_the_dialplan_is_no_line_and_is_named() -> None:
    routes = ExchangeRoutes((Route("_4165550[23]XX", "trunk", ()), Route("5550101", "trunk", ())))
    assert public_numbers(routes, "CA") == ["5550101"]
    found = learned(routes, ["5550101"], ["5550101"], "CA")
    assert (found.patterns, [x.mode for x in found.lines.values()]) == ({"_4165550[23]XX"}, ["tty"])
    (said,) = (x for x in propose(found, "exchange").splitlines() if "_4165550[23]XX" in x)
    assert said.startswith("# The dialplan also takes numbers by patterns: _4165550[23]XX.")


def test_a_path_that_breaks_a_line_stays_a_comment() -> None:
    found = line([Hop("unfollowed", "System(a\n[web]\nlisten)", place="trunk,1,1")])
    text = propose(replace(learned(ExchangeRoutes(()), [], [], "CA"), lines={E164: found}), "exchange")
    assert list(tomllib.loads(text)) == ["region", "exchanges", "services", "lines"]


def test_control_characters_of_a_dialplan_reach_no_terminal_and_no_file() -> None:
    entry = {"Context": "trunk\x7f", "Extension": "1\x9b2J", "Priority": "1", "AppData": "\x1b]0;x\x07[web]"}
    assert reading._step(entry) == Step("trunk", "12J", 1, data="]0;x[web]")
