"""What callmon must tell nobody is in none of its outputs: two calls, and each output that callmon makes of them.

They have a withheld number that the trunk delivers, the name of a caller, a phone and a mailbox that are named
after a person, and IPv6 addresses: of a trunk, in the dialplan, of a phone that registers. Further calls have a
number in each of FORMS, at each place where an exchange may have one. What is logged of such calls is in
`real/test_real_calls.py`, what a backfill prints in `store/test_backfill.py`.
"""

from __future__ import annotations

import io
import re
import zipfile
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import NamedTuple

import duckdb
import pytest
from click.testing import CliRunner

from callmon.ami.recording import public_numbers, redacted
from callmon.config.mqtt import MqttSettings
from callmon.config.settings import example, example_text, parse
from callmon.config.traces import TraceSettings
from callmon.core.monitor import Monitor
from callmon.core.outcome import Outcome
from callmon.core.statistics.today import Today
from callmon.features.webhooks import formats
from callmon.features.webhooks.events import deliveries
from callmon.main import main
from callmon.sinks.mqtt.sink import Mqtt
from callmon.sinks.traces.sink import Traces
from callmon.store.database import Database
from callmon.store.row_mapping import Rows
from callmon.store.tables import WEBHOOK
from callmon.tools.replay import Replay, chunks
from tests.lab.pango import have_pango
from tests.support.ami_builders import Channel, Exchange
from tests.support.collector import Collector
from tests.support.fact_builder import TORONTO
from tests.support.pages_app import NOBODY, Pages, pages
from tests.support.sign_in_app import ROLES
from tests.support.store_fixtures import wrote

PHONE = "phone of a person"
SECRETS = {
    "withheld number": "4165550148",
    "name of a caller": "Maxime Sansnom",
    PHONE: "zoe.tremblay",
    "IPv6 address": "fd12:3456:789a::5a77",
}
NAMED = "4165550147"
# A number as a dialplan, a trunk or a person may write it; each has an ending of its own.
FORMS = (
    "4165550110",
    "+14165550111",
    "1-416-555-0112",
    "(416) 555-0113",
    "416.555.0114",
    "sip:4165550115@192.0.2.9",
    "tel:+1-416-555-0116",
    "416 555 0117",
)
IN_A_FORM = re.compile(r"555[^\w<>]{0,3}01[12]\d")
USER_EVENTS = {
    "SipCall": "SipCallId",
    "Language": "Language",
    "Voicemail": "Mailbox",
    "Complaint": "Note",
    "SurveyOffered": "Survey",
    "Unknown": "Note",
}
NO_DAEMON = 3  # status of `callmon status`
LONG_AGO = datetime(2026, 10, 6, 14, tzinfo=UTC)


def leaks(text: str) -> set[str]:
    """Which of the secrets stand in the text; a number also with signs between its digits, in one cell."""
    found = {name for name, secret in SECRETS.items() if secret in text or _has_digits(text, secret)}
    return found | set(IN_A_FORM.findall(text))


def _has_digits(text: str, secret: str) -> bool:
    return secret.isdigit() and re.search(r"[^\w<>]{0,3}".join(secret[-7:]), text) is not None


def heard(start: datetime = LONG_AGO, with_forms: bool = False) -> bytes:
    """A withheld caller who leaves a message for a person, and a named one whom that person answers."""
    exchange = Exchange(start=start)
    name, address = SECRETS["name of a caller"], SECRETS["IPv6 address"]
    withheld = exchange.call(trunk=f"SIP/{address}", caller=SECRETS["withheld number"], caller_name=name)
    answer = f"ActionID: callmon-presentation-{withheld.uniqueid}\r\nVariable: CALLERID(num-pres)\r\nValue: prohib"
    exchange.write(f"Response: Success\r\n{answer}\r\n\r\n".encode())
    phones = exchange.at(1).rings(withheld, "PJSIP/zoe.tremblay", "PJSIP/101")
    for phone in phones:
        exchange.at(26).stop(withheld, phone, "NOANSWER")
    exchange.at(26.1).voicemail(withheld, "zoe.tremblay")
    exchange.at(50).message(withheld, "zoe.tremblay")
    exchange.at(51).ends(withheld)
    named = exchange.at(60).call(trunk=f"SIP/{address}", caller=NAMED, caller_name=name)
    exchange.step(named, "NoOp", f"sip:{NAMED}@[{address}]:5060")
    (phone,) = exchange.at(61).rings(named, "PJSIP/zoe.tremblay")
    exchange.at(65).answer(named, phone)
    exchange.event("ContactStatus", URI=f"sip:101@[{address}]:5060", ContactStatus="Reachable", AOR="101")
    exchange.at(90).ends(named, phone)
    if with_forms:
        _hear_numbers(exchange)
    return bytes(exchange.connections[0])


def _hear_numbers(exchange: Exchange) -> None:
    """Calls with a number in each form: of a caller, a trunk, a phone, a box, a queue, the dialplan's events."""
    for place, number in enumerate(FORMS, 1):
        _answered(exchange.at(600 * place), exchange.call(caller=number, caller_name=number), "PJSIP/101")
        _answered(exchange.at(600 * place + 50), exchange.call(), f"Local/{number}@from-internal;1")
        _answered(exchange.at(600 * place + 100), exchange.call(trunk=f"PJSIP/{number}"), f"PJSIP/{number}")
        _answered(exchange.at(600 * place + 150), exchange.call(number=number), "PJSIP/101")
        _answered(
            exchange.at(600 * place + 200), exchange.new("PJSIP/101", 4, number, caller="101"), "PJSIP/trunk"
        )
        _sent_to(exchange.at(600 * place + 250), number)
        _left_in(exchange.at(600 * place + 300), number)
        _queued(exchange.at(600 * place + 400), number)
        _reported(exchange.at(600 * place + 500), number)


def _answered(exchange: Exchange, caller: Channel, endpoint: str) -> None:
    begun = exchange.now
    phone = exchange.at(begun + 1).dial(caller, endpoint, dial_string=f"{caller.dialled}@trunk")
    exchange.ring(caller, phone)
    exchange.at(begun + 5).answer(caller, phone)
    exchange.at(begun + 20).ends(caller, phone)


def _sent_to(exchange: Exchange, number: str) -> None:
    """A person answers, and sends the caller to the number."""
    begun, caller = exchange.now, exchange.call()
    (person,) = exchange.at(begun + 1).rings(caller, "PJSIP/101")
    exchange.at(begun + 5).answer(caller, person)
    parties = {"Transferer": person, "Transferee": caller}
    headers = {f"{role}{key}": x for role, leg in parties.items() for key, x in exchange._of(leg).items()}
    exchange.at(begun + 9).event("BlindTransfer", Result="Success", **headers, Extension=number)
    exchange.ends(person)
    caller.exten = number
    _answered(exchange.at(begun + 10), caller, f"PJSIP/{number}")


def _left_in(exchange: Exchange, box: str) -> None:
    begun, caller = exchange.now, exchange.call()
    exchange.at(begun + 26).voicemail(caller, box)
    exchange.at(begun + 50).message(caller, box)
    exchange.at(begun + 51).ends(caller)


def _queued(exchange: Exchange, queue: str) -> None:
    begun, caller = exchange.now, exchange.call()
    exchange.at(begun + 2).queue(caller, queue)
    (phone,) = exchange.at(begun + 3).rings(caller, f"Local/{queue}@agents;1")
    exchange.at(begun + 5).answer(caller, phone)
    exchange.leave_queue(caller, queue)
    exchange.at(begun + 51).ends(caller, phone)


def _reported(exchange: Exchange, number: str) -> None:
    """The dialplan's events of a caller without a number; the number that a caller wants is in CallmonCallback."""
    begun, caller = exchange.now, exchange.call(caller="anonymous")
    for event, header in USER_EVENTS.items():
        exchange.event("UserEvent", **{**exchange._of(caller), "UserEvent": f"Callmon{event}", header: number})
    exchange.at(begun + 9).gives_up(caller)


class Leaked(NamedTuple):
    """The pages over a database with these calls, its configuration, and what was concluded."""

    pages: Pages
    config: Path
    outcomes: list[Outcome]
    start: datetime

    def paths(self) -> list[str]:
        """Every French page and all of the API, of each of the calls, and what machines ask for."""
        known = {"exchange": "toronto", "month": self.day[:7], "name": "none", "file": "none", "revision": "1"}
        asked = [entry for entry in self.pages.entries if "GET" in entry.methods]
        pages = [path for entry in asked for language, path in entry.paths.items() if language in ("", "fr")]
        found = {path.format(**known, call=call, id=call) for path in pages for call in self.calls}
        return [*sorted(found), "/metrics", "/healthz"]

    @property
    def day(self) -> str:
        return f"{self.start.astimezone(TORONTO):%Y-%m-%d}"

    @property
    def calls(self) -> list[str]:
        return [call.call for outcome in self.outcomes for call in outcome.calls]

    def printed(self, *words: str) -> str:
        done = CliRunner().invoke(main, [*words, "--config", str(self.config)], catch_exceptions=False)
        assert done.exit_code in (0, NO_DAEMON), done.output
        return done.output


@pytest.fixture(scope="module")
def reported(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Leaked]:
    folder, outcomes = tmp_path_factory.mktemp("leaks"), list[Outcome]()
    start = datetime.now(UTC).replace(microsecond=0) - timedelta(days=1, hours=3)

    def fill(store: Database) -> None:
        replay = Replay(Monitor(example(), "toronto", token=store.ring.token), "toronto")
        outcomes.extend(replay.connection(chunks(io.BytesIO(heard(start, with_forms=True)))))
        wrote(store, *outcomes)

    (folder / "callmon.toml").write_text(
        example_text().replace("sqlite:///callmon.db", f"sqlite:///{folder}/callmon.db"), encoding="utf-8"
    )
    with pages(folder, fill=fill) as site:
        yield Leaked(site, folder / "callmon.toml", outcomes, start)


def test_the_exchange_tells_each_secret() -> None:
    found = {number for form in FORMS for number in IN_A_FORM.findall(form)}
    assert (leaks(heard(with_forms=True).decode()), len(found)) == ({*SECRETS, *found}, len(FORMS))


def test_a_withheld_number_is_found_with_signs_between_its_digits() -> None:
    assert leaks("(416) 555-0148") == {"withheld number"}


def test_a_recording_has_none(monkeypatch: pytest.MonkeyPatch) -> None:
    """Of numbers that are not reserved for fiction, which a recording keeps."""
    monkeypatch.setitem(SECRETS, "withheld number", "2052345678")
    data = heard().replace(NAMED.encode(), b"2054567890")
    written = b"".join(redacted([data], public_numbers(example().lines(), "CA"))).decode()
    assert (leaks(data.decode()), leaks(written), "4567890" in written) == (set(SECRETS), set(), False)
    assert written.count("Event: ") == data.count(b"Event: ")


def test_a_broker_is_reported_none(reported: Leaked) -> None:
    sink = Mqtt(MqttSettings(host="broker"), Today(TORONTO))
    for outcome in reported.outcomes:
        sink.offer(outcome)
    sink.publish_snapshot(reported.pages.daemon.runtime.snapshot())
    messages = list(sink._outbox.take(999))
    said = " ".join(f"{message.topic} {message.payload.decode()}" for message in messages)
    assert [message.topic for message in messages].count("calls/ended") == len(reported.calls)
    assert (leaks(said), NAMED[-7:] in said) == (set(), False)


@pytest.mark.parametrize("form", ["standard", "slack", "teams", "ntfy", "zammad"])
def test_a_webhook_is_sent_none(reported: Leaked, form: str) -> None:
    table = f'[webhooks.x]\nurl = "http://127.0.0.1/"\nallow_private = true\nformat = "{form}"\nsecret_env = "X"\n'
    settings, rows = parse(example_text() + table), Rows(1)
    rows.add_items(reported.outcomes)
    stored = [
        dict(zip(WEBHOOK.columns.keys(), row, strict=True)) for row in deliveries(rows, settings, reported.start)
    ]
    requests = [x for row in stored for x in formats.requests(settings.webhooks["x"], row["data"], settings)]
    sent = " ".join(f"{row}" for row in stored) + " ".join(f"{x.headers} {x.body.decode()}" for x in requests)
    assert {row["event"] for row in stored} == {"call.missed", "message.left", "callback.done"}
    assert (bool(requests), leaks(sent), NAMED[-7:] in sent) == (True, set(), False)


def test_a_collector_receives_none(reported: Leaked) -> None:
    with Collector() as collector:
        settings = TraceSettings(endpoint=collector.endpoint)
        traces = Traces(lambda: settings, reported.pages.daemon.runtime.store, lambda: True)
        for outcome in reported.outcomes:
            traces.offer(outcome)
        assert traces.send_all()
    sent = b" ".join(collector.bodies).decode("utf-8", "replace")
    assert {*collector.names()} >= {"call", "ring", "talk", "transfer", "queue", "voicemail"}
    assert (leaks(sent), NAMED[-7:] in sent, "PJSIP" in sent) == (set(), False, False)


@pytest.mark.parametrize("who", [NOBODY, *ROLES], ids=lambda who: who or "nobody")
def test_no_page_has_any_but_the_phone_on_the_line(reported: Leaked, who: str) -> None:
    """Metrics and health are pages too. A call's story says which phone answered it, or which mailbox took it."""
    visitor, shown = reported.pages.visitors[who], set[tuple[str, str]]()
    for path in reported.paths():
        text = visitor.get(path).text
        shown |= {(path, name) for name in leaks(text)}
        assert NAMED[-7:] not in re.sub(r"\D", "", text), path
    assert {name for path, name in shown if not path.startswith("/fr/appels/toronto/")} == set()
    assert {name for _, name in shown} == (set() if who == NOBODY else {PHONE})


@pytest.mark.parametrize(
    "words", ["status", "calls {day}", "callbacks list", "disruptions list", "db check", "privacy log", "check"]
)
def test_no_command_prints_any_but_the_phone_on_the_line(reported: Leaked, words: str) -> None:
    assert leaks(reported.printed(*words.format(day=reported.day).split())) <= {PHONE}


def test_the_story_of_a_call_names_the_phone_alone(reported: Leaked) -> None:
    told = [reported.printed("explain", call) for call in reported.calls]
    assert [leaks(story) for story in told] == [{PHONE}, {PHONE}, *[set()] * (len(told) - 2)]
    assert [story for story in told if NAMED in story] == []


@pytest.mark.parametrize(
    "kind", ["html", "json", "csv", "xlsx", "public", pytest.param("pdf", marks=pytest.mark.lab)]
)
def test_no_report_has_any(reported: Leaked, kind: str, tmp_path: Path) -> None:
    if kind == "pdf":
        have_pango()
    more = ["--public", "--format", "json"] if kind == "public" else ["--format", kind]
    reported.printed("report", reported.day[:7], *more, "-o", str(tmp_path / f"month.{kind}"))
    files = [text_of(path) for path in tmp_path.iterdir()]
    assert files
    assert [(leaks(text), NAMED in text) for text in files] == [(set(), False)] * len(files)


def text_of(path: Path) -> str:
    if path.suffix == ".pdf":
        import pymupdf

        with pymupdf.open(path) as document:
            return f"{document.metadata} " + " ".join(page.get_text() for page in document)
    if path.suffix != ".xlsx":
        return path.read_text("utf-8")
    with zipfile.ZipFile(path) as archive:
        return " ".join(archive.read(name).decode("utf-8", "replace") for name in archive.namelist())


def test_no_exported_row_has_any(reported: Leaked, tmp_path: Path) -> None:
    reported.printed("export", "--parquet", reported.day, "-o", str(tmp_path))
    rows = [repr(duckdb.read_parquet(str(path)).fetchall()) for path in tmp_path.rglob("*.parquet")]
    assert rows
    assert [(leaks(row), NAMED in row) for row in rows] == [(set(), False)] * len(rows)
