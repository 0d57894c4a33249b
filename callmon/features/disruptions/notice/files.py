"""The published files: a page and a calendar in each language, and JSON. Pure.

    perturbations.html  disruptions.html    readable without script, on a telephone, on paper
    perturbations.ics   disruptions.ics     iCalendar (RFC 5545)
    disruptions.json                        docs/en/reference/payloads.schema.json

Refuses: counts, callers' numbers, names of staff.
"""

import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from functools import lru_cache

from jinja2 import Template

from callmon import __version__
from callmon.config.settings import Settings
from callmon.core.disruptions.disruption import Disruption
from callmon.features.disruptions.notice.text import (
    FILES,
    STALE_MINUTES,
    PublicNotice,
    is_late,
    notice_as_json,
    public_disruptions,
    public_ids,
)
from callmon.text.labels import LANGUAGES
from callmon.web.formatter import templates_of

LINE_OCTETS = 75  # of iCalendar, without the line end
JSON = "disruptions.json"


def notice_files(
    settings: Settings, found: Iterable[Disruption], is_heard: bool, now: datetime
) -> Mapping[str, bytes]:
    """Every file by its name. `is_heard`: whether every exchange is monitored now."""
    shown = public_disruptions(found, now)
    notices = [PublicNotice(settings, language, now) for language in LANGUAGES]
    files = {JSON: json.dumps(notice_as_json(shown, is_heard, notices), ensure_ascii=False, indent=1).encode()}
    for notice in notices:
        name = FILES[notice.language]
        files[f"{name}.html"] = page(notice, shown, is_heard).encode()
        files[f"{name}.ics"] = calendar(notice, shown, is_heard)
    return files


def page(notice: PublicNotice, shown: Sequence[Disruption], is_heard: bool) -> str:
    """The HTML page of one language."""
    parts = [(title, _in_state(state, notice, shown)) for state, title in notice.parts()]
    other = "en" if notice.language == "fr" else "fr"
    ministry = notice.settings.configuration.ministry
    return _template().render(
        notice=notice, parts=parts, is_heard=is_heard, files=FILES, other=other, json=JSON, ministry=ministry
    )


def _in_state(state: str, notice: PublicNotice, shown: Iterable[Disruption]) -> list[Disruption]:
    return [x for x in shown if x.state(notice.now) == state]


@lru_cache
def _template() -> Template:
    return templates_of("callmon.features.disruptions.notice").get_template("page.html")


# iCalendar.


def calendar(notice: PublicNotice, shown: Sequence[Disruption], is_heard: bool) -> bytes:
    """The calendar of one language. A journal entry states what is known, also when nothing is."""
    name, stamp = notice.heading(), _utc(notice.now)
    now = len(_in_state("going_on", notice, shown))
    known = "\n".join((*notice.status(now, is_heard), notice.updated()))
    lines = [
        *("BEGIN:VCALENDAR", "VERSION:2.0", f"PRODID:-//callmon//{__version__}//{notice.language.upper()}"),
        *(f"NAME:{_escaped(name)}", f"X-WR-CALNAME:{_escaped(name)}"),
        f"REFRESH-INTERVAL;VALUE=DURATION:PT{STALE_MINUTES}M",
        *("BEGIN:VJOURNAL", f"UID:{FILES[notice.language]}@callmon", f"DTSTAMP:{stamp}", f"DTSTART:{stamp}"),
        *(f"SUMMARY:{_escaped(name)}", f"DESCRIPTION:{_escaped(known)}", "END:VJOURNAL"),
    ]
    ids = public_ids(shown)
    for disruption in shown:
        lines += _event(notice, disruption, ids[disruption.id], stamp)
    return b"".join(map(folded_line, [*lines, "END:VCALENDAR"]))


def _event(notice: PublicNotice, disruption: Disruption, uid: str, stamp: str) -> Iterator[str]:
    """One event. It has no end while the end is not known: a made-up one would be a promise."""
    yield from ("BEGIN:VEVENT", f"UID:{uid}", f"DTSTAMP:{stamp}")
    yield f"DTSTART:{_utc(disruption.began)}"
    if disruption.notice.until is not None and not is_late(disruption, notice.now):
        yield f"DTEND:{_utc(disruption.notice.until)}"
    yield f"SUMMARY:{_escaped(f'{notice.title(disruption)} · {notice.where(disruption)}')}"
    yield f"DESCRIPTION:{_escaped(notice.text(disruption))}"
    yield from ("TRANSP:TRANSPARENT", "END:VEVENT")


def _utc(at: datetime) -> str:
    return re.sub("[-:]", "", at.astimezone(UTC).isoformat(timespec="seconds").removesuffix("+00:00")) + "Z"


def _escaped(text: str) -> str:
    """A TEXT value (RFC 5545, 3.3.11)."""
    for plain, coded in (("\\", "\\\\"), (";", "\\;"), (",", "\\,"), ("\n", "\\n")):
        text = text.replace(plain, coded)
    return text


def folded_line(line: str) -> bytes:
    """A content line (3.1): continued after 75 octets by CRLF and a space, never within a character."""
    folded, used = [], 0
    for character in line:
        octets = character.encode("utf-8", "replace")
        if used + len(octets) > LINE_OCTETS:
            folded.append(b"\r\n ")
            used = 1
        folded.append(octets)
        used += len(octets)
    return b"".join(folded) + b"\r\n"
