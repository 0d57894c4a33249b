"""Deliveries to webhooks: what is due, what became of it, what is sent again. Every function blocks."""

from collections.abc import Callable, Iterable
from datetime import datetime, timedelta

from sqlalchemy import delete, func, update
from sqlmodel import col, select

from callmon.store.bulk import BulkWriter
from callmon.store.database import Database, database_errors
from callmon.store.instances import found_row, found_rows
from callmon.store.row_mapping import PLACES
from callmon.store.tables import WEBHOOK, Condition, Row
from callmon.store.tables.webhooks import DeliveryState, WebhookRow

KEPT = timedelta(days=35)  # then a delivery is deleted, whatever became of it


def first_waiting(store: Database, webhook: str) -> WebhookRow | None:
    """The delivery that is next in the order of events."""
    question = select(WebhookRow).where(col(WebhookRow.webhook) == webhook, col(WebhookRow.state) == "waiting")
    with database_errors(store), store.reading() as connection:
        return found_row(connection, question.order_by(col(WebhookRow.n), col(WebhookRow.id)).limit(1))


def settle_delivery(
    store: Database, row: WebhookRow, state: DeliveryState, answer: str, next_attempt: datetime
) -> None:
    """Stores the result of an attempt."""
    values = {"state": state, "answer": answer, "tries": row.tries + 1, "next": next_attempt}
    with database_errors(store), store.writing_piece() as connection:
        connection.execute(update(WebhookRow).where(*_same(row.id, row.webhook)).values(**values))


def send_again(store: Database, event: str, webhook: str, now: datetime) -> bool:
    """Lets a delivery that is done or dead wait for three more days. False: there is none."""
    values = {"state": "waiting", "since": now, "next": now, "tries": 0}
    theirs = (*_same(event, webhook), col(WebhookRow.state) != "waiting")
    with database_errors(store), store.writing() as connection:
        return connection.execute(update(WebhookRow).where(*theirs).values(**values)).rowcount == 1


def last_deliveries(store: Database, most: int) -> list[WebhookRow]:
    """The latest deliveries, the newest first."""
    ordered = select(WebhookRow).order_by(col(WebhookRow.since).desc(), col(WebhookRow.n).desc()).limit(most)
    with database_errors(store), store.reading() as connection:
        return found_rows(connection, ordered)


def count_deliveries(store: Database, webhooks: Iterable[str]) -> dict[tuple[str, str], int]:
    """How many wait or are dead, by webhook and state."""
    counts = {(name, state): 0 for name in webhooks for state in ("waiting", "dead")}
    with database_errors(store), store.reading() as connection:
        for name, state in counts:
            theirs = col(WebhookRow.webhook) == name, col(WebhookRow.state) == state
            counts[name, state] = connection.scalars(select(func.count()).where(*theirs)).one()
    return counts


def insert_deliveries(store: Database, rows_from: Callable[[int], list[Row]]) -> None:
    """Inserts those that are not there, numbered after all of the last batch. `rows_from`: by the first number."""
    with database_errors(store), store.writing_piece() as connection:
        writing = BulkWriter(connection)
        ((batch,),) = writing.execute("SELECT batch FROM writer WHERE id = 1")
        writing.insert(WEBHOOK, rows_from((batch + 1) * PLACES - 1), "ON CONFLICT DO NOTHING")


def prune_deliveries(store: Database, now: datetime) -> None:
    with database_errors(store), store.writing_piece() as connection:
        connection.execute(delete(WebhookRow).where(col(WebhookRow.since) < now - KEPT))


def _same(event: str, webhook: str) -> tuple[Condition, ...]:
    return col(WebhookRow.id) == event, col(WebhookRow.webhook) == webhook
