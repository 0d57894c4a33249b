"""The survey is offered to a caller who had a person: no transfer, whichever way it is done. Pure.

There are three signs. A person sends the caller to the survey's extension. The dialplan reports it (UserEvent).
The caller is at that extension when hanging up, which a Redirect or a Goto leads to without an event.
"""

from datetime import datetime

from callmon.ami import events as e
from callmon.core import facts as f
from callmon.core.calls.channels import TrackedCall
from callmon.core.calls.state import TrackerState


def is_survey(state: TrackerState, *extensions: str) -> bool:
    return not state.site.survey_extensions.isdisjoint(extensions)


def sent(state: TrackerState, call: TrackedCall, at: datetime | None) -> None:
    """A person hands the caller to the survey: no person is on the line from now on."""
    if call.answered:
        call.sent = call.person = None
        offered(state, call, at, "transfer")


def by_place(state: TrackerState, call: TrackedCall, event: e.Hangup | e.HangupRequest) -> None:
    """The caller's last place in the dialplan was the survey."""
    if call.answered and is_survey(state, event.exten):
        offered(state, call, event.at, "transfer")


def offered(state: TrackerState, call: TrackedCall, at: datetime | None, by: f.SurveyOffer) -> None:
    """Emit `SurveyOffered` (once); by UserEvent(CallmonSurveyOffered) also before the answer."""
    if call.is_emitted and not call.surveyed:
        call.surveyed = True
        state.emit(f.SurveyOffered(call.id, at, by))
