"""What each alert looks at, at this moment, for the runbook: the values, and whether the matter is over.

Values are those of the snapshot. An alert that compares with the past, as Prometheus does, is over only where
nothing was counted since the start. Refuses: to say "over" of what callmon does not know. Pure.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import timedelta
from functools import partial
from typing import NamedTuple

from callmon.config.lines import Line
from callmon.core.snapshot import DaemonSnapshot
from callmon.web.formatter import WebFormatter

MOST_FREE = 10 * 2**30  # bytes; callmon.rules.yml has these limits
FULL = 0.9
UNANNOUNCED = timedelta(minutes=15)
BACKFILL = timedelta(minutes=30)
UNSENT = timedelta(days=1)
BEHIND = timedelta(minutes=5)
SKEW = 5
EXPIRES = timedelta(days=21)


class Value(NamedTuple):
    """One line, exchange, mailbox or disk. `is_on`: whether the alert's condition holds; None: not known."""

    subject: str
    text: str
    is_on: bool | None


class AlertNow(NamedTuple):
    """`is_over`: None when callmon cannot tell. Of counts that are 0 no value is listed."""

    values: Sequence[Value]
    is_over: bool | None


Probe = Callable[[DaemonSnapshot, WebFormatter], Iterator[Value]]


def alerts_now(snapshot: DaemonSnapshot, formatter: WebFormatter, is_whole: bool) -> Mapping[str, AlertNow]:
    """By the name of the alert. A reader of some services (not `is_whole`) sees what concerns lines alone.

    A callmon that stands by does not know calls and callbacks.
    """
    asked = {**OF_LINES, **(OF_SITE if is_whole else {})} if snapshot.leads else {}
    found = {name: _summary([*probe(snapshot, formatter)]) for name, probe in asked.items()}
    return {name: found.get(name, AlertNow((), None)) for name in (*OF_LINES, *OF_SITE, *UNSEEN)}


def _summary(values: Sequence[Value]) -> AlertNow:
    states = {value.is_on for value in values}
    is_over = False if True in states else None if None in states else True
    return AlertNow([value for value in values if value.text != "0"], is_over)


# ── of lines ──


def _lines(formatter: WebFormatter) -> Iterator[tuple[Line, str]]:
    return ((line, line.title(formatter.language)) for line in formatter.settings.lines())


def _count(name: str, x: DaemonSnapshot, f: WebFormatter) -> Iterator[Value]:
    """The callbacks of this name in `COUNTS`, of each line."""
    for line, title in _lines(f):
        count = _of_line(x, name, line.name)
        yield Value(title, f.whole(count), count > 0)


def _of_line(x: DaemonSnapshot, name: str, line: str) -> int:
    return sum(n for (of, _), n in x.callbacks.counts.get(name, {}).items() if of == line)


def _to_listen_to(x: DaemonSnapshot, f: WebFormatter) -> Iterator[Value]:
    due = x.callbacks.firsts.get("listen", {})
    for line, title in _lines(f):
        count = _of_line(x, "callbacks_to_listen_to", line.name)
        late = None if line.name not in due else due[line.name] < x.at
        yield Value(title, f.whole(count), late if count else False)


def _phones(while_open: bool, x: DaemonSnapshot, f: WebFormatter) -> Iterator[Value]:
    for line in (line for line in x.lines if line.is_open == while_open):
        reachable = line.phones.get("free", 0) + line.phones.get("in_use", 0)
        text = f.say("{count} of {total} phones can be reached", count=reachable, total=sum(line.phones.values()))
        yield Value(
            f.settings.lines()[line.name].title(f.language),
            text if line.phones and line.is_heard else f.say("phones not known"),
            reachable == 0 if line.phones and line.is_heard else None,
        )


def _voicemail(x: DaemonSnapshot, f: WebFormatter) -> Iterator[Value]:
    """The calls of today; the alert asks for those of two hours."""
    for line in x.lines:
        taken = sum(n for outcome, n in line.calls.items() if outcome.startswith("voicemail"))
        text = f.say("{count} of {total} calls today", count=taken, total=sum(line.calls.values()))
        title = f.settings.lines()[line.name].title(f.language)
        yield Value(title, text if taken else "0", None if taken else False)


def _unannounced(x: DaemonSnapshot, f: WebFormatter) -> Iterator[Value]:
    open_lines = {line.name for line in x.lines if line.is_open}
    for line, title in _lines(f):
        began = [
            disruption.began
            for disruption in x.disruptions
            if line.name in disruption.lines
            and disruption.state(x.at) == "going_on"
            and disruption.announced is None
        ]
        if began:
            lasts = x.at - min(began)
            yield Value(title, f.duration(lasts), line.name in open_lines and lasts > UNANNOUNCED)


OF_LINES: Mapping[str, Probe] = {
    "CallmonCallbackDueSoon": partial(_count, "callbacks_due_soon"),
    "CallmonCallbackOverdue": partial(_count, "callbacks_overdue"),
    "CallmonCallbackUntaken": partial(_count, "callbacks_overdue_untaken"),
    "CallmonMessagesToListenTo": _to_listen_to,
    "CallmonLineUnstaffed": partial(_phones, True),
    "CallmonVoicemailShareHigh": _voicemail,
    "CallmonDisruptionWithoutNotice": _unannounced,
    "CallmonCallbacksAtOpening": partial(_count, "callbacks_open"),
    "CallmonLineNotReady": partial(_phones, False),
}

# ── of the site ──


def _unheard(x: DaemonSnapshot, f: WebFormatter) -> Iterator[Value]:
    for box in x.service.mailboxes:
        yield Value(f"{box.mailbox} ({box.exchange})", f.whole(box.unheard), box.unheard > 0)


def _mailboxes(x: DaemonSnapshot, f: WebFormatter) -> Iterator[Value]:
    for box in x.service.mailboxes:
        full = box.messages / box.capacity >= FULL if box.capacity else None
        total = f.whole(box.capacity) if box.capacity else "?"
        yield Value(
            f"{box.mailbox} ({box.exchange})", f.say("{count} of {total}", count=box.messages, total=total), full
        )


def _test_calls(x: DaemonSnapshot, f: WebFormatter) -> Iterator[Value]:
    for line, title in _lines(f):
        last, due = x.last_calls.tests.get(line.name), x.last_calls.test_due(line)
        if due is not None:
            text = f.say("tested on {day}", day=f.day(last)) if last else f.say("never tested")
            yield Value(title, text, due < x.at)


def _connected(x: DaemonSnapshot, f: WebFormatter) -> Iterator[Value]:
    for exchange in x.exchanges:
        text = f.say("connected") if exchange.connected else f.say("not connected")
        yield Value(exchange.name, text, not exchange.connected)


def _reconciled(x: DaemonSnapshot, f: WebFormatter) -> Iterator[Value]:
    for compared in x.compared:
        count = sum(compared.only.values())
        yield Value(compared.exchange, f.whole(count), count > 0)


def _backfill(x: DaemonSnapshot, f: WebFormatter) -> Iterator[Value]:
    for name, since in x.backfill_waiting.items():
        yield Value(name, f.duration(x.at - since), x.at - since > BACKFILL)


def _unsent(x: DaemonSnapshot, f: WebFormatter) -> Iterator[Value]:
    for edition, since in x.reports_unsent.items():
        yield Value(f.word("mail_edition", edition), f.duration(x.at - since), x.at - since > UNSENT)


def _given_up(x: DaemonSnapshot, f: WebFormatter) -> Iterator[Value]:
    for (webhook, _), count in ((key, count) for key, count in x.webhooks.items() if key[1] == "dead"):
        yield Value(webhook, f.whole(count), count > 0)


def _behind(x: DaemonSnapshot, f: WebFormatter) -> Iterator[Value]:
    for sink in (sink for sink in x.sinks if sink.name != "traces"):
        yield Value(_sink(sink.name, f), f.whole(sink.backlog), sink.behind_for > BEHIND)


def _refused(x: DaemonSnapshot, f: WebFormatter) -> Iterator[Value]:
    for sink in (sink for sink in x.sinks if sink.name == "database"):
        yield Value(_sink(sink.name, f), f.whole(sink.refused), sink.refused > 0)


def _sink(name: str, f: WebFormatter) -> str:
    return f.say("database") if name == "database" else f.say("broker")


def _since_the_start(
    count: Callable[[DaemonSnapshot], int], x: DaemonSnapshot, f: WebFormatter
) -> Iterator[Value]:
    """The alert asks for those of the last hour."""
    number = count(x)
    yield Value(f.say("since callmon's start"), f.whole(number), None if number else False)


def _configuration(x: DaemonSnapshot, f: WebFormatter) -> Iterator[Value]:
    text = f.say("applied") if x.last_reload.succeeded else f.say("refused")
    yield Value(f.say("the configuration"), text, not x.last_reload.succeeded)


def _disks(x: DaemonSnapshot, f: WebFormatter) -> Iterator[Value]:
    for holds, disk in x.host.disks.items():
        text = f.say("{percent} free", percent=f.share(disk.free, disk.size))
        subject = f.say("disk of the database") if holds == "database" else f.say("disk of the outbox")
        yield Value(subject, text, disk.free < (1 - FULL) * disk.size and disk.free < MOST_FREE)


def _clocks(x: DaemonSnapshot, f: WebFormatter) -> Iterator[Value]:
    for name, seconds in x.host.skews.items():
        yield Value(name, f.seconds(timedelta(seconds=seconds)), abs(seconds) > SKEW)


def _certificates(x: DaemonSnapshot, f: WebFormatter) -> Iterator[Value]:
    for name, at in x.host.certificates.items():
        yield Value(name, f.day(at), at - x.at < EXPIRES)


def _planned(x: DaemonSnapshot, f: WebFormatter) -> Iterator[Value]:
    going_on = [d for d in x.disruptions if d.source == "work" and d.state(x.at) == "going_on"]
    for line, title in _lines(f):
        if any(line.name in disruption.lines for disruption in going_on):
            yield Value(title, f.say("planned work"), True)


def _closed(x: DaemonSnapshot, f: WebFormatter) -> Iterator[Value]:
    for line, title in _lines(f):
        if names := x.service.closed_days.get(line.name):
            yield Value(title, names[f.language == "en"], True)


def _answers(x: DaemonSnapshot, f: WebFormatter) -> Iterator[Value]:
    """This page is callmon's: it answers, and writes."""
    yield Value("callmon", f.say("answers"), False)


OF_SITE: Mapping[str, Probe] = {
    "CallmonMessagesUnheard": _unheard,
    "CallmonMailboxFull": _mailboxes,
    "CallmonTestCallDue": _test_calls,
    "CallmonDown": _answers,
    "CallmonExchangeUnheard": _connected,
    "CallmonReconciliationDiffers": _reconciled,
    "CallmonBackfillStale": _backfill,
    "CallmonReportNotDelivered": _unsent,
    "CallmonWebhookDead": _given_up,
    "CallmonSinkBacklog": _behind,
    "CallmonNobodyLeads": _answers,
    "CallmonOutcomesRefused": _refused,
    "CallmonFault": partial(_since_the_start, lambda x: x.internal_errors),
    "CallmonConfigRefused": _configuration,
    "CallmonMessagesUnusable": partial(
        _since_the_start, lambda x: sum(sum(exchange.unusable.values()) for exchange in x.exchanges)
    ),
    "CallmonDiskFull": _disks,
    "CallmonClockSkew": _clocks,
    "CallmonCertificateExpires": _certificates,
    "CallmonPlannedWork": _planned,
    "CallmonLineClosedToday": _closed,
}
# What the snapshot does not tell: counts of half an hour or of a night, and Prometheus itself.
UNSEEN = ("CallmonFeedSilent", "CallmonStandardNotMet", "CallmonUnheardOvernight", "CallmonHeartbeat")
