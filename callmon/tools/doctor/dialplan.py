"""The exchange's configuration beyond the AMI user: CEL, tones, clock, mailboxes, phones, lines. Pure."""

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime, timedelta

from callmon.backfill.cel.rows import EVENTS as KNOWN_EVENTS
from callmon.config.lines import RING_CYCLE, Line
from callmon.config.settings import Settings
from callmon.config.times import formatted_duration
from callmon.core.calls.endpoints import extension
from callmon.core.calls.phone_states import is_phone
from callmon.text.formatter import Formatter
from callmon.tools.doctor import questions as q
from callmon.tools.doctor import versions
from callmon.tools.doctor.finding import LANGUAGE, DoctorFinding, finding, reader_text
from callmon.tools.doctor.manager_user import TRUE, Examination, hears_voicemail
from callmon.tools.doctor.questions import ExchangeAnswers

# Without these a gap cannot be filled, no ring be told from `Progress`, nor a menu from an announcement.
APPS = (
    *("dial", "queue", "ringing", "progress", "voicemail", "voicemailmain", "background", "waitexten", "read"),
    *("playback", "userevent"),
)
EVENTS = (
    *("CHAN_START", "CHAN_END", "ANSWER", "HANGUP", "APP_START", "BRIDGE_ENTER", "BRIDGE_EXIT", "LINKEDID_END"),
    *("BLINDTRANSFER", "ATTENDEDTRANSFER", "PICKUP", "FORWARD", "PARK_START", "PARK_END"),
)
ADDED = "[general](+)"  # header that adds to the existing section
TOLERABLE_SKEW = timedelta(seconds=2)
SILENT_TOO_LONG = timedelta(days=7)
# A row of q.CEL as comma-separated values, in the column order of the shipped `cel_custom.conf`.
COLUMNS = (
    *("eventtype", "eventtime", "CALLERID(name)", "CALLERID(num)", "CALLERID(ANI)", "CALLERID(RDNIS)"),
    *("CALLERID(DNID)", "CHANNEL(exten)", "CHANNEL(context)", "CHANNEL(channame)", "CHANNEL(appname)"),
    *("CHANNEL(appdata)", "CHANNEL(amaflags)", "CHANNEL(accountcode)", "CHANNEL(uniqueid)"),
    *("CHANNEL(linkedid)", "BRIDGEPEER", "CHANNEL(userfield)", "userdeftype", "eventextra"),
)
# The same columns by the names of the newer syntax, in a section [Master.csv].
FIELDS = ",".join(x.rpartition("(")[2].rstrip(")").lower().removeprefix("bridge") for x in COLUMNS)
NEWER_EVENTS = frozenset(("stream_begin", "stream_end", "dtmf"))
MAPPING = "Master.csv => " + ",".join(f"${{CSV_QUOTE(${{{column}}})}}" for column in COLUMNS)


def cel_findings(examined: Examination) -> Iterator[DoctorFinding]:
    """CEL: enabled, applications named, events named."""
    answers = examined.answers
    is_on = any(answers.value(file, "general", "enable").lower() in TRUE for file in (q.CEL, q.GENERATED_CEL))
    apps, events = answers.words("apps"), answers.words("events")
    missing_apps = [app for app in APPS if app not in apps]
    missing_events = [] if "all" in events else [event for event in EVENTS if event.lower() not in events]
    apps_line, events_line = f"apps = {','.join(APPS)}", f"events = {','.join(EVENTS)}"
    if not is_on:
        lines = ((apps_line, missing_apps), (events_line, missing_events))
        yield _of_cel(examined, "cel.off", *(line for line, missing in lines if missing))
        return
    if missing_apps:
        kind, plural = "cel.apps_all" if "all" in apps else "cel.apps", "s" if len(missing_apps) > 1 else ""
        yield _of_cel(examined, kind, apps_line, plural=plural, names=", ".join(missing_apps))
    if missing_events:
        refused = reader_text(" With apps but without APP_START, Asterisk refuses the whole file.")
        refused = refused if "app_start" not in events and apps else ""
        names = ", ".join(missing_events)
        yield _of_cel(examined, "cel.events", events_line, names=names, refused=refused)
    if unknown := sorted(events - _known_events(answers)):
        names, plural = ", ".join(unknown).upper(), "s" if len(unknown) > 1 else ""
        yield examined.finding("cel.unknown", names=names, plural=plural)
    yield from _destination(examined)


def _known_events(answers: ExchangeAnswers) -> frozenset[str]:
    known = frozenset(name.lower() for name in KNOWN_EVENTS) | {"all"}
    return known if versions.has(versions.CEL_OF_STREAMS, answers.release) else known - NEWER_EVENTS


def _destination(examined: Examination) -> Iterator[DoctorFinding]:
    """A file in the layout that callmon reads, or a table."""
    answers = examined.answers
    if answers.value(q.CEL_FILE, "mappings", "Master.csv") or answers.value(q.CEL_ODBC, "cel", "connection"):
        return
    fields = answers.value(q.CEL_FILE, "Master.csv", "fields")
    if not fields or not versions.has(versions.CEL_BY_FIELDS, answers.release):
        yield examined.finding("cel.destination", MAPPING)
        return
    is_csv = answers.value(q.CEL_FILE, "Master.csv", "format").lower() in ("", "dsv")
    if not is_csv or re.sub(r"\s", "", fields).lower() != FIELDS:
        yield examined.finding("cel.layout", f"fields = {FIELDS}")


def _of_cel(
    examined: Examination, kind: str, *lines: str, names: str = "", plural: str = "", refused: str = ""
) -> DoctorFinding:
    """If the file appears to have no section yet, `[general](+)` would make Asterisk refuse the file."""
    answers = examined.answers
    is_there = examined.layout is q.FREEPBX or any(
        (answers.value(q.CEL, "general", "enable"), answers.words("apps"), answers.words("events"))
    )
    section = ADDED if is_there else "[general]"
    return examined.finding(kind, *lines, section=section, names=names, plural=plural, refused=refused)


def voicemail(examined: Examination, lines: Iterable[Line]) -> Iterator[DoctorFinding]:
    """No source tells voicemail from a menu: the step is not received, and no context or mailbox is configured."""
    is_configured = examined.exchange.voicemail_contexts or any(line.mailboxes for line in lines)
    if not is_configured and not hears_voicemail(examined):
        yield examined.finding("exchange.voicemail")


def clock(examined: Examination) -> Iterator[DoctorFinding]:
    ahead = examined.answers.ahead
    if ahead is not None and abs(ahead) > TOLERABLE_SKEW:
        way = reader_text("ahead of" if ahead > timedelta(0) else "behind")
        yield examined.finding("exchange.clock", length=f"{abs(ahead).total_seconds():.1f} s", way=way)


def tones(examined: Examination, lines: Iterable[Line]) -> Iterator[DoctorFinding]:
    """Compare the ring cadence that Asterisk plays with the cadence that callmon counts by."""
    answers = examined.answers
    country = answers.value("indications.conf", "general", "country").lower()
    cycles = {line.ring_cycle for line in lines}
    if country not in ("us", "us-old", "") and cycles == {RING_CYCLE}:
        kind = "exchange.tones_freepbx" if examined.layout is q.FREEPBX else "exchange.tones"
        yield examined.finding(kind, country=country)
    heard = cycle(answers.value("indications.conf", "us", "ring"))
    if country == "us" and heard is not None:
        theirs = formatted_duration(heard)
        for line in lines:
            if line.ring_cycle != heard:
                ours = formatted_duration(line.ring_cycle)
                yield finding("line.ring", line=line.name, theirs=theirs, at=examined.name, ours=ours)


def cycle(ring: str) -> timedelta | None:
    """`440+480/2000,0/4000` → 6 s; None if it is not a cadence."""
    parts = [re.fullmatch(r"!?[0-9+*]+/(\d+)", part.strip()) for part in ring.split(",")]
    if not ring or not all(parts):
        return None
    return timedelta(milliseconds=sum(int(part[1]) for part in parts if part)) or None


def mailboxes(answers: Iterable[ExchangeAnswers], lines: Iterable[Line]) -> Iterator[DoctorFinding]:
    """A line's mailboxes must exist on an exchange. Silent if one exchange did not list its own."""
    listed = [each.mailboxes for each in answers]
    known = {box for mailboxes in listed if mailboxes is not None for box in mailboxes}
    if not listed or None in listed:
        return
    short = {box.removesuffix("@default") for box in known}
    some = ", ".join(f'"{name}"' for name in sorted(short)[:6]) or reader_text("none at all")
    for line in lines:
        for box in line.mailboxes:
            if box not in known | short:
                yield finding("line.mailbox", line=line.name, box=box, some=some)


def fullness(examined: Examination, lines: Iterable[Line]) -> Iterator[DoctorFinding]:
    """Whether the exchange reports how full a mailbox is. Silent if it may not list its commands."""
    commands = examined.answers.commands
    is_needed = any(line.mailboxes for line in lines) and examined.answers.mailboxes
    if is_needed and "CoreShowChannels" in commands and "VoicemailUserStatus" not in commands:
        yield examined.finding("exchange.fullness")


def silent_lines(
    settings: Settings, last_seen: Mapping[str, datetime | None], now: datetime
) -> Iterator[DoctorFinding]:
    """Lines on which no call has been seen for long, or ever (R-43): one finding for all of one day."""
    formatter = Formatter(LANGUAGE.get(), settings.timezone)
    silent: dict[str | None, list[str]] = defaultdict(list)
    for line in settings.lines():
        seen = last_seen.get(line.name)
        if seen is None or now - seen > SILENT_TOO_LONG:
            silent[formatter.day(seen) if seen else None].append(line.name)
    for day, names in silent.items():
        since = reader_text("ever" if day is None else "since {day}").format(day=day)
        if len(names) == 1:
            yield finding("line.silent", line=names[0], since=since)
        else:
            yield finding("line.several_silent", names=", ".join(names), since=since)


def phone_state_findings(examined: Examination) -> Iterator[DoctorFinding]:
    """The list of states, and chan_sip's states, which do not show calls without `callcounter`."""
    answers = examined.answers
    if answers.devices is None:
        yield examined.finding("exchange.no_states")
        return
    callcounter = answers.value(q.CHAN_SIP, "general", "callcounter").lower()
    has_sip = any(device.startswith("SIP/") for device in answers.devices)
    # FreePBX sets `callcounter` in each phone's own section.
    if has_sip and callcounter not in TRUE and examined.layout is not q.FREEPBX:
        yield examined.finding("exchange.callcounter")


def unknown_phones(answers: Iterable[ExchangeAnswers], lines: Iterable[Line]) -> Iterator[DoctorFinding]:
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
