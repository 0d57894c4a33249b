"""Checks whether callmon can work with these exchanges, and prints the lines that fix each fault.

    settings ─▶ ami_query ─▶ manager_user, dialplan ─▶ [DoctorFinding] ─▶ as_text
                  └▶ pyst2 ─▶ asking_manager ─▶ answer_stream ─▶ the exchange

Asks only. Refuses: to change anything, on either side, and to print a secret. With `--listen` it asks nothing
and receives events:

    receive ─▶ learn ─▶ the text of a first configuration
    receive ─▶ acceptance (five scripted calls) ─▶ a sheet to be signed
"""

from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta

from callmon.config.exchange import ExchangeSettings
from callmon.config.settings import Settings
from callmon.tools.doctor import dialplan, manager_user
from callmon.tools.doctor.acceptance import Acceptance
from callmon.tools.doctor.ami_query import TIMEOUT, ask
from callmon.tools.doctor.finding import LANGUAGE, DoctorFinding, as_text, finding, finding_texts
from callmon.tools.doctor.learn import TrafficSample, propose
from callmon.tools.doctor.questions import READ, ExchangeAnswers, layout

__all__ = ["LANGUAGE", "Acceptance", "DoctorFinding", "TrafficSample", "as_text", "examine", "judge", "propose"]


def examine(
    settings: Settings,
    now: datetime,
    last_seen: Mapping[str, datetime | None] | None = None,
    timeout: timedelta = TIMEOUT,
) -> list[DoctorFinding]:
    """Examine all exchanges at once, for little more than `timeout`. Raises ConfigError without a secret.

    `last_seen`: time of each line's last call, from the database. Without it, last calls are not judged.
    """
    return list(judge(settings, ask(settings.exchanges, timeout), now, last_seen))


def judge(
    settings: Settings,
    answers: Mapping[str, ExchangeAnswers],
    now: datetime,
    last_seen: Mapping[str, datetime | None] | None = None,
) -> Iterator[DoctorFinding]:
    """The faults, derived from the exchanges' answers. Pure."""
    for name, given in answers.items():
        yield from _exchange(settings, name, given)
    if all(given.failure is None and given.may_ask for given in answers.values()):
        yield from dialplan.mailboxes(answers.values(), settings.lines())
        yield from dialplan.unknown_phones(answers.values(), settings.lines())
    if last_seen is not None:
        yield from dialplan.silent_lines(settings, last_seen, now)


def _exchange(settings: Settings, name: str, answers: ExchangeAnswers) -> Iterator[DoctorFinding]:
    exchange = settings.exchanges[name]
    if answers.failure is not None:
        yield _failed(name, exchange, answers)
        return
    examined = manager_user.Examination(name, exchange, answers, layout(exchange.username, answers))
    yield from manager_user.complaints(examined)
    if answers.may_ask:
        yield from dialplan.voicemail(examined, settings.lines())
        yield from dialplan.cel_findings(examined)
        yield from dialplan.tones(examined, settings.lines())
        yield from dialplan.phone_state_findings(examined)
        yield from dialplan.fullness(examined, settings.lines())
    yield from dialplan.clock(examined)


def _failed(name: str, exchange: ExchangeSettings, answers: ExchangeAnswers) -> DoctorFinding:
    """The one finding that is made if nothing could be asked."""
    kind = "closed_tls" if answers.failure == "closed" and exchange.tls else answers.failure or ""
    text = answers.text
    if kind not in finding_texts()["connection"]:
        kind, text = "internal", text or kind
    return finding(
        f"connection.{kind}",
        exchange=name,
        where=f"{exchange.host}:{exchange.port}",
        host=exchange.host,
        port=exchange.port,
        user=exchange.username,
        secret_source=exchange.secret_place(),
        expected=exchange.server_name or exchange.host,
        us=answers.us,
        mask="128" if ":" in answers.us else "255.255.255.255",
        read=READ,
        text=f"{text.rstrip('.')}." if text else "",
    )
