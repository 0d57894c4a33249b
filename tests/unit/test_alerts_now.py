"""What the runbook says of each alert at this moment: values, and whether the matter is over."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from callmon.config.settings import example_text, parse
from callmon.core.disruptions.disruption import Disruption
from callmon.core.exchange import LastCalls
from callmon.core.snapshot import (
    CallbackStatus,
    DaemonSnapshot,
    DiskSpace,
    ExchangeStatus,
    HostStatus,
    LastReload,
    LineStatus,
    MailboxStatus,
    ServiceStatus,
    SinkStatus,
)
from callmon.features.standards import alerts_now as probes
from callmon.features.standards.alerts_now import AlertNow, Value, alerts_now
from callmon.web.formatter import WebFormatter
from tests.unit.test_alerts import ALERTS, rule_of

NOW = datetime(2026, 11, 24, 15, tzinfo=UTC)
SETTINGS = parse(example_text())
TESTED = ("TTY, Toronto", "TTY, toll-free")  # the example has these tested
GENERAL, TTY = "General inquiries, Toronto", "TTY, Toronto"
MINUTE, HOUR = timedelta(minutes=1), timedelta(hours=1)
GIB = 2**30


def line(name: str = "general", is_open: bool = True, is_heard: bool = True, **values: Any) -> LineStatus:
    phones = values.get("phones", {"free": 1, "in_use": 1, "unreachable": 3})
    calls = values.get("calls", {})
    return LineStatus(name, is_open, is_heard, {}, None, None, phones, "2026-11-24", calls, {}, (0, 0))


def callbacks(name: str, **values: Any) -> CallbackStatus:
    return CallbackStatus(counts={name: {("general", "fr"): 1, ("general", "en"): 1}}, **values)


def silent(since: timedelta) -> Disruption:
    return Disruption(
        id="1", source="phones", exchange="toronto", what="general", lines=("general",), began=NOW - since
    )


def found(is_whole: bool = True, language: str = "en", **values: Any) -> dict[str, AlertNow]:
    snapshot = DaemonSnapshot(**({"at": NOW} | values))
    return dict(alerts_now(snapshot, WebFormatter(SETTINGS, language, NOW), is_whole))


def test_each_alert_of_the_rules_is_answered_and_no_other() -> None:
    assert sorted(found()) == sorted(ALERTS)


TWO = Value(GENERAL, "2", True)
UNREACHABLE = {"free": 0, "in_use": 0, "unreachable": 2}
CASES: list[tuple[str, dict[str, Any], AlertNow]] = [
    ("CallmonCallbackDueSoon", {"callbacks": callbacks("callbacks_due_soon")}, AlertNow([TWO], False)),
    ("CallmonCallbackOverdue", {"callbacks": callbacks("callbacks_overdue")}, AlertNow([TWO], False)),
    ("CallmonCallbackOverdue", {}, AlertNow([], True)),
    ("CallmonCallbackUntaken", {"callbacks": callbacks("callbacks_overdue_untaken")}, AlertNow([TWO], False)),
    ("CallmonCallbacksAtOpening", {"callbacks": callbacks("callbacks_open")}, AlertNow([TWO], False)),
    (
        "CallmonMessagesToListenTo",
        {"callbacks": callbacks("callbacks_to_listen_to", firsts={"listen": {"general": NOW + HOUR}})},
        AlertNow([Value(GENERAL, "2", False)], True),
    ),
    (
        "CallmonMessagesToListenTo",
        {"callbacks": callbacks("callbacks_to_listen_to", firsts={"listen": {"general": NOW - HOUR}})},
        AlertNow([TWO], False),
    ),
    (
        "CallmonMessagesToListenTo",
        {"callbacks": callbacks("callbacks_to_listen_to")},
        AlertNow([Value(GENERAL, "2", None)], None),
    ),
    (
        "CallmonLineUnstaffed",
        {"lines": (line(),)},
        AlertNow([Value(GENERAL, "2 of 5 phones can be reached", False)], True),
    ),
    (
        "CallmonLineUnstaffed",
        {"lines": (line(phones=UNREACHABLE), line("tty", is_heard=False))},
        AlertNow(
            [Value(GENERAL, "0 of 2 phones can be reached", True), Value(TTY, "phones not known", None)], False
        ),
    ),
    (
        "CallmonLineUnstaffed",
        {"lines": (line(phones={}),)},
        AlertNow([Value(GENERAL, "phones not known", None)], None),
    ),
    ("CallmonLineUnstaffed", {"lines": (line(phones=UNREACHABLE, is_open=False),)}, AlertNow([], True)),
    (
        "CallmonLineNotReady",
        {"lines": (line(phones=UNREACHABLE, is_open=False),)},
        AlertNow([Value(GENERAL, "0 of 2 phones can be reached", True)], False),
    ),
    (
        "CallmonVoicemailShareHigh",
        {"lines": (line(calls={"answered": 4, "voicemail": 3, "voicemail_message": 3}),)},
        AlertNow([Value(GENERAL, "6 of 10 calls today", None)], None),
    ),
    ("CallmonVoicemailShareHigh", {"lines": (line(calls={"answered": 4}),)}, AlertNow([], True)),
    (
        "CallmonDisruptionWithoutNotice",
        {"lines": (line(),), "disruptions": (silent(20 * MINUTE),)},
        AlertNow([Value(GENERAL, "20 min", True)], False),
    ),
    (
        "CallmonDisruptionWithoutNotice",
        {"lines": (line(),), "disruptions": (silent(15 * MINUTE),)},
        AlertNow([Value(GENERAL, "15 min", False)], True),
    ),
    (
        "CallmonMailboxFull",
        {"service": ServiceStatus([MailboxStatus("toronto", "500", 45, 50, 0)])},
        AlertNow([Value("500 (toronto)", "45 of 50", True)], False),
    ),
    (
        "CallmonMailboxFull",
        {"service": ServiceStatus([MailboxStatus("toronto", "500", 45, None, 0)])},
        AlertNow([Value("500 (toronto)", "45 of ?", None)], None),
    ),
    (
        "CallmonMessagesUnheard",
        {"service": ServiceStatus([MailboxStatus("toronto", "500", 3, 50, 2)])},
        AlertNow([Value("500 (toronto)", "2", True)], False),
    ),
    ("CallmonTestCallDue", {}, AlertNow([Value(x, "never tested", True) for x in TESTED], False)),
    ("CallmonDown", {}, AlertNow([Value("callmon", "answers", False)], True)),
    (
        "CallmonExchangeUnheard",
        {"exchanges": (ExchangeStatus("toronto", False, 0, None), ExchangeStatus("ottawa", True, 9, NOW))},
        AlertNow([Value("toronto", "not connected", True), Value("ottawa", "connected", False)], False),
    ),
    (
        "CallmonBackfillStale",
        {"backfill_waiting": {"toronto": NOW - 40 * MINUTE}},
        AlertNow([Value("toronto", "40 min", True)], False),
    ),
    (
        "CallmonReportNotDelivered",
        {"reports_unsent": {"public": NOW - 2 * HOUR}},
        AlertNow([Value("public edition", "2 h 00", False)], True),
    ),
    (
        "CallmonWebhookDead",
        {"webhooks": {("desk", "waiting"): 9, ("desk", "dead"): 2, ("chat", "dead"): 0}},
        AlertNow([Value("desk", "2", True)], False),
    ),
    (
        "CallmonSinkBacklog",
        {"sinks": (SinkStatus("database", 7, 6 * MINUTE, 0), SinkStatus("mqtt", 0, 0 * MINUTE, 0))},
        AlertNow([Value("database", "7", True)], False),
    ),
    (  # a collector of traces that is away is no alert
        "CallmonSinkBacklog",
        {"sinks": (SinkStatus("database", 0, 0 * MINUTE, 0), SinkStatus("traces", 7, 6 * MINUTE, 0))},
        AlertNow([], True),
    ),
    (
        "CallmonOutcomesRefused",
        {"sinks": (SinkStatus("mqtt", 0, 0 * MINUTE, 3), SinkStatus("database", 0, 0 * MINUTE, 4))},
        AlertNow([Value("database", "4", True)], False),
    ),
    ("CallmonFault", {"internal_errors": 1}, AlertNow([Value("since callmon's start", "1", None)], None)),
    ("CallmonFault", {}, AlertNow([], True)),
    (
        "CallmonConfigRefused",
        {"last_reload": LastReload(False, NOW)},
        AlertNow([Value("the configuration", "refused", True)], False),
    ),
    (
        "CallmonDiskFull",
        {"host": HostStatus(disks={"database": DiskSpace(9 * GIB, 100 * GIB)})},
        AlertNow([Value("disk of the database", "9.0% free", True)], False),
    ),
    (
        "CallmonDiskFull",
        {"host": HostStatus(disks={"database": DiskSpace(90 * GIB, 1_000 * GIB)})},
        AlertNow([Value("disk of the database", "9.0% free", False)], True),
    ),
    (
        "CallmonClockSkew",
        {"host": HostStatus(skews={"toronto": 5.5})},
        AlertNow([Value("toronto", "5.5 s", True)], False),
    ),
    (
        "CallmonCertificateExpires",
        {"host": HostStatus(certificates={"toronto": NOW + timedelta(days=22)})},
        AlertNow([Value("toronto", "16 December 2026", False)], True),
    ),
    ("CallmonFeedSilent", {}, AlertNow((), None)),
]


@pytest.mark.parametrize(("alert", "state", "answer"), CASES, ids=lambda x: x if isinstance(x, str) else "")
def test_an_alert_has_its_values_and_whether_it_is_over(
    alert: str, state: dict[str, Any], answer: AlertNow
) -> None:
    said = found(**state)[alert]
    plain = [value._replace(text=value.text.replace("\N{NO-BREAK SPACE}", " ")) for value in said.values]
    assert (plain, said.is_over) == (list(answer.values), answer.is_over)


def test_a_standby_cannot_say_of_any_alert_that_it_is_over() -> None:
    assert {name for name, now in found(leads=False).items() if now.is_over is not None} == set()


def test_a_reader_of_one_service_is_answered_of_lines_alone() -> None:
    answered = {name for name, now in found(is_whole=False).items() if now.is_over is not None}
    assert answered <= set(probes.OF_LINES)
    assert "CallmonCallbackOverdue" in answered


def test_a_test_call_that_was_made_is_over_until_the_next_is_due() -> None:
    calls = LastCalls()
    for name in ("tty", "tty-toll-free"):
        calls.record_call(name, NOW - timedelta(days=6), test=True)
    text = f"tested on {WebFormatter(SETTINGS, 'en', NOW).day(NOW - timedelta(days=6))}"
    assert found(last_calls=calls)["CallmonTestCallDue"] == AlertNow([Value(x, text, False) for x in TESTED], True)


@pytest.mark.parametrize(
    ("alert", "limit"),
    [
        ("CallmonMailboxFull", f">= {probes.FULL}"),
        ("CallmonDisruptionWithoutNotice", f"time() - {probes.UNANNOUNCED.seconds}"),
        ("CallmonBackfillStale", f"> {probes.BACKFILL.seconds}"),
        ("CallmonReportNotDelivered", f"> {probes.UNSENT.days * 86400}"),
        ("CallmonSinkBacklog", f"> {probes.BEHIND.seconds}"),
        ("CallmonDiskFull", f"< {probes.MOST_FREE}"),
        ("CallmonClockSkew", f"> {probes.SKEW}"),
        ("CallmonCertificateExpires", f"< {probes.EXPIRES.days}"),
    ],
)
def test_a_limit_is_that_of_the_rule(alert: str, limit: str) -> None:
    assert limit in rule_of(alert).partition("labels:")[0]
