"""The rows that outcomes become, one function a table. Times are whole microseconds, as the tables have them.

A column that is missing or misspelt here is a TypeError (`row_of`).
"""

from datetime import datetime

import msgspec

from callmon.core.callbacks.contact import Contact
from callmon.core.callbacks.entries import AnyEntry
from callmon.core.callbacks.obligation import Obligation
from callmon.core.calls.call import Call, language_label
from callmon.core.disruptions.disruption import AnyEntry as AnyDisruptionEntry
from callmon.core.disruptions.disruption import Disruption
from callmon.core.facts import tag_of
from callmon.core.verdicts import Finding
from callmon.store.tables import Row, microseconds, row_of
from callmon.store.tables.callbacks import ContactRow, LedgerRow, ObligationRow
from callmon.store.tables.calls import CallRow, FactRow, FindingRow, GapRow, HeartbeatRow, NumberRow, OpenCallRow
from callmon.store.tables.disruptions import DisruptionEntryRow, DisruptionRow
from callmon.store.tables.figures import CounterRow

fact_row = row_of(FactRow)
open_call_row = row_of(OpenCallRow)
call_row = row_of(CallRow)
finding_row = row_of(FindingRow)
number_row = row_of(NumberRow)
gap_row = row_of(GapRow)
heartbeat_row = row_of(HeartbeatRow)
counter_row = row_of(CounterRow)
ledger_row = row_of(LedgerRow)
obligation_row = row_of(ObligationRow)
contact_row = row_of(ContactRow)
disruption_entry_row = row_of(DisruptionEntryRow)
disruption_row = row_of(DisruptionRow)


_encode = msgspec.json.Encoder().encode


def row_of_call(exchange: str, call: Call, account: str) -> Row:
    longest = None if call.waited is None else call.waited.longest
    return call_row(
        call=call.call,
        exchange=exchange,
        line=call.line,
        direction=call.direction,
        language=language_label(call.language),
        in_hours=call.in_hours,
        arrived=_microseconds(call.arrived),
        answered=_microseconds(call.answered),
        ended=_microseconds(call.ended),
        outcome=call.outcome,
        rings=call.rings,
        rings_estimated=call.rings_estimated,
        waited=None if longest is None else round(longest.total_seconds() * 1_000_000),
        heard=call.heard,
        data=account,
        is_test=call.test,
    )


def row_of_finding(exchange: str, finding: Finding) -> Row:
    return finding_row(
        call=finding.call,
        exchange=exchange,
        standard=finding.standard,
        at=_microseconds(finding.at),
        line=finding.line,
        language=finding.language,
        in_hours=finding.in_hours,
        verdict=finding.verdict,
        reason_key=finding.reason_key,
        number=finding.number,
        cause=finding.cause,
    )


def row_of_obligation(obligation: Obligation) -> Row:
    return obligation_row(
        id=obligation.id,
        exchange=obligation.exchange,
        call=obligation.call,
        kind=obligation.kind,
        opening=obligation.opening,
        line=obligation.line,
        service=obligation.service,
        language=obligation.language,
        token=obligation.token,
        other=obligation.other,
        hidden=obligation.hidden,
        cautions=" ".join(obligation.cautions),
        opened=microseconds(obligation.opened),
        due=_microseconds(obligation.due.at),
        due_business=_microseconds(obligation.dues.business),
        actionable=_microseconds(obligation.due.actionable),
        settled=_microseconds(obligation.settled),
        acknowledged=_microseconds(obligation.acknowledged),
        state=obligation.state,
        reason=obligation.reason,
        count=obligation.count,
        attempts=len(obligation.attempts),
        is_soon=obligation.is_soon,
        is_overdue=obligation.is_overdue,
        is_live=obligation.is_live,
        data=_encode(msgspec.structs.replace(obligation, token=None, other=None)).decode(),
    )


def row_of_disruption(state: Disruption) -> Row:
    return disruption_row(
        id=state.id,
        source=state.source,
        exchange=state.exchange,
        lines=f" {' '.join(state.lines)} ",
        began=microseconds(state.began),
        until=_microseconds(state.notice.until),
        announced=_microseconds(state.announced),
        ended=_microseconds(state.ended),
        how=state.how,
        counts=state.counts,
        is_live=state.is_live,
        data=_encode(state).decode(),
    )


def row_of_entry(entry: AnyEntry, n: int) -> Row:
    return ledger_row(
        obligation=entry.obligation,
        exchange=entry.exchange,
        n=n,
        at=microseconds(entry.at),
        kind=tag_of(type(entry)),
        data=_encode(entry).decode(),
    )


def row_of_disruption_entry(entry: AnyDisruptionEntry, n: int) -> Row:
    return disruption_entry_row(
        disruption=entry.disruption,
        n=n,
        at=microseconds(entry.at),
        kind=tag_of(type(entry)),
        data=_encode(entry).decode(),
    )


def row_of_contact(contact: Contact, n: int) -> Row:
    return contact_row(
        call=contact.call,
        exchange=contact.exchange,
        kind=contact.kind,
        at=microseconds(contact.at),
        n=n,
        token=contact.token,
        data=_encode(contact).decode(),
    )


def _microseconds(at: datetime | None) -> int | None:
    return None if at is None else microseconds(at)
