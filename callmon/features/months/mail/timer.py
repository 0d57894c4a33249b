"""The daemon's task that mails last month's report: the provisional one, later the final one.

    first business day, 6:00 ─▶ the provisional report
    what was opened in the month has fallen due ─▶ the final report

Only the leader sends. A server that does not answer is tried again after 5 minutes, then at growing intervals up
to an hour. Each attempt makes the report again, so that no old figures leave. The record in the database outlives
the daemon: it is read at each look. The month before last is finished if it was begun.

Refuses: to send what a person must decide (`delivery.py`).
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta

from callmon.config.mail import EDITIONS
from callmon.config.settings import Settings
from callmon.core.statistics import period
from callmon.errors import CallmonError
from callmon.features.months.formats.mail import PreparedReport, prepared
from callmon.features.months.mail.delivery import addresses, deliver, mail_request, supersede, why
from callmon.features.months.report_mail import FIRST_PAUSE, ReportMailRow, mails_of
from callmon.features.months.request import ReportRequest
from callmon.store.database import Database
from callmon.web.jobs import Job, JobFailure

log = logging.getLogger(__name__)

LOOKS = 60.0  # seconds between two checks of the time
FROM_HOUR = 6  # local: the nightly reconciliation is done, and nobody's telephone rings at night
NEXT_LOOK = timedelta(hours=6)  # where nothing tells when the report becomes final
AFTER_FAILURE = timedelta(minutes=30)
LONG_AGO = datetime.min.replace(tzinfo=UTC)

Work = tuple[str, str]  # month, edition
Files = list[tuple[str, bytes]]
Make = Callable[[Settings, ReportRequest], Awaitable[Files | JobFailure]]


async def made_in_a_process(settings: Settings, report_request: ReportRequest) -> Files | JobFailure:
    """The files of a report, made outside of the daemon's process (`jobs.py`)."""
    process = Job(settings, report_request, asyncio.Semaphore(1))
    await process.result()
    return process.failure or process.files


class ReportMailer:
    """`run` is a task for the daemon's lifetime. `unsent`: by edition, since when a report is not delivered."""

    def __init__(
        self,
        settings: Callable[[], Settings],
        store: Database,
        leads: Callable[[], bool],
        make: Make = made_in_a_process,
    ) -> None:
        self._settings = settings
        self._store = store
        self._leads = leads
        self._make_files = make
        self._looks: dict[Work, datetime] = {}  # when a report that is not delivered yet is made next
        self._failures: dict[Work, datetime] = {}  # since when a report cannot be made
        self._made: dict[Work, datetime] = {}  # the last attempt to make it
        self._is_ending = False
        self.unsent: Mapping[str, datetime] = {}

    async def run(self) -> None:
        try:
            while True:
                await self.send_if_due(datetime.now(UTC))
                await asyncio.sleep(LOOKS)
        finally:
            self._is_ending = True  # a conversation in a thread ends before it hands over its message

    async def send_if_due(self, now: datetime) -> None:
        """Makes and sends each report that is due at `now`. Errors are logged, and the work is repeated later."""
        settings = self._settings()
        if settings.mail.host is None or not self._leads():
            self.unsent = {}
            return
        try:
            months = _months(settings, now)
            self._failures = {work: at for work, at in self._failures.items() if work[0] in months}
            mails = await asyncio.to_thread(mails_of, self._store, months)
            for work in _due(settings, now, months, mails, self._looks):
                if now - self._made.get(work, LONG_AGO) >= FIRST_PAUSE:
                    self._made[work] = now
                    await self._send(settings, work, now, mails)
            self.unsent = self._unsent(settings, await asyncio.to_thread(mails_of, self._store, months))
        except CallmonError as error:
            log.warning("mail: failed; retrying", extra={"why": str(error)})
        except Exception:  # an internal error must not end the daemon
            log.exception("mail: internal error; continuing")

    async def _send(self, settings: Settings, work: Work, now: datetime, mails: Sequence[ReportMailRow]) -> None:
        report = await self._make(settings, work, now)
        if report is None:
            return
        notice = report.notice
        # At that moment itself it may still change.
        self._looks[work] = notice.final_after + timedelta(minutes=1) if notice.final_after else now + NEXT_LOOK
        if notice.is_final:
            await asyncio.to_thread(supersede, self._store, mails, notice.mailing, now)
        elif notice.edition == "public":
            return

        def is_due(mail: ReportMailRow) -> bool:
            return mail.state == "waiting" and mail.next <= now

        known = addresses(settings.mail, notice.edition)
        done = await asyncio.to_thread(
            deliver, self._store, settings.mail, report, now, known, is_due, self._may_send
        )
        # A signed revision has another number than 1: `_due` does not know its mails.
        self._looks[work] = min([self._looks[work], *(x.next for x in done if x.state == "waiting")])
        for mail in done:
            if mail.attempts and mail.changed == now:
                _log_mail(settings, mail)

    def _may_send(self) -> bool:
        return self._leads() and not self._is_ending

    async def _make(self, settings: Settings, work: Work, now: datetime) -> PreparedReport | None:
        """The report; None if it cannot be made. The time of the next try is then noted."""
        made = await self._make_files(settings, mail_request(settings, *work, now))
        if not isinstance(made, JobFailure):
            self._failures.pop(work, None)
            return prepared(made)
        is_empty = made.kind == "empty"  # nothing was received in that month
        self._looks[work] = now + (NEXT_LOOK if is_empty else AFTER_FAILURE)
        if not is_empty:
            self._failures.setdefault(work, now)
        return None

    def _unsent(self, settings: Settings, mails: Sequence[ReportMailRow]) -> dict[str, datetime]:
        """A later revision, or the final report, takes the place of an earlier mail to the same recipient."""
        last: dict[tuple[str, str, str], ReportMailRow] = {}
        for mail in sorted(mails, key=lambda x: (x.mailing.stage == "final", x.mailing.revision)):
            if mail.recipient in addresses(settings.mail, mail.mailing.edition):
                last[mail.mailing.month, mail.mailing.edition, mail.recipient] = mail
        late = [(x.mailing.edition, x.since) for x in last.values() if x.state != "sent"]
        found: dict[str, datetime] = {}
        for edition, since in (*late, *((edition, at) for (_, edition), at in self._failures.items())):
            found[edition] = min(since, found.get(edition, since))
        return found


def _months(settings: Settings, now: datetime) -> list[str]:
    """Last month, and the month before it."""
    last = period.month(period.last(now.astimezone(settings.timezone).date()), settings.timezone)
    return [last.name, period.before(last, settings.timezone).name]


def _due(
    settings: Settings,
    now: datetime,
    months: Sequence[str],
    mails: Sequence[ReportMailRow],
    looks: Mapping[Work, datetime],
) -> Iterator[Work]:
    """The months and editions to make now."""
    local = now.astimezone(settings.timezone)
    if local.hour < FROM_HOUR or not period.is_due(settings.calendar(), local.date()):
        return
    for month in reversed(months):
        for edition in EDITIONS:
            known = addresses(settings.mail, edition)
            ours = [x for x in mails if (*x.mailing[:2], x.recipient in known) == (month, edition, True)]
            ended = {x.recipient for x in ours if x.mailing.stage == "final" and x.state != "waiting"}
            is_begun = month == months[0] or bool(ours)
            if not is_begun or ended == set(known):
                continue
            again = [x.next for x in ours if x.state == "waiting" and x.mailing.revision == 1]
            if min([looks.get((month, edition), now), *again]) <= now:
                yield month, edition


def _log_mail(settings: Settings, mail: ReportMailRow) -> None:
    """What became of a mail in this attempt."""
    of = mail.mailing
    fields = {"month": of.month, "edition": of.edition, "stage": of.stage, "to": mail.recipient}
    if mail.state == "sent":
        log.info("mail: report sent", extra=fields)
    else:
        reason = why(settings.mail, mail.recipient, mail, "en")
        log.warning("mail: report not sent", extra=fields | {"state": mail.state, "why": reason})
