"""What a person did by hand becomes entries of the ledger, or is refused with the reason. Pure."""

from __future__ import annotations

from callmon.core.callbacks import entries as n
from callmon.core.callbacks.commands import Hand, refusal
from callmon.core.callbacks.ledger import Ledger, name
from callmon.core.callbacks.obligation import Obligation
from callmon.core.callbacks.written_merge import Caller


def do(ledger: Ledger, hand: Hand, stored: Obligation | None = None) -> None:
    """Do it. `stored`: the obligation as it is kept, for one that the ledger has put away since."""
    key = hand.exchange, hand.obligation
    if stored is not None and ledger.shelf.get(key) is None:
        ledger.restore([stored])
    one = ledger.shelf.get(key)
    if hand.action == "complaint":
        _complaint(ledger, hand)
        return
    if hand.action == "owe":
        _owe(ledger, hand)
        return
    if one is None:
        return
    why = refusal(one, hand, ledger.rules, ledger.terms.day) or _another_is_open(ledger, one, hand)
    if why is not None:
        ledger.write(n.Refused(one.exchange, one.id, hand.at, hand.actor, hand.action, why))
    else:
        _do(ledger, one, hand)


def _another_is_open(ledger: Ledger, one: Obligation, hand: Hand) -> n.Refusal | None:
    if hand.action != "reopen" or one.shared:
        return None
    same = (x for x in ledger.shelf.of_token(one.token) if x.is_open and x.key != one.key)
    like = any(x.service == one.service and x.kind == one.kind for x in same)
    return "another_open" if like else None


def _do(ledger: Ledger, one: Obligation, hand: Hand) -> None:
    match hand.action:
        case "attempt":
            _attempt(ledger, one, hand)
        case "close":
            _close(ledger, one, hand)
        case "reopen":
            ledger.write(n.Reopened(one.exchange, one.id, hand.at, hand.actor, hand.text))
        case "mark":
            _mark(ledger, one, hand)
        case "take":
            ledger.write(n.Taken(one.exchange, one.id, hand.at, hand.actor))
        case "release":
            ledger.write(n.Released(one.exchange, one.id, hand.at, hand.actor))
        case "erase":
            for token in filter(None, (one.token, one.other)):
                ledger.forget(token)
            ledger.write(n.Erased(one.exchange, one.id, hand.at))


def _attempt(ledger: Ledger, one: Obligation, hand: Hand) -> None:
    """A call that was made from elsewhere, or through the relay service, told by whoever made it (R-17, R-19)."""
    at = hand.when or hand.at
    if one.state == "paid":
        ledger.write(n.Marked(one.exchange, one.id, hand.at, hand.actor, message_left=True))
    elif hand.result == "no_answer":
        told = n.Attempted(one.exchange, one.id, at, actor=hand.actor, satisfies=ledger.satisfies(one, at))
        ledger.write(told)
    elif one.kind == "complaint":
        ledger.write(n.Acknowledged(one.exchange, one.id, at, actor=hand.actor))
    else:
        ledger.settle(one, ledger.paid(one, at, actor=hand.actor, result=hand.result))


def _close(ledger: Ledger, one: Obligation, hand: Hand) -> None:
    assert hand.reason is not None
    if hand.reason == "answered":
        ledger.settle(one, n.ComplaintAnswered(one.exchange, one.id, hand.at, hand.actor, hand.in_charge))
    else:
        ledger.settle(one, n.ClosedByHand(one.exchange, one.id, hand.at, hand.actor, hand.reason, hand.text))


def _mark(ledger: Ledger, one: Obligation, hand: Hand) -> None:
    """What whoever calls must know (R-21), or the number that is to be called instead (R-16)."""
    token = hand.token if hand.other_number else None
    for known in filter(None, (one.token, token)):
        ledger.know(known, hand.cautions)
    entry = n.Marked(one.exchange, one.id, hand.at, hand.actor, hand.cautions, False, token is not None, hand.text)
    ledger.mark(entry, token)


def _complaint(ledger: Ledger, hand: Hand) -> None:
    told = hand.received
    if told is None:
        return
    who = Caller(hand.exchange, told.call, told.line, told.language, hand.token, told.hidden)
    if ledger.shelf.get((hand.exchange, name(told.call, "complaint"))) is None:
        ledger.owe(who, told.at, "complaint", "command")


def _owe(ledger: Ledger, hand: Hand) -> None:
    """A backfill found that voicemail took a call: somebody must look whether a message was left."""
    told = hand.received
    if told is not None:
        who = Caller(hand.exchange, told.call, told.line, told.language, hand.token, told.hidden)
        ledger.owe(who, told.at, "callback", "message" if told.message else "unheard")
