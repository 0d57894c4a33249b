"""Voicemail takes a call, and a message is left or not. Pure.

There are five signs, best first:

* the dialplan step `VoiceMail` (also on a line already up, where no other event shows it);
* a MessageWaiting with the caller's Uniqueid;
* the dialplan's own report of a message: `UserEvent(CallmonVoicemail,Status: SUCCESS)`. Its FAILED proves nothing,
  since it may also mean that there is no such box;
* the caller's place, where the configuration says that only voicemail is;
* a line that goes up after every dial was unsuccessful, on an exchange that sends callmon no dialplan steps.

An agent who listens or deletes causes a MessageWaiting, too: its Uniqueid is the agent's.
"""

from datetime import datetime, timedelta
from functools import partial

from callmon.ami import events as e
from callmon.core import facts as f
from callmon.core.calls import arrival, availability, language, transfers
from callmon.core.calls.channels import TrackedCall
from callmon.core.calls.state import TrackerState

SHORTEST_STAY = timedelta(seconds=1)


def took(
    state: TrackerState, call: TrackedCall, at: datetime | None, mailbox: str | None, slack: timedelta = f.EXACT
) -> None:
    """Emit `VoicemailTook` (once)."""
    if call.voicemail:
        return
    arrival.settle_direction(state, call, dialled_outside=False)
    call.voicemail, call.maybe_voicemail = True, False
    transfers.taken(call)
    availability.decided(state, call, at)
    state.emit(f.VoicemailTook(call.id, at, mailbox or None, slack))


def took_by(state: TrackerState, call: TrackedCall, at: datetime | None, mailbox: str | None) -> None:
    """Emit that voicemail took the call by then: when the last phone stopped, if all was received since."""
    since = call.unheard_since
    if since is None:
        took(state, call, call.last_stop or at, mailbox)
    elif at is None or at < since:
        took(state, call, at, mailbox)
    else:
        took(state, call, since, mailbox, at - since)


def step(state: TrackerState, event: e.Newexten) -> None:
    """Newexten: the dialplan runs VoiceMail. Then callmon no longer guesses why a line goes up."""
    state.dialplan_heard = True
    leg = state.legs.get(event.uniqueid)
    if leg is None or leg.call is None:
        return
    mailbox = event.data.partition(",")[0].partition("&")[0].partition("@")[0]
    if leg is not leg.call.caller:
        leg.mailbox = mailbox  # behind a Local channel: it takes the call when the two are joined
        return
    leg.call.gone_unheard = leg.call.refused_unheard = False
    language.observe_language(state, leg.call, event)  # voicemail chosen in a menu is no language chosen
    transfers.redirected(state, leg.call, event.at, mailbox)
    took(state, leg.call, event.at, mailbox)


def by_place(state: TrackerState, call: TrackedCall, event: e.Newstate | e.Hangup | e.HangupRequest) -> None:
    """The caller is where the configuration says that only voicemail is."""
    site = state.site
    if event.context not in site.voicemail_contexts and event.exten not in site.mailboxes:
        return
    is_over, at = not isinstance(event, e.Newstate), event.at
    if call.voicemail or not call.inbound or (is_over and _passed_through(state, call, at)):
        return
    mailbox = event.exten if event.exten in site.mailboxes else None
    took(state, call, (call.last_stop if is_over else None) or at, mailbox)


def _passed_through(state: TrackerState, call: TrackedCall, at: datetime | None) -> bool:
    """Whether the dialplan only went through voicemail's context: no such box, or a Hangup that follows.

    It went there after the last phone was given up or (without a dial) after the caller was sent off. Without a
    time, an exchange that sends VoiceMail steps would have reported it. A gap may hide that moment.
    """
    if call.unheard_since is not None:
        return True
    sent = call.sent.at if call.sent is not None else None
    since = max(filter(None, (call.last_stop, sent)), default=None)
    if at is None or since is None:
        return call.sent is not None and state.dialplan_heard
    return at - since < SHORTEST_STAY


def message_waiting(state: TrackerState, event: e.MessageWaiting) -> None:
    """A caller's own MessageWaiting with something new: a message was left."""
    leg = state.legs.get(event.uniqueid)
    if leg is None:
        state.defer(partial(message_waiting, state, event))
        return
    call = leg.call
    if call is None or not call.inbound or event.new in ("", "0"):
        return
    if leg is not call.caller and leg.mailbox is None:  # a colleague who listens; else a half that runs VoiceMail
        return
    message_left(state, call, event.at, event.mailbox)


def message_left(state: TrackerState, call: TrackedCall, at: datetime | None, box: str) -> None:
    """Emit `MessageLeft`: the caller left a message."""
    mailbox = box.partition("@")[0] or None
    transfers.redirected(state, call, at, mailbox or "")
    took_by(state, call, at, mailbox)
    call.message = True
    state.emit(f.MessageLeft(call.id, at, mailbox))
