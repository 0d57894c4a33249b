"""Deliveries of events to the site's webhooks."""

from datetime import datetime
from typing import Literal, TypeAlias

from sqlalchemy import BigInteger, Index, String, Text
from sqlmodel import Field

from callmon.store.tables.columns import CLUSTERED, Moment, StoredRow

DeliveryState: TypeAlias = Literal["waiting", "done", "dead"]


class WebhookRow(StoredRow, table=True):
    """One event on its way to one webhook. The writer inserts it with the outcome that causes the event.

    `id` follows from the event. `n` orders the deliveries. `data`: what is sent, as JSON. `answer`: the last one.
    `since`: the three days of attempts begin. `next`: the next attempt, where `state` is "waiting".
    """

    __table_args__ = (
        Index("ix_webhook_due", "webhook", "state", "n"),
        Index("ix_webhook_since", "since"),
        CLUSTERED,
    )

    id: str = Field(primary_key=True)
    webhook: str = Field(primary_key=True)
    n: int = Field(sa_type=BigInteger)
    event: str
    state: DeliveryState = Field(sa_type=String)
    since: datetime = Field(sa_type=Moment)
    tries: int
    next: datetime = Field(sa_type=Moment)
    answer: str
    data: str = Field(sa_type=Text)
