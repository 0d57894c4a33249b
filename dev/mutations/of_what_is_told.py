"""Faults in reports, in the public notice, in what the boards read, and in the care of numbers."""

from __future__ import annotations

from dev.mutations.fault import fault

FAULTS = (
    # A month's report: signed, mailed, public.
    fault(
        "who prepared a month approves it under another spelling",
        "store/sign_off",
        ("if same_person(who, revision.signatures[0].who):", "if who == revision.signatures[0].who:"),
    ),
    fault(
        "a month is approved before it is verified",
        "store/sign_off",
        ("    if step != revision.next_step:\n", "    if step == STEPS[0]:\n"),
    ),
    fault(
        "a file with other bytes is handed out as signed",
        "store/sign_off",
        ("if sha256(found).hexdigest() != revision.digests[name]:", "if not found:"),
    ),
    fault(
        "two revisions of a month are in force",
        "store/sign_off",
        (
            "later = approved if x.step == STEPS[-1] else found[-1].number",
            "later = 0 if x.step == STEPS[-1] else found[-1].number",
        ),
    ),
    fault(
        "a signature is not in the audit log",
        "store/sign_off",
        (
            "    insert_event(connection, audit_event.model_copy(",
            "    bool(audit_event.model_copy(",
        ),
    ),
    fault(
        "a step that no key has signed counts",
        "store/sign_off",
        ("            or (bool(ring) and not all(_is_signed(ring, its) for its in by_step.values()))\n", ""),
    ),
    fault(
        "a provisional report is signed",
        "features/months/signed",
        ("if not new.state.final:", "if new.state.final is None:"),
    ),
    fault(
        "a revision is mailed before it is approved",
        "features/months/signed",
        (
            "if found.step == sign_off.STEPS[-1] and found.superseded_by is None:",
            "if found.superseded_by is None:",
        ),
    ),
    fault(
        "a report is unsent since the last of its recipients",
        "features/months/mail/timer",
        ("found[edition] = min(since, found", "found[edition] = max(since, found"),
    ),
    fault(
        "two programs send one mail",
        "features/months/report_mail",
        (
            "theirs = (*_same(mail), col(ReportMailRow.state).in_(NOT_OUT))\n        values = {",
            "theirs = _same(mail)\n        values = {",
        ),
    ),
    fault(
        "a mail whose answer was lost is sent again",
        "features/months/mail/smtp",
        (
            'return Handover("unknown", "no_answer", _clean(error))',
            'return Handover("waiting", "later", _clean(error))',
        ),
    ),
    fault(
        "recipients of one final report have different figures",
        "features/months/mail/delivery",
        ("if report.notice.is_final and contents_out(store, mail.mailing) - {content}:", "if not content:"),
    ),
    fault(
        "the public edition is mailed while it may still change",
        "features/months/mail/timer",
        ('        elif notice.edition == "public":\n            return\n', ""),
    ),
    fault(
        "the public edition has exact numbers",
        "features/months/open_data/edition",
        ("    return TENS * int((count + TENS / 2) // TENS)\n", "    return int(count)\n"),
    ),
    fault(
        "the public edition has a table that tells a number of 1 to 4",
        "features/months/open_data/disclosure",
        ("most - least + 1 < VALUES]", "most < least]"),
    ),
    fault(
        "the public edition says of a group of few calls whether it is none",
        "features/months/open_data/edition",
        (
            '        return Figure(place, kind, "too_few")\n',
            '        return Figure(place, kind, "too_few", None, None, whole)\n',
        ),
    ),
    # What the public and the boards are told.
    fault(
        "no disruption is known while an exchange is unheard",
        "features/disruptions/notice/text",
        ("        if not is_heard:\n", "        if not is_heard and count:\n"),
    ),
    fault(
        "a notice appears in one language",
        "features/disruptions/notice/text",
        (
            'if self.language == "fr" else english) if french and english else None',
            'if self.language == "fr" else english)',
        ),
    ),
    fault(
        "an exchange that is only unheard is announced as disrupted",
        "features/disruptions/notice/text",
        ("x.ended is None and (x.confirmed or x.notice != NO_NOTICE)]", "x.ended is None]"),
    ),
    fault(
        "a standby publishes its notice over the leader's",
        "features/disruptions/notice/folder",
        ("if folder is None or self._stands_by() or is_current:", "if folder is None or is_current:"),
    ),
    fault(
        "a disruption that has ended stays published",
        "features/disruptions/notice/folder",
        ("is_current = state == self._published and", "is_current = self._published is not None and"),
    ),
    fault(
        "a restarted exchange has a second more to find its phones",
        "core/disruptions/detector",
        ("if now < at)", "if now <= at)"),
    ),
    fault(
        "planned work begins after its two minutes beforehand",
        "core/disruptions/register",
        ("x.began - BEFOREHAND <= now", "x.began - BEFOREHAND < now"),
    ),
    fault(
        "planned work never ends",
        "core/disruptions/register",
        (
            '                self.append_entry(n.DisruptionEnded(disruption.id, until, "time"))\n',
            "                pass\n",
        ),
    ),
    fault(
        "a standby's counters are added to the leader's",
        "sinks/metrics/exposition",
        (
            "        if not leads:\n            text, counted",
            "        if leads is None:\n            text, counted",
        ),
    ),
    fault(
        "a seldom series begins at its value",
        "sinks/metrics/counter_text",
        ("for figure, base in others.items() if figure not in new}", "for figure, base in others.items()}"),
    ),
    fault(
        "an exchange is always connected",
        "sinks/metrics/exposition",
        ("int(e.connected) for e", "1 for e"),
    ),
    fault(
        "a line is unannounced since the latest disruption",
        "sinks/metrics/exposition",
        ("min(d.began for d in silent", "max(d.began for d in silent"),
    ),
    fault(
        "planned work ends with the first of several",
        "sinks/metrics/exposition",
        ("max(at for other, at in ends", "min(at for other, at in ends"),
    ),
    fault(
        "the verdicts of a standard that is not judged are in the rates",
        "sinks/metrics/exposition",
        (" and x.enabled.get(key[0], True)}", "}"),
    ),
    fault(
        "the broker is told to whom a caller was transferred",
        "sinks/mqtt/topics",
        ('"to": extension(t["to"])', '"to": t["to"]'),
    ),
    fault(
        "the broker is told the name of a mailbox",
        "sinks/mqtt/topics",
        ('"mailbox": extension(took["mailbox"])', '"mailbox": took["mailbox"]'),
    ),
    fault(
        "a state that failed waits since its failure",
        "sinks/mqtt/outbox",
        (
            "                self._dirty[message.topic] = message.since",
            "                self._dirty.setdefault(message.topic, message.since)",
        ),
    ),
    fault(
        "a trace has a conversation of which a part was unheard",
        "sinks/traces/spans",
        (" or any(isinstance(x, f.Unheard) for x in facts[at:end])", ""),
    ),
    fault(
        "a trace has the extension of a phone",
        "sinks/traces/spans",
        ('phones.get(getattr(part.first, "phone", ""))', 'getattr(part.first, "phone", None)'),
    ),
    fault(
        "the id of a span is made from its moment",
        "sinks/traces/spans",
        ('f"{place} {places[place]}"', 'f"{place} {fact.at}"'),
    ),
    fault(
        "a call within the office has a trace",
        "sinks/traces/sink",
        ('call.direction == "inbound" and call.line is not None and call.is_ended', "call.is_ended"),
    ),
    fault(
        "a collector that answers 503 has taken the calls",
        "sinks/traces/otlp",
        ("answer.status != 200", "answer.status > 599"),
    ),
    fault(
        "a new leader does not send what the former one may not have sent",
        "sinks/traces/sink",
        ("call.ended > now - AGAIN", "call.ended > now"),
    ),
    # Numbers of callers.
    fault(
        "a number outlives its retention",
        "store/privacy/retention",
        ("        connection.execute(NUMBER.delete().where(NUMBER.c.token.in_(gone)))\n", ""),
    ),
    fault(
        "the number of an open callback is deleted",
        "store/privacy/retention",
        (
            'case((OBLIGATION.c.state == "open", OBLIGATION.c["call"]))',
            'case((OBLIGATION.c.state == "none", OBLIGATION.c["call"]))',
        ),
    ),
    fault(
        "a withheld number is stored",
        "store/writer/transaction",
        (
            "    writing.delete(tables.NUMBER, [(*key, CALLER) for key in rows.withheld])",
            "    writing.delete(tables.NUMBER, [])",
        ),
    ),
    fault(
        "an access to a number is not recorded",
        "store/privacy/subject_access",
        ("    log_access(store, look, len(found), numbers[0] if found else None)\n", ""),
    ),
    fault(
        "a restored database stays readable by other users",
        "store/sqlite_file",
        ("                file.chmod(0o600)\n", "                pass\n"),
    ),
    # Refusals.
    fault(
        "a part of a refusal stays English",
        "errors",
        ("name: value.translated(translate) if isinstance(value, Sentence) else value", "name: value"),
    ),
)
