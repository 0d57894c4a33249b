"""The page for Prometheus, read back by the parsers of its two formats and, where it is, by promtool."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, datetime, timedelta

import msgspec
import pytest
from prometheus_client.openmetrics.parser import text_string_to_metric_families as parse_openmetrics
from prometheus_client.parser import text_string_to_metric_families as parse_text
from prometheus_client.samples import Sample

from callmon import __version__
from callmon.config.lines import Line
from callmon.core.disruptions.disruption import Disruption, Notice, Source
from callmon.core.outcome import Outcome
from callmon.core.reconciliation import LastComparison
from callmon.core.snapshot import ExchangeStatus, PlanningStatus, ServiceStatus, SinkStatus
from callmon.core.statistics.counters import Figures, LabelValues, figures_of, zeros
from callmon.sinks.metrics.counter_text import FiguresText
from callmon.sinks.metrics.exposition import SCRAPERS, Metrics
from callmon.sinks.traces.sink import exemplars_of
from callmon.sinks.traces.spans import trace_id
from callmon.store.writer.committed import CommittedCounters
from tests.support.store_fixtures import EXCHANGE, STANDARDS, START, Daemon, account, answered_call, seconds

OPENMETRICS = "application/openmetrics-text; version=1.0.0"
GENERAL = Line("general", "voice", "general", 'Renseignements "généraux"', "General \\ inquiries")
TTY = Line("tty", "tty", "general", "ATS", "TTY", ring_cycle=timedelta(seconds=5))
CALL = account(answered_call(0))
ONE_CALL = figures_of((CALL,))

Values = dict[tuple[str, frozenset[tuple[str, str]]], float]


class Waiting:
    """A sink with three outcomes waiting for 1.5 s."""

    name = "database"

    def offer(self, outcome: Outcome) -> bool:
        return True

    def has_room(self) -> bool:
        return True

    def backlog(self) -> int:
        return 3

    def behind_for(self) -> timedelta:
        return seconds(1.5)

    def trouble(self) -> str | None:
        return "the database cannot be written: disk full"

    def refused(self) -> int:
        return 2

    def flush(self, timeout: float) -> bool:
        return False

    def close(self, timeout: float = 10.0) -> None:
        pass


def page(daemon: Daemon, figures: Figures, lines: Iterable[Line] = (GENERAL, TTY)) -> Metrics:
    daemon.lines = tuple(lines)
    waiting = Waiting()
    daemon.more["sinks"] = (SinkStatus(waiting.name, waiting.backlog(), waiting.behind_for(), waiting.refused()),)
    return Metrics(CommittedCounters(figures), daemon, daemon.lines, STANDARDS, [EXCHANGE])


def rendered(metrics: Metrics, accept: str = "") -> str:
    return metrics.render(metrics.read(), accept)[0].decode()


def reported(samples: Iterable[Sample]) -> Values:
    return {(s.name, frozenset(s.labels.items())): s.value for s in samples}


def read(metrics: Metrics, accept: str = "") -> Values:
    parse = parse_openmetrics if accept else parse_text
    return reported(s for family in parse(rendered(metrics, accept)) for s in family.samples)


def value(values: Values, name: str, **labels: str) -> float | None:
    return values.get((name, frozenset(labels.items())))


def full_daemon() -> Daemon:
    state = ExchangeStatus(EXCHANGE, True, 7, START, None, {"too_long": 1}, 2)
    return Daemon(
        {("general", "ringing"): 2},
        {("general", "free"): 4},
        [state],
        {"general": True},
        {"outbound": 5, "stranger": 4},
        1,
        more={"webhooks": {("desk", "waiting"): 1}},
    )


@pytest.mark.parametrize("accept", ["", OPENMETRICS])
def test_both_formats_say_the_same_figures_and_gauges(accept: str) -> None:
    values = read(page(full_daemon(), ONE_CALL), accept)
    expected = {
        ("callmon_calls_in_progress", "general", "ringing"): 2,
        ("callmon_calls_in_progress", "tty", "talking"): 0,
    }
    assert {key: value(values, key[0], line=key[1], state=key[2]) for key in expected} == expected
    answered = {"line": "general", "outcome": "answered", "language": "fr", "hours": "open"}
    assert value(values, "callmon_calls_total", **answered) == 1
    assert value(values, "callmon_phones", line="general", state="free") == 4
    assert value(values, "callmon_exchange_connected", exchange=EXCHANGE) == 1
    assert value(values, "callmon_exchange_events_total", exchange=EXCHANGE) == 7
    assert value(values, "callmon_exchange_last_event_timestamp_seconds", exchange=EXCHANGE) == START.timestamp()
    assert value(values, "callmon_messages_unusable_total", exchange=EXCHANGE, reason="too_long") == 1
    assert value(values, "callmon_calls_vanished_total", exchange=EXCHANGE) == 2
    assert value(values, "callmon_line_open", line="general") == 1
    assert value(values, "callmon_calls_other_total", direction="outbound") == 5
    assert value(values, "callmon_calls_other_total", direction="internal") == 0
    assert value(values, "callmon_calls_strangers_total") == 4
    assert value(values, "callmon_faults_total") == 1
    assert value(values, "callmon_sink_backlog", sink="database") == 3
    assert value(values, "callmon_sink_behind_seconds", sink="database") == 1.5
    assert value(values, "callmon_sink_refused_total", sink="database") == 2
    assert value(values, "callmon_leader") == 1
    assert value(values, "callmon_build_info", version=__version__) == 1


def test_an_undelivered_report_is_shown_since_when_or_not_at_all() -> None:
    name = "callmon_report_mail_unsent_since_timestamp_seconds"
    values = read(page(Daemon(more={"reports_unsent": {"internal": START}}), {}))
    assert value(values, name, edition="internal") == START.timestamp()
    assert [key for key in read(page(Daemon(), {})) if key[0] == name] == []


def test_deliveries_to_webhooks_are_counted_or_have_no_series() -> None:
    name = "callmon_webhook_deliveries"
    values = read(page(Daemon(more={"webhooks": {("desk", "waiting"): 3, ("desk", "dead"): 0}}), {}))
    assert {key[1:]: count for key, count in values.items() if key[0] == name} == {
        (frozenset({("webhook", "desk"), ("state", "waiting")}),): 3,
        (frozenset({("webhook", "desk"), ("state", "dead")}),): 0,
    }
    assert [key for key in read(page(Daemon(), {})) if key[0] == name] == []


def test_the_figures_of_the_questions_are_absent_while_these_are_off() -> None:
    planning = PlanningStatus(needs={("poci", "met_later"): 3})

    def of_questions(shown: Values) -> Values:
        return {key: n for key, n in shown.items() if key[0].startswith("callmon_needs")}

    values = of_questions(read(page(Daemon(more={"planning": planning}), {})))
    assert values == {
        ("callmon_needs_total", frozenset({("public_service", "poci"), ("result", "met_later")})): 3,
    }
    assert of_questions(read(page(Daemon(), {}))) == {}


def test_waiting_gaps_and_the_last_comparison_are_shown_or_absent() -> None:
    compared = LastComparison(EXCHANGE, date(2026, 11, 24), START, {"exchange": 3, "callmon": 1})
    values = read(page(Daemon(more={"backfill_waiting": {EXCHANGE: START}, "compared": [compared]}), {}))
    reported = {
        key: number for key, number in values.items() if "reconciliation" in key[0] or "backfill" in key[0]
    }
    assert sorted(reported.values()) == [1, 3, START.timestamp(), START.timestamp()]
    assert value(values, "callmon_reconciliation_calls", exchange=EXCHANGE, side="exchange") == 3
    assert value(values, "callmon_reconciliation_calls", exchange=EXCHANGE, side="callmon") == 1
    before = read(page(Daemon(), {}))
    assert [key for key in before if "reconciliation" in key[0] or "backfill" in key[0]] == []


def test_who_stands_by_shows_what_is_true_of_itself_alone() -> None:
    shown = [ExchangeStatus(EXCHANGE, True, 5, START)]
    values = read(page(Daemon(heard=shown, is_leader=False, is_standby=True), ONE_CALL))
    assert {name for name, _ in values if name.startswith("callmon_")} == {
        "callmon_exchange_connected", "callmon_exchange_events_total", "callmon_leader", "callmon_build_info",
        "callmon_exchange_last_event_timestamp_seconds", "callmon_sink_backlog", "callmon_sink_behind_seconds",
        "callmon_sink_refused_total", "callmon_faults_total", "callmon_calls_other_total",
        "callmon_calls_strangers_total", "callmon_calls_vanished_total", "callmon_config_last_reload_successful",
    }  # fmt: skip
    assert value(values, "callmon_leader") == 0


def test_while_nobody_leads_the_present_is_shown_without_counts() -> None:
    values = read(page(Daemon(open={"general": True}, is_leader=False), ONE_CALL))
    assert value(values, "callmon_calls_in_progress", line="general", state="ringing") == 0
    assert [name for name, _ in values if name in ("callmon_calls_total", "callmon_verdicts_total")] == []
    assert value(values, "callmon_leader") == 0


@pytest.mark.parametrize("led", [[False, True], [True, False]])
def test_a_page_made_while_the_leader_changes_shows_no_counts(led: list[bool]) -> None:
    """The counters may be older than those of the database, or than those of the next leader."""

    class Changing(Daemon):
        def leads(self) -> bool:
            return led.pop(0)

    values = read(page(Changing(open={"general": True}), ONE_CALL))
    assert [name for name, _ in values if name in ("callmon_calls_total", "callmon_verdicts_total")] == []
    assert value(values, "callmon_leader") == 0


def test_the_titles_of_a_line_survive_quotes_backslashes_and_accents() -> None:
    labels = {
        "line": "general",
        "mode": "voice",
        "public_service": "general",
        "name_fr": 'Renseignements "généraux"',
        "name_en": "General \\ inquiries",
    }
    assert value(read(page(Daemon(), {})), "callmon_line_info", **labels) == 1


def test_buckets_are_cumulative_and_end_in_the_count() -> None:
    counters = CommittedCounters(ONE_CALL)
    counters.add_figures(ONE_CALL)
    text = FiguresText(LabelValues({"general": seconds(6)})).render(counters.snapshot())
    shown = [
        line for line in text.splitlines() if line.startswith("callmon_rings_before_answer_") and '"fr"' in line
    ]
    series = '{line="general",language="fr"'
    assert shown == [
        *(
            f'callmon_rings_before_answer_bucket{series},le="{bound}"}} {count}'
            for bound, count in zip(
                ["1.0", "2.0", "3.0", "4.0", "5.0", "6.0", "8.0", "10.0", "+Inf"], [0] + [2] * 8, strict=True
            )
        ),
        f"callmon_rings_before_answer_count{series}}} 2",
        f"callmon_rings_before_answer_sum{series}}} 4",
    ]


def test_each_metric_has_help_and_type_once_and_each_series_once() -> None:
    lines = rendered(page(full_daemon(), ONE_CALL)).splitlines()
    helps = [line.split()[2] for line in lines if line.startswith("# HELP")]
    types = [line.split()[2] for line in lines if line.startswith("# TYPE")]
    series = [line.rsplit(" ", 1)[0] for line in lines if not line.startswith("#")]
    assert helps == types
    assert len(set(types)) == len(types)
    assert len(set(series)) == len(series)


def test_the_buckets_of_a_wait_lead_to_the_trace_of_their_latest_call() -> None:
    """In OpenMetrics alone. Without traces, the page is the same as before."""
    made = exemplars_of(EXCHANGE, CALL)
    trace = trace_id(EXCHANGE, CALL.call).hex()
    metrics = page(Daemon(), ONE_CALL)
    without = rendered(metrics, OPENMETRICS)
    metrics._exemplars = made
    found = {
        (sample.name, sample.labels["le"], sample.exemplar.labels["trace_id"], sample.exemplar.value)
        for family in parse_openmetrics(rendered(metrics, OPENMETRICS))
        for sample in family.samples
        if sample.exemplar is not None
    }
    assert found == {
        ("callmon_rings_before_answer_bucket", "2.0", trace, 2.0),
        ("callmon_answer_wait_seconds_bucket", "12.0", trace, 8.4),
    }
    assert "trace_id" not in rendered(metrics)
    lines = [line.partition(" # {")[0] for line in rendered(metrics, OPENMETRICS).splitlines()]
    assert [line for line in lines if "callmon_" in line] == [x for x in without.splitlines() if "callmon_" in x]


def test_a_bucket_that_is_left_out_gives_its_trace_to_the_next_one() -> None:
    """The slim series have no bucket of two rings."""
    slim = FiguresText(LabelValues({"general": timedelta(seconds=6)}), is_slim=True)
    text = slim.render(ONE_CALL, True, exemplars=exemplars_of(EXCHANGE, CALL))
    waits = [x for x in text.splitlines() if x.startswith("callmon_answer_wait_seconds_bucket") and "trace" in x]
    trace = trace_id(EXCHANGE, CALL.call).hex()
    labels = 'line="general",language="fr",le="18.0"'
    assert waits == [f'callmon_answer_wait_seconds_bucket{{{labels}}} 1 # {{trace_id="{trace}"}} 8.4']


def test_openmetrics_names_each_metrics_unit_and_the_text_format_none() -> None:
    metrics = page(full_daemon(), ONE_CALL)
    reported = [
        line.split()[2:] for line in rendered(metrics, OPENMETRICS).splitlines() if line.startswith("# UNIT")
    ]
    families = [family.name for family in parse_openmetrics(rendered(metrics, OPENMETRICS))]
    of_callmon = [(name, name.rpartition("_")[2]) for name in families if name.startswith("callmon_")]
    assert sorted(reported) == sorted(
        [name, unit] for name, unit in of_callmon if unit in ("seconds", "bytes", "ratio")
    )
    assert ["callmon_answer_wait_seconds", "seconds"] in reported
    assert ["callmon_sink_behind_seconds", "seconds"] in reported
    assert "# UNIT" not in rendered(metrics)


def test_no_series_tells_when_it_was_created() -> None:
    assert [key for key in read(page(full_daemon(), ONE_CALL), OPENMETRICS) if key[0].endswith("_created")] == []


def test_the_process_tells_of_itself() -> None:
    names = {name for name, _ in read(page(Daemon(), {}))}
    assert {"process_resident_memory_bytes", "process_open_fds", "python_info"} - names == set()


def test_every_figure_is_shown_at_zero_before_anything_happened() -> None:
    values = read(page(Daemon(), {}))
    figures = zeros(LabelValues({"general": seconds(6), "tty": seconds(5)}, STANDARDS, (EXCHANGE,)))
    names = {figure[0] for figure in figures}
    shown = [v for (name, _), v in values.items() if name.removesuffix("_bucket").removesuffix("_sum") in names]
    assert (len(shown), set(shown)) == (len(figures), {0.0})


def test_a_line_that_is_no_longer_configured_is_not_shown_until_it_returns() -> None:
    metrics = page(daemon := Daemon(), ONE_CALL)
    daemon.lines = (TTY,)
    metrics.configure([TTY], STANDARDS, [EXCHANGE])
    gone = [key for key in read(metrics) if ("line", "general") in key[1]]
    metrics.configure([TTY, GENERAL], STANDARDS, [EXCHANGE])
    answered = {"line": "general", "outcome": "answered", "language": "fr", "hours": "open"}
    assert (gone, value(read(metrics), "callmon_calls_total", **answered)) == ([], 1)


def test_a_changed_ring_cycle_takes_nothing_away_from_a_histogram() -> None:
    slower = Line("general", "voice", "general", "", "", ring_cycle=timedelta(seconds=10))
    values = read(page(Daemon(), ONE_CALL, [slower]))
    labels = {"line": "general", "language": "fr"}
    name = "callmon_answer_wait_seconds"
    shown = [value(values, f"{name}_bucket", le=le, **labels) for le in ("10.0", "20.0", "+Inf")]
    assert (shown, value(values, f"{name}_count", **labels)) == ([0, 1, 1], 1)


def test_a_call_of_unknown_hours_is_shown_once_it_happened() -> None:
    labels = {"line": "general", "outcome": "answered", "language": "fr", "hours": "unknown"}
    figures = {("callmon_calls_total", "general", "answered", "fr", "unknown"): 1.0}
    assert value(read(page(Daemon(), {})), "callmon_calls_total", **labels) is None
    assert value(read(page(Daemon(), figures)), "callmon_calls_total", **labels) == 1


def scraped(metrics: Metrics, scraper: str, name: str) -> list[float]:
    """The values of a metric, as this scraper is told."""
    shown_page = metrics.render(metrics.read(), "", scraper)[0].decode()
    return [
        s.value
        for family in parse_text(shown_page)
        for s in family.samples
        if s.name == name and s.labels["language"] == "other"
    ]


def in_another_language() -> Figures:
    return figures_of((msgspec.structs.replace(CALL, language="other"),))


@pytest.mark.parametrize(
    ("name", "once"), [("callmon_calls_total", [1]), ("callmon_rings_before_answer_bucket", [0] + [1] * 8)]
)
def test_a_scraper_gets_a_seldom_series_at_zero_before_its_first_value(name: str, once: list[float]) -> None:
    counters = CommittedCounters(ONE_CALL)
    metrics = Metrics(counters, full_daemon(), [GENERAL], STANDARDS, [EXCHANGE])
    assert [scraped(metrics, one, name) for one in ("first", "second")] == [[], []]
    counters.add_figures(in_another_language())
    zero = [0.0] * len(once)
    in_turn = [scraped(metrics, one, name) for one in ("first", "first", "second", "second", "later", "")]
    assert in_turn == [zero, once, zero, once, once, once]


def test_a_series_that_a_scraper_got_is_never_at_zero_again() -> None:
    counters = CommittedCounters({})
    metrics = Metrics(counters, full_daemon(), [GENERAL], STANDARDS, [EXCHANGE])
    values = []
    for _ in range(4):
        values.append(scraped(metrics, "one", "callmon_calls_total"))
        counters.add_figures(in_another_language())
    assert values == [[], [0], [2], [3]]


def test_what_another_leader_counted_is_shown_to_who_scraped_before() -> None:
    counters = CommittedCounters({})
    metrics = Metrics(counters, full_daemon(), [GENERAL], STANDARDS, [EXCHANGE])
    scraped(metrics, "one", "callmon_calls_total")
    counters.add_figures(in_another_language())
    counters.replace({figure: 7 * count for figure, count in in_another_language().items()})
    assert scraped(metrics, "one", "callmon_calls_total") == [7]


def test_no_more_scrapers_are_remembered_than_their_bound() -> None:
    metrics = page(full_daemon(), ONE_CALL)
    for n in range(SCRAPERS + 5):
        metrics.render(metrics.read(), "", f"scraper {n}")
    assert list(metrics._looked) == [f"scraper {n}" for n in range(5, SCRAPERS + 5)]


def test_figures_out_of_no_set_are_not_shown() -> None:
    stray = {
        ("callmon_calls_total", "general", "nonsense", "fr", "open"): 1.0,
        ("callmon_verdicts_total", "a_standard_switched_off", "general", "fr", "met"): 1.0,
        ("callmon_rings_before_answer", "a_line_that_was", "fr", "2.0"): 1.0,
        ("callmon_a_metric_that_was", "x"): 1.0,
    }
    text = FiguresText(LabelValues({"general": seconds(6)}, STANDARDS))
    assert text.render(stray) == text.render({})


def test_an_exchange_that_is_not_connected_is_shown_at_zero() -> None:
    daemon = full_daemon()
    daemon.heard = [ExchangeStatus(EXCHANGE, False, 7, START, None, {}, 0)]
    assert value(read(page(daemon, ONE_CALL)), "callmon_exchange_connected", exchange=EXCHANGE) == 0


def disruption(name: str, source: Source, began: datetime, until: datetime | None = None) -> Disruption:
    return Disruption(
        id=name, source=source, exchange=EXCHANGE, what="", lines=("general",), began=began,
        notice=Notice(until=until),
    )  # fmt: skip


def test_a_line_without_a_notice_is_shown_since_the_first_disruption() -> None:
    daemon, hour = full_daemon(), timedelta(hours=1)
    daemon.more["disruptions"] = (
        disruption("1", "exchange", START - 2 * hour),
        disruption("2", "trunk", START - hour),
        disruption("3", "work", START - hour, START + hour),
        disruption("4", "work", START - hour, START + 2 * hour),
    )
    values = read(page(daemon, {}))
    since = value(values, "callmon_disruption_unannounced_since_timestamp_seconds", line="general")
    until = value(values, "callmon_planned_work_until_timestamp_seconds", line="general")
    assert (since, until) == ((START - 2 * hour).timestamp(), (START + 2 * hour).timestamp())


def test_the_last_days_verdicts_are_those_of_standards_that_are_judged() -> None:
    daemon = full_daemon()
    judged, other = (STANDARDS[0], "general", "met"), ("feedback_offered", "general", "met")
    daemon.more["service"] = ServiceStatus(last_day={judged: 3, other: 4})
    found = {key[1]: n for key, n in read(page(daemon, {})).items() if key[0] == "callmon_last_day_verdicts"}
    assert found == {frozenset({("standard", STANDARDS[0]), ("line", "general"), ("verdict", "met")}): 3}
