"""What a dialplan reports of a call by UserEvent: all optional, on any channel of the call. Pure.

A number that the dialplan gives is where the caller wants to be called back. The caller's own number, as the trunk
delivered it, adds nothing (and may be one that must not be shown).
"""

import re
from functools import partial

from callmon.ami import events as e
from callmon.config.phone_numbers import e164
from callmon.core import facts as f
from callmon.core.calls import language, transfers, voicemail
from callmon.core.calls.channels import TrackedCall
from callmon.core.calls.state import TrackerState

SIP_CALL_ID = re.compile(r"[!-~]{1,255}", re.ASCII)
OF_NUMBER = 7  # digits at the end of a number that tell whose it is


def said(state: TrackerState, event: e.UserEvent) -> None:
    leg = state.legs.get(event.uniqueid)
    if leg is None:
        state.defer(partial(said, state, event))
    call = leg.call if leg is not None else None
    if call is None or not call.is_emitted:
        return
    match event.name:
        case "CallmonSurveyOffered":
            transfers.survey_offered(state, call, event.at, "dialplan")
        case "CallmonCallbackRequest":
            _wants_a_callback(state, call, event)
        case "CallmonVoicemail" if event.status == "SUCCESS" and call.inbound and not call.message:
            voicemail.message_left(state, call, event.at, event.mailbox)
        case "CallmonLanguage":
            language.stated(state, event, call)
        case "CallmonComplaint":
            state.emit(f.ComplaintMade(call.id, event.at))
        case "CallmonSipCall" if SIP_CALL_ID.fullmatch(event.sip_call_id) and not _has_number(event):
            state.emit(f.SipCallIdGiven(call.id, event.at, event.sip_call_id))


def _has_number(event: e.UserEvent) -> bool:
    """Whether the Call-ID has the caller's number, as some carriers make it. Such an id is not kept."""
    number, written = (re.sub(r"\D", "", text) for text in (event.caller, event.sip_call_id))
    return len(number) >= OF_NUMBER and number[-OF_NUMBER:] in written


def _wants_a_callback(state: TrackerState, call: TrackedCall, event: e.UserEvent) -> None:
    number, own = (e164(written, state.profile.region) for written in (event.number, event.caller))
    asked_in = language.spoken(event.language) if event.language else None
    state.emit(f.CallbackRequested(call.id, event.at, None if number == own else number, asked_in))
