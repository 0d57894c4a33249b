"""A day that could have been: recordings told again today, callbacks in every state, calls not wholly heard."""

from __future__ import annotations

import math
from collections.abc import Iterator
from datetime import datetime, timedelta
from itertools import count
from random import Random

from callmon.config.settings import Settings
from callmon.core import facts as f
from callmon.core.callbacks.commands import Received
from callmon.core.outcome import Outcome
from callmon.store.access import AuditRow
from callmon.store.database import Database
from callmon.store.sign_off import keep_prepared
from callmon.tools.demo import schedule
from callmon.tools.replay import Replay
from tests.support.ami_builders import BANNER, listener
from tests.support.daemon_process import ROOT
from tests.support.fact_builder import OTHER, Office
from tests.support.pages_daemon import SIGNED
from tests.support.store_fixtures import database, seconds

RECORDINGS = ROOT / "tests" / "recordings"
MINUTE, HOUR = timedelta(minutes=1), timedelta(hours=1)
DAILY = {  # how often on the day
    "answered_ring1": 4, "answered_ring2": 6, "answered_ring3": 4, "answered_at_17_3": 1, "answered_ring4": 2,
    "menu_french": 3, "menu_english": 2, "tollfree_answered": 4, "poci_answered": 3, "queue_answered": 2,
    "poci_tollfree_answered": 2, "tty_answered": 1, "abandon_ring1": 1, "abandon_ring4": 1,
}  # fmt: skip
# One of each kind of story: its page's name, and the recording.
STORIES = {
    "plain": "answered_ring2", "late": "answered_ring4", "menu": "menu_english",
    "queue_second": "queue_second_member", "queue_voicemail": "queue_timeout_voicemail",
    "hunting": "hunt_second_stage", "hunted_voicemail": "hunt_voicemail", "transferred": "blind_transfer",
    "consulted": "attended_transfer", "consulted_by_keys": "attended_transfer_by_keys",
    "transferred_by_keys": "blind_transfer_by_keys", "three_transfers": "three_transfers",
    "there_and_back": "there_and_back", "transferred_outside": "transfer_outside",
    "transferred_voicemail": "transfer_to_voicemail", "blonde": "blonde_returned", "picked_up": "pickup",
    "parked": "park_retrieve", "parked_long": "park_timeout", "message": "vm_message",
    "no_message": "vm_hangup_greeting", "early_voicemail": "voicemail_early", "busy": "busy_all",
    "held": "hold_unhold",
    "gave_up": "abandon_ring4", "forwarded": "forward_302", "confirmed": "confirm_accepted",
    "closed_greeting": "closed_announcement", "withheld": "anonymous_answered", "tty": "tty_answered",
    "called_out": "outbound_answered",
}  # fmt: skip
STORIES = {name: reported for name, reported in STORIES.items() if (RECORDINGS / f"{reported}.ami").exists()}
PHONE = "PJSIP/101-00000099"
NOBODY = "+141655501{:02d}".format


def retold_bytes(name: str, at: datetime) -> bytes:
    """A recording as the exchange would have said it at that time."""
    recorded = schedule.timed_messages((RECORDINGS / f"{name}.ami").read_bytes())
    again = schedule.RecordingPlayer(Random(name)).retimed(recorded, math.ceil(at.timestamp()))
    return BANNER + b"".join(message for _, message in again)


def heard(name: str, at: datetime, settings: Settings) -> tuple[list[Outcome], str]:
    """What callmon makes of it, and the name of its first call."""
    replay = Replay(listener(settings), "toronto")
    reported = list(replay.connection([retold_bytes(name, at)]))
    public = [call for call in replay.ended if call.line is not None]
    return reported, min(public or replay.ended, key=lambda call: call.call).call


def fill(store: Database, settings: Settings, now: datetime) -> dict[str, str]:
    """All of it. Answers with the names of calls and callbacks by what they show."""
    names: dict[str, str] = {}
    reported: list[Outcome] = []
    for number, (name, recording) in enumerate(STORIES.items()):
        some, call = heard(recording, now - 5 * HOUR + number * 4 * MINUTE, settings)
        reported, names[f"call.{name}"] = reported + some, call
    daily = [name for name, times in DAILY.items() for _ in range(times)]
    for number, recording in enumerate(Random(3).sample(daily, len(daily))):
        reported += heard(recording, now - 4.9 * HOUR + number * 7.7 * MINUTE, settings)[0]
    audit_event = AuditRow(at=now, who="a.roy", act="")
    keep_prepared(store, SIGNED["month"], 1, [(SIGNED["file"], b"{}")], audit_event)
    office = Office(settings)
    for name, facts in unheard(now):
        names[f"call.{name}"] = facts[0].call
        for fact in facts:
            office.hear_fact(fact)
    names |= callbacks(office, now)
    with database(store) as sink:
        for outcome in (*reported, *office.outcomes):
            sink.offer(outcome)
        assert sink.flush(60)
    return names


def unheard(now: datetime) -> Iterator[tuple[str, list[f.Fact]]]:
    """Calls through a gap: none is drawn as if it had been heard."""
    ids = count(1)

    def begin(at: datetime, **more: object) -> f.Arrived:
        call = f"{int(at.timestamp())}.90{next(ids)}"
        return f.Arrived(
            call, at, "inbound", "general", "4163272422", NOBODY(40), None, "PJSIP/trunk-00000099", **more
        )  # type: ignore[arg-type]

    def rings(one: f.Arrived, at: float, phone: str = "101") -> list[f.Fact]:
        when, channel = one.at + seconds(at) if one.at else None, f"PJSIP/{phone}-00000099"
        return [f.PhoneDialled(one.call, when, phone, channel), f.PhoneRang(one.call, when, phone, channel)]

    at = now - 100 * MINUTE
    one = begin(at)
    yield "gap", [one, *rings(one, 1), f.Unheard(one.call, at + seconds(9), at + seconds(40)),
                  f.Ended(one.call, at + seconds(50), "caller")]  # fmt: skip
    at = now - 96 * MINUTE
    one = begin(at)
    yield "gap_answer", [
        one, *rings(one, 0.1), f.Unheard(one.call, at + seconds(5.2), at + seconds(14.7), True),
        f.Answered(one.call, at + seconds(5.2), "101", PHONE, at + seconds(0.1), slack=seconds(9.5)),
        f.Ended(one.call, at + seconds(40), "caller"),
    ]  # fmt: skip
    at = now - 90 * MINUTE
    one = begin(at, found=True, may_hide_answer=True, slack=seconds(1))
    yield "partly", [
        one, f.PhoneDialled(one.call, None, "101", "PJSIP/101-00000099"),
        f.PhoneRang(one.call, at, "101", "PJSIP/101-00000099", slack=seconds(1)),
        f.Unheard(one.call, at + seconds(9), at + seconds(20)), f.Ended(one.call, None, "unknown", "unheard"),
    ]  # fmt: skip
    at = now - 80 * MINUTE
    one = begin(at)
    yield "menu_queue", [
        one, f.LineOpened(one.call, at + seconds(0.2)), f.LanguageChosen(one.call, at + seconds(6.1), "fr"),
        f.QueueEntered(one.call, at + seconds(6.4), "renseignements"), *rings(one, 7, "101"),
        f.PhoneStopped(one.call, at + seconds(22), "101", "PJSIP/101-00000099", "no_answer", True),
        *rings(one, 27, "103"),
        f.Answered(one.call, at + seconds(33.2), "103", "PJSIP/103-00000099", at + seconds(27)),
        f.QueueLeft(one.call, at + seconds(33.3), "renseignements"),
        f.Ended(one.call, at + seconds(190), "exchange"),
    ]  # fmt: skip
    at = now - 70 * MINUTE
    one = begin(at)
    yield "filled", [
        one, *rings(one, 0.3), f.Answered(one.call, at + seconds(8.4), "101", PHONE, at + seconds(0.3)),
        f.Filled(one.call, at, True), f.Ended(one.call, at + seconds(90), "caller"),
    ]  # fmt: skip


def callbacks(office: Office, now: datetime) -> dict[str, str]:
    """One in each state that there is."""
    ids: dict[str, str] = {}

    def message(name: str, ago: float, number: int, **more: object) -> list[tuple[datetime, f.Fact]]:
        call = office.call()
        ids.setdefault(f"callback.{name}", call)
        caller = None if more.get("withheld") else NOBODY(number)
        return office.message(now - ago * HOUR, caller, call=call, **more)  # type: ignore[arg-type]

    office.hear(
        message("overdue", 76, 50, language="fr"), message("owed", 3, 51, language="en", line="poci"),
        message("in_hand", 5, 52, line="general-toll-free"), message("attempted", 6, 53, language="fr"),
        message("paid", 7, 54), message("withheld", 8, 0, withheld="withheld", line="tty"),
        message("no_request", 9, 55), message("careful", 10, 56, language="fr"), message("repeated", 11, 57),
        message("again", 4, 57), message("complained", 12, 58), message("reopened", 13, 59, line="poci"),
        office.call_in(now - 2 * HOUR, NOBODY(51)),
        office.call_out(None, rang=30, number="9" + NOBODY(53)[2:], rang_at=now - 2 * HOUR),
        office.call_out(now - 3 * HOUR, number="9" + NOBODY(54)[2:]),
        office.call_out(now - 2.5 * HOUR, number="9" + NOBODY(59)[2:], talked=95),
    )  # fmt: skip
    by_hand(office, ids, now)
    office.tick(now)
    return ids


def by_hand(office: Office, ids: dict[str, str], now: datetime) -> None:
    """What colleagues did to some of them."""
    at, said = now - HOUR, "demande de rappeler après 16 h"
    office.hand("take", at, ids["callback.in_hand"], actor="a.cote")
    office.hand("close", at, ids["callback.no_request"], reason="no_request", actor="a.cote")
    cautions = ("no_message", "not_safe")
    office.hand("mark", at, ids["callback.careful"], cautions=cautions, text=said, other_number=True, token=OTHER)
    office.hand("reopen", at, ids["callback.reopened"], text="le dossier n'était pas le bon")
    call = ids["callback.complained"]
    received = Received(call, now - 12 * HOUR, "general", "fr")
    ids["callback.complaint"] = f"{call}-complaint"
    office.hand("complaint", at, ids["callback.complaint"], received=received, token=NOBODY(58))
