"""The gauges as a table: name, help, labels, and their values as a function of the daemon's snapshot. Pure.

`callmon_…_total` is a counter. A time is absent when there is none; a count of a known line is 0. Refuses: to
export 0 for an unknown value. A caller's number cannot appear, because no label can hold one.
"""

from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from datetime import datetime
from functools import partial
from typing import Any, get_args

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric

from callmon import __version__
from callmon.core.calls import rings
from callmon.core.calls.call import LANGUAGES
from callmon.core.disruptions.entries import SOURCES
from callmon.core.disruptions.register import BEFOREHAND
from callmon.core.facts import Direction
from callmon.core.reconciliation import SIDES
from callmon.sinks.snapshot import DaemonSnapshot, SinkStatus
from callmon.text.labels import STANDARDS, label

DIRECTIONS: tuple[str, ...] = get_args(Direction)
PHONE_STATES = ("free", "in_use", "unreachable")
Values = Mapping[Any, float]  # a tuple of label values → value


# "name{labels}" → help, and the values; None: the family itself is absent.
Table = Mapping[str, tuple[str, Callable[[DaemonSnapshot], Values | None]]]


def families(table: Table, snapshot: DaemonSnapshot) -> Iterator[Metric]:
    for name, (text, values) in table.items():
        found = values(snapshot)
        if found is not None:
            yield family(name, text, found)


def family(name_and_labels: str, text: str, values: Values) -> Metric:
    name, _, labels = name_and_labels.rstrip("}").partition("{")
    kind = CounterMetricFamily if name.endswith("_total") else GaugeMetricFamily
    made = kind(name, text, labels=labels.split(",") if labels else ())
    for key, value in values.items():
        made.add_metric(key, value)
    return made


def _times(times: Mapping[str, datetime]) -> Values:
    return {(name,): at.timestamp() for name, at in times.items()}


def _phones(x: DaemonSnapshot) -> Values | None:
    """Every state, for lines whose phones are known."""
    return {(line.name, s): line.phones.get(s, 0) for line in x.lines if line.phones for s in PHONE_STATES} or None


def _service_phones(x: DaemonSnapshot) -> Values | None:
    services = sorted({service for service, _ in x.service_phones})
    return {(*name, s): x.service_phones.get((name, s), 0) for name in services for s in PHONE_STATES} or None


def _callbacks(name: str, x: DaemonSnapshot) -> Values:
    """Every line and language has a series, 0 when nothing is open."""
    counts = x.callbacks.counts.get(name.removeprefix("callmon_"), {})
    return {(line.name, fr): counts.get((line.name, fr), 0) for line in x.configured for fr in LANGUAGES}


def _to_listen_to(x: DaemonSnapshot) -> Values:
    """Messages from numbers that cannot be called back: a person must listen to them (R-48)."""
    counts = x.callbacks.counts.get("callbacks_to_listen_to", {})
    return {(i.name,): sum(n for (line, _), n in counts.items() if line == i.name) for i in x.configured}


def _first(which: str, x: DaemonSnapshot) -> Values:
    return _of_lines(x, x.callbacks.firsts.get(which, {}))


def _of_lines(x: DaemonSnapshot, times: Mapping[str, datetime]) -> Values:
    """The times of the configured lines, in their order."""
    return _times({line.name: times[line.name] for line in x.configured if line.name in times})


def _waits(x: DaemonSnapshot, value: Callable[[Any, Any], float]) -> Values:
    return {key: value(w.waited, w.cycle) for key, w in x.waits.items() if w.waited is not None}


def _standard_titles(_: DaemonSnapshot) -> Values:
    return {(name, label("standard", name, "fr"), label("standard", name, "en")): 1 for name in STANDARDS}


def _journal(place: int, x: DaemonSnapshot) -> Values | None:
    return None if x.host.journal is None else {("database",): x.host.journal[place]}


def _disruptions(x: DaemonSnapshot) -> Values:
    going_on = [d for d in x.disruptions if d.state(x.at) == "going_on"]
    counts = Counter((line, d.source) for d in going_on for line in d.lines)
    return {(line.name, source): counts[line.name, source] for line in x.configured for source in SOURCES}


def _unannounced(x: DaemonSnapshot) -> Values:
    """Line → since when the first disruption without a complete notice lasts."""
    silent = [d for d in x.disruptions if d.state(x.at) == "going_on" and d.announced is None]
    began = {line: min(d.began for d in silent if line in d.lines) for d in silent for line in d.lines}
    return _of_lines(x, began)


def _planned(x: DaemonSnapshot) -> Values:
    """Line → until when work is planned."""
    work = [d for d in x.disruptions if d.source == "work" and d.began - BEFOREHAND <= x.at]
    ends = [(line, d.notice.until) for d in work for line in d.lines if d.notice.until is not None]
    return _of_lines(x, {line: max(at for other, at in ends if other == line) for line, _ in ends})


def _sinks(x: DaemonSnapshot, value: Callable[[SinkStatus], float]) -> Values:
    return {(sink.name,): value(sink) for sink in x.sinks}


COUNTS = {
    "callmon_callbacks_open": "Callbacks to make.",
    "callmon_callbacks_due_soon": "Callbacks with little opening time left; none of these is overdue.",
    "callmon_callbacks_overdue": "Callbacks that could no longer be made in time.",
    "callmon_callbacks_no_open_hour": "Callbacks with no opening minute between message and due time.",
    "callmon_callbacks_in_hand": "Callbacks that a person has taken.",
    "callmon_callbacks_overdue_untaken": "Overdue callbacks that no person has taken.",
    "callmon_complaints_open": "Complaints without an answer.",
    "callmon_complaints_overdue": "Complaints whose next due time could no longer be met.",
}
OF_CALLS: Table = {
    "callmon_calls_in_progress{line,state}": (
        "Inbound calls now.",
        lambda x: {(line.name, state): n for line in x.lines for state, n in line.states.items()},
    ),
    "callmon_phones{line,state}": ("Phones of a line now.", _phones),
    "callmon_service_phones{service,mode,state}": ("Phones of a service now, each once.", _service_phones),
    "callmon_business_hours{line}": (
        "Whether the line is open now.",
        lambda x: {(line.name,): int(line.is_open) for line in x.lines},
    ),
    **{f"{name}{{line,language}}": (text, partial(_callbacks, name)) for name, text in COUNTS.items()},
    "callmon_callbacks_to_listen_to{line}": (
        "Messages without a number to call back: a person must listen to them.",
        _to_listen_to,
    ),
    "callmon_callback_earliest_opened_timestamp_seconds{line}": (
        "When the oldest open callback was requested.",
        partial(_first, "opened"),
    ),
    "callmon_callback_earliest_due_timestamp_seconds{line}": (
        "When the first callback is due.",
        partial(_first, "due"),
    ),
    "callmon_callback_earliest_actionable_timestamp_seconds{line}": (
        "Last opening time at which the first callback can be made in time.",
        partial(_first, "actionable"),
    ),
    "callmon_callbacks_to_listen_to_due_timestamp_seconds{line}": (
        "End of the business day after the oldest message that only a person can listen to.",
        partial(_first, "listen"),
    ),
    "callmon_mailbox_messages{exchange,mailbox}": (
        "New messages in a public line's voicemail box.",
        lambda x: {(box.exchange, box.mailbox): box.messages for box in x.service.mailboxes},
    ),
    "callmon_mailbox_capacity{exchange,mailbox}": (
        "Capacity of the box, in new messages.",
        lambda x: {(b.exchange, b.mailbox): b.capacity for b in x.service.mailboxes if b.capacity is not None},
    ),
    "callmon_mailbox_messages_unheard{exchange,mailbox}": (
        "New messages that stayed unheard for more than four opening hours.",
        lambda x: {(box.exchange, box.mailbox): box.unheard for box in x.service.mailboxes},
    ),
    "callmon_opening_change_timestamp_seconds{line}": (
        "When the line opens, or (while it is open) closes.",
        lambda x: _times(x.service.opening_changes),
    ),
    "callmon_last_day_verdicts{standard,line,verdict}": (
        "Verdicts on the calls of the line's last complete opening day.",
        lambda x: x.service.last_day,
    ),
    "callmon_target_ratio{standard,line}": (
        "The internal target in force on that day; absent without one.",
        lambda x: x.service.targets,
    ),
    "callmon_standard_info{standard,title_fr,title_en}": ("The service standards.", _standard_titles),
    "callmon_exchange_calls_processed_total{exchange}": (
        "Calls handled by the exchange since its start, by its own count.",
        lambda x: {(name,): counts.processed for name, counts in x.service.feeds.items()},
    ),
    "callmon_exchange_calls_heard_total{exchange}": (
        "Calls of any kind whose beginning callmon received, at the time of that count.",
        lambda x: {(name,): counts.heard for name, counts in x.service.feeds.items()},
    ),
    "callmon_exchange_clock_skew_seconds{exchange}": (
        "Lead of the exchange's clock over callmon's, from its answers to Ping.",
        lambda x: {(name,): seconds for name, seconds in x.host.skews.items()},
    ),
    "callmon_exchange_certificate_expires_timestamp_seconds{exchange}": (
        "Expiry of the certificate of the exchange's manager interface.",
        lambda x: _times(x.host.certificates),
    ),
    "callmon_disk_free_bytes{holds}": (
        "Free space on the file system of the database or the journal.",
        lambda x: {(name,): disk.free for name, disk in x.host.disks.items()},
    ),
    "callmon_disk_size_bytes{holds}": (
        "The size of that file system.",
        lambda x: {(name,): disk.size for name, disk in x.host.disks.items()},
    ),
    "callmon_sink_journal_bytes{sink}": (
        "Size of the journal, which buffers outcomes while the database is unavailable.",
        partial(_journal, 0),
    ),
    "callmon_sink_journal_limit_bytes{sink}": ("Size limit of the journal.", partial(_journal, 1)),
    "callmon_sink_journal_outcomes{sink}": ("Outcomes buffered in the journal.", partial(_journal, 2)),
    "callmon_longest_wait_rings{line,state}": (
        "Rings heard by the caller with the longest wait; in a queue, rings in that time.",
        lambda x: _waits(x, rings.begun),
    ),
    "callmon_longest_wait_seconds{line,state}": (
        "Longest wait of a caller now.",
        lambda x: _waits(x, lambda waited, _: waited.total_seconds()),
    ),
    "callmon_service_info{service,name_fr,name_en}": (
        "The services.",
        lambda x: {(name, *titles): 1 for name, titles in x.service.services.items()},
    ),
    "callmon_closed_day_info{line,name_fr,name_en}": (
        "Name of today's closed day of the line; absent on other days.",
        lambda x: {(line, *names): 1 for line, names in x.service.closed_days.items()},
    ),
    "callmon_backfill_waiting_since_timestamp_seconds{exchange}": (
        "When the oldest gap that waits for CEL began to wait; absent without one.",
        lambda x: _times(x.backfill_waiting),
    ),
    "callmon_reconciliation_calls{exchange,side}": (
        "Calls of the last compared day that only this side counted: the exchange or callmon.",
        lambda x: {(c.exchange, side): c.only[side] for c in x.compared for side in SIDES},
    ),
    "callmon_reconciliation_timestamp_seconds{exchange}": (
        "Time of the last comparison with the exchange's own records.",
        lambda x: {(c.exchange,): c.done.timestamp() for c in x.compared},
    ),
    "callmon_line_last_call_timestamp_seconds{line}": (
        "When the line was last called.",
        lambda x: _of_lines(x, x.last_calls.calls),
    ),
    "callmon_line_last_test_call_timestamp_seconds{line}": (
        "When the line was last tested.",
        lambda x: _of_lines(x, x.last_calls.tests),
    ),
    "callmon_line_test_call_due_timestamp_seconds{line}": (
        "When the next test call is due; 0 where there never was one.",
        lambda x: {
            (i.name,): at.timestamp() for i in x.configured if (at := x.last_calls.test_due(i)) is not None
        },
    ),
    "callmon_disruptions_open{line,source}": ("Disruptions and planned work now.", _disruptions),
    "callmon_disruption_unannounced_since_timestamp_seconds{line}": (
        "Start of the oldest disruption without a complete notice in both languages.",
        _unannounced,
    ),
    "callmon_planned_work_until_timestamp_seconds{line}": (
        "End of planned work; present from two minutes before its start.",
        _planned,
    ),
    "callmon_line_info{line,mode,service,name_fr,name_en}": (
        "The public lines.",
        lambda x: {(i.name, i.mode, i.service, i.title_fr, i.title_en): 1 for i in x.configured},
    ),
    "callmon_standard_enabled{standard}": (
        "Whether the standard is judged.",
        lambda x: {(name,): int(is_judged) for name, is_judged in x.enabled.items()},
    ),
}
# A standby exports these alone: its own state.
OF_ITSELF: Table = {
    "callmon_exchange_connected{exchange}": (
        "Whether callmon is connected to the exchange.",
        lambda x: {(e.name,): int(e.connected) for e in x.exchanges},
    ),
    "callmon_exchange_events_total{exchange}": (
        "Events received.",
        lambda x: {(e.name,): e.events for e in x.exchanges},
    ),
    "callmon_exchange_last_event_timestamp_seconds{exchange}": (
        "When the last event was received.",
        lambda x: _times({e.name: e.last_event for e in x.exchanges if e.last_event}),
    ),
    "callmon_messages_unusable_total{exchange,reason}": (
        "Messages that callmon could not parse.",
        lambda x: {(e.name, reason): n for e in x.exchanges for reason, n in e.unusable.items()},
    ),
    "callmon_calls_vanished_total{exchange}": (
        "Calls that ended without a hang-up event.",
        lambda x: {(e.name,): e.vanished for e in x.exchanges},
    ),
    "callmon_calls_other_total{direction}": (
        "Ended calls without a public line.",
        lambda x: {(direction,): x.calls_other.get(direction, 0) for direction in DIRECTIONS},
    ),
    "callmon_sink_backlog{sink}": (
        "Outcomes not yet committed or published.",
        lambda x: _sinks(x, lambda sink: sink.backlog),
    ),
    "callmon_sink_behind_seconds{sink}": (
        "Age of the oldest outcome in the backlog.",
        lambda x: _sinks(x, lambda sink: sink.behind_for.total_seconds()),
    ),
    "callmon_sink_refused_total{sink}": (
        "Outcomes that were rejected and skipped.",
        lambda x: _sinks(x, lambda sink: sink.refused),
    ),
    "callmon_build_info{version}": ("Version of the running callmon.", lambda _: {(__version__,): 1}),
    "callmon_faults_total": ("Internal errors that callmon caught.", lambda x: {(): x.internal_errors}),
}
