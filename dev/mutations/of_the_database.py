"""Faults in what is stored and counted: once, whole, and by one program."""

from __future__ import annotations

from dev.mutations.fault import fault

FAULTS = (
    # The database: each outcome once, the counters with their rows.
    fault(
        "the outbox is emptied before the commit",
        "store/writer/writer",
        (
            "figures = self._write(batch, [self._outbox.read(entry) for entry in entries])",
            "records = [self._outbox.read(entry) for entry in entries]\n"
            "        self._publish(batch)\n"
            "        figures = self._write(batch, records)",
        ),
    ),
    fault(
        "a batch whose commit was not answered is written twice",
        "store/writer/transaction",
        ("WHERE id = 1 AND batch = ? RETURNING id", "WHERE id = 1 AND batch >= ? RETURNING id"),
    ),
    fault(
        "a call that is stored already is counted again",
        "store/writer/transaction",
        ("        rows.calls.pop(key, None)\n", "        pass\n"),
    ),
    fault(
        "one value that the database rejects takes its whole batch with it",
        "store/writer/transaction",
        ("            if len(part) == 1:\n", "            if part:\n"),
    ),
    fault(
        "a rejudgement leaves the roll-ups as they were",
        "store/rejudge",
        (
            "            update.CallRecord(now, tuple({**known, **changed}.values())),",
            "            update.CallRecord(data, tuple(old)),",
        ),
    ),
    fault(
        "a counter is shown before its commit",
        "store/writer/writer",
        (
            "self._store.ring, len(records), self._deliveries\n            )\n",
            "self._store.ring, len(records), self._deliveries\n            )\n"
            "            self.counters.add_figures(figures)\n",
        ),
        (
            "        self.counters.add_figures(figures)\n        self._renewed(began)",
            "        self._renewed(began)",
        ),
    ),
    fault(
        "a record that a power cut tore is read",
        "store/writer/outbox_file",
        (
            "return head if crc32(self.content(place + HEAD.size, head.length)) == head.check else None",
            "return head",
        ),
    ),
    fault(
        "the outbox of another state of the database is written to it",
        "store/writer/outbox",
        ("else (number, token) == (before, self.after)", "else number == before"),
    ),
    fault(
        "a record beyond the outbox's limit is forgotten",
        "store/writer/outbox",
        (
            "if not length and self.entries:\n                return False\n",
            "if not length and self.entries:\n                del waiting[:count]\n                return True\n",
        ),
    ),
    fault(
        "a standby drops what the leader may not have written",
        "store/writer/appender",
        ("item.at + MARGIN <= until:", "item.at - MARGIN <= until:"),
    ),
    fault(
        "a corrected verdict is not moved in the roll-ups",
        "store/rollups/update",
        ("for which, sign in ((before, -1), (after, 1)):", "for which, sign in ((None, -1), (after, 1)):"),
    ),
    fault(
        "a test call is a caller",
        "core/statistics/counters",
        ("or not call.is_ended or call.test:", "or not call.is_ended:"),
    ),
    fault(
        "the time before the first event was heard",
        "core/statistics/coverage",
        (
            "spans = [(begin, self.since), *self.gaps, (self.until, end)]",
            "spans = [*self.gaps, (self.until, end)]",
        ),
    ),
    # Taking over, and calls that only the exchange's own log has.
    fault(
        "a new leader writes what the old one has written",
        "core/takeover",
        ("        if key in known.over:\n            continue\n        stored", "        stored"),
    ),
    fault(
        "a time that the old leader heard is a gap",
        "core/takeover",
        ("start = max(gap.start, heard.get(gap.exchange, gap.start))", "start = gap.start"),
    ),
    fault(
        "a callback that the old leader stored is owed again",
        "core/takeover",
        (
            "        case n.Owed():\n            return True\n",
            "        case n.Owed():\n            return False\n",
        ),
    ),
    fault(
        "of a call that both heard in part the standby's facts are dropped",
        "core/takeover",
        (
            "        if more:\n            yield key, _the_rest",
            "        if not more:\n            yield key, _the_rest",
        ),
    ),
    fault(
        "the exchange's log says when a phone rang that was heard ringing",
        "backfill/merge",
        ("return fact if rang is None else _with(rang, phone=_phone(fact, heard))", "return fact"),
    ),
    fault(
        "a phone of which no ringing was heard rang",
        "backfill/merge",
        ("        case f.PhoneRang() if fact.channel in silent:\n            return None\n", ""),
    ),
)
