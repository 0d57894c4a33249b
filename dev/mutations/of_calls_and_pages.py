"""Faults in what callmon makes of the events of a call, and in the rights of its pages."""

from __future__ import annotations

from dev.mutations.fault import fault

FAULTS = (
    fault(
        "the first hang-up ends the call",
        "core/calls/lifecycle",
        (
            "    if leg is call.caller:\n        if called_person",
            "    if leg.answered or leg is call.caller:\n        if called_person",
        ),
    ),
    fault(
        "a Local channel is a phone",
        "core/calls/endpoints",
        ('return channel.startswith("Local/")', 'return channel.startswith("Local//")'),
    ),
    fault(
        "a busy signal is the caller's hang-up",
        "core/calls/lifecycle",
        ("elif not call.busy:  # else", "elif call is not None:  # else"),
    ),
    fault(
        "a request before a gap is never the echo of a refusal",
        "core/calls/listing_call",
        ("call.busy, call.hangup_requested = True, False", "call.busy = True"),
    ),
    fault(
        "a gap before the direction is known hides nothing",
        "core/calls/listing",
        ("call.gaps_before_arrival += (gap,)", "pass"),
    ),
    fault(
        "a person who is asked to accept has answered",
        "core/calls/answering",
        (
            "if picked_up is not None and at is not None and at - picked_up <= JOINED_AT_ONCE:",
            "if picked_up is not None:",
        ),
    ),
    fault(
        "early media is no ringing",
        "core/calls/dialling",
        ('event.status not in ("RINGING", "PROGRESS")', 'event.status != "RINGING"'),
    ),
    fault(
        "a pickup of another phone's call is not followed",
        "core/calls/dialling",
        ("        state.adopt_leg(call, leg)\n", "        pass\n"),
    ),
    fault(
        "a busy phone took no caller that was sent to it",
        "core/calls/dialling",
        ('    if why == "busy":\n', '    if why == "unreachable":\n'),
        ("and event.cause in transfers.REFUSALS:", 'and event.cause == "":'),
    ),
    fault(
        "a consultation is a transfer",
        "core/calls/transfers",
        ("if call.person is None or event.uniqueid != call.caller.uniqueid:", "if call.person is None:"),
    ),
    fault(
        "a caller who came back was transferred",
        "core/calls/transfers",
        (
            "if sent is not None and endpoint(person.channel) != endpoint(sent.by):",
            "if sent is not None:",
        ),
    ),
    fault(
        "a redirect that no phone takes is a transfer",
        "core/calls/transfers",
        ("if sent.taken or (stayed and not sent.dialled):", "if sent is not None:"),
    ),
    fault(
        "parking is a transfer",
        "core/calls/transfers",
        (
            " or call.parked:\n        return\n    if event.extension in",
            ':\n        return\n    if event.extension + "#" in',
        ),
        (
            "        call.sent = None\n        call.person = None\n        call.parked_from",
            "        call.person = None\n        call.parked_from",
        ),
    ),
    fault(
        "a redirect is no transfer",
        "core/calls/transfers",
        (
            'send_off(state, call, PendingTransfer("redirect", call.person.channel, to, event.at, dialled=True))',
            "pass",
        ),
    ),
    fault(
        "a phone's forwarding is a transfer",
        "core/calls/account_state",
        (
            "self._hand(forwards=h.forwards + 1)",
            'self._hand(transfers=(*h.transfers, Transfer("redirect", fact.phone, fact.to, True)))',
        ),
    ),
    fault(
        "the last ringing starts the clock",
        "core/calls/account_state",
        ("        if self.clock is not None:\n            return\n        self.source", "        self.source"),
        (
            "        if self.ringing is None:\n            self._start_clock(",
            "        if True:\n            self._start_clock(",
        ),
    ),
    fault(
        "music in a queue is ringing",
        "core/calls/account_state",
        ("            if self._is_music_in_queue():\n                return\n", ""),
    ),
    fault(
        "a person's answer has a grace",
        "core/calls/rings",
        ("return max(0, wait // cycle) + 1", "return max(0, (wait - GRACE) // cycle) + 1"),
    ),
    fault(
        "a time-out has no grace",
        "core/calls/rings",
        ("-((GRACE - wait) // cycle)", "-((GRACE - GRACE - wait) // cycle)"),
    ),
    fault(
        "English is chosen before any menu",
        "core/calls/language",
        (
            "is_chosen = chosen and before != language and _is_in_menu(call) and _was_in_menu(call, event)",
            "is_chosen = chosen and not call.dialled",
        ),
    ),
    fault(
        "a colleague who listens to a box leaves a message",
        "core/calls/voicemail",
        ("call is None or not call.inbound or leg.opens_box or", "call is None or"),
    ),
    fault(
        "to pass voicemail's place is to be taken by voicemail",
        "core/calls/voicemail",
        ("or (is_over and _passed_through(state, call, at)):", "or False:"),
    ),
    fault(
        "a gap hides no answer",
        "core/calls/listing",
        (
            "may_hide = not call.answered and not in_box and entry.state != RING",
            "may_hide = False",
        ),
    ),
    fault(
        "a call that vanished in a gap was heard to its end",
        "core/calls/listing",
        (
            "self._tell_gap(call, until, answer, not call.answered and not call.voicemail)",
            "pass",
        ),
        ('if gap.restarted or gap.stopped else "unheard"', 'if gap.restarted else "hangup"'),
    ),
    fault(
        "the fourth ring is in time",
        "core/standards/answer_by_third_ring",
        (
            "return rules.met(reason, number) if waited.longest < limit else",
            "return rules.met(reason, number) if waited.longest <= limit else",
        ),
    ),
    fault(
        "an abandoned call is never counted",
        "core/standards/verdict_rules",
        ("is_early = call.waited.longest < limit", "is_early = bool(limit)"),
    ),
    fault(
        "one transfer is too many",
        "core/standards/one_transfer_at_most",
        ("if count > parameters.transfers:", "if count >= parameters.transfers:"),
    ),
    fault(
        "voicemail has no grace",
        "core/standards/voicemail_after_fourth_ring",
        ("<= parameters.late_after_ring * call.cycle + call.grace", "<= parameters.late_after_ring * call.cycle"),
        ("return parameters.after_ring * call.cycle - call.grace", "return parameters.after_ring * call.cycle"),
    ),
    fault(
        "a page needs no right",
        "web/auth/route",
        (
            "        await _check(request, entry)\n",
            "",
        ),
    ),
    fault(
        "the role viewer may call back",
        "web/auth/identity",
        ("Role.VIEWER: frozenset({Right.VIEW}),", "Role.VIEWER: frozenset({Right.VIEW, Right.CALL_BACK}),"),
    ),
    fault(
        "a form needs no token",
        "web/auth/route",
        ("not (is_from_us(request) and await _has_token(request, entry))", "not is_from_us(request)"),
    ),
    fault(
        "a form may stand on another site",
        "web/auth/route",
        (
            "not (is_from_us(request) and await _has_token(request, entry))",
            "not await _has_token(request, entry)",
        ),
    ),
    fault(
        "a body may be of any length",
        "web/auth/middleware",
        ("if max(count, declared) > request.state.most_bytes:", "if count < 0:"),
    ),
    fault(
        "the length of a body is that of its last piece",
        "web/auth/middleware",
        ("        count += len(", "        count = len("),
    ),
    fault(
        "any host name is accepted from loopback",
        "web/auth/client",
        ("is_loopback(peer) and is_loopback(_name(host))", "is_loopback(peer)"),
    ),
    fault(
        "the header with the user's name is accepted from any address",
        "web/auth/service",
        ("if not asking.is_by_proxy:", "if asking is None:"),
    ),
    fault(
        "of several headers with a name the first counts",
        "web/auth/identity",
        ("if len(values) > 1:", "if len(values) > 9:"),
    ),
    fault(
        "the browser's own forwarded address is trusted",
        "web/auth/client",
        ('for part in reversed(",".join(forwarded).split(",")):', 'for part in ",".join(forwarded).split(","):'),
    ),
    fault(
        "a cookie is sent without TLS too",
        "web/auth/cookies",
        ('secure = "; Secure" if is_https else ""', 'secure = ""'),
    ),
    fault("a session is never idle", "store/access", ("col(SessionRow.seen) <= at - terms.idle, ", "")),
    fault(
        "a session lasts as long as it is used",
        "store/access",
        (", col(SessionRow.made) <= at - terms.longest", ""),
    ),
    fault(
        "a session outlives a change of its role",
        "store/access",
        ('end_sessions_of(connection, name, "account")', "pass"),
    ),
    fault(
        "signing in keeps the session before",
        "web/auth/sign_in",
        (
            'any, ends."""\n        await self.access.end(request.state.known, request.state.asking)\n',
            'any, ends."""\n',
        ),
    ),
    fault("signing in redirects to any address", "web/auth/sign_in", ("and OURS.fullmatch(path) else", "else")),
    fault(
        "an account may be tried for ever",
        "web/auth/service",
        ("self._by_account.tried(whose, self._clock())", "pass"),
    ),
    fault(
        "an unknown account is refused without comparing a password",
        "web/auth/service",
        (
            "is_right = await self._ask(passwords.is_right, kept, password)",
            "is_right = account is not None and await self._ask(passwords.is_right, kept, password)",
        ),
    ),
    fault(
        "the provider's token may be an old one",
        "web/auth/oidc",
        ('{"nonce": nonce, "client_id"', '{"client_id"'),
    ),
    fault(
        "the provider's token may be for another",
        "web/auth/oidc",
        ('"aud": {"essential": True, "value": self._settings.client_id},', '"aud": {"essential": True},'),
    ),
    fault(
        "a sign-in at the provider serves twice", "web/auth/oidc", ("if secret in self._used:", "if not secret:")
    ),
    fault(
        "another browser may finish a sign-in",
        "web/auth/oidc",
        ("if not hmac.compare_digest(state.encode(), _state(secret, to, made).encode()):", "if not state:"),
    ),
    fault(
        "an entry shows its number unasked",
        "features/worklist/page",
        (
            "return await _entry_page(page_request, await _find(page_request))",
            "return await _entry_page(page_request, await _find(page_request, numbers=True), shown=True)",
        ),
    ),
    fault(
        "a shown number is not in the audit log",
        "features/worklist/page",
        ("await page_request.ask(subject_access.log_access_to_call, store, look, call)", "pass"),
    ),
)
