"""The exchange's configuration beyond the AMI user: CEL, tones, clock, mailboxes, lines. Pure."""

import re
from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime, timedelta

from callmon.config.durations import formatted_duration
from callmon.config.lines import RING_CYCLE, Line
from callmon.config.settings import Settings
from callmon.tools.doctor.finding import OURS, DoctorFinding
from callmon.tools.doctor.layout import ADDED, FREEPBX, GENERATED_CEL
from callmon.tools.doctor.manager_user import TRUE, Examination, hears_voicemail
from callmon.tools.doctor.questions import CEL, CEL_FILE, CEL_ODBC, ExchangeAnswers

# Without these a gap cannot be filled. More (read, background …) give a more complete story of a menu.
APPS = ("dial", "queue", "voicemail", "read")
EVENTS = (
    *("CHAN_START", "CHAN_END", "ANSWER", "HANGUP", "APP_START", "BRIDGE_ENTER", "BRIDGE_EXIT", "LINKEDID_END"),
    *("BLINDTRANSFER", "ATTENDEDTRANSFER", "PICKUP", "FORWARD", "PARK_START", "PARK_END"),
)
TOLERABLE_SKEW = timedelta(seconds=2)
SILENT_TOO_LONG = timedelta(days=7)
GAPS = "Only CEL records calls during a gap of callmon; without it those calls stay unknown."
# A row of CEL as comma-separated values, in the column order of the shipped `cel_custom.conf`.
COLUMNS = (
    *("eventtype", "eventtime", "CALLERID(name)", "CALLERID(num)", "CALLERID(ANI)", "CALLERID(RDNIS)"),
    *("CALLERID(DNID)", "CHANNEL(exten)", "CHANNEL(context)", "CHANNEL(channame)", "CHANNEL(appname)"),
    *("CHANNEL(appdata)", "CHANNEL(amaflags)", "CHANNEL(accountcode)", "CHANNEL(uniqueid)"),
    *("CHANNEL(linkedid)", "BRIDGEPEER", "CHANNEL(userfield)", "userdeftype", "eventextra"),
)
MAPPING = "Master.csv => " + ",".join(f"${{CSV_QUOTE(${{{column}}})}}" for column in COLUMNS)


def cel_findings(examined: Examination) -> Iterator[DoctorFinding]:
    """CEL: enabled, applications named, events named."""
    answers = examined.answers
    is_on = any(answers.value(file, "general", "enable").lower() in TRUE for file in (CEL, GENERATED_CEL))
    apps, events = answers.words("apps"), answers.words("events")
    missing_apps = [app for app in APPS if app not in apps]
    missing_events = [] if "all" in events else [event for event in EVENTS if event.lower() not in events]
    if not is_on:
        yield _of_cel(
            examined, "CEL is off.", GAPS, "enable = yes", *_apps(missing_apps), *_events(missing_events)
        )
        return
    if missing_apps:
        yield _of_cel(examined, *_unnamed(apps, missing_apps), *_apps(missing_apps))
    if missing_events:
        why = f"{GAPS} CEL logs only the events that are listed."
        if "app_start" not in events and apps:
            why += " With apps but without APP_START, Asterisk refuses the whole file."
        what = f"CEL does not log {', '.join(missing_events)}."
        yield _of_cel(examined, what, why, *_events(missing_events))
    if not (answers.value(CEL_FILE, "mappings", "Master.csv") or answers.value(CEL_ODBC, "cel", "connection")):
        yield examined.warning(
            "CEL has no known destination.",
            "cel_custom.conf has no Master.csv, and cel_odbc.conf has no table. (The heading may be "
            "missing; the long line is one line.) Rotate the file: it grows without limit, and holds callers' "
            "numbers.",
            CEL_FILE,
            ("[mappings]", MAPPING),
            "asterisk -rx 'module reload cel_custom.so'",
        )


def _unnamed(apps: frozenset[str], missing: list[str]) -> tuple[str, str]:
    if "all" in apps:
        return (
            "CEL logs no application, because apps = all is ignored.",
            f"{GAPS} Asterisk accepts `all`, but then logs no application.",
        )
    return f"CEL does not log the application{'s' if len(missing) > 1 else ''} {', '.join(missing)}.", GAPS


def _of_cel(examined: Examination, what: str, why: str, *lines: str) -> DoctorFinding:
    """If the file appears to have no section yet, `[general](+)` would make Asterisk refuse the file."""
    layout, answers = examined.layout, examined.answers
    is_there = layout is FREEPBX or any(
        (answers.value(CEL, "general", "enable"), answers.words("apps"), answers.words("events"))
    )
    section = ADDED if is_there else "[general]"
    return examined.warning(what, why, layout.cel_file, (section, *lines), layout.cel_then)


def _apps(missing: list[str]) -> tuple[str, ...]:
    return (f"apps = {','.join(APPS)}",) if missing else ()


def _events(missing: list[str]) -> tuple[str, ...]:
    return (f"events = {','.join(EVENTS)}",) if missing else ()


def voicemail(examined: Examination, lines: Iterable[Line]) -> Iterator[DoctorFinding]:
    """No source tells voicemail from a menu: the step is not received, and no context or mailbox is configured."""
    told = examined.exchange.voicemail_contexts or any(line.mailboxes for line in lines)
    if told or hears_voicemail(examined):
        return
    yield DoctorFinding(
        examined.name,
        "error",
        "callmon cannot tell voicemail from a menu here.",
        "callmon does not receive the dialplan step VoiceMail (see class dialplan and event filter). Nor are "
        "contexts or mailboxes of voicemail configured. Calls that go directly to voicemail would count as calls "
        "in a menu, without a message. Correct one of the two.",
        OURS,
        (f"[exchanges.{examined.name}]", 'voicemail_contexts = ["…"]'),
    )


def clock(examined: Examination) -> Iterator[DoctorFinding]:
    ahead = examined.answers.ahead
    if ahead is not None and abs(ahead) > TOLERABLE_SKEW:
        way = "ahead of" if ahead > timedelta(0) else "behind"
        yield examined.warning(
            f"its clock is {abs(ahead).total_seconds():.1f} s {way} ours.",
            "Arrivals, opening hours and due times are those of the exchange's clock. Synchronise both machines "
            "by NTP (chrony).",
        )


def tones(examined: Examination, lines: Iterable[Line]) -> Iterator[DoctorFinding]:
    """Compare the ring cadence that Asterisk plays with the cadence that callmon counts by."""
    answers = examined.answers
    country = answers.value("indications.conf", "general", "country").lower()
    cycles = {line.ring_cycle for line in lines}
    if country not in ("us", "us-old", "") and cycles == {RING_CYCLE}:
        yield _foreign_tones(examined, country)
    heard = cycle(answers.value("indications.conf", "us", "ring"))
    if country == "us" and heard is not None:
        theirs = formatted_duration(heard)
        for line in lines:
            if line.ring_cycle != heard:
                ours = formatted_duration(line.ring_cycle)
                yield finding_of_line(
                    line,
                    f"a ring is {theirs} at exchange {examined.name}, {ours} here.",
                    "callmon counts rings by this length: the third ring ends after three of them.",
                    f'ring_cycle = "{theirs}"',
                )


def _foreign_tones(examined: Examination, country: str) -> DoctorFinding:
    what = f"its tones are those of {country!r}, in which a ring has another length than the 6 s of Canada."
    why = "Where Asterisk plays the ringing (behind a menu), callers hear other rings than callmon counts."
    if examined.layout is FREEPBX:
        return examined.warning(what, f"{why} In the GUI: Advanced Settings, Country Indication Tones.")
    then = "asterisk -rx 'module reload indications'"
    return examined.warning(what, why, "indications.conf", (ADDED, "country = us"), then)


def cycle(ring: str) -> timedelta | None:
    """`440+480/2000,0/4000` → 6 s; None if it is not a cadence."""
    parts = [re.fullmatch(r"!?[0-9+*]+/(\d+)", part.strip()) for part in ring.split(",")]
    if not ring or not all(parts):
        return None
    return timedelta(milliseconds=sum(int(part[1]) for part in parts if part)) or None


def mailboxes(answers: Iterable[ExchangeAnswers], lines: Iterable[Line]) -> Iterator[DoctorFinding]:
    """A line's mailboxes must exist on an exchange. Silent if one exchange did not list its own."""
    listed = [each.mailboxes for each in answers]
    known = {box for boxes in listed if boxes is not None for box in boxes}
    if not listed or None in listed:
        return
    short = {box.removesuffix("@default") for box in known}
    some = ", ".join(f'"{name}"' for name in sorted(short)[:6]) or "none at all"
    for line in lines:
        for box in line.mailboxes:
            if box not in known | short:
                yield finding_of_line(
                    line,
                    f"no exchange has the mailbox {box!r}.",
                    f"callmon would not find a message in another mailbox. The exchanges have {some}.",
                    'mailboxes = ["…"]',
                )


def fullness(examined: Examination, lines: Iterable[Line]) -> Iterator[DoctorFinding]:
    """Whether the exchange reports how full a mailbox is. Silent if it may not list its commands."""
    commands = examined.answers.commands
    asked = any(line.mailboxes for line in lines) and examined.answers.mailboxes
    if asked and "CoreShowChannels" in commands and "VoicemailUserStatus" not in commands:
        yield examined.warning(
            "it does not report the size of mailboxes (VoicemailUserStatus).",
            "Messages are counted only after the first new one, and no alert warns of a full mailbox. "
            "Asterisk 16 and 22 support this action; an older version may not.",
        )


def silent_lines(
    settings: Settings, last_seen: Mapping[str, datetime | None], now: datetime
) -> Iterator[DoctorFinding]:
    """Lines on which no call has been seen for long, or ever (R-43)."""
    for line in settings.lines():
        seen = last_seen.get(line.name)
        if seen is not None and now - seen <= SILENT_TOO_LONG:
            continue
        since = "ever" if seen is None else f"since {seen.astimezone(settings.timezone):%Y-%m-%d}"
        yield finding_of_line(
            line,
            f"no call has arrived on it {since}.",
            "The line may be dead, or its number may arrive as another one (a toll-free number that ends on the "
            "local one). Call it; `callmon doctor --listen 10min` shows what the trunk delivers.",
            'arrives_as = ["…"]',
        )


def finding_of_line(line: Line, what: str, why: str, *lines: str) -> DoctorFinding:
    return DoctorFinding("", "warning", f"line {line.name}: {what}", why, OURS, (f"[lines.{line.name}]", *lines))
