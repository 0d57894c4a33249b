"""Faults that let a stranger in, keep a person out, or tell outside what callmon must tell nobody."""

from __future__ import annotations

from dev.mutations.fault import fault

FAULTS = (
    fault(
        "an address of the PBX's settings file may have options",
        "backfill/imported/sources",
        ("HOST.fullmatch(place)", "HOST.match(place)"),
        (
            "URL.create(kind, user, host=host[1], port=port, database=database).render_as_string()",
            'f"{kind}://{user}@{place}/{database}"',
        ),
    ),
    fault(
        "a settings file that others may write is read",
        "backfill/imported/sources",
        (
            "if (written := place_written_by_others(path)) is not None:",
            "if (written := place_written_by_others(path)) and 0:",
        ),
    ),
    fault(
        "a MySQL server may fetch a file",
        "backfill/job",
        ('refused = {"local_infile": False}', 'refused = {"local_infile": True}'),
    ),
    fault(
        "an odd answer of a MySQL server is a traceback",
        "backfill/imported/tables",
        ("except ODD_ANSWERS as error", "except SQLAlchemyError as error"),
    ),
    fault(
        "questions take the places of reports",
        "web/jobs",
        (
            "queue = [x for x in self._jobs.values() if x.request.is_report == request.is_report]",
            "queue = [*self._jobs.values()]",
        ),
    ),
    fault(
        "one person may have all places of a queue",
        "web/jobs",
        ("MOST_OF_A_PERSON = 2", "MOST_OF_A_PERSON = 99"),
    ),
    fault(
        "a person's question drops another's finished report",
        "web/jobs",
        (
            "self._leave_oldest([x for x in queue if x.is_done and person in x.people], person)",
            "self._leave_oldest([x for x in queue if x.is_done], person)",
        ),
        ("finished[0].people.discard(person)", "finished[0].people.clear()"),
    ),
    fault(
        "a question goes on although nobody waits for it",
        "web/jobs",
        ("patience = None if request.is_report or person is None else PATIENCE", "patience = None"),
    ),
    fault(
        "the header Host says which route a request meets",
        "web/auth/tokens",
        ('path: str = request.scope["path"]', "path: str = request.url.path"),
    ),
    fault(
        "two roles share an answer of the API",
        "web/api/answer",
        ("is_csv, request.state.person.all_roles, part.services", "is_csv, part.services"),
    ),
    fault(
        "a newcomer to the sign-in takes no place of those who return at once",
        "web/auth/fair_queue",
        ("loser = max(shares, key=self._last_turn)", "raise TooManyError"),
    ),
    fault(
        "a SIP Call-ID with a number is kept where the caller's is withheld",
        "core/calls/user_events",
        ("return len(own) < OF_NUMBER and _may_have_number(event.sip_call_id)", "return False"),
    ),
    fault(
        "a number that is written in groups is the name of a phone",
        "core/calls/endpoints",
        (r'r"\d{7,}|\d{3}[ .)-]{1,2}\d{3}[ .-]\d{4}"', r'r"\d{7,}"'),
    ),
    fault(
        "a story names a queue that is named as a number",
        "text/story/__init__",
        ('hidden = {"queue": "?", "mailbox": ""}', 'hidden = {"mailbox": ""}'),
    ),
    fault(
        "a name of any length is an extension for the broker",
        "sinks/mqtt/topics",
        ('r"[0-9*#]{1,6}"', 'r"[0-9*#]+"'),
    ),
    fault(
        "what a file says may move the cursor of a terminal",
        "cli/language",
        ("filled = plain(text.format(**in_fields(values)))", "filled = text.format(**in_fields(values))"),
        ("isinstance(sentence, Sentence) else plain(sentence)", "isinstance(sentence, Sentence) else sentence"),
    ),
    fault(
        "a collector may answer a byte at a time for hours",
        "sinks/traces/otlp",
        ("self._wire.settimeout(seconds)", "self._wire.settimeout(SECONDS)"),
        ("seconds = self._deadline - monotonic()", "seconds = SECONDS"),
    ),
    fault(
        "a collector may answer 100 Continue without an end",
        "sinks/traces/otlp",
        ("self._answers += line", "self._answers = line"),
    ),
    fault(
        "a collector's count of refused spans is taken as it is",
        "sinks/traces/sink",
        ("min(max(rejected, 0), len(spans))", "rejected"),
    ),
    fault(
        "a webhook's receiver may answer 100 Continue without an end",
        "features/webhooks/http",
        ("self._informational += not self._is_final", "self._informational = int(not self._is_final)"),
    ),
    fault(
        "a webhook's receiver that has answered keeps the event loop",
        "features/webhooks/http",
        ("await asyncio.sleep(0)  # what", "pass  # what"),
    ),
    fault(
        "a revision whose steps were deleted leaves the earlier one in force",
        "store/sign_off",
        ("sorted(known.keys() | recorded.keys())", "sorted(known.keys())"),
    ),
    fault(
        "an altered revision leaves the earlier one in force",
        "store/sign_off",
        ("if x.step == STEPS[-1] or x.is_altered)", "if x.step == STEPS[-1])"),
    ),
)
