"""From acts to what callmon must conclude, by standards.md and interface.md alone.

Nothing here knows of events, channels or callmon's code. Times are whole milliseconds.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any

from tests.model import acts as a

LINES = {
    "4163272422": "general", "8002677329": "general-toll-free", "4163250866": "tty", "8668532137": "tty-toll-free",
    "4163270374": "poci", "8662146820": "poci-toll-free",
}  # fmt: skip
RING, GRACE = 6_000, 500
THIRD = 3 * RING


def ms(at: float) -> int:
    return round(at * 1000)


def named(phone: str) -> str:
    """An outside party's number is never told."""
    return "outside" if len(phone) > 6 else phone


class Truth:
    """What really happened to one call, as far as its acts have been told."""

    def __init__(self, first: a.Calls, in_hours: bool = True) -> None:
        self.first, self.in_hours = first, in_hours
        self.direction = "inbound" if not first.phone else "outbound" if len(first.dials) > 6 else "internal"
        self.line = LINES.get(first.dials[-10:]) if self.direction == "inbound" else None
        self.begun = ms(first.at)
        self.language: str | None = None
        self.chose_otherwise = False
        self.where: str | None = None  # what the caller hears: menu, queue, ringing
        self.menu = self.music = self.announced = self.queued = self.in_queue = False
        self.clock: int | None = None  # the first ring heard, or the queue entered
        self.heard_ringing = False
        self.tried = self.rang = self.busy = 0
        self.behind_local = False
        self.unreachable = False
        self.first_tried: int | None = None
        self.ringing: set[str] = set()
        self.trying: set[str] = set()  # the caller hears ringing until the last of them is given up
        self.silent: int | None = None  # since when nothing rings any more
        self.by_timeout = False
        self.before: tuple[int, bool] | None = None  # when the dial before was over, and whether by its time-out
        self.answered: int | None = None
        self.answered_by: str | None = None
        self.person: str | None = None
        self.persons: set[str] = set()  # who was on the line at some time
        self.transfers: list[dict[str, Any]] = []
        self.sending: dict[str, Any] | None = None
        self.taken = False  # what the caller was sent off to rang, refused or took the call
        self.consulted: str | None = None
        self.colleague_rang = self.colleague_answered = False
        self.forwards = self.parked = self.holds = 0
        self.voicemail: dict[str, Any] | None = None
        self.left_message = False
        self.ended: int | None = None
        self.gone = 0  # the caller's channel
        self.gave_up = False
        self.why = ""

    def tell(self, act: a.Act) -> None:
        name = re.sub("(?<!^)(?=[A-Z])", "_", type(act).__name__).lower()
        getattr(self, "_" + name)(act)

    # Before anybody answers.

    def _line_up(self, act: a.LineUp) -> None:
        self.announced = act.why == "announcement"
        self.menu = act.why == "menu"
        self.music = act.why == "queue"
        if act.why != "queue":
            self.where = "menu"

    def _chooses(self, act: a.Chooses) -> None:
        self.language = act.language
        self.chose_otherwise = self.chose_otherwise or act.language != "en"

    def _queues(self, act: a.Queues) -> None:
        if self.answered is not None:
            self.taken = True
            return
        self.queued, self.in_queue, self.where = True, True, "queue"
        self.heard_ringing = self.heard_ringing or not (self.menu or self.music or self.announced)
        self._starts_clock(act.at)

    def _starts_clock(self, at: float) -> None:
        if self.clock is None:
            self.clock = ms(at)

    def _queue_over(self, act: a.QueueOver) -> None:
        self.in_queue = False
        self._falls_silent(ms(act.at), by_timeout=True)

    def _tries(self, act: a.Tries) -> None:
        self.behind_local = act.through == "local"
        if self.answered is not None:
            return
        self.tried += len(act.phones)
        self.trying |= set(act.phones)
        if act.phones and self.heard_ringing and self.silent is not None:  # the caller goes on hearing it
            self.before, self.silent = (self.silent, self.by_timeout), None
        self.unreachable = self.unreachable or not act.phones
        if act.phones and self.first_tried is None:
            self.first_tried = ms(act.at)
        if self.where == "menu":
            self.where = None

    def _rings(self, act: a.Rings) -> None:
        if self.consulted:
            self.colleague_rang = True
        elif self.answered is not None:
            self.taken = True
        else:
            self._first_heard(act)

    _plays_ahead = _rings

    def _first_heard(self, act: a.Rings) -> None:
        self.rang += 1
        self.ringing.add(act.phone)
        self.silent = self.before = None
        if self.music:
            return
        self.heard_ringing, self.where = True, "ringing"
        self._starts_clock(act.at)

    def _refuses(self, act: a.Refuses) -> None:
        if self.answered is not None:
            self.taken = self.taken or act.how != "congested"
            return
        self.busy += act.how == "busy"
        self._stops(act.phone, ms(act.at))

    def _stops(self, phone: str, at: int) -> None:
        self.ringing.discard(phone)
        self.trying.discard(phone)
        if not (self.ringing if self.in_queue else self.trying):
            over, by_timeout = self.before or (at, False)
            self._falls_silent(at, by_timeout and at - over <= GRACE)

    def _dial_over(self, act: a.DialOver) -> None:
        if not self.in_queue:  # a queue goes on to the next of its phones
            self.ringing.clear()
            self.trying.clear()
            self._falls_silent(ms(act.at), by_timeout=True)

    def _falls_silent(self, at: int, by_timeout: bool) -> None:
        if self.clock is not None and self.answered is None and (self.silent is None or by_timeout):
            self.silent, self.by_timeout = at, by_timeout

    def _forwards(self, act: a.Forwards) -> None:
        self.forwards += 1
        if self.answered is None:
            self.tried += 1
            self.ringing.discard(act.phone)  # its call goes on to another phone, which is tried instead

    # A person.

    def _picks_up(self, act: a.PicksUp) -> None:
        if self.consulted == act.phone:
            self.colleague_answered = True
        elif len(act.phone) > 6 and self.behind_local:
            return  # a confirmation is asked for first
        else:
            self._is_with(act.phone, ms(act.at))

    def _confirms(self, act: a.Confirms) -> None:
        if act.accepts:
            self._is_with(act.phone, ms(act.at))
        else:
            self._stops(act.phone, ms(act.at))

    def _takes_from(self, act: a.TakesFrom) -> None:
        self._is_with(act.phone, ms(act.at))

    def _is_with(self, phone: str, at: int) -> None:
        if self.answered is None:
            self.answered, self.answered_by = at, named(phone)
        if self.sending is not None:
            self.transfers.append(self.sending | {"answered": True})
        self.sending, self.person = None, phone
        self.persons.add(named(phone))

    def _holds(self, act: a.Holds) -> None:
        self.holds += 1

    def _resumes(self, act: a.Resumes) -> None:
        pass

    def _sends_off(self, act: a.SendsOff) -> None:
        self._sent("blind", act.to)

    def _redirects(self, act: a.Redirects) -> None:
        self._sent("redirect", act.to)

    def _sent(self, kind: str, to: str, taken: bool = False) -> None:
        self.sending = {"kind": kind, "to": named(to)}
        self.taken, self.person = taken, None

    def _consults(self, act: a.Consults) -> None:
        self.consulted, self.colleague_rang, self.colleague_answered = act.to, False, False

    def _joins(self, act: a.Joins) -> None:
        assert self.consulted is not None
        self.transfers.append({"kind": "attended", "to": named(self.consulted), "answered": True})
        self.person, self.consulted = self.consulted, None
        self.persons.add(named(self.person))

    def _hands_over(self, act: a.HandsOver) -> None:
        assert self.consulted is not None
        self._sent("blonde", self.consulted, self.colleague_rang)
        self.consulted = None

    def _takes_back(self, act: a.TakesBack) -> None:
        self.consulted = None

    def _calls_back(self, act: a.CallsBack) -> None:
        self.sending = None

    def _parks(self, act: a.Parks) -> None:
        self.parked += 1
        self.person = None

    def _lets_go(self, act: a.LetsGo) -> None:
        pass

    def _parking_over(self, act: a.ParkingOver) -> None:
        pass

    def _retrieves(self, act: a.Retrieves) -> None:
        self.person = act.phone
        self.persons.add(named(act.phone))

    # The end.

    def _voicemail(self, act: a.Voicemail) -> None:
        self.taken = True
        chosen = self.menu and not self.tried and not self.queued and not self.unreachable
        self.voicemail = {"mailbox": act.mailbox, "chosen": chosen, "at": ms(act.at)}
        self.voicemail |= {"after": self.answered is not None, "line_up": self.menu or self.music}

    def _hangs_up(self, act: a.HangsUp) -> None:
        self.left_message = act.message
        self.gave_up = act.who == "caller"
        self._over(ms(act.at))
        self.gone = ms(act.at + act.clears)

    def _ended(self, act: a.Ended) -> None:
        self.why = act.why
        self._over(ms(act.at))

    def _over(self, at: int) -> None:
        self.ended = self.gone = at
        if self.sending is not None and self.taken:
            self.transfers.append(self.sending | {"answered": False})
        self.sending = None

    # What that comes to.

    def languages(self) -> set[str | None]:
        """What may be said of the language asked for. Asterisk says English from the start: that the caller
        chose it is seen only after another choice.
        """
        return {None, "en"} if self.language == "en" and self.chose_otherwise else {self.shown_language()}

    def shown_language(self) -> str | None:
        return None if self.language == "en" else self.language

    def outcome(self) -> str:
        if self.answered is not None:
            return "answered"
        if self.voicemail is not None:
            return "voicemail_message" if self.left_message else "voicemail_no_message"
        if self.gave_up:
            return "abandoned" if self.direction == "inbound" else "no_answer"
        if self.why == "busy" and self.tried == self.busy > 0:
            return "busy"
        if not self.tried and not self.queued and not self.unreachable:
            return "announcement" if self.direction == "inbound" else "failed"
        return "no_answer" if self.rang or self.queued else "failed"

    def rings(self) -> int | None:
        """Ring cycles begun; what a time-out or voicemail ended has a grace, a person's answer never."""
        if self.clock is None:
            return None
        if self.answered is not None:
            return (self.answered - self.clock) // RING + 1 if self.answered >= self.clock else 1
        end = self.silent if self.silent is not None else self.ended
        if end is None:
            return None
        if self.voicemail or (self.by_timeout and self.silent is not None):
            return max(1, -((GRACE - (end - self.clock)) // RING))
        return (end - self.clock) // RING + 1

    def verdicts(self) -> dict[str, str]:
        names = ("answer_by_third_ring", "voicemail_after_fourth_ring", "reach_a_person", "one_transfer_at_most")
        if self.direction != "inbound" or self.line is None:
            return {}
        if not self.in_hours:
            return dict.fromkeys(names, "exempt")
        return dict(zip(names, (self._third(), self._fourth(), self._reach(), self._once()), strict=True))

    def _third(self) -> str:
        if self.answered is not None:
            start = self.clock if self.clock is not None else self.first_tried
            return "met" if self.answered - (self.begun if start is None else start) < THIRD else "not_met"
        if self.voicemail is not None:
            return "exempt" if self.voicemail["chosen"] else "not_met"
        return self._left_early() if self.gave_up else "not_met"

    def _left_early(self) -> str:
        """In the menu, in ring 1 to 3, or within 18 s of a queue or of silence."""
        assert self.ended is not None
        if self.clock is None and self.where == "menu":
            return "exempt"
        start = self.clock if self.clock is not None else self.first_tried
        return "exempt" if self.ended - (self.begun if start is None else start) < THIRD else "not_met"

    def _fourth(self) -> str:
        if self.voicemail is None or self.voicemail["after"] or self.voicemail["chosen"]:
            return "exempt"
        if self.clock is None or self.silent is None:
            return "not_met"
        return "met" if 4 * RING - GRACE <= self.silent - self.clock <= 5 * RING + GRACE else "not_met"

    def _reach(self) -> str:
        if self.answered is not None:
            return "met"
        return self._left_early() if self.gave_up and self.voicemail is None else "not_met"

    def _once(self) -> str:
        if self.answered is None:
            return "exempt"
        return "met" if len(self.transfers) <= 1 else "not_met"

    def conclusion(self, knows_steps: bool = True) -> dict[str, Any]:
        """In the names of `callmon replay --json`. `knows_steps`: those of menus and of dials are received."""
        outcome, rings = self.outcome(), self.rings()
        box = self.voicemail
        return {
            "direction": self.direction,
            "line": self.line,
            "caller": None if self.first.shown == "anonymous" else self._caller(),
            "language": self.shown_language(),
            "outcome": outcome,
            "abandoned_in": self.where if outcome == "abandoned" else None,
            "answered_by": self.answered_by,
            "rings": rings,
            "heard_ringing": self.heard_ringing,
            "transfers": self.transfers,
            "forwards": self.forwards,
            "parked": self.parked,
            "holds": self.holds,
            "voicemail": box and {
                "mailbox": box["mailbox"],
                "rings": None if box["after"] else rings,
                "message": self.left_message,
            },
            "verdicts": self.verdicts() if knows_steps else self._without_steps(),
        }  # fmt: skip

    def _without_steps(self) -> dict[str, str]:
        """Nobody knows whether voicemail was chosen, nor whether phones that gave no sign rang for the caller."""
        judged, took = self.verdicts(), self.voicemail
        if not judged or not self.in_hours or took is None:
            return judged
        if took["chosen"]:
            judged |= dict.fromkeys(("answer_by_third_ring", "voicemail_after_fourth_ring"), "unknown")
        start = self.first_tried if self.menu or self.music else self.begun
        is_silent = self.clock is None and self.tried and not took["after"] and start is not None
        if is_silent and took["at"] - start >= 4 * RING - GRACE:
            judged |= {"voicemail_after_fourth_ring": "unknown"}
        return judged

    def _caller(self) -> str:
        return "+1" + self.first.shown if not self.first.phone else self.first.phone


def truth(acts: Iterable[a.Act], in_hours: bool = True) -> Truth:
    first, *rest = acts
    assert isinstance(first, a.Calls)
    reported = Truth(first, in_hours)
    for act in rest:
        reported.tell(act)
    return reported
