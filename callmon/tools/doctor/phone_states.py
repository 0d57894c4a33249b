"""Whether an exchange reports phone states, also for the phones that the lines name: complaints. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from callmon.config.lines import Line
from callmon.core.calls.endpoints import extension
from callmon.core.calls.phone_states import is_phone
from callmon.tools.doctor.finding import OURS, DoctorFinding
from callmon.tools.doctor.layout import FREEPBX
from callmon.tools.doctor.manager_user import TRUE, Examination
from callmon.tools.doctor.questions import CHAN_SIP, ExchangeAnswers

WHY = "By them callmon counts the phones of a line that are free, and tells a missed call's cause."


def phone_state_findings(examined: Examination) -> Iterator[DoctorFinding]:
    """The list of states, and chan_sip's states, which do not show calls without `callcounter`."""
    answers = examined.answers
    if answers.devices is None:
        yield DoctorFinding(
            examined.name,
            "warning",
            "it does not list how its phones stand (DeviceStateList).",
            f"{WHY} Without the list, after each reconnection a phone is unknown until its state changes. "
            "Asterisk lists them from version 13 on.",
        )
    elif _uses_chan_sip(answers) and not _counts_calls(examined):
        yield DoctorFinding(
            examined.name,
            "warning",
            "phones of chan_sip look free while somebody talks on them: callcounter is not set.",
            f"{WHY} (Where each phone's own section sets it, all is well.)",
            CHAN_SIP,
            ("[general](+)", "callcounter = yes"),
            "asterisk -rx 'module reload chan_sip.so'",
        )


def _uses_chan_sip(answers: ExchangeAnswers) -> bool:
    return any(device.startswith("SIP/") for device in answers.devices or ())


def _counts_calls(examined: Examination) -> bool:
    """FreePBX sets `callcounter` in each phone's own section."""
    answers = examined.answers
    return examined.layout is FREEPBX or answers.value(CHAN_SIP, "general", "callcounter").lower() in TRUE


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
            yield DoctorFinding(
                "",
                "warning",
                f"line {line.name}: no exchange knows its phone {', '.join(map(repr, missing))}.",
                "It is in no count of phones, and that all were in use is never said of this line.",
                OURS,
                (f"[lines.{line.name}]", 'extensions = ["…"]'),
            )
