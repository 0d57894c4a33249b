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

WHY = "From phone states callmon counts the free phones of a line, and derives the cause of a missed call."


def phone_state_findings(examined: Examination) -> Iterator[DoctorFinding]:
    """The list of states, and chan_sip's states, which do not show calls without `callcounter`."""
    answers = examined.answers
    if answers.devices is None:
        yield examined.warning(
            "it does not list the states of its phones (DeviceStateList).",
            f"{WHY} Without the list, after each reconnection a phone is unknown until its state changes. "
            "Asterisk supports the list from version 13 on.",
        )
    elif any(d.startswith("SIP/") for d in answers.devices) and not _counts_calls(examined):
        yield examined.warning(
            "phones of chan_sip look free during a conversation, because callcounter is not set.",
            f"{WHY} (No fault if the section of each phone sets it.)",
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
                f"no exchange has the phone {', '.join(map(repr, missing))}.",
                "No count of phones includes it, and this line never has the cause `nobody free`.",
                'extensions = ["…"]',
            )
