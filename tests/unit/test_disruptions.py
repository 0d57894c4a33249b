"""What callmon sees of exchanges, trunks and phones becomes disruptions; what people say of them is kept."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from callmon.ami import decoding
from callmon.ami import events as e
from callmon.core.disruptions.disruption import Disruption, DisruptionCommandRefused, Notice, after, opened
from callmon.core.disruptions.register import DisruptionRegister
from callmon.core.monitor import Monitor
from tests.support.examples import examples
from tests.support.fact_builder import local
from tests.support.simulated_exchange import TRUNK, SimulatedExchange, site

TUESDAY = local("2026-11-24 10:00")
SECOND, MINUTE, HOUR = timedelta(seconds=1), timedelta(minutes=1), timedelta(hours=1)
WHOLE = Notice("panne de courant", "power failure", "composez le numéro sans frais", "call the toll-free number",
               TUESDAY + 2 * HOUR)  # fmt: skip
LINES = ("general", "general-toll-free", "tty", "tty-toll-free", "poci", "poci-toll-free")


def well(now: datetime = TUESDAY) -> SimulatedExchange:
    """Both phones of the line and the trunk are free, and callmon has heard it."""
    return SimulatedExchange(now).listed(_101="NOT_INUSE", _102="NOT_INUSE", trunk="NOT_INUSE").passes(1)


# ── phones ──


def test_a_line_without_reachable_phones_is_disrupted_since_the_last() -> None:
    heard = well().device("101", "UNAVAILABLE").passes(60)
    assert heard.kept == {}
    gone = heard.now
    heard.device("102", "UNAVAILABLE").passes(10)
    assert heard.kept == {}
    heard.passes(1)
    one = heard.one()
    assert (one.source, one.lines, one.began, one.ended) == ("phones", ("general",), gone, None)
    assert one.id == f"general-{int(gone.timestamp())}"
    heard.passes(50)
    heard.now = back = heard.now + SECOND / 4
    heard.device("101", "NOT_INUSE").passes(1)
    assert (heard.one().ended, heard.one().how) == (back, "over")
    assert heard.story() == ["Opened", "DisruptionEnded"]


@pytest.mark.parametrize("seconds", [1, 9])
def test_a_phone_that_comes_back_within_ten_seconds_makes_no_disruption(seconds: int) -> None:
    heard = well().device("101", "UNAVAILABLE").device("102", "UNAVAILABLE").passes(seconds)
    assert heard.device("102", "NOT_INUSE").passes(60).kept == {}


@pytest.mark.parametrize("state", ["INUSE", "RINGING", "BUSY", "ONHOLD"])
def test_a_phone_that_is_used_can_be_reached(state: str) -> None:
    assert well().device("101", "UNAVAILABLE").device("102", state).passes(60).kept == {}


def test_of_an_unreported_phone_nothing_is_known_and_nothing_claimed() -> None:
    heard = SimulatedExchange(TUESDAY).listed(_101="UNAVAILABLE")
    assert heard.passes(600).kept == {}


def test_phones_unplugged_while_the_line_is_closed_are_none_until_open() -> None:
    heard = well(local("2026-11-24 17:00")).device("101", "UNAVAILABLE").device("102", "UNAVAILABLE").passes(600)
    assert heard.kept == {}
    heard.at(local("2026-11-25 08:30")).passes(11)
    assert heard.one().began == local("2026-11-24 17:00") + SECOND
    heard.at(local("2026-11-25 17:00"))
    assert (heard.one().how, heard.one().ended) == ("closed", local("2026-11-25 17:00"))


def test_a_gap_neither_opens_nor_ends_a_disruption_of_phones() -> None:
    heard = well().device("101", "UNAVAILABLE").device("102", "UNAVAILABLE").passes(11).lose().passes(5)
    assert heard.one().ended is None
    heard.listed(_101="UNAVAILABLE", _102="UNAVAILABLE").passes(5)
    assert heard.one().ended is None
    heard.device("101", "NOT_INUSE").passes(1)
    assert heard.one().ended == heard.now - SECOND


def test_what_lasted_before_a_gap_says_nothing_of_the_time_after_it() -> None:
    heard = well().device("101", "UNAVAILABLE").device("102", "UNAVAILABLE").passes(5).lose().passes(6)
    heard.listed(_101="UNAVAILABLE", _102="UNAVAILABLE").passes(9)
    back = heard.now - 9 * SECOND
    assert heard.kept == {}
    assert heard.passes(2).one().began == back


def test_after_a_restart_a_disruption_goes_on_and_is_not_opened_twice() -> None:
    heard = well().device("101", "UNAVAILABLE").device("102", "UNAVAILABLE").passes(11)
    heard.restart().passes(3).listed(_101="UNAVAILABLE", _102="UNAVAILABLE").passes(60)
    assert (heard.one().ended, heard.story()) == (None, ["Opened"])
    heard.device("102", "NOT_INUSE").passes(1)
    assert (heard.one().how, heard.story()) == ("over", ["Opened", "DisruptionEnded"])


@pytest.mark.parametrize("is_stored", [True, False])
def test_who_takes_anothers_place_goes_on_with_what_is_stored(is_stored: bool) -> None:
    heard = well().device("101", "UNAVAILABLE").device("102", "UNAVAILABLE").passes(30)
    gone, register = heard.one().began, heard.monitor.disruptions.register
    register.replace_all(list(heard.kept.values()) if is_stored else [])
    assert (register.drain_updates(), len(register.visible())) == ((), int(is_stored))
    heard.passes(11)
    assert [(one.began, one.ended) for one in register] == [(gone, None)]
    assert heard.story() == (["Opened"] if is_stored else ["Opened", "Opened"])


# ── trunks ──


def test_an_unreachable_trunk_that_was_well_disrupts_its_lines() -> None:
    heard = well()
    gone = heard.now
    heard.device("trunk", "UNAVAILABLE").passes(12)
    one = heard.one()
    assert (one.source, one.exchange, one.what, one.lines, one.began) == ("trunk", "toronto", TRUNK, LINES, gone)
    heard.device("trunk", "NOT_INUSE").passes(1)
    assert heard.one().how == "over"


def test_a_trunk_that_never_answered_is_not_believed_to_be_down() -> None:
    heard = SimulatedExchange(TUESDAY).listed(_101="NOT_INUSE", _102="NOT_INUSE", trunk="UNAVAILABLE")
    assert heard.passes(600).kept == {}


def test_a_trunk_that_brings_a_call_is_not_believed_to_be_unreachable() -> None:
    heard = well().device("trunk", "UNAVAILABLE").passes(15)
    assert heard.one().ended is None
    heard.call(ended=False).device("trunk", "INUSE").passes(1)
    assert heard.one().how == "over"
    heard.device("trunk", "UNAVAILABLE").passes(600)
    assert heard.story() == ["Opened", "DisruptionEnded"]
    heard.device("trunk", "NOT_INUSE").passes(1).device("trunk", "UNAVAILABLE").passes(12)
    assert heard.story() == ["Opened", "DisruptionEnded", "Opened"]


def test_a_line_that_also_comes_over_another_trunk_goes_on() -> None:
    heard = SimulatedExchange(TUESDAY).listed(
        _101="NOT_INUSE", _102="NOT_INUSE", trunk="NOT_INUSE", trunk2="NOT_INUSE"
    )
    heard.call("4163250866", "PJSIP/trunk2").call("4163250866").call().passes(1)
    heard.device("trunk", "UNAVAILABLE").passes(12)
    assert heard.one().lines == ("general",)


def test_a_trunk_in_use_before_its_call_is_not_believed_either() -> None:
    heard = well().device("trunk", "UNAVAILABLE").passes(2).device("trunk", "INUSE").call().passes(1)
    heard.device("trunk", "UNAVAILABLE").passes(60)
    assert heard.kept == {}


def test_a_trunk_that_is_down_stays_so_over_a_restart_of_callmon() -> None:
    heard = well().device("trunk", "UNAVAILABLE").passes(12).restart().passes(2)
    heard.listed(_101="NOT_INUSE", _102="NOT_INUSE", trunk="UNAVAILABLE").passes(60)
    assert (heard.one().ended, heard.story()) == (None, ["Opened"])


def test_a_line_with_a_trunk_of_which_nothing_is_known_may_go_on() -> None:
    heard = SimulatedExchange(TUESDAY).listed(
        _101="NOT_INUSE", _102="NOT_INUSE", trunk="NOT_INUSE", trunk2="UNAVAILABLE"
    )
    heard.call(trunk="PJSIP/trunk2").call().passes(1).device("trunk", "UNAVAILABLE").passes(60)
    assert heard.kept == {}


# ── exchanges ──


def test_an_exchange_that_says_it_stops_is_disrupted_until_it_boots() -> None:
    heard = well()
    stopped = heard.now
    heard.shut_down().passes(1)
    one = heard.one()
    assert (one.source, one.lines, one.began, one.confirmed) == ("exchange", LINES, stopped, True)
    heard.passes(40).boot().passes(3).listed(_101="NOT_INUSE", _102="NOT_INUSE").passes(1)
    assert (heard.one().ended, heard.one().how) == (stopped + 41 * SECOND, "over")


def test_an_unreceived_exchange_may_work_and_is_a_gap_if_it_had_worked() -> None:
    heard = well()
    lost = heard.now
    heard.lose().passes(11)
    one = heard.one()
    assert (one.began, one.confirmed, one.counts) == (lost, None, True)
    heard.passes(60).listed(_101="NOT_INUSE", _102="NOT_INUSE").passes(1)
    one = heard.one()
    assert (one.how, one.confirmed, one.counts, one.state(heard.now)) == ("measuring", False, False, "cancelled")


def test_an_exchange_that_was_cut_off_and_had_stopped_was_disrupted() -> None:
    heard = well().lose().passes(30).boot().passes(5).listed(_101="NOT_INUSE", _102="NOT_INUSE").passes(1)
    one = heard.one()
    assert (one.how, one.confirmed, one.ended) == ("over", True, TUESDAY + 31 * SECOND)
    assert heard.story() == ["Opened", "Confirmed", "DisruptionEnded"]


def test_an_exchange_without_an_uptime_may_or_may_not_have_stopped() -> None:
    heard = well().lose().passes(30)
    heard.feed(
        e.FullyBooted(heard.now, "unknown"), e.CoreShowChannelsComplete(heard.now), e.StatusComplete(heard.now)
    )
    one = heard.passes(1).one()
    assert (one.how, one.confirmed, one.counts, one.shown_source) == ("over", None, True, "exchange_unheard")


def test_a_restart_that_took_three_seconds_is_on_record_too() -> None:
    heard = well().lose().passes(2).boot().passes(1).listed(_101="NOT_INUSE", _102="NOT_INUSE").passes(1)
    one = heard.one()
    assert (one.began, one.ended, one.confirmed) == (TUESDAY + SECOND, TUESDAY + 3 * SECOND, True)


def test_a_short_gap_is_no_disruption() -> None:
    assert well().lose().passes(8).listed(_101="NOT_INUSE").passes(60).kept == {}


def test_a_restart_while_callmon_was_away_has_no_known_start() -> None:
    heard = well().restart()
    heard.now += HOUR
    heard.boot()
    heard.now += MINUTE
    assert heard.listed(_101="NOT_INUSE", _102="NOT_INUSE").passes(60).kept == {}


def test_callmon_begun_while_the_exchange_is_away_claims_no_time_before() -> None:
    heard = well().restart()
    heard.now += HOUR
    began = heard.now
    heard.passes(12)
    assert heard.one().began == began + SECOND


def test_a_stop_that_callmon_misses_ends_when_the_exchange_has_booted() -> None:
    heard = well().shut_down().passes(2).restart().passes(30).boot().passes(1)
    heard.listed(_101="NOT_INUSE", _102="NOT_INUSE").passes(1)
    assert (heard.one().how, heard.one().ended) == ("over", TUESDAY + 33 * SECOND)


def test_the_time_to_find_its_phones_is_over_after_75_seconds() -> None:
    """The first look takes the restart; the phones must then be seen away for ten seconds more."""
    heard = well().shut_down().passes(5).boot()
    heard.listed(_101="UNAVAILABLE", _102="UNAVAILABLE", trunk="NOT_INUSE").passes(1 + 75 + 9)
    assert [one.source for one in heard.kept.values()] == ["exchange"]
    assert [one.source for one in heard.passes(1).kept.values()] == ["exchange", "phones"]


def test_an_exchange_that_was_only_unheard_need_not_be_given_time() -> None:
    heard = well().lose().passes(5).listed(_101="UNAVAILABLE", _102="UNAVAILABLE", trunk="NOT_INUSE").passes(12)
    assert [one.source for one in heard.kept.values()] == ["phones"]


# ── the notice ──


def test_a_disruption_is_announced_once_all_five_things_are_given() -> None:
    heard = well().shut_down().passes(1)
    name = heard.one().id
    for minutes, (field, value) in enumerate(
        zip(WHOLE.__struct_fields__, msgspec.structs.astuple(WHOLE), strict=True)
    ):
        assert (heard.one().announced, heard.one().notice.missing()[0]) == (None, field)
        heard.now = TUESDAY + (minutes + 1) * MINUTE
        heard.hand("announce", name, notice=Notice(**{field: value}))
    assert heard.one().notice == WHOLE
    assert heard.one().noticed_after == 5 * MINUTE - SECOND
    heard.hand("change", name, notice=Notice(until=TUESDAY + 3 * HOUR))
    assert heard.one().notice.until == TUESDAY + 3 * HOUR
    assert heard.one().noticed_after == 5 * MINUTE - SECOND
    assert [heard.one().actor, [x.announces for o in heard.outcomes for x in o.disruptions].count(True)] == [
        "m.tremblay", 1,
    ]  # fmt: skip


def test_staff_announce_an_unseen_disruption_timed_from_its_start() -> None:
    heard = well()
    heard.hand("announce", lines=("poci",), start=TUESDAY - HOUR, notice=WHOLE)
    one = heard.one()
    assert (one.source, one.lines, one.began, one.noticed_after) == (
        "staff", ("poci",), TUESDAY - HOUR, HOUR + SECOND,
    )  # fmt: skip
    heard.passes(600)
    assert heard.one().ended is None
    heard.hand("end", one.id, when=heard.now - MINUTE)
    assert (heard.one().ended, heard.one().how) == (heard.now - MINUTE, "by_hand")


def test_the_notice_of_one_that_is_over_can_be_changed_not_its_times() -> None:
    heard = well().shut_down().passes(1)
    name = heard.one().id
    heard.boot().listed(_101="NOT_INUSE", _102="NOT_INUSE").passes(1)
    heard.hand("change", name, notice=WHOLE)
    assert heard.one().notice == WHOLE
    heard.hand("end", name)
    refused = heard.entries[-1]
    assert isinstance(refused, DisruptionCommandRefused)
    assert (refused.why, refused.action) == ("is_over", "end")


def test_one_ended_by_hand_is_not_opened_until_its_cause_was_over() -> None:
    heard = well().device("101", "UNAVAILABLE").device("102", "UNAVAILABLE").passes(11)
    heard.hand("end", heard.one().id).passes(60)
    assert (heard.one().how, heard.story()) == ("by_hand", ["Opened", "DisruptionEnded"])
    heard.restart().passes(1).listed(_101="UNAVAILABLE", _102="UNAVAILABLE").passes(60)
    assert heard.story() == ["Opened", "DisruptionEnded"]
    heard.device("101", "NOT_INUSE").passes(1).device("101", "UNAVAILABLE").passes(12)
    assert heard.story() == ["Opened", "DisruptionEnded", "CauseOver", "Opened"]


@pytest.mark.parametrize(
    ("source", "begun"),
    [
        ("exchange", lambda: well().shut_down().passes(1)),
        ("trunk", lambda: well().device("trunk", "UNAVAILABLE").passes(12)),
        ("phones", lambda: well().device("101", "UNAVAILABLE").device("102", "UNAVAILABLE").passes(11)),
        ("staff", lambda: well().hand("announce", lines=("poci",), notice=WHOLE)),
    ],
)
def test_what_callmon_sees_itself_lasts_on_when_a_person_ends_it(
    source: str, begun: Callable[[], SimulatedExchange]
) -> None:
    heard = begun()
    heard.hand("end", heard.one().id)
    one = heard.one()
    assert (one.source, one.how, one.lasts_on) == (source, "by_hand", source != "staff")


# ── planned work ──


def planned(start: datetime, end: datetime, whole: bool = True) -> SimulatedExchange:
    texts = WHOLE if whole else Notice()
    reported = msgspec.structs.replace(texts, until=end)
    return well().hand("plan", lines=LINES, start=start, notice=reported)


def test_planned_work_is_announced_and_ends_when_it_was_planned_to() -> None:
    heard = planned(TUESDAY + HOUR, TUESDAY + 2 * HOUR)
    one = heard.one()
    assert (one.source, one.state(heard.now), one.noticed_after) == ("work", "planned", timedelta(0))
    assert one.id == f"work-{int((TUESDAY + HOUR).timestamp())}"
    heard.at(TUESDAY + HOUR)
    assert heard.one().state(heard.now) == "going_on"
    heard.at(TUESDAY + 2 * HOUR + MINUTE)
    assert (heard.one().ended, heard.one().how) == (TUESDAY + 2 * HOUR, "time")


def test_what_stops_in_planned_work_belongs_to_it_and_has_its_notice() -> None:
    heard = planned(TUESDAY + HOUR, TUESDAY + 2 * HOUR).at(TUESDAY + HOUR).shut_down().passes(1)
    work, one = heard.kept.values()
    assert (one.source, one.work, one.notice, one.noticed_after) == (
        "exchange",
        work.id,
        work.notice,
        timedelta(0),
    )
    heard.at(TUESDAY + 3 * HOUR)
    assert [heard.kept[work.id].how, heard.kept[one.id].ended] == ["time", None]


@pytest.mark.parametrize(("before", "belongs"), [(120, True), (121, False)])
def test_what_stops_two_minutes_before_planned_work_belongs_to_it(before: int, belongs: bool) -> None:
    heard = planned(TUESDAY + HOUR, TUESDAY + 2 * HOUR).at(TUESDAY + HOUR - (before + 1) * SECOND)
    work, one = heard.shut_down().passes(1).kept.values()
    assert one.work == (work.id if belongs else None)


def test_work_that_names_other_lines_explains_nothing() -> None:
    heard = well().hand("plan", lines=("poci",), start=TUESDAY + HOUR, notice=WHOLE)
    heard.at(TUESDAY + HOUR).shut_down().passes(1)
    assert list(heard.kept.values())[1].work is None


def test_what_is_said_later_of_work_is_said_of_what_happens_in_it() -> None:
    heard = planned(TUESDAY + HOUR, TUESDAY + 2 * HOUR, whole=False).at(TUESDAY + HOUR).shut_down().passes(1)
    work, one = heard.kept
    heard.now += 5 * MINUTE
    heard.hand("announce", work, notice=WHOLE)
    assert [heard.kept[name].notice for name in (work, one)] == [WHOLE, WHOLE]
    assert heard.kept[one].noticed_after == 5 * MINUTE + SECOND


def test_work_is_moved_before_it_begins_cancelled_or_ended_sooner() -> None:
    heard = planned(TUESDAY + HOUR, TUESDAY + 2 * HOUR)
    name = heard.one().id
    later = Notice(until=TUESDAY + 5 * HOUR)
    heard.hand("change", name, start=TUESDAY + 4 * HOUR, notice=later, lines=("tty",))
    one = heard.one()
    assert (one.began, one.notice.until, one.lines) == (TUESDAY + 4 * HOUR, TUESDAY + 5 * HOUR, ("tty",))
    heard.at(TUESDAY + 4 * HOUR + MINUTE).hand("end", name)
    assert (heard.one().ended, heard.one().how, heard.one().counts) == (heard.now, "by_hand", True)
    other = planned(TUESDAY + HOUR, TUESDAY + 2 * HOUR)
    other.hand("end", other.one().id).at(TUESDAY + 3 * HOUR)
    assert (other.one().how, other.one().counts, other.one().state(other.now)) == ("cancelled", False, "cancelled")


@pytest.mark.parametrize(
    ("hand", "why"),
    [
        ({"action": "change", "start": TUESDAY + 3 * HOUR}, "end_before_start"),
        ({"action": "change", "notice": Notice(until=TUESDAY)}, "end_before_start"),
        ({"action": "end", "when": TUESDAY + 9 * HOUR}, "not_yet"),
        ({"action": "end", "when": TUESDAY}, "before_start"),
    ],
)
def test_what_cannot_be_done_to_planned_work_is_refused(hand: dict[str, object], why: str) -> None:
    heard = planned(TUESDAY + HOUR, TUESDAY + 2 * HOUR)
    before = heard.one()
    heard.hand(disruption=before.id, **hand)  # type: ignore[arg-type]
    assert isinstance(refused := heard.entries[-1], DisruptionCommandRefused)
    assert (refused.why, heard.one()) == (why, before)


def test_what_has_begun_cannot_be_given_another_start() -> None:
    heard = planned(TUESDAY + HOUR, TUESDAY + 2 * HOUR).at(TUESDAY + HOUR + MINUTE)
    heard.hand("change", heard.one().id, start=TUESDAY + HOUR + 2 * MINUTE)
    assert isinstance(refused := heard.entries[-1], DisruptionCommandRefused)
    assert refused.why == "has_begun"


# ── what is kept ──


def test_two_disruptions_of_one_second_have_two_names() -> None:
    register = DisruptionRegister()
    key = ("exchange", "toronto", "")
    names = []
    for _ in range(3):
        one = register.open_detected(key, LINES, TUESDAY, TUESDAY)
        register.end_detected(one, TUESDAY)
        names.append(one.id)
    second = int(TUESDAY.timestamp())
    assert names == [f"toronto-{second}", f"toronto-{second}-2", f"toronto-{second}-3"]


def test_a_line_that_is_configured_no_longer_has_no_disruption() -> None:
    heard = well().device("101", "UNAVAILABLE").device("102", "UNAVAILABLE").passes(11)
    heard.settings = site("101", "102", **{"[lines.general]": "[lines.other]"})
    heard.restart().passes(1)
    assert heard.one().how == "over"


# ── registrations with carriers ──

CARRIERS = ("sip:callmon@one.example", "sip:callmon@two.example")


def registry(heard: SimulatedExchange, status: str, *carriers: str) -> SimulatedExchange:
    return heard.feed(*(e.Registry(heard.now, "PJSIP", "sip:us@x", carrier, status) for carrier in carriers))


def test_an_exchange_that_no_carrier_knows_any_more_gets_no_call() -> None:
    heard = registry(well(), "Registered", *CARRIERS).passes(60)
    registry(heard, "Rejected", CARRIERS[0]).passes(60)
    assert heard.kept == {}
    gone = heard.now
    registry(heard, "Unregistered", CARRIERS[1]).passes(12)
    one = heard.one()
    assert (one.source, one.what, one.lines, one.began) == ("trunk", "registration", LINES, gone)
    back = heard.now
    registry(heard, "Registered", CARRIERS[0]).passes(1)
    assert (heard.one().ended, heard.one().how) == (back, "over")


def test_a_registration_never_made_or_being_renewed_says_nothing() -> None:
    heard = registry(well(), "Rejected", *CARRIERS).passes(60)
    registry(heard, "Registered", CARRIERS[0]).passes(5)
    registry(heard, "Request Sent", CARRIERS[0]).passes(60)
    assert heard.kept == {}


def test_a_call_proves_that_calls_come_in_though_no_registration_stands() -> None:
    heard = registry(registry(well(), "Registered", *CARRIERS), "Rejected", *CARRIERS).passes(12)
    assert heard.one().ended is None
    heard.call().passes(600)
    assert (heard.one().how, heard.story()) == ("over", ["Opened", "DisruptionEnded"])
    registry(registry(heard, "Registered", CARRIERS[0]), "Rejected", CARRIERS[0]).passes(12)
    assert heard.story() == ["Opened", "DisruptionEnded", "Opened"]
    heard.restart().passes(1).listed(_101="NOT_INUSE", _102="NOT_INUSE", trunk="NOT_INUSE").passes(60)
    assert heard.story() == ["Opened", "DisruptionEnded", "Opened"]
    heard.call().passes(1)
    assert heard.story() == ["Opened", "DisruptionEnded", "Opened", "DisruptionEnded"]


def test_a_registration_is_read_as_asterisk_writes_it() -> None:
    written = (
        b"Event: Registry\r\nPrivilege: system,all\r\nTimestamp: 1795527733.217087\r\nChannelType: PJSIP\r\n"
        b"Username: sip:us@x\r\nDomain: sip:one.example\r\nStatus: Registered\r\nCause: "
    )
    assert decoding.event(written) == e.Registry(
        "1795527733.217087", "PJSIP", "sip:us@x", "sip:one.example", "Registered"
    )


# ── whatever happens ──

STEPS = st.one_of(
    st.tuples(st.just("device"), st.sampled_from(("101", "102", "trunk")),
              st.sampled_from(("NOT_INUSE", "UNAVAILABLE", "INUSE"))),
    st.tuples(st.sampled_from(("call", "lose", "shut_down", "boot", "restart"))),
    st.tuples(st.just("passes"), st.sampled_from((1, 5, 12, 400))),
    st.tuples(st.just("listed"), st.sampled_from(("NOT_INUSE", "UNAVAILABLE"))),
    st.tuples(st.just("hand"), st.sampled_from(("plan", "announce", "change", "end"))),
)  # fmt: skip


def happens(heard: SimulatedExchange, step: tuple[object, ...]) -> None:
    match step:
        case ("listed", str(state)):
            heard.listed(_101=state, _102="NOT_INUSE", trunk=state)
        case ("hand", "plan"):
            reported = msgspec.structs.replace(WHOLE, until=heard.now + HOUR)
            heard.hand("plan", lines=LINES, start=heard.now + MINUTE, notice=reported)
        case ("hand", str(action)):
            name = next(iter(heard.kept), "none")
            heard.hand(action, name, notice=Notice(reason_en="x") if action != "end" else Notice())
        case (str(name), *rest):
            getattr(heard, name)(*rest)


@settings(max_examples=examples(150))
@given(st.lists(STEPS, max_size=25))
def test_whatever_happens_the_entries_give_the_state(steps: list[tuple[object, ...]]) -> None:
    heard = well()
    for step in steps:
        happens(heard, step)
        heard.passes(1)
        live = [
            one.key for one in heard.kept.values() if one.is_live and one.source in ("exchange", "trunk", "phones")
        ]
        assert len(live) == len(set(live))
    made: dict[str, Disruption] = {}
    for entry in heard.entries:
        before = made.get(entry.disruption)
        made[entry.disruption] = opened(entry) if before is None else after(before, entry)  # type: ignore[arg-type]
    assert made == heard.kept
    assert [one for one in made.values() if one.ended is not None and one.ended < one.began and one.counts] == []
    shown = {one.id for one in made.values() if one.ended is None}
    assert {one.id for one in heard.monitor.disruptions.register.visible()} == shown


def test_a_reload_keeps_what_is_going_on_and_each_causes_start() -> None:
    heard = well().device("101", "UNAVAILABLE").device("102", "UNAVAILABLE").passes(5)
    heard.hand("announce", lines=("poci",))
    older, before = heard.monitor, heard.monitor.disruptions.register.visible()
    heard.monitor = Monitor(heard.settings, "toronto", token=str)
    heard.monitor.adopt(older)
    assert heard.monitor.disruptions.register.visible() == before
    heard.passes(6)
    assert [one.source for one in heard.kept.values()] == ["staff", "phones"]
    heard.device("101", "NOT_INUSE").passes(1)
    assert [one.how for one in heard.kept.values()] == [None, "over"]
