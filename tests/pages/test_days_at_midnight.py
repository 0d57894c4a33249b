"""Half an hour before and after midnight in Toronto, in summer and winter: today is the site's, not UTC's."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable, Iterator
from datetime import date, datetime, timedelta
from typing import Any, NamedTuple

import msgspec
import pytest

from callmon.backfill.imported.job import Import, plan
from callmon.backfill.imported.records import Source
from callmon.cli.common import CommandContext
from callmon.cli.completion import _months
from callmon.config.phone_numbers import NO_BREAK
from callmon.config.settings import Settings, example_text, parse
from callmon.config.staff import StaffLanguages, StaffMember
from callmon.core.attestations import Attestation, a_quarter_after
from callmon.core.callbacks.commands import local_moment
from callmon.core.callbacks.index import ObligationIndex
from callmon.core.callbacks.obligation import Obligation
from callmon.core.exchange import LastCalls
from callmon.core.replay.planned import date_number
from callmon.core.snapshot import CallbackStatus, DaemonSnapshot, HostStatus, LineStatus
from callmon.core.statistics import period
from callmon.core.statistics.today import Today
from callmon.core.verdicts import VERDICTS
from callmon.daemon.host_state import last_day
from callmon.features.months.mail.timer import ReportMailer
from callmon.features.months.request import ReportRequest, checked, gathered
from callmon.features.now import half_hours
from callmon.features.now.page import view
from callmon.features.standards.alerts_now import alerts_now
from callmon.features.webhooks.delivery import Deliverer
from callmon.features.worklist.page import groups
from callmon.store.database import Database
from callmon.store.queries.attestations import insert_attestations
from callmon.store.queries.seen_days import judged_days
from callmon.store.queries.staffing import read_volumes
from callmon.web.formatter import WebFormatter
from callmon.web.jobs import JobFailure
from tests.support.environment import QUESTIONS_ON
from tests.support.fact_builder import CALLER, OTHER, TORONTO, Office, local
from tests.support.moments import stopped
from tests.support.pages_app import Pages, pages
from tests.support.store_fixtures import answered_call, outcomes, wrote

# The last day of a month, and its third: no day beside it is closed.
MIDNIGHTS = ("2025-07-31 23:30", "2025-07-03 00:30", "2024-01-31 23:30", "2024-01-03 00:30")
DAY = timedelta(days=1)
STANDARD = "answer_by_third_ring"
SETTINGS = parse(example_text() + '[mail]\nhost = "127.0.0.1"\nsender = "c@x.ca"\ninternal_to = ["a@x.ca"]\n')


def plain(text: str) -> str:
    return text.replace(NO_BREAK, " ")


def written(day: date) -> str:
    return f"{day.day} {day:%B %Y}"


class Midnight(NamedTuple):
    """A moment in UTC, the site's day then, and a database without calls."""

    at: datetime
    day: date
    store: Database

    @property
    def days(self) -> tuple[date, date, date]:
        return self.day - DAY, self.day, self.day + DAY

    @property
    def month(self) -> str:
        return f"{self.day:%Y-%m}"

    @property
    def last_month(self) -> str:
        return period.last(self.day)

    @property
    def formatter(self) -> WebFormatter:
        return WebFormatter(SETTINGS, "en", self.at)

    def noon(self, day: date) -> datetime:
        return local(f"{day} 12:00")

    def snapshot(self, **given: Any) -> DaemonSnapshot:
        return DaemonSnapshot(self.at, **given)


def command(moment: Midnight) -> CommandContext:
    found = CommandContext(None)
    found.now = moment.at
    found.settings = SETTINGS
    found.store = moment.store
    return found


def stale(moment: Midnight) -> list[bool]:
    """Of tests that stand until yesterday, today and tomorrow: whether the report calls them stale."""
    found = []
    for until in moment.days:
        tested = next(x for n in range(95, 80, -1) if a_quarter_after(x := until - n * DAY) >= until)
        insert_attestations(moment.store, [Attestation("general", "person", tested, "A. Roy", True)])
        month = period.month(moment.month, TORONTO)
        (status, _) = gathered(moment.store, SETTINGS, month, moment.at, ("general",), compare=False).attested
        found.append(status.is_stale)
    return found


def final_month(moment: Midnight) -> list[str]:
    """The month of which the webhooks' task asks whether it is final."""
    asked = []

    def is_final(_store: Database, _settings: Settings, month: period.Month, _now: datetime) -> bool:
        asked.append(month.name)
        return False

    deliverer = Deliverer(lambda: SETTINGS, moment.store, lambda: True, is_final)
    asyncio.run(deliverer.keep_house(moment.at))
    return asked


def mailed_month(moment: Midnight) -> set[str]:
    """The month whose report the mailer makes: none before six in the morning."""
    asked = set()

    async def made(_settings: Settings, report_request: ReportRequest) -> JobFailure:
        asked.add(report_request.month)
        return JobFailure("empty", "")

    asyncio.run(ReportMailer(lambda: SETTINGS, moment.store, lambda: True, made).send_if_due(moment.at))
    return asked


def callbacks(moment: Midnight) -> list[Obligation]:
    """Two that fall due today and tomorrow; each is named after its day."""
    office = Office(SETTINGS)
    left = zip(moment.days, (CALLER, OTHER), strict=False)
    office.hear(*(office.message(moment.noon(day), caller, call=f"{day + DAY}") for day, caller in left))
    return list(office.kept.values())


def worklist(moment: Midnight) -> dict[str, list[str]]:
    return {name: [x.id for x in some] for name, some in groups(callbacks(moment), moment.formatter).items()}


def count_on_the_live_page(moment: Midnight) -> int:
    """Of callbacks due today, tomorrow and tomorrow: how many fall due today."""
    index = ObligationIndex()
    first, second = callbacks(moment)
    for obligation in (first, second, msgspec.structs.replace(second, id="third")):
        index.insert(obligation)
    shown = view(moment.snapshot(callbacks=CallbackStatus().updated(index)), moment.formatter)
    return int(shown["callbacks"]["today"])


def targets(moment: Midnight) -> list[bool]:
    """Of targets since yesterday, today and tomorrow: whether the live page has it."""
    found = []
    for day in moment.days:
        more = f'[lines.general.target.{STANDARD}]\npercent = 90\nsince = {day}\nsigned_by = "x"\n'
        formatter = WebFormatter(parse(example_text() + more), "en", moment.at)
        verdicts = {STANDARD: dict[str, int](dict.fromkeys(VERDICTS, 1))}
        line = LineStatus("general", True, True, {}, None, None, {}, "", {}, verdicts, (0, 0))
        (rate,) = view(moment.snapshot(lines=(line,)), formatter)["rates"]
        found.append(rate["sides"]["voice"]["target"] is not None)
    return found


def alerts(moment: Midnight) -> list[str]:
    """The days of a test call and of the end of a certificate, at this moment."""
    tested = LastCalls()
    tested.record_call("tty", moment.at, test=True)
    host = HostStatus(certificates={"toronto": moment.at})
    found = alerts_now(moment.snapshot(last_calls=tested, host=host), moment.formatter, True)
    (first, *_), (end,) = (found[x].values for x in ("CallmonTestCallDue", "CallmonCertificateExpires"))
    return [plain(x.text) for x in (first, end)]


def times(moment: Midnight) -> list[str]:
    """An hour before and after now, as a page says them: at the other side of midnight with the weekday."""
    hours = [moment.at + n * timedelta(hours=1) for n in (-1, 1)]
    return [plain(write(at)) for at in hours for write in (moment.formatter.near, moment.formatter.at_time)]


def listed_times(moment: Midnight) -> list[bool]:
    """At the end of the sixth day from now, and at the beginning of the seventh: whether a list says the date."""
    days = moment.day + 6 * DAY, moment.day + 7 * DAY
    ends = local(f"{days[0]} 23:30"), local(f"{days[1]} 00:30")
    return [written(day) in plain(moment.formatter.when(at)) for day, at in zip(days, ends, strict=True)]


def said_times(moment: Midnight) -> list[str]:
    other = f"{moment.day + DAY:%a} 12:30 a.m." if moment.day.day == 31 else f"{moment.day - DAY:%a} 11:30 p.m."
    own = "10:30 p.m." if moment.day.day == 31 else "1:30 a.m."
    found = [[own, f"at {own}"], [other, other]]
    return [x for some in (found if moment.day.day == 31 else found[::-1]) for x in some]


def speaks(moment: Midnight) -> list[bool | None]:
    """Of agents whose last day was yesterday, is today and is tomorrow."""
    members = [StaffMember(extension=f"{n}", languages=("fr",), valid_until=x) for n, x in enumerate(moment.days)]
    return [StaffLanguages(members, TORONTO).speaks(f"{n}", "fr", moment.at) for n in range(3)]


def days_of_calls(moment: Midnight) -> list[object]:
    """The day on which the questions find a call of this moment, and how far it is away, with its half-hour."""
    wrote(moment.store, *outcomes(answered_call(0, moment.at)))
    begin, end = period.midnight(moment.days[0], TORONTO), period.midnight(moment.day + 2 * DAY, TORONTO)
    with moment.store.reading() as connection:
        judged = judged_days(connection, TORONTO, begin, end)
    volumes = read_volumes(moment.store, TORONTO, SETTINGS.calendar(), moment.days[0], moment.days[2])
    return [*judged, *((x.date - date_number(moment.day), dict(x.calls)) for x in volumes)]


def completed_months(moment: Midnight) -> list[str]:
    """What a shell offers where the only call is of this moment."""
    wrote(moment.store, *outcomes(answered_call(0, moment.at)))
    return list(_months(command(moment)))


def imported_months(moment: Midnight) -> list[str]:
    """The months in which an import created a call of this moment."""
    work = Import(SETTINGS, moment.store, "queue_log", "toronto", False, moment.at + DAY)
    start = f"{moment.at.timestamp():.0f}"
    rows = [f"{start}|{start}.7|general|NONE|{x}" for x in ("ENTERQUEUE||4165550101|1", "ABANDON|1|1|0")]
    source = Source("queue_log", len(rows), moment.at, moment.at, lambda: (x for x in rows))
    assert all(x is None for x in work.run([source], (None, None)))
    return list(work.months)


def imported_days(moment: Midnight) -> list[str]:
    """What an import says of a record that ends now, where numbers are kept since the last day of last month."""
    kept = f'retention_authority = "x"\nretention_days = {moment.day.day}'
    settings = parse(example_text().replace("retention_days = 400", kept))
    work = Import(settings, moment.store, "queue_log", "toronto", False, moment.at)
    source = Source("queue_log", 1, moment.at - 60 * DAY, moment.at, lambda: (x for x in list[str]()))
    said = list(plan([(work, [source])], settings, moment.at, (None, None)))
    return [str(first) for first, *_ in (said[0], *said[2:])]


ACTS: dict[str, Callable[[Midnight], tuple[object, object]]] = {
    "a time that is typed": lambda x: (local_moment("12:00", TORONTO, x.at), x.noon(x.day)),
    "a command": lambda x: (command(x).today, x.day),
    "a command's day": lambda x: (command(x).day(None, "DAY", 1), x.day - DAY),
    "a command's time": lambda x: (command(x).moment("12:00", "--at"), x.noon(x.day)),
    "a report of the month so far": lambda x: (
        checked(ReportRequest(x.month, to_date=True), SETTINGS, x.at).after, x.day,
    ),
    "a report's attestations": lambda x: (stale(x), [True, False, False]),
    "a webhook of a final month": lambda x: (final_month(x), [x.last_month]),
    "a mailed report": lambda x: (mailed_month(x), {x.last_month} if x.day.day == 31 else set()),
    "the worklist": lambda x: (worklist(x), {"today": [f"{x.day}"], "later": [f"{x.day + DAY}"]}),
    "callbacks due today": lambda x: (count_on_the_live_page(x), 1),
    "a target": lambda x: (targets(x), [True, True, False]),
    "the days of alerts": lambda x: (alerts(x), [f"tested on {written(x.day)}", written(x.day)]),
    "times of a list": lambda x: (listed_times(x), [False, True]),
    "times of a page": lambda x: (times(x), said_times(x)),
    "an agent's languages": lambda x: (speaks(x), [None, True, True]),
    "the calls of a question": lambda x: (
        days_of_calls(x), [x.day, (0, {47 if x.day.day == 31 else 1: 1})],
    ),
    "the months of a completion": lambda x: (completed_months(x), ["last", x.month]),
    "the months of an import": lambda x: (imported_months(x), [x.month]),
    "the plan of an import": lambda x: (
        imported_days(x), [
            f"queue_log from {x.day - 60 * DAY} to {x.day}.", f"{x.last_month}:", f"{x.month}:",
        ],
    ),
    "the chart of today": lambda x: (half_hours.days(x.at, SETTINGS)[0], x.day),
    "the live page": lambda x: (view(x.snapshot(), x.formatter)["day"], x.day.isoformat()),
    "today's counters": lambda x: (Today(TORONTO).local_day(x.at), x.day),
    "the last day of a metric": lambda x: (last_day(SETTINGS, SETTINGS.lines()["general"], x.at), x.day - DAY),
}  # fmt: skip


@pytest.mark.parametrize("written", MIDNIGHTS)
@pytest.mark.parametrize("act", ACTS)
def test_around_midnight_today_is_the_day_of_the_site(act: str, written: str, sqlite_store: Database) -> None:
    moment = Midnight(local(written), date.fromisoformat(written[:10]), sqlite_store)
    found, expected = ACTS[act](moment)
    assert found == expected


# What a page shows of a day, and the day.
ON_PAGES = {
    "/en/": (r"Page made on ([^,]*),", "{day:%-d %B %Y}"),
    "/en/calls": (r'name="day" value="([^"]*)"', "{day}"),
    "/en/why": (r'type="date"[^>]* value="([^"]*)"', "{before}"),
    "/en/what-if": (r'type="date"[^>]* value="([^"]*)"', "{month_before:%Y-%m}-01 {month_before}"),
    "/en/phones": (r'type="date"[^>]* value="([^"]*)"', "{after}"),
    "/en/needs": (r'type="date"[^>]* value="([^"]*)"', "{month} {day}"),
    "/en/months": (r'\A.*?<a href="/en/months/(\d{4}-\d\d)"', "{day:%Y-%m}"),
    "/en/months/{day:%Y-%m}": (r"(This month is not over)", "This month is not over"),
    "/api/v1/half-hours?days=1": (r'"day":"([^"]*)"', "{day}"),
    "/en/promises": (r'id="h-closed".*?<dt>\w+ ([^<]*)<', "{closed}"),
}
# The closed day that is listed first: today, where it is one.
NEXT_CLOSED = {
    "2025-09-30 23:30": "30 September 2025",
    "2025-07-01 00:30": "1 July 2025",
    "2024-01-31 23:30": "19 February 2024",
    "2024-01-01 00:30": "1 January 2024",
}


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pages]:
    """A call has arrived at each of these moments."""

    def fill(store: Database) -> None:
        wrote(store, *(one for n, x in enumerate(NEXT_CLOSED) for one in outcomes(answered_call(n, local(x)))))

    with pages(tmp_path_factory.mktemp("site"), fill=fill, first=QUESTIONS_ON) as found:
        found.daemon.page_context.outdated = lambda: None  # each test has its own snapshot
        yield found


@pytest.mark.parametrize("moment", NEXT_CLOSED)
@pytest.mark.parametrize("path", ON_PAGES)
def test_around_midnight_a_page_begins_with_the_day_of_the_site(
    site: Pages, path: str, moment: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    at, day = local(moment), date.fromisoformat(moment[:10])
    for module in ("context", "api.resource"):
        monkeypatch.setattr(f"callmon.web.{module}.datetime", stopped(at))
    monkeypatch.setattr("callmon.features.questions.page.WAITS", 0.0)
    context = site.daemon.page_context
    context.update(msgspec.structs.replace(context.seen(), at=at))
    page = plain(site.visitors["manager"].get(path.format(day=day)).text)
    pattern, expected = ON_PAGES[path]
    month = day.replace(day=1)
    days = {"day": day, "before": day - DAY, "after": day + DAY, "month": month, "month_before": month - DAY}
    assert " ".join(re.findall(pattern, page, re.DOTALL)) == expected.format(closed=NEXT_CLOSED[moment], **days)
