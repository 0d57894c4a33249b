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
MAY_BE_NUMBER = re.compile(r"\d{10}", re.ASCII)


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
        case "CallmonSipCall" if SIP_CALL_ID.fullmatch(event.sip_call_id) and not _has_number(call, event):
            state.emit(f.SipCallIdGiven(call.id, event.at, event.sip_call_id))


def _has_number(call: TrackedCall, event: e.UserEvent) -> bool:
    """Whether the Call-ID has the caller's number, as some carriers make it. Such an id is not kept.

    The channel may show another number than the call's. Where that of the call is not known, the digits decide.
    """
    written, own, shown = (re.sub(r"\D", "", x or "") for x in (event.sip_call_id, call.number, event.caller))
    if any(len(number) >= OF_NUMBER and number[-OF_NUMBER:] in written for number in (own, shown)):
        return True
    return len(own) < OF_NUMBER and _may_have_number(event.sip_call_id)


def _may_have_number(written: str) -> bool:
    """Whether the user part has no letter, or the Call-ID has ten digits in a row, hyphens and dots apart."""
    user, _, host = written.partition("@")
    bare = re.sub(r"[^0-9A-Za-z]", "", user)
    return not re.search("[A-Za-z]", bare) or any(map(MAY_BE_NUMBER.search, (bare, host)))


def _wants_a_callback(state: TrackerState, call: TrackedCall, event: e.UserEvent) -> None:
    number, own = (e164(written, state.profile.region) for written in (event.number, event.caller))
    asked_in = language.spoken(event.language) if event.language else None
    state.emit(f.CallbackRequested(call.id, event.at, None if number == own else number, asked_in))
