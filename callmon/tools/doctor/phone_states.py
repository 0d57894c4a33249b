"""Whether an exchange reports phone states, also for the phones that the lines name: complaints. Pure."""

from collections.abc import Iterable, Iterator

from callmon.config.lines import Line
from callmon.core.calls.endpoints import extension
from callmon.core.calls.phone_states import is_phone
from callmon.tools.doctor.dialplan import finding_of_line
from callmon.tools.doctor.finding import DoctorFinding
from callmon.tools.doctor.layout import ADDED, FREEPBX
from callmon.tools.doctor.manager_user import TRUE, Examination
from callmon.tools.doctor.questions import CHAN_SIP, ExchangeAnswers

WHY = "By them callmon counts the phones of a line that are free, and tells a missed call's cause."


def phone_state_findings(examined: Examination) -> Iterator[DoctorFinding]:
    """The list of states, and chan_sip's states, which do not show calls without `callcounter`."""
    answers = examined.answers
    if answers.devices is None:
        yield examined.warning(
            "it does not list how its phones stand (DeviceStateList).",
            f"{WHY} Without the list, after each reconnection a phone is unknown until its state changes. "
            "Asterisk lists them from version 13 on.",
        )
    elif any(d.startswith("SIP/") for d in answers.devices) and not _counts_calls(examined):
        yield examined.warning(
            "phones of chan_sip look free while somebody talks on them: callcounter is not set.",
            f"{WHY} (Where each phone's own section sets it, all is well.)",
            CHAN_SIP,
            (ADDED, "callcounter = yes"),
            "asterisk -rx 'module reload chan_sip.so'",
        )


def _counts_calls(examined: Examination) -> bool:
    """FreePBX sets `callcounter` in each phone's own section."""
    value = examined.answers.value(CHAN_SIP, "general", "callcounter")
    return examined.layout is FREEPBX or value.lower() in TRUE


def unknown(answers: Iterable[ExchangeAnswers], lines: Iterable[Line]) -> Iterator[DoctorFinding]:
    """A line's phones must exist on an exchange. Silent if one exchange did not list its own."""
    listed = [each.devices for each in answers]
    known = {device for devices in listed if devices is not None for device in devices if is_phone(device)}
    if not listed or None in listed:
        return
    names = known | {extension(device) for device in known}
    for line in lines:
        missing = [phone for phone in line.extensions if phone not in names]
        if missing:
            yield finding_of_line(
                line,
                f"no exchange knows its phone {', '.join(map(repr, missing))}.",
                "It is in no count of phones, and that all were in use is never said of this line.",
                'extensions = ["…"]',
            )
