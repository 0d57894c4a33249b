"""Faults in the callbacks that are owed, in several pairs together, and in due times."""

from __future__ import annotations

from dev.mutations.fault import fault

FAULTS = (
    # Callbacks: the ledger, and what several pairs know together.
    fault(
        "a call before the message pays for it",
        "core/callbacks/ledger",
        ("if obligation.since >= at or (obligation.state", "if (obligation.state"),
    ),
    fault(
        "a caller who reached another service is owed no callback",
        "core/callbacks/ledger",
        (" and obligation.service == contact.service\n        if is_theirs", "\n        if is_theirs"),
    ),
    fault(
        "one callback pays for every caller of a shared number",
        "core/callbacks/ledger",
        (
            "if self.shared_numbers.is_shared(contact.token):",
            "if not contact.token:",
        ),
        ("            if obligation.shared:\n                continue\n", ""),
    ),
    fault(
        "a message left after the callback is paid with it",
        "core/callbacks/ledger",
        ("        for message in rest:\n", "        for message in rest[:0]:\n"),
    ),
    fault(
        "an erased number keeps its cautions",
        "core/callbacks/ledger",
        ("        self._cautions.pop(token, None)\n", ""),
    ),
    fault(
        "a complaint is acknowledged twice",
        "core/callbacks/ledger",
        ("obligation.is_open and obligation.acknowledged is None and", "obligation.is_open and"),
    ),
    fault(
        "an attempt at the due time is late",
        "core/callbacks/ledger",
        ("and at <= obligation.dues.judging.at", "and at < obligation.dues.judging.at"),
    ),
    fault(
        "calls two seconds apart are one attempt",
        "core/callbacks/obligation",
        ("abs(at - one) < SAME_CALL", "abs(at - one) <= SAME_CALL"),
    ),
    fault(
        "the language of a request replaces the chosen one",
        "core/callbacks/triggers",
        ("language = language or request.language", "language = request.language or language"),
    ),
    fault(
        "seven digits are an extension",
        "core/callbacks/triggers",
        ("len(digits) < SHORT", "len(digits) <= SHORT"),
    ),
    fault(
        "a message at the time of the callback is counted twice",
        "core/callbacks/obligation",
        ("if message.at < at)", "if message.at <= at)"),
    ),
    fault(
        "a call that was answered at the due time comes too late",
        "core/callbacks/ledger",
        ("call.begun <= at:", "call.begun < at:"),
    ),
    fault(
        "a call at the moment of a complaint acknowledges it",
        "core/callbacks/ledger",
        (
            "obligation.acknowledged is None and obligation.since < at:",
            "obligation.acknowledged is None and obligation.since <= at:",
        ),
    ),
    fault(
        "days count for a shared number a day too long",
        "core/callbacks/index",
        ("if seen_on[0] > day - WINDOW)", "if seen_on[0] >= day - WINDOW)"),
    ),
    fault(
        "two exchanges that carry one call make two attempts",
        "core/callbacks/obligation",
        ("abs(at - one) < SAME_CALL for one in known)", "at == one for one in known)"),
    ),
    fault(
        "a talk of any length pays",
        "core/callbacks/outbound_call",
        ("and self.talked + (until - self.joined) >= rules.talked_for:", "and until >= self.joined:"),
    ),
    fault(
        "the ringing of a colleague's phone is talk",
        "core/callbacks/outbound_call",
        ("case f.SentOff() | f.Parked() | f.Parted() |", "case"),
    ),
    fault(
        "a call that nobody can attribute is none",
        "core/callbacks/ledger",
        (
            "if outbound.unattributed is not None:",
            "if outbound.unattributed is None and outbound.is_over is None:",
        ),
    ),
    fault(
        "a gap that may hide the callback leaves the verdict certain",
        "core/callbacks/ledger",
        (
            "*((start, end) for _, start, end in self._gaps)]",
            "*((start, end) for _, start, end in [])]",
        ),
    ),
    fault(
        "a caller whose number is withheld has nothing to be called back for",
        "core/callbacks/triggers",
        (
            "            return None, hidden\n        return self._ledger.token",
            "            return None, None\n        return self._ledger.token",
        ),
    ),
    fault(
        "a verdict does not wait for what another pair has stored and nobody has read",
        "store/pairs/contacts",
        ("last, heard if len(rows) < MOST_READ else {}, gaps)", "last, heard, gaps)"),
    ),
    fault(
        "a verdict does not wait for a talk of another pair that is not yet long enough",
        "daemon/pairs",
        ("return {name: at - least for pair", "return {name: at for pair"),
    ),
    fault(
        "a gap of another pair hides no callback",
        "daemon/pairs",
        ('        monitor.ledger.gap(f"{pair}/{gap.exchange}", gap.start, gap.end)\n', "        pass\n"),
    ),
    fault(
        "another pair's callback of before the start is never read",
        "daemon/pairs",
        ("tokens = sorted(set(_tokens(index))) if is_new else None", "tokens = [] if is_new else None"),
    ),
    fault(
        "a pair that stores nothing any more is waited for for ever",
        "daemon/pairs",
        ("if since < limit]", "if since < 0.0]"),
    ),
    fault(
        "numbers hashed with different keys are compared",
        "store/pairs/contacts",
        ("    if missing:\n", "    if missing and not store.ring:\n"),
    ),
    # Opening hours and due times.
    fault(
        "twenty-four hours are one day of the calendar",
        "config/business_calendar",
        ("return _utc(at) + after", "return (at.astimezone(self.timezone) + after).astimezone(UTC)"),
    ),
    fault(
        "a receipt after closing counts for that day",
        "config/business_calendar",
        ("for closing in closings if closing > at)", "for closing in closings if closing > at - DAY / 2)"),
    ),
    fault(
        "a holiday is a business day",
        "config/business_calendar",
        ("return day.weekday() <= FRIDAY and not self.closed.on(day) and", "return day.weekday() <= FRIDAY and"),
    ),
    fault(
        "the hour that a November night has twice is open once",
        "config/business_calendar",
        (
            "closes = max(_instant(zone, day, period.closes, fold) for fold in (0, 1))",
            "closes = _instant(zone, day, period.closes, fold=0)",
        ),
    ),
)
