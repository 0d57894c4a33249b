"""Voicemail takes a call, and a message is left or not. Pure.

Five ways to know, best first: the dialplan step `VoiceMail` (also on a line already up, where nothing else
tells); a MessageWaiting with the caller's Uniqueid; the dialplan's own word that a message was left
(`UserEvent(CallmonVoicemail,Status: SUCCESS)`; its FAILED may also mean that there is no such box, and tells
nothing); the caller's place, where the configuration says that only voicemail is; and, on an exchange that lets us
hear no dialplan step at all, a line that goes up after every phone was tried in vain. An agent who listens or
deletes sends MessageWaiting too: the Uniqueid is the agent's.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from functools import partial
from typing import TYPE_CHECKING

from callmon.ami import events as e
from callmon.core import facts as f
from callmon.core.calls import arrival, availability, language, transfers
from callmon.core.calls.channels import NOT_HEARD, TrackedCall

if TYPE_CHECKING:
    from callmon.core.calls.tracker import Tracker

SHORTEST_STAY = timedelta(seconds=1)


def took(
    tracker: Tracker,
    call: TrackedCall,
    at: datetime | None,
    mailbox: str | None,
    slack: timedelta = f.EXACT,
) -> None:
    """Tell that voicemail took the call (once)."""
    if call.voicemail:
        return
    arrival.settle_direction(tracker, call, dialled_outside=False)
    call.voicemail, call.maybe_voicemail = True, False
    transfers.taken(call)
    availability.decided(tracker, call, at)
    tracker.tell(f.VoicemailTook(call.id, at, mailbox or None, slack))


def took_by(tracker: Tracker, call: TrackedCall, at: datetime | None, mailbox: str | None) -> None:
    """Tell that voicemail took the call by then: when the last phone was given up, if all was heard since."""
    since = call.unheard_since
    if since is None:
        took(tracker, call, call.last_stop or at, mailbox)
    elif at is None or at < since:
        took(tracker, call, at, mailbox)
    else:
        took(tracker, call, since, mailbox, at - since)


def step(tracker: Tracker, event: e.Newexten) -> None:
    """The dialplan runs VoiceMail. From now on a line of this exchange that goes up is not guessed at."""
    tracker.dialplan_heard = True
    leg = tracker.legs.get(event.uniqueid)
    if leg is None or leg.call is None:
        return
    mailbox = event.data.partition(",")[0].partition("&")[0].partition("@")[0]
    if leg is not leg.call.caller:
        leg.mailbox = mailbox  # behind a Local channel: it takes the call when the two are joined
        return
    leg.call.flags &= ~NOT_HEARD
    language.heard(tracker, leg.call, event)  # voicemail chosen in a menu is no language chosen
    transfers.redirected(tracker, leg.call, event.at, mailbox)
    took(tracker, leg.call, event.at, mailbox)


def by_place(tracker: Tracker, call: TrackedCall, event: e.Newstate | e.Hangup | e.HangupRequest) -> None:
    """The caller is where the configuration says that only voicemail is."""
    site = tracker.site
    if event.context not in site.voicemail_contexts and event.exten not in site.mailboxes:
        return
    is_over, at = not isinstance(event, e.Newstate), event.at
    if call.voicemail or not call.inbound or (is_over and _passed_through(tracker, call, at)):
        return
    mailbox = event.exten if event.exten in site.mailboxes else None
    took(tracker, call, (call.last_stop if is_over else None) or at, mailbox)


def _passed_through(tracker: Tracker, call: TrackedCall, at: datetime | None) -> bool:
    """A dialplan may go through voicemail's context without stopping: a box that there is not, or a Hangup.

    It went there after the last phone was given up, or (no phone could even be dialled) after the caller was
    sent off. Where no time is told, an exchange that lets us hear VoiceMail would have said it. Where a gap hid
    when that was, nothing is claimed.
    """
    if call.unheard_since is not None:
        return True
    sent = call.sent.at if call.sent is not None else None
    since = max(filter(None, (call.last_stop, sent)), default=None)
    if at is None or since is None:
        return call.sent is not None and tracker.dialplan_heard
    return at - since < SHORTEST_STAY


def message_waiting(tracker: Tracker, event: e.MessageWaiting) -> None:
    """A caller's own MessageWaiting with something new: a message was left."""
    leg = tracker.legs.get(event.uniqueid)
    if leg is None:
        tracker.listing.early(partial(message_waiting, tracker, event))
        return
    call = leg.call
    if call is None or not call.inbound or event.new in ("", "0"):
        return
    if leg is not call.caller and leg.mailbox is None:  # a colleague who listens; else a half that runs VoiceMail
        return
    left(tracker, call, event.at, event.mailbox)


def left(tracker: Tracker, call: TrackedCall, at: datetime | None, box: str) -> None:
    """Tell that the caller left a message."""
    mailbox = box.partition("@")[0] or None
    transfers.redirected(tracker, call, at, mailbox or "")
    took_by(tracker, call, at, mailbox)
    call.message = True
    tracker.tell(f.MessageLeft(call.id, at, mailbox))
