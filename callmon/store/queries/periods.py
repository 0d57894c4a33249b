"""Figures of a period, counted from the rows as they stand now: parity, integrity, relay calls. Each blocks.

A call belongs to the period in which it arrived: [begin, end). What a corrected verdict was before is not counted
here; the counters on /metrics keep what was first given.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from datetime import datetime

from sqlalchemy import Join, and_, func, select

from callmon.core.calls.call import Call
from callmon.core.standards._common import may_hide_a_person
from callmon.core.statistics import completeness, counters, integrity, parity
from callmon.store.database import Store
from callmon.store.queries import calls as queries
from callmon.store.queries.calls import CALL, FINDING, GAP

Verdicts = dict[tuple[str, str, str, str], int]  # standard, line, language, verdict → calls


def verdicts(store: Store, begin: datetime, end: datetime) -> Verdicts:
    """How many calls each standard, line, language and verdict has."""
    labels = (FINDING.c.standard, FINDING.c.line, FINDING.c.language, FINDING.c.verdict)
    question = select(*labels, func.count()).select_from(_findings()).where(_within(begin, end)).group_by(*labels)
    with store.reading() as connection:
        return {(row[0], row[1], row[2], row[3]): row[4] for row in connection.execute(question)}


def compared(
    store: Store, begin: datetime, end: datetime, modes: Mapping[str, str], standards: Iterable[str], minimum: int
) -> list[parity.Comparison]:
    """TTY against voice callers and French against English, for each standard. `modes` is each line's."""
    return parity.compare(verdicts(store, begin, end), modes, standards, minimum)


def at_first_answer(store: Store, begin: datetime, end: datetime) -> dict[tuple[str, str], int]:
    """By line, and by "yes", "no", "unknown": did the first to answer a call asked for in French speak it?"""
    labels = (FINDING.c.line, FINDING.c.reason_key)
    question = select(*labels, func.count()).select_from(_findings()).group_by(*labels)
    question = question.where(_within(begin, end), FINDING.c.standard == "bilingual_person")
    found: dict[tuple[str, str], int] = {}
    with store.reading() as connection:
        for line, reason, count in connection.execute(question):
            if first := counters.FIRST.get(reason):
                found[line, first] = found.get((line, first), 0) + count
    return found


def redirections(store: Store, begin: datetime, end: datetime) -> dict[tuple[str, int], int]:
    """By line and count: answered calls by the strict reading of redirections; none that a gap may have hidden."""
    found: Counter[tuple[str, int]] = Counter()
    for _, call in queries.calls(store, begin, end):
        if call.line is not None and call.outcome == "answered" and not may_hide_a_person(call):
            found[call.line, call.redirections] += 1
    return dict(found)


def integrity_of(store: Store, begin: datetime, end: datetime) -> dict[str, integrity.Integrity]:
    """Signs of gaming by line, with the median of the early holds."""
    return integrity.count(call for _, call in queries.calls(store, begin, end))


def completeness_of(
    store: Store, begin: datetime, end: datetime, lines: Iterable[str]
) -> dict[str, completeness.Completeness]:
    """How complete each line's figures are. Its exchanges are those on which it was ever called, or else all."""
    labels, inbound = (CALL.c.line, CALL.c.heard), and_(CALL.c.direction == "inbound", ~CALL.c.is_test)
    calls = select(*labels, func.count()).where(_within(begin, end), inbound).group_by(*labels)
    with store.reading() as connection:
        counts = connection.execute(calls).all()
        carried = connection.execute(select(CALL.c.line, CALL.c.exchange).distinct()).all()
        found = connection.execute(select(GAP).where(GAP.c.began < end, GAP.c.ended > begin)).all()
    told: dict[str, completeness.Completeness] = {}
    for line in lines:
        heard = {row[1]: row[2] for row in counts if row[0] == line}
        exchanges = {row[1] for row in carried if row[0] == line}
        gaps = [(row[1], row[2]) for row in found if not exchanges or row[0] in exchanges]
        told[line] = completeness.of(heard, gaps, begin, end)
    return told


def test_calls(store: Store, begin: datetime, end: datetime) -> list[tuple[str, Call]]:
    """The calls that only saw whether a line works, with their exchange, by arrival (R-30)."""
    return list(queries.calls(store, begin, end, tests=True))


def relay(store: Store, begin: datetime, end: datetime) -> integrity.Relay:
    """The cut of calls through a relay service: outcomes, those that we ended early, and every verdict."""
    calls = {(call.call, exchange): call for exchange, call in queries.calls(store, begin, end) if call.relay}
    columns = (FINDING.c["call"], FINDING.c.exchange, FINDING.c.standard, FINDING.c.verdict)
    question = select(*columns).select_from(_findings()).where(_within(begin, end))
    with store.reading() as connection:
        found = [
            (standard, verdict)
            for name, exchange, standard, verdict in connection.execute(question)
            if (name, exchange) in calls
        ]
    return integrity.count_relay(calls.values(), found)


def _findings() -> Join:
    return FINDING.join(CALL, and_(CALL.c["call"] == FINDING.c["call"], CALL.c.exchange == FINDING.c.exchange))


def _within(begin: datetime, end: datetime) -> queries.Condition:
    return and_(CALL.c.arrived >= begin, CALL.c.arrived < end)
