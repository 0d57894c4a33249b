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
from callmon.core.calls import arrival, availability, choice, language, transfers
from callmon.core.calls.channels import TrackedCall, TrackedChannel
from callmon.core.calls.state import TrackerState

SHORTEST_STAY = timedelta(seconds=1)
MAX_CONTEXTS = 10_000


def took(
    state: TrackerState, call: TrackedCall, at: datetime | None, mailbox: str | None, slack: timedelta = f.EXACT
) -> None:
    """Emit `VoicemailTook` (once; again where only now the mailbox is known)."""
    if call.voicemail:
        if call.unnamed_box and mailbox and slack == f.EXACT:
            call.unnamed_box = False
            state.emit(f.VoicemailTook(call.id, at, mailbox))
        return
    call.unnamed_box = not mailbox
    arrival.settle_direction(state, call, dialled_outside=False)
    call.voicemail, call.maybe_voicemail = True, False
    transfers.taken(call)
    availability.decided(state, call, at)
    call.left_queue = None
    choice.fail_dial(state, call, at)
    had_none = False if state.steps_heard and call.unheard_since is None else None
    state.emit(f.VoicemailTook(call.id, at, mailbox or None, slack, choice.is_chosen(call, had_none)))


def took_by(state: TrackerState, call: TrackedCall, at: datetime | None, mailbox: str | None) -> None:
    """Emit that voicemail took the call by then: when the last phone stopped, if all was received since."""
    since, sent = call.unheard_since, call.sent
    known = call.left_queue is not None or (sent is not None and not sent.is_unsure)
    if since is None or known:
        rang = call.last_stop if sent is not None or not call.answered else None
        times = (rang, sent.at if sent is not None else None)
        took(state, call, call.left_queue or max(filter(None, times), default=at), mailbox)
    elif at is None or at < since:
        took(state, call, at, mailbox)
    else:
        took(state, call, since, mailbox, at - since)


def step(state: TrackerState, event: e.Newexten) -> None:
    """Newexten: the dialplan runs VoiceMail. Then callmon no longer guesses why a line goes up there."""
    state.dialplan_heard = True
    if len(state.voicemail_contexts) < MAX_CONTEXTS:
        state.voicemail_contexts.add(state.common(event.context))
    leg = state.legs.get(event.uniqueid)
    if leg is None or leg.call is None:
        return
    mailbox = named_in(event.data)
    if leg is not leg.call.caller:
        leg.mailbox = mailbox  # behind a Local channel: it takes the call when the two are joined
        return
    leg.call.gone_unheard = leg.call.refused_unheard = False
    language.observe_language(state, leg.call, event)  # voicemail chosen in a menu is no language chosen
    transfers.redirected(state, leg.call, event.at, mailbox)
    took(state, leg.call, event.at, mailbox)


def named_in(data: str) -> str:
    """The mailbox in the data of VoiceMail; of several, the first: `500@default&505@default,u`."""
    return data.partition(",")[0].partition("&")[0].partition("@")[0]


def by_place(state: TrackerState, call: TrackedCall, event: e.Newstate | e.Hangup | e.HangupRequest) -> None:
    """The caller is where the configuration says that only voicemail is."""
    profile = state.profile
    if event.context not in profile.voicemail_contexts and event.exten not in profile.mailboxes:
        return
    is_over, at = not isinstance(event, e.Newstate), event.at
    if call.voicemail or not call.inbound or (is_over and _passed_through(state, call, at)):
        return
    mailbox = event.exten if event.exten in profile.mailboxes else None
    since = max(filter(None, (call.last_stop, call.left_queue)), default=at) if is_over else at
    took(state, call, since, mailbox)


def unreported(state: TrackerState, call: TrackedCall, at: datetime | None) -> None:
    """The call ends where voicemail may have had the caller, although steps of VoiceMail are received elsewhere.

    VoiceMail within ExecIf has no step, nor has the first application after an async goto: CEL tells of both.
    """
    since: datetime | bool | None = call.left_queue
    if call.maybe_voicemail and state.dialplan_heard:
        since = call.maybe_voicemail
    call.left_queue = None
    if not since or call.voicemail or call.answered:
        return
    begun = since if isinstance(since, datetime) else None
    if begun is None or at is None or at - begun >= SHORTEST_STAY:
        call.maybe_voicemail = False
        state.emit(f.Unheard(call.id, begun, at, may_hide_answer=True, unreported=True))


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


def message_waiting(state: TrackerState, event: e.MessageWaiting, late: bool = False) -> None:
    """A caller's own MessageWaiting: a message was left, or somebody listened. A box that mails has none new.

    `late`: received before the listing that shows the channel.
    """
    leg = state.legs.get(event.uniqueid)
    if leg is None:
        state.defer(partial(message_waiting, state, event, late=True))
        return
    call = leg.call
    if call is None or not call.inbound or leg.opens_box or not event.new:
        return
    if leg is not call.caller and leg.mailbox is None:  # a colleague who listens; else a half that runs VoiceMail
        return
    if _is_message(state, call, leg, event, hidden=call.doubtful or (late and leg.mailbox is None)):
        message_left(state, call, event.at, event.mailbox)
    elif not call.message:
        _may_be_message(state, call, event)


def _is_message(
    state: TrackerState, call: TrackedCall, leg: TrackedChannel, event: e.MessageWaiting, hidden: bool
) -> bool:
    """Whether no step of VoiceMailMain can have been missed, or voicemail is known to have the caller.

    `hidden`: a gap may hide such a step.
    """
    if hidden or state.steps_heard:
        return not hidden
    if call.voicemail or call.maybe_voicemail or leg.mailbox is not None:
        return event.new != "0" or event.old in ("", "0")  # else the box may have been opened in the greeting
    return event.new != "0" and (
        call.dialled or call.queued or call.answered
    )  # of an exchange that sends no steps


def _may_be_message(state: TrackerState, call: TrackedCall, event: e.MessageWaiting) -> None:
    """The caller left a message, or is a colleague who listened: nothing that is received tells the two apart."""
    if not call.voicemail:
        since = call.line_up if isinstance(call.line_up, datetime) else call.last_stop
        state.emit(f.Unheard(call.id, since or event.at, event.at, may_hide_answer=True, unreported=True))
    state.emit(f.MessageUnclear(call.id, event.at))


def message_left(state: TrackerState, call: TrackedCall, at: datetime | None, box: str) -> None:
    """Emit `MessageLeft`: the caller left a message."""
    mailbox = box.partition("@")[0] or None
    transfers.redirected(state, call, at, mailbox or "")
    took_by(state, call, at, None)  # of several boxes, the last one reported is the caller's
    call.message = True
    state.emit(f.MessageLeft(call.id, at, mailbox))
