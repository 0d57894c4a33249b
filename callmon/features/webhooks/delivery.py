"""The daemon's task that delivers events: of each webhook one after the other, in their order.

    the first that waits ─▶ 2xx: done ─▶ the next
                        └─▶ anything else: again after 5 s, then twice as long, 15 minutes at most ─▶ 3 days: dead

A receiver that asks for a longer wait (Retry-After) gets it. What fails holds up what follows it: the order stays.
Only the leader sends. An attempt that is cut off is made again, with the same `webhook-id`: a receiver may get an
event twice. Refuses: to raise, and to keep another webhook waiting for a slow receiver.
"""

import asyncio
import logging
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta

from callmon.config.settings import Settings
from callmon.config.webhooks import WebhookSettings
from callmon.core.statistics import period
from callmon.errors import CallmonError, StoreError
from callmon.features.webhooks import formats, http
from callmon.features.webhooks.events import month_event, rows_of_events
from callmon.logs import Seldom
from callmon.store.database import Database
from callmon.store.queries import webhooks as queries
from callmon.store.tables.webhooks import DeliveryState, WebhookRow

log = logging.getLogger(__name__)

LOOK_SECONDS = 1.0
FIRST_PAUSE, LONGEST_PAUSE = timedelta(seconds=5), timedelta(minutes=15)
TRIED_FOR = timedelta(days=3)
HOUSEKEEPING = timedelta(minutes=10)

IsFinal = Callable[[Database, Settings, period.Month, datetime], bool]


class Deliverer:
    """`run` is a task for the daemon's lifetime. `counts`: pending and dead deliveries, by webhook and state."""

    def __init__(
        self, settings: Callable[[], Settings], store: Database, leads: Callable[[], bool], is_final: IsFinal
    ) -> None:
        self._settings, self._store = settings, store
        self._leads, self._is_final = leads, is_final
        self._busy: set[str] = set()
        self._kept_at = datetime.min.replace(tzinfo=UTC)
        self.counts: Mapping[tuple[str, str], int] = {}
        self._failed = Seldom(log, "webhooks: internal error; continuing")

    async def run(self) -> None:
        async with asyncio.TaskGroup() as tasks:
            while True:
                if self._settings().webhooks and self._leads():
                    await self.keep_house(datetime.now(UTC))
                    for name in self._settings().webhooks.keys() - self._busy:
                        tasks.create_task(self._send_all(name), name=f"webhook {name}")
                else:
                    self.counts = {}
                await asyncio.sleep(LOOK_SECONDS)

    async def _send_all(self, name: str) -> None:
        """Sends what is due of a webhook, until a delivery fails or nothing is due."""
        self._busy.add(name)
        try:
            while await self.send_next(name, datetime.now(UTC)):
                pass
        finally:
            self._busy.discard(name)

    async def send_next(self, name: str, now: datetime) -> bool:
        """Sends the next delivery of a webhook, if it is due. Whether another one may follow."""
        try:
            row = await asyncio.to_thread(queries.first_waiting, self._store, name)
            webhook = self._settings().webhooks.get(name)
            if row is None or webhook is None or row.next > now or not self._leads():
                return False
            return await self._attempt(webhook, row, now)
        except StoreError:
            return False  # the writer tells that the database is away
        except Exception as error:  # an internal error must not end the daemon
            self._failed(webhook=name, why=type(error).__name__)
            return False

    async def _attempt(self, webhook: WebhookSettings, row: WebhookRow, now: datetime) -> bool:
        """Sends one delivery, and stores the result. Whether another one may follow.

        The attempt is stored first: a database that takes nothing is no reason to send an event again and again.
        """
        pause = min(FIRST_PAUSE * (1 << min(row.tries, 10)), LONGEST_PAUSE)
        await asyncio.to_thread(queries.settle_delivery, self._store, row, "waiting", row.answer, now + pause)
        is_taken, answer, wait = await sent(webhook, row.id, row.data, self._settings(), now)
        state: DeliveryState = "done" if is_taken else "dead" if now - row.since >= TRIED_FOR else "waiting"
        next_attempt = now + max(wait, pause)
        await asyncio.to_thread(queries.settle_delivery, self._store, row, state, answer, next_attempt)
        if not is_taken and (row.tries == 0 or state == "dead"):
            fields = {"webhook": row.webhook, "event": row.event, "answer": answer, "state": state}
            log.warning("webhooks: not delivered", extra=fields)
        return is_taken or state == "dead"

    async def keep_house(self, now: datetime) -> None:
        """Counts for the metrics; every ten minutes, deletes what is old and looks whether last month is final."""
        settings = self._settings()
        try:
            self.counts = await asyncio.to_thread(queries.count_deliveries, self._store, settings.webhooks)
            if now - self._kept_at >= HOUSEKEEPING:
                await asyncio.to_thread(queries.prune_deliveries, self._store, now)
                await asyncio.to_thread(self._enter_month, settings, now)
                self._kept_at = now
        except StoreError:
            pass  # the writer tells that the database is away
        except Exception as error:
            self._failed(why=type(error).__name__)

    def _enter_month(self, settings: Settings, now: datetime) -> None:
        month = period.month(period.last(now.astimezone(settings.timezone).date()), settings.timezone)
        if self._is_final(self._store, settings, month, now):
            event = month_event(month.name, month.end, settings)
            queries.insert_deliveries(self._store, lambda n: rows_of_events(iter([event]), settings, now, n))


async def sent(
    webhook: WebhookSettings, event: str, data: str, settings: Settings, now: datetime
) -> tuple[bool, str, timedelta]:
    """Whether the receiver took all requests of a delivery; its last answer; how long it asks to wait."""
    answer = http.Answer(204, b"", timedelta())
    try:
        secret = await asyncio.to_thread(webhook.password)
        for request in formats.requests(webhook, data, settings):
            headers = formats.signed(request, event, now, secret)
            answer = await http.post(webhook.url, headers, request.body, webhook.allow_private)
            said = answer.body if webhook.format == "zammad" else b""
            if formats.SENT_BEFORE in said:
                break
            if not answer.is_taken and formats.NO_ENTRY not in said:
                return False, str(answer.status), answer.wait
    except http.DeliveryError as error:
        log.debug("webhooks: no answer", extra={"event": event, "why": error.detail or error.code})
        return False, error.code, timedelta()
    except (CallmonError, ValueError):
        return False, "secret", timedelta()
    return True, str(answer.status), answer.wait
