"""The callbacks of the past: obligations that calls of a record opened, and the calls that settled them.

    whole calls, oldest first ─▶ a ledger of the import ─▶ obligations with their verdicts, when KEPT has passed

The ledger judges as it does for calls that are heard. No obligation stays open: none is on a worklist or alerts.

Refuses: *not met* where a record shows no callback. It may have been made elsewhere: that is not known.
"""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from itertools import compress

import msgspec
from sqlalchemy import select

from callmon.core import facts as f
from callmon.core.callbacks.entries import ConcludedByImport
from callmon.core.callbacks.ledger import LAST
from callmon.core.callbacks.obligation import LedgerUpdate
from callmon.core.facts import Fact
from callmon.core.monitor import Monitor
from callmon.core.outcome import Outcome
from callmon.core.standards.verdict_rules import NOT_IN_SOURCE, UNHEARD
from callmon.core.statistics import counters
from callmon.core.statistics.counters import Figures
from callmon.core.verdicts import Finding
from callmon.store.bulk import ADDING, BulkWriter
from callmon.store.database import Database, database_errors
from callmon.store.row_mapping import Rows, counter_rows
from callmon.store.tables import CALL, COUNTER, OBLIGATION
from callmon.store.writer.transaction import IMPORTED, write_rows

HEARD = ("cel", "cdr")  # records with outgoing calls
KEPT = timedelta(days=7)  # after its due time, an obligation waits so long for a late callback
OPENED_BY = (f.VoicemailTook, f.MessageLeft, f.CallbackRequested, f.ComplaintMade)


class PastCallbacks:
    """The ledger of one import."""

    def __init__(self, monitor: Monitor, exchange: str) -> None:
        self._monitor, self._exchange = monitor, exchange
        self._written: dict[str, list[LedgerUpdate]] = {}  # by obligation
        monitor.ledger.gap(exchange, datetime.min.replace(tzinfo=UTC), LAST)  # a record proves no absence

    def follow(self, facts: Sequence[Fact]) -> None:
        """Passes a call to the ledger if it may open or settle an obligation."""
        if len(self._monitor.ledger.index) or any(isinstance(x, OPENED_BY) for x in facts):
            self._note(self._monitor.follow(self._exchange, facts))

    def concluded(self, before: datetime) -> list[Sequence[LedgerUpdate]]:
        """The entries of each obligation that fell due KEPT before this moment. They are no longer followed."""
        ledger = self._monitor.ledger
        self._note(*self._monitor.tick(before - KEPT))
        states = (updates[-1].obligation for updates in self._written.values())
        over = [x for x in states if x.fell_due >= len(x.due_times)]
        for obligation in over:
            if obligation.is_open:
                ledger.append_entry(ConcludedByImport(*obligation.key, obligation.due_times[-1]))
            if ledger.index.get(obligation.key) is not None:
                ledger.index.drop(obligation.key)
        self._note(Outcome(self._exchange, ledger=ledger.drain_updates()))
        return [self._written.pop(obligation.id) for obligation in over]

    def _note(self, *outcomes: Outcome | None) -> None:
        for update in (update for outcome in outcomes if outcome is not None for update in outcome.ledger):
            findings = tuple(_by_its_record(x) for x in update.findings)
            written = self._written.setdefault(update.obligation.id, [])
            written.append(msgspec.structs.replace(update, findings=findings))


def _by_its_record(finding: Finding) -> Finding:
    is_gap = (finding.verdict, finding.reason_key) == (UNHEARD.verdict, UNHEARD.reason_key)
    return msgspec.structs.replace(finding, reason_key=NOT_IN_SOURCE.reason_key) if is_gap else finding


def store_callbacks(store: Database, exchange: str, concluded: Sequence[Sequence[LedgerUpdate]]) -> None:
    """Stores these obligations of imported calls, as far as they are not stored. Raises StoreError."""
    opened = [updates[0].obligation for updates in concluded]
    with database_errors(store), store.writing_piece() as connection:
        here = OBLIGATION.c.exchange == exchange, OBLIGATION.c.id.in_([x.id for x in opened])
        imported = (
            CALL.c.exchange == exchange,
            CALL.c["call"].in_([x.call for x in opened]),
            CALL.c.heard.in_(HEARD),
        )
        known = set(connection.scalars(select(OBLIGATION.c.id).where(*here)))
        calls = set(connection.scalars(select(CALL.c["call"]).where(*imported)))
        new = (x.call in calls and x.id not in known for x in opened)
        rows = Rows(0)
        rows.add_items(Outcome(exchange, ledger=tuple(x)) for x in compress(concluded, new))
        counted = counters.figures_of(findings=rows.findings.values(), called_back=rows.called_back)
        added = Figures({(IMPORTED, *figure): amount for figure, amount in counted.items()})
        writing = BulkWriter(connection, store.ring)
        write_rows(writing, rows)
        writing.insert(COUNTER, counter_rows(added), ADDING)
