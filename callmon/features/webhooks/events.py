"""The events that a batch of outcomes causes, as rows of `webhook`. Pure.

    ended call ─▶ call.missed, message.left        ledger ─▶ callback.…        register ─▶ disruption.…

An event's `id` follows from what happened, so both callmons and every repetition give the same. Planned work is no
disruption here. Refuses: a caller's number, a phone, a person, a text that a person wrote.
"""

import hashlib
from collections.abc import Iterator, Mapping
from datetime import datetime
from functools import partial
from typing import NamedTuple

import msgspec

from callmon.config.settings import Settings
from callmon.config.webhooks import EVENTS, EventName
from callmon.core.callbacks import entries as n
from callmon.core.callbacks.obligation import LedgerUpdate
from callmon.core.calls.call import Call, OutcomeName
from callmon.core.disruptions.disruption import Disruption, DisruptionEnded, EndedHow, Opened
from callmon.store.row_mapping import Rows
from callmon.store.tables import Row, microseconds, row_of
from callmon.store.tables.webhooks import WebhookRow

VERSION = 1  # of the payloads: a new field keeps it, another meaning raises it
NOT_MISSED = ("answered", "unknown", "lost")  # a person answered, or it is not known whether one did
DUE: Mapping[type[n.LedgerEntry], EventName] = {n.DueSoon: "callback.due_soon", n.Overdue: "callback.overdue"}
DONE = (n.CalledBack, n.ReachedUs, n.ClosedByHand, n.ComplaintAnswered)
PATHS = {
    "call": {"fr": "appels", "en": "calls"},
    "callback": {"fr": "rappels", "en": "callbacks"},
    "disruption": {"fr": "perturbations", "en": "disruptions"},
    "month": {"fr": "mois", "en": "months"},
}

webhook_row = row_of(WebhookRow)


class Data(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What a payload has under `data`."""


class CallName(Data, frozen=True):
    """One call: its exchange, and its Uniqueid there."""

    exchange: str
    call: str


class CallData(Data, frozen=True):
    """A call that ended without a person. `url`: its page; null without `web.access.url`."""

    exchange: str
    call: str
    line: str
    arrived: datetime | None
    ended: datetime | None
    outcome: OutcomeName
    url: str | None


class CallbackData(Data, frozen=True):
    """A callback to make, or a complaint. `calls`: those that one callback answers. `due`: in opening hours."""

    exchange: str
    id: str
    calls: tuple[CallName, ...]
    kind: n.Kind
    line: str
    opened: datetime
    due: datetime
    state: str
    url: str | None


class DisruptionData(Data, frozen=True):
    """Lines that cannot take calls. `how`: how it ended; null while it lasts."""

    id: str
    lines: tuple[str, ...]
    source: str
    began: datetime
    ended: datetime | None
    how: EndedHow | None
    url: str | None


class MonthData(Data, frozen=True):
    """A month (2026-10) of which no figure changes any more."""

    month: str
    url: str | None


class TestData(Data, frozen=True):
    """A test: nothing has happened."""

    webhook: str


DATA: Mapping[str, type[Data]] = {
    **dict(zip(EVENTS, (*[CallData] * 2, *[CallbackData] * 3, *[DisruptionData] * 2, MonthData), strict=True)),
    "test": TestData,
}
# What is sent: {"type": …, "version": 1, "timestamp": …, "data": {…}}.
PAYLOADS = {
    name: msgspec.defstruct(
        name,
        [("version", int), ("timestamp", datetime), ("data", data)],
        tag_field="type",
        tag=name,
        forbid_unknown_fields=True,
    )
    for name, data in DATA.items()
}


class WebhookEvent(NamedTuple):
    """Something that happened. `key`: with the name and the time, what identifies it. `lines`: empty: of all."""

    name: str
    at: datetime
    key: str
    lines: tuple[str, ...]
    data: Data

    @property
    def id(self) -> str:
        """The `webhook-id` of every delivery of this event."""
        text = f"{self.name} {self.key} {self.at.isoformat()}"
        return f"msg_{hashlib.sha256(text.encode()).hexdigest()[:32]}"

    def encoded(self) -> str:
        return msgspec.json.encode(PAYLOADS[self.name](VERSION, self.at, self.data)).decode()


def deliveries(rows: Rows, settings: Settings, now: datetime) -> list[Row]:
    """The rows of `webhook` that these rows cause, in their order. Of calls, `rows` has the new ones alone."""
    return rows_of_events(_events(rows, settings), settings, now, rows.first)


def rows_of_events(events: Iterator[WebhookEvent], settings: Settings, now: datetime, first: int) -> list[Row]:
    """A row for each event and each webhook that wants it."""
    at = microseconds(now)
    new = partial(webhook_row, state="waiting", since=at, tries=0, next=at, answer="")
    return [
        new(id=event.id, webhook=name, n=first + place, event=event.name, data=event.encoded())
        for place, event in enumerate(events)
        for name, webhook in settings.webhooks.items()
        if event.name in webhook.events
        and (not webhook.lines or not event.lines or not {*event.lines}.isdisjoint(webhook.lines))
    ]


def _events(rows: Rows, settings: Settings) -> Iterator[WebhookEvent]:
    for (_, exchange), call in rows.calls.items():
        yield from _of_call(exchange, call, settings)
    for written in rows.ledger_updates:
        yield from _of_ledger(written, settings)
    for entry, disruption in ((update.entry, update.disruption) for update in rows.disruptions):
        if isinstance(entry, Opened | DisruptionEnded) and disruption.source != "work":
            name: EventName = "disruption.begun" if isinstance(entry, Opened) else "disruption.ended"
            yield WebhookEvent(name, entry.at, disruption.id, disruption.lines, _disruption(disruption, settings))


def _of_call(exchange: str, call: Call, settings: Settings) -> Iterator[WebhookEvent]:
    if call.line is None or call.direction != "inbound" or call.test or call.is_imported or call.ended is None:
        return
    data = CallData(
        exchange=exchange,
        call=call.call,
        line=call.line,
        arrived=call.arrived,
        ended=call.ended,
        outcome=call.outcome,
        url=page_url(settings, "call", f"{exchange}/{call.call}"),
    )
    key = f"{exchange} {call.call}"
    if call.outcome not in NOT_MISSED:
        yield WebhookEvent("call.missed", call.ended, key, (call.line,), data)
    if call.voicemail is not None and call.voicemail.message:
        yield WebhookEvent("message.left", call.ended, key, (call.line,), data)


def _of_ledger(written: LedgerUpdate, settings: Settings) -> Iterator[WebhookEvent]:
    entry, obligation = written.entry, written.obligation
    name = "callback.done" if isinstance(entry, DONE) and not obligation.is_open else DUE.get(type(entry))
    if name is None or (isinstance(entry, n.CalledBack) and entry.again):
        return
    messages = (CallName(message.exchange, message.call) for message in obligation.messages)
    calls = dict.fromkeys((CallName(obligation.exchange, obligation.call), *messages))
    data = CallbackData(
        exchange=obligation.exchange,
        id=obligation.id,
        calls=tuple(calls),
        kind=obligation.kind,
        line=obligation.line,
        opened=obligation.opened,
        due=obligation.due.actionable or obligation.due.at,
        state=obligation.state,
        url=page_url(settings, "callback", obligation.id),
    )
    yield WebhookEvent(name, entry.at, f"{obligation.exchange} {obligation.id}", (obligation.line,), data)


def _disruption(of: Disruption, settings: Settings) -> DisruptionData:
    url = page_url(settings, "disruption", of.id)
    return DisruptionData(of.id, of.lines, of.shown_source, of.began, of.ended, of.how, url)


def month_event(month: str, at: datetime, settings: Settings) -> WebhookEvent:
    """The event of a month that is final. `at`: its end, so that the event is always the same."""
    return WebhookEvent("month.final", at, month, (), MonthData(month, page_url(settings, "month", month)))


def page_url(settings: Settings, kind: str, name: str) -> str | None:
    """The page of a call, a callback, a disruption or a month, in the site's language."""
    base, language = settings.web.access.url, settings.default_language
    return None if base is None else f"{base.rstrip('/')}/{language}/{PATHS[kind][language]}/{name}"
