"""Whether an exchange reports phone states, also for the phones that the lines name: complaints. Pure."""

from collections.abc import Iterable, Iterator

from callmon.config.lines import Line
from callmon.core.calls.endpoints import extension
from callmon.core.calls.phone_states import is_phone
from callmon.tools.doctor.finding import DoctorFinding, finding
from callmon.tools.doctor.layout import FREEPBX
from callmon.tools.doctor.manager_user import TRUE, Examination
from callmon.tools.doctor.questions import CHAN_SIP, ExchangeAnswers


def phone_state_findings(examined: Examination) -> Iterator[DoctorFinding]:
    """The list of states, and chan_sip's states, which do not show calls without `callcounter`."""
    answers = examined.answers
    if answers.devices is None:
        yield examined.finding("exchange.no_states")
    elif any(d.startswith("SIP/") for d in answers.devices) and not _counts_calls(examined):
        yield examined.finding("exchange.callcounter")


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
            yield finding("line.phone", line=line.name, names=", ".join(map(repr, missing)))
