"""The simulated days of a ringing line as facts through a real monitor, stored as the daemon stores them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import closing
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from callmon.cli import common
from callmon.config.settings import example_text, load
from callmon.core import facts as f
from callmon.core.disruptions.disruption import DisruptionEnded, Opened
from callmon.core.disruptions.register import update_by
from callmon.core.outcome import Outcome
from callmon.core.replay.record import SeenCall, SeenDay
from callmon.core.statistics.period import midnight
from callmon.store.database import Database
from callmon.store.opening import open_for_writing
from tests.support.fact_builder import TORONTO, Office, Timed
from tests.support.store_fixtures import copy, wrote

FIRST = date(2026, 10, 13)  # a Tuesday after a closed Monday
NUMBERS = 900  # callers of the simulated site: 555-0100 and on would not be enough


def working_days(first: date, count: int) -> list[date]:
    days = (first + timedelta(days=n) for n in range(2 * count + 10))
    return [day for day in days if day.weekday() < 5][:count]


def stored(store: Database, days: Sequence[SeenDay], first: date = FIRST, line: str = "general") -> list[date]:
    """Write all calls of the days to the store; the dates that they were given."""
    dates, office = working_days(first, len(days)), Office()
    for day, when in zip(days, dates, strict=True):
        office.hear(*(facts_of(office, call, midnight(when, TORONTO), line) for call in day.calls))
    wrote(store, *office.outcomes)
    return dates


def disrupt(store: Database, line: str, first: date, last: date) -> None:
    """Staff report that the line could not take calls from the first day to the last."""
    begin, end = midnight(first, TORONTO), midnight(last, TORONTO) + timedelta(hours=23)
    opened = update_by(Opened(f"{line} {first}", begin, "staff", "", "", (line,)), None)
    ended = update_by(DisruptionEnded(opened.disruption.id, end, "by_hand"), opened.disruption)
    wrote(store, Outcome("toronto", disruptions=(opened, ended)))


def facts_of(office: Office, seen: SeenCall, begin: datetime, line: str) -> list[Timed]:
    def at(ms: int) -> datetime:
        return begin + timedelta(milliseconds=seen.at + ms)

    call = office.call()
    caller = f"+1416555{1000 + seen.key % NUMBERS:04}"
    chosen = [(at(0), f.LanguageChosen(call, at(0), seen.language))] if seen.language != "all" else []
    found = [office.arrival(call, at(0), line, caller), *chosen, *_tries(call, seen, at)]
    end = at(seen.wait)
    if seen.outcome == "voicemail":
        found.append((end, f.VoicemailTook(call, end, "500")))
        end += timedelta(seconds=20)
    elif seen.outcome == "answered":
        end += timedelta(milliseconds=seen.talk)
    return [*found, (end, f.Ended(call, end, "caller"))]


def _tries(call: str, seen: SeenCall, at) -> Iterator[Timed]:  # type: ignore[no-untyped-def]
    for number, tried in enumerate(seen.tries):
        begin, end = at(tried.start), at(tried.start + tried.length)
        phone = str(101 + tried.phone)
        channel = f"PJSIP/{phone}-{number:08x}"
        yield begin, f.PhoneDialled(call, begin, phone, channel)
        yield begin, f.PhoneRang(call, begin, phone, channel)
        if tried.took:
            yield end, f.Answered(call, end, phone, channel, begin)
        else:
            yield end, f.PhoneStopped(call, end, phone, channel, "no_answer", True)


def without_numbers(days: Iterable[SeenDay]) -> list[tuple[str, int, int, int]]:
    """What a reader of the store must find of the days: outcome, wait, talk, tries of each call."""
    return [(call.outcome, call.wait, call.talk, len(call.tries)) for day in days for call in day.calls]


def make_site(folder: Path, template: Path, days: Sequence[SeenDay], more: str = "") -> None:
    """A configuration, and a database that holds these days. `more`: settings at its beginning."""
    written = more + example_text().replace("sqlite:///callmon.db", f"sqlite:///{folder}/callmon.db")
    (folder / "callmon.toml").write_text(written, encoding="utf-8")
    copy(template, folder / "callmon.db")
    with closing(open_for_writing(load(str(folder / "callmon.toml")))) as store:
        stored(store, days)


def stop_clock(monkeypatch: pytest.MonkeyPatch, moment: datetime) -> None:
    """For commands it is this moment."""

    class Frozen(datetime):
        @classmethod
        def now(cls, tz: Any = None) -> datetime:
            return datetime.fromtimestamp(moment.timestamp(), tz)

    monkeypatch.setattr(common, "datetime", Frozen)
