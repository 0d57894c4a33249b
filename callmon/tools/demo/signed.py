"""The demonstration's signed months: the twelve before the one that a visitor can sign.

    report of a month ─▶ prepared by one person ─▶ verified and approved by another

The report and the signatures are made by the code of the pages. They take seconds, so the pages are served before.
"""

from collections.abc import Callable, Iterator
from datetime import datetime, timedelta

from callmon.config.settings import Settings
from callmon.core.statistics.period import Month, month_from
from callmon.features.months.request import ReportRequest, filed
from callmon.features.months.signed import prepare
from callmon.store import sign_off
from callmon.store.access import AuditRow
from callmon.store.database import Database
from callmon.tools.demo.access import PEOPLE
from callmon.web.auth.identity import Role

MONTHS = 12
# After the end of a month: its last callbacks are due, and the complaint is a later one's.
FINAL = timedelta(hours=26)
DAY = timedelta(days=1)


def month_to_sign(now: datetime, settings: Settings) -> Month:
    """The last month that is final: no callback of it and no complaint is due any more."""
    zone = settings.timezone
    first = now.astimezone(zone).date().replace(day=1)
    last = month_from(first, -1, zone)
    return last if now >= last.end + FINAL else month_from(first, -2, zone)


def signed_months(now: datetime, settings: Settings) -> Iterator[Month]:
    """The latest first."""
    left = month_to_sign(now, settings).first
    return (month_from(left, -n, settings.timezone) for n in range(1, MONTHS + 1))


def sign_months(store: Database, settings: Settings, now: datetime, is_over: Callable[[], bool]) -> None:
    """Make and sign each report, some days after its month's end, until it `is_over`."""
    for month in signed_months(now, settings):
        if is_over():
            return
        at = month.end + 5 * DAY + timedelta(hours=10)
        files = filed(store, settings, ReportRequest(month.name, "html", to_sign=True), at, lambda _: None)
        number = prepare(store, files, AuditRow(at=at, who=PEOPLE[Role.MANAGER].name, act="")).number
        for days, step in enumerate(sign_off.STEPS[1:], 1):
            audit_event = AuditRow(at=at + days * DAY, who=PEOPLE["verifier"].name, act="")
            sign_off.sign(store, month.name, number, step, audit_event)
