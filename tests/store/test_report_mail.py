"""A month's report by e-mail: one mail to each recipient, whatever ends, and a sentence for each refusal."""

from __future__ import annotations

import os
import re
import signal
import socket
import sqlite3
import ssl
import subprocess
import sys
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from datetime import UTC, datetime, timedelta
from email.message import EmailMessage
from pathlib import Path

import msgspec
import pytest
import trustme
from click.testing import CliRunner, Result
from sqlalchemy import text, update
from sqlmodel import col

from callmon.config.settings import Settings, load
from callmon.features.months import request
from callmon.features.months.formats.mail import PreparedReport, ReportNotice, prepared
from callmon.features.months.mail.delivery import addresses, deliver, mail_request
from callmon.features.months.mail.timer import Files, Make, ReportMailer, made_in_a_process
from callmon.features.months.report_mail import (
    ReportMailing,
    ReportMailRow,
    claim_mail,
    enter_mail,
    mails_of,
    pause_after,
    settle_mail,
)
from callmon.features.months.request import ReportRequest
from callmon.features.months.signed import prepare
from callmon.main import main
from callmon.store.access import AuditRow, audit_events
from callmon.store.database import Database, open_store, upgrade
from callmon.store.sign_off import STEPS, SignedRevision, Step, read_signed, sign
from callmon.web.jobs import FAILS, JobFailure, classify
from tests.support import year
from tests.support.daemon_process import ROOT
from tests.support.mail_server import MailServer
from tests.support.store_fixtures import (
    RING,
    answered_call,
    approve_by_sql,
    copy,
    outcomes,
    until,
    write_key_file,
    wrote,
)
from tests.support.year import obligations as year_owing
from tests.support.year import rows as year_rows
from tests.support.year import stories as year_stories

LEAD, DEPUTY, PRESS = "lead@ministry.example", "Deputy@ministry.example", "press@ministry.example"
MONTH = "2024-05"
PATIENCE = 400.0  # seconds
FIRST = datetime(2024, 6, 3, 10, tzinfo=UTC)  # 6:00 on the first business day of June in Toronto
LAST_DAY = datetime(2024, 5, 31, 15, tzinfo=UTC)
DUE = datetime(2024, 6, 21, 21, tzinfo=UTC)  # the last of these is due after 15 business days
FINAL = DUE + timedelta(minutes=1)
LATER = datetime(2024, 7, 8, 15, tzinfo=UTC)  # what was opened in May has fallen due


class MailedYear:
    """A database with a year of calls, and the reports that are made of it, each once."""

    def __init__(self, file: Path) -> None:
        self.file = file
        self._made: dict[tuple[str, str, bool], list[tuple[str, bytes]]] = {}

    def files(self, settings: Settings, store: Database, report_request: ReportRequest) -> list[tuple[str, bytes]]:
        """Of the month as it was on its first business day, or when all of it had fallen due."""
        assert report_request.at is not None
        is_late = report_request.at > DUE
        key = (report_request.month, f"{report_request.is_public} {settings.mail.attach}", is_late)
        if key not in self._made:
            at = LATER if is_late else FIRST
            files = request.filed(
                store, settings, msgspec.structs.replace(report_request, at=at), at, lambda part: None
            )
            self._made[key] = [(path.name, data) for path, data in files]
        return self._made[key]


@pytest.fixture(scope="module")
def filled(tmp_path_factory: pytest.TempPathFactory) -> MailedYear:
    """Thirty calls a month, and complaints of the last day of May."""
    file = tmp_path_factory.mktemp("year") / "callmon.db"
    url = f"sqlite:///{file}"
    store, settings = upgrade(url, RING), year.settings(url)
    wrote(
        store, *outcomes(answered_call(1, datetime(2024, 5, 14, 15, tzinfo=UTC)))
    )  # its caller's number is stored
    last = year_owing.owings(60, settings, 12, lambda random: LAST_DAY)
    obligations = [*year_owing.owings(60, settings), *(x for x in last if x[0].kind == "complaint")]
    year_rows.stored(store, settings, year_stories.calls(300), obligations)
    year_rows.listened(store, datetime(2023, 12, 1, tzinfo=UTC), datetime(2025, 6, 1, tzinfo=UTC))
    store.close()
    return MailedYear(file)


class MailSite:
    """A copy of that database, and a configuration with a mail server."""

    def __init__(self, folder: Path, filled: MailedYear, server: MailServer, **mail: object) -> None:
        self.folder, self.server, self.year = folder, server, filled
        copy(filled.file, folder / "callmon.db")
        write_key_file(folder / "callmon.db")
        tls = "none" if server.tls is None else "implicit" if server.is_implicit else "starttls"
        given: dict[str, object] = {
            "host": "127.0.0.1", "port": server.port, "tls": tls, "sender": "callmon@ministry.example",
            "internal_to": [LEAD, DEPUTY], "attach": [], **mail,
        }  # fmt: skip
        rows = [
            f"{name} = {str(value) if isinstance(value, int | list) else repr(value)}"
            for name, value in given.items()
        ]
        text = year.example_text().replace(*year.SURVEY) + year.STAFF
        text = text.replace("# [web.access]", "[web.access]").replace(
            '# url = "https://callmon', 'url = "https://callmon'
        )
        text = text.replace("sqlite:///callmon.db", f"sqlite:///{folder}/callmon.db")
        (folder / "callmon.toml").write_text(text + "\n[mail]\n" + "\n".join(rows) + "\n", encoding="utf-8")
        self.settings: Settings = load(folder / "callmon.toml")
        self.store: Database = open_store(self.settings.store.url, RING)

    def mails(self, month: str = MONTH) -> dict[tuple[str, str], ReportMailRow]:
        """The last copies, by stage and recipient."""
        return {(x.mailing.stage, x.recipient): x for x in mails_of(self.store, [month])}

    def states(self) -> dict[tuple[str, str], str]:
        return {key: mail.state for key, mail in self.mails().items()}

    def mailer(self, is_leader: Callable[[], bool] = lambda: True) -> ReportMailer:
        """The task of a daemon that has just been started. It makes reports in this process."""
        return ReportMailer(lambda: self.settings, self.store, is_leader, self._made)

    async def _made(self, settings: Settings, report_request: ReportRequest) -> Files | JobFailure:
        try:
            return self.year.files(settings, self.store, report_request)
        except FAILS as error:
            return classify(error)

    def report(self, now: datetime = LATER, edition: str = "internal") -> PreparedReport:
        report_request = mail_request(self.settings, MONTH, edition, now)
        return prepared(self.year.files(self.settings, self.store, report_request))

    def deliver(self, report: PreparedReport, now: datetime = LATER) -> dict[str, ReportMailRow]:
        known = addresses(self.settings.mail, report.notice.edition)
        done = deliver(self.store, self.settings.mail, report, now, known)
        return {mail.recipient: mail for mail in done}

    def command(self, *words: str) -> list[str]:
        return ["report", "send", MONTH, "--by", "b.dion", *words, "--config", str(self.folder / "callmon.toml")]

    def send(self, *words: str) -> Result:
        return CliRunner().invoke(main, self.command(*words), catch_exceptions=False)

    @contextmanager
    def process(self) -> Iterator[subprocess.Popen[bytes]]:
        """`callmon report send` as a process, which is killed by SIGKILL at the end of the block."""
        environment = {**os.environ, "PYTHONPATH": str(ROOT)}
        command = [sys.executable, "-m", "callmon", *self.command("--to", LEAD)]
        with subprocess.Popen(
            command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT
        ) as process:
            try:
                yield process
                assert process.poll() is None
            finally:
                process.send_signal(signal.SIGKILL)


# Mails of the fixture `site` have a link alone, and with this mark the CSVs of two megabytes.
attaching = pytest.mark.parametrize("site", [["csv"]], ids=["csv"], indirect=True)


@pytest.fixture
def site(request: pytest.FixtureRequest, tmp_path: Path, filled: MailedYear) -> Iterator[MailSite]:
    with MailServer() as server:
        made = MailSite(tmp_path, filled, server, attach=getattr(request, "param", []))
        yield made
        made.store.close()


# The daemon's timer.


async def test_the_provisional_report_leaves_first_the_final_one_when_due(site: MailSite) -> None:
    mailer, server = site.mailer(), site.server
    await mailer.send_if_due(FIRST - timedelta(minutes=1))
    assert server.counts() == {}
    for hour in range(0, 30, 5):
        await mailer.send_if_due(FIRST + timedelta(hours=hour))
    assert site.states() == {("provisional", LEAD): "sent", ("provisional", DEPUTY.casefold()): "sent"}
    assert site.report(FIRST).notice.final_after == DUE
    await mailer.send_if_due(DUE)
    assert server.counts() == {LEAD: 1, DEPUTY: 1}
    for minutes in (1, 2, 60, 2000, 4000):
        await mailer.send_if_due(DUE + timedelta(minutes=minutes))
        await site.mailer().send_if_due(DUE + timedelta(minutes=minutes))
    assert server.counts() == {LEAD: 2, DEPUTY: 2}
    assert {key: mail.attempts for key, mail in site.mails().items() if key[0] == "final"} == {
        ("final", LEAD): 1, ("final", DEPUTY.casefold()): 1,
    }  # fmt: skip
    assert len({message["Message-ID"] for message in server.messages()}) == 4


async def test_a_server_away_for_an_hour_gets_each_mail_once_despite_a_kill(site: MailSite) -> None:
    site.server.stop()
    attempts = []
    for minute in range(0, 70, 5):  # each look is that of a new process
        await site.mailer().send_if_due(FIRST + timedelta(minutes=minute))
        attempts.append(site.mails()["provisional", LEAD].attempts)
    assert attempts == [1, 2, 2, 3, 3, 3, 3, 4, 4, 4, 4, 4, 4, 4]
    site.server.start()
    for minute in range(75, 200, 25):
        await site.mailer().send_if_due(FIRST + timedelta(minutes=minute))
    assert site.server.counts() == {LEAD: 1, DEPUTY: 1}
    assert site.mails()["provisional", LEAD].attempts == 5


async def test_only_the_leader_sends_and_a_former_one_hands_nothing_over(site: MailSite) -> None:
    await site.mailer(lambda: False).send_if_due(FIRST)
    assert site.states() == {}
    asked: list[bool] = []

    def leads() -> bool:  # until the server has said that it takes the message
        asked.append(len(asked) < 2)
        return asked[-1]

    await site.mailer(leads).send_if_due(FIRST)
    assert (site.server.counts(), set(site.states().values())) == ({}, {"waiting"})


async def test_a_report_of_another_process_is_that_of_the_time_asked_for(site: MailSite) -> None:
    made = await made_in_a_process(site.settings, mail_request(site.settings, MONTH, "internal", FIRST))
    assert not isinstance(made, JobFailure)
    assert prepared(made) == site.report(FIRST)


async def test_a_month_without_data_is_not_mailed_and_is_no_failure(site: MailSite) -> None:
    mailer = site.mailer()
    await mailer.send_if_due(datetime(2023, 11, 6, 12, tzinfo=UTC))
    assert (site.server.counts(), dict(mailer.unsent)) == ({}, {})


async def test_an_undelivered_report_is_reported_from_its_first_attempt_on(site: MailSite) -> None:
    site.server.stop()
    mailer = site.mailer()
    for hours in (0, 1, 30):
        await mailer.send_if_due(FIRST + timedelta(hours=hours))
        assert dict(mailer.unsent) == {"internal": FIRST}
    site.server.start()
    await mailer.send_if_due(FIRST + timedelta(hours=32))
    assert dict(mailer.unsent) == {}


@pytest.mark.parametrize("later", [LEAD, DEPUTY.casefold()])
async def test_an_edition_is_undelivered_since_the_first_of_its_recipients(site: MailSite, later: str) -> None:
    site.server.stop()
    mailer = site.mailer()
    await mailer.send_if_due(FIRST)
    with site.store.writing() as connection:
        later_by_an_hour = update(ReportMailRow).where(col(ReportMailRow.recipient) == later)
        connection.execute(later_by_an_hour.values(since=FIRST + timedelta(hours=1)))
    await mailer.send_if_due(FIRST + timedelta(minutes=1))
    assert [x.since for x in site.mails().values()].count(FIRST) == 1
    assert dict(mailer.unsent) == {"internal": FIRST}


async def test_a_provisional_report_that_never_left_is_replaced_by_the_final_one(site: MailSite) -> None:
    site.server.stop()
    await site.mailer().send_if_due(FIRST)
    site.server.start()
    mailer = site.mailer()
    await mailer.send_if_due(DUE + timedelta(minutes=1))
    assert site.server.counts() == {LEAD: 1, DEPUTY: 1}
    assert site.mails()["provisional", LEAD].reason == "superseded"
    assert dict(mailer.unsent) == {}


async def test_the_public_edition_leaves_only_when_it_is_final(tmp_path: Path, filled: MailedYear) -> None:
    with MailServer() as server:
        site = MailSite(tmp_path, filled, server, attach=["csv"], internal_to=[], public_to=[PRESS])
        await site.mailer().send_if_due(FIRST)
        assert server.counts() == {}
        await site.mailer().send_if_due(DUE + timedelta(minutes=1))
        assert server.counts() == {PRESS: 1}
        names = [part.get_filename() for part in server.messages()[0].iter_attachments()]
        assert names == ["callmon-2024-05-public-fr.csv", "callmon-2024-05-public-fr-dictionnaire.csv",
                         "callmon-2024-05-public-en.csv", "callmon-2024-05-public-en-dictionary.csv"]  # fmt: skip


def test_of_eight_programs_with_one_mail_one_gets_the_claim(store: Database) -> None:
    mailing = ReportMailing(MONTH, "internal", 1, "final")
    for _ in range(2):
        enter_mail(store, mailing, LEAD, LATER, "x")
    (mail,) = mails_of(store, [MONTH])
    others = [Database(store.url, RING) for _ in range(8)]
    with ThreadPoolExecutor(8) as threads:
        claims = list(threads.map(lambda other: claim_mail(other, mail, LATER, "x"), others))
    assert sorted(claims) == [False] * 7 + [True]
    for other in others:
        other.close()
    settle_mail(store, mail, "waiting", LATER)  # by a program that could not connect
    assert [x.state for x in mails_of(store, [MONTH])] == ["unknown"]
    settle_mail(store, mail, "sent", LATER, is_claimed=True)
    for is_claimed in (False, True):  # by programs that are late
        settle_mail(store, mail, "waiting", LATER, is_claimed=is_claimed)
    assert [x.state for x in mails_of(store, [MONTH])] == ["sent"]


def test_the_pause_between_two_attempts_grows_to_an_hour() -> None:
    minutes = [pause_after(attempt).total_seconds() / 60 for attempt in range(1, 8)]
    assert minutes == [5, 10, 20, 40, 60, 60, 60]


# What is killed.


def test_a_kill_before_the_servers_answer_leaves_one_delivery(site: MailSite, tmp_path: Path) -> None:
    site.server.stop()
    with closing(listening_in_silence(site.server.port)), site.process():
        assert until(lambda: ("final", LEAD) in site.states(), PATIENCE)
    assert site.states()["final", LEAD] == "waiting"
    site.server.start()
    assert [site.send("--to", LEAD).exit_code for _ in range(2)] == [0, 0]
    assert site.server.counts() == {LEAD: 1}


def test_a_kill_after_the_message_leaves_it_unknown_and_unsent(site: MailSite) -> None:
    site.server.holds = True
    with site.process():
        assert site.server.has_message.wait(PATIENCE)
    site.server.release.set()
    _is_never_sent_again(site)


def test_a_kill_between_answer_and_commit_leaves_it_unknown(site: MailSite) -> None:
    site.server.holds = True
    with site.process(), closing(sqlite3.connect(site.folder / "callmon.db", isolation_level=None)) as other:
        assert site.server.has_message.wait(PATIENCE)
        other.execute("BEGIN IMMEDIATE")  # the result cannot be stored
        site.server.release.set()
        assert until(lambda: site.server.ended > 0)
    _is_never_sent_again(site)


def _is_never_sent_again(site: MailSite) -> None:
    assert (site.states(), site.server.counts()) == ({("final", LEAD): "unknown"}, {LEAD: 1})
    again = site.send("--to", LEAD, "--lang", "en")
    assert (again.exit_code, site.server.counts()) == (1, {LEAD: 1})
    assert again.stderr == (
        "  callmon does not know whether it arrived: it is being sent now, or callmon was cut off. "
        f"Ask {LEAD}, then add --again or --received.\n"
    )


def listening_in_silence(port: int) -> socket.socket:
    wire = socket.socket()
    wire.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    wire.bind(("127.0.0.1", port))
    wire.listen()
    return wire


# What a person decides.


def unknown(site: MailSite) -> None:
    """A mail of an hour ago, which the server has and did not confirm."""
    site.server.hangs_up = True
    now = datetime.now(UTC) - timedelta(hours=1)
    report = site.report(now)
    assert site.deliver(report, now)[LEAD].reason == "no_answer"
    site.server.hangs_up = False


def test_a_mail_without_an_answer_is_sent_again_only_by_a_person(site: MailSite) -> None:
    unknown(site)
    assert site.send("--to", LEAD).exit_code == 1
    assert site.send("--to", LEAD, "--again").exit_code == 0
    messages = [x for x in site.server.messages() if x["To"] == LEAD]
    assert len({x["Message-ID"] for x in messages}) == 2
    assert site.mails()["final", LEAD].copy_number == 2
    event = audit_events(site.store)[-1]
    assert (event.who, event.act, event.about) == (
        "b.dion", "report mailed again", f"{MONTH} internal final {LEAD}",
    )  # fmt: skip


def test_a_mail_that_arrived_is_recorded_as_sent_and_nothing_is_sent(site: MailSite) -> None:
    unknown(site)
    before = site.server.counts()
    assert site.send("--received").exit_code == 0
    assert (set(site.states().values()), site.server.counts()) == ({"sent"}, before)
    refused = site.send("--received", "--lang", "en")
    assert (refused.exit_code, refused.stderr) == (1, f"No mail about {MONTH} is uncertain.\n")


def test_a_changed_final_report_is_refused_until_it_is_a_revision(site: MailSite, tmp_path: Path) -> None:
    assert site.send("--to", LEAD).exit_code == 0
    arguments = ["report", MONTH, "--format", "json", "-o", str(tmp_path / "may.json")]
    config = ["--config", str(site.folder / "callmon.toml")]
    assert CliRunner().invoke(main, [*arguments, *config]).exit_code == 0
    with closing(sqlite3.connect(site.folder / "callmon.db")) as other, other:
        other.execute("UPDATE finding SET verdict = 'exempt' WHERE verdict = 'met'")
        other.execute("UPDATE rollup_state SET until = 0")
        other.execute("DELETE FROM rollup")
        other.execute("UPDATE obligation SET opened = opened + 1")
    refused = site.send("--lang", "en")
    assert (refused.exit_code, site.server.counts()) == (1, {LEAD: 1})
    assert refused.stderr == (
        "  the final report has changed since it was sent to others; send a revision with --revises.\n"
    )
    assert site.send("--to", LEAD, "--again").exit_code == 1
    assert (site.server.counts(), site.mails()["final", LEAD].state) == ({LEAD: 1}, "sent")
    assert site.send("--revises", str(tmp_path / "may.json")).exit_code == 0
    assert site.server.counts() == {LEAD: 2, DEPUTY: 1}
    assert "(définitif, révision 2)" in site.server.messages()[-1]["Subject"]


def test_a_month_in_progress_and_an_unknown_address_are_refused(site: MailSite) -> None:
    running = [word.replace(MONTH, f"{datetime.now(UTC):%Y-%m}") for word in site.command()]
    refused = CliRunner().invoke(main, running)
    assert (refused.exit_code, refused.stderr) == (
        2, f"{datetime.now(UTC):%Y-%m} n’est pas terminé; son rapport est envoyé une fois le mois terminé.\n",
    )  # fmt: skip
    stranger = site.send("--to", "x@y.example")
    assert (stranger.exit_code, stranger.stderr) == (
        2, "--to x@y.example : n’est pas parmi les destinataires de [mail]; ajoutez l’adresse à cet endroit.\n",
    )  # fmt: skip


# What the server refuses.


@pytest.fixture(scope="module")
def authority() -> trustme.CA:
    return trustme.CA()


def context_of(authority: trustme.CA, name: str = "127.0.0.1") -> ssl.SSLContext:
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    authority.issue_cert(name).configure_cert(context)
    return context


@pytest.mark.filterwarnings("ignore:Requiring AUTH while not requiring TLS")  # TLS is there before SMTP
@pytest.mark.parametrize("is_implicit", [False, True])
def test_mail_goes_through_tls_with_a_sign_in(
    tmp_path: Path, filled: MailedYear, authority: trustme.CA, is_implicit: bool
) -> None:
    (tmp_path / "ca.pem").write_bytes(authority.cert_pem.bytes())
    (tmp_path / "password").write_text("right\n")
    given = {"ca_file": f"{tmp_path}/ca.pem", "username": "callmon", "password_file": f"{tmp_path}/password"}
    with MailServer(tls=context_of(authority), is_implicit=is_implicit, password="right") as server:
        site = MailSite(tmp_path, filled, server, **given)
        assert site.deliver(site.report())[LEAD].state == "sent"
        (tmp_path / "password").write_text("wrong\n")
        site.server.received.clear()
        refused = site.send("--again", "--lang", "fr")
        assert (refused.exit_code, server.counts()) == (1, {})
        assert refused.stderr.splitlines()[0] == (
            f"  127.0.0.1:{server.port} refuse l’authentification (535 5.7.8 Authentication credentials invalid); "
            "l’administration vérifie mail.username et son mot de passe."
        )


def test_an_untrusted_certificate_and_a_server_without_tls_get_nothing(
    tmp_path: Path, filled: MailedYear, authority: trustme.CA
) -> None:
    with MailServer(tls=context_of(authority)) as server:
        site = MailSite(tmp_path, filled, server)
        refused = site.send("--lang", "en", "--to", LEAD)
        assert (refused.exit_code, server.counts()) == (1, {})
        assert refused.stderr == (
            f"  TLS with 127.0.0.1:{server.port} fails (unable to get local issuer certificate); "
            "the administrator corrects mail.ca_file, mail.host or the certificate.\n"
        )
    with MailServer() as plain:
        text = (tmp_path / "callmon.toml").read_text().replace(f"port = {server.port}", f"port = {plain.port}")
        (tmp_path / "callmon.toml").write_text(text)
        refused = site.send("--lang", "en", "--to", LEAD)
        assert (refused.exit_code, plain.counts()) == (1, {})
        assert refused.stderr == (
            f"  127.0.0.1:{plain.port} does not offer STARTTLS; "
            "the administrator corrects mail.tls and mail.port.\n"
        )


REFUSALS = [
    ({LEAD: "550 5.1.1 no such user"}, "failed", "recipient", "550 5.1.1 no such user"),
    ({LEAD: "450 4.2.0 greylisted"}, "waiting", "later", "450 4.2.0 greylisted"),
    ({"message": "554 5.7.1 spam"}, "failed", "refused", "554 5.7.1 spam"),
    (
        {"message": "552 5.3.4 message size exceeds limit"},
        "failed",
        "too_large",
        "552 5.3.4 message size exceeds limit",
    ),
    ({"message": "451 4.3.0 try later"}, "waiting", "later", "451 4.3.0 try later"),
]


@pytest.mark.parametrize(("answers", "state", "reason", "detail"), REFUSALS)
def test_a_refusal_is_stored_in_the_servers_words_and_sent_later_once(
    site: MailSite, answers: dict[str, str], state: str, reason: str, detail: str
) -> None:
    site.server.answers.update(answers)
    report = site.report()
    mail = site.deliver(report)[LEAD]
    assert (mail.state, mail.reason, mail.detail) == (state, reason, detail)
    assert LEAD not in site.server.counts()
    site.server.answers.clear()
    for _ in range(2):
        site.deliver(report)
    assert site.server.counts()[LEAD] == 1


def test_a_message_larger_than_the_server_takes_is_not_handed_over(tmp_path: Path, filled: MailedYear) -> None:
    with MailServer(limit=20_000) as server:
        site = MailSite(tmp_path, filled, server, attach=["csv"])
        refused = site.send("--lang", "en", "--to", LEAD)
        assert (refused.exit_code, server.counts()) == (1, {})
        mail = site.mails()["final", LEAD]
        assert (mail.state, mail.reason, mail.detail.endswith("> 0.0 MB")) == ("failed", "too_large", True)


# The message.


@attaching
def test_the_message_says_the_same_in_french_then_english(site: MailSite) -> None:
    site.deliver(site.report())
    message = site.server.messages()[0]
    body = message.get_body()
    assert body is not None
    assert message["Subject"] == (
        "Normes de service téléphonique, mai 2024 (définitif) / Telephone service standards, May 2024 (final)"
    )
    french, english = str(body.get_content()).replace("\N{NO-BREAK SPACE}", " ").split("-" * 72)
    assert french.split("\n\n")[1].startswith("État : définitif\nExhaustivité : ")
    assert english.strip().split("\n\n")[1].startswith("State: final\nCompleteness: ")
    assert "https://callmon.ministry.example/fr/mois/2024-05" in french
    assert "https://callmon.ministry.example/en/months/2024-05" in english
    assert max(map(len, (french + english).splitlines())) <= 72
    attached = [part.get_payload(decode=True) for part in message.iter_attachments()]
    assert len(attached) == 4
    with site.store.reading() as connection:
        assert connection.exec_driver_sql("SELECT count(*) FROM number").scalar_one() > 0
    everything = b"".join((body.get_payload(decode=True), *attached)).decode("utf-8", "replace")  # type: ignore[arg-type]
    digits = re.sub(r"[^0-9]", "", everything)
    assert [number for number in ("4165550101", "5550101") if number in digits] == []


# A signed month.


def signed(site: MailSite, last: Step = "approved", at: datetime = LATER) -> SignedRevision:
    """The month of May, signed up to this step; then a call of May becomes known, which changes its figures."""
    report_request = ReportRequest(MONTH, "html", to_sign=True)
    files = request.filed(site.store, site.settings, report_request, at, lambda part: None)
    found = prepare(site.store, files, AuditRow(at=at, who="g.lavoie", act=""))
    for step in STEPS[1 : STEPS.index(last) + 1]:
        found = sign(site.store, MONTH, found.number, step, AuditRow(at=at, who="a.roy", act=""))
    return found


def made_now(site: MailSite) -> Make:
    """Makes the files as the database has them, in this process."""

    async def make(settings: Settings, report_request: ReportRequest) -> Files | JobFailure:
        assert report_request.at is not None
        made = request.filed(site.store, settings, report_request, report_request.at, lambda part: None)
        return [(path.name, data) for path, data in made]

    return make


def mailed_files(message: EmailMessage) -> dict[str, bytes]:
    return {str(x.get_filename()): x.get_payload(decode=True) for x in message.iter_attachments()}  # type: ignore[misc]


@attaching
def test_an_approved_month_is_mailed_as_the_signed_files(site: MailSite) -> None:
    revision = signed(site)
    wrote(site.store, *outcomes(answered_call(2, datetime(2024, 5, 15, 15, tzinfo=UTC))))
    assert site.send().exit_code == 0
    for message in site.server.messages():
        files = mailed_files(message)
        assert list(files) == ["callmon-2024-05-r1-fr.html", "callmon-2024-05-r1-en.html"]
        assert files == {name: read_signed(site.store, revision, name) for name in files}
        french, english = str(message.get_body().get_content()).split("-" * 72)  # type: ignore[union-attr]
        for name in files:
            (site.folder / name).write_bytes(files[name])
            checked = CliRunner().invoke(
                main, ["report", "verify", str(site.folder / name), "--config", str(site.folder / "callmon.toml")]
            )
            digest = checked.output.splitlines()[1].removeprefix("SHA-256 ")
            assert (checked.exit_code, digest) == (0, revision.digests[name])
            assert [f"{name}\n{digest}\n" in text for text in (french, english)] == [True, True]
        assert "Exhaustivité" not in french  # today's figures are not those that were signed
    assert site.server.counts() == {LEAD: 1, DEPUTY: 1}


@attaching
def test_before_its_approval_a_revision_is_not_mailed(site: MailSite) -> None:
    signed(site, "verified")
    assert site.send().exit_code == 0
    assert set(mailed_files(site.server.messages()[0])) == {
        "callmon-2024-05-fr.csv", "callmon-2024-05-fr-dictionnaire.csv",
        "callmon-2024-05-en.csv", "callmon-2024-05-en-dictionary.csv",
    }  # fmt: skip


@attaching
async def test_the_timer_mails_an_approved_second_revision_once(site: MailSite) -> None:
    signed(site)
    wrote(site.store, *outcomes(answered_call(2, datetime(2024, 5, 15, 15, tzinfo=UTC))))
    assert signed(site).number == 2
    mailer = ReportMailer(lambda: site.settings, site.store, lambda: True, made_now(site))
    site.server.stop()
    await mailer.send_if_due(FINAL)
    site.server.start()
    for some in ((4, 6), (12, 400, 4000)):
        for minutes in some:
            await mailer.send_if_due(FINAL + timedelta(minutes=minutes))
        assert site.server.counts() == {LEAD: 1, DEPUTY: 1}
    assert {x.attempts for x in site.mails().values()} == {2}
    (message, _) = site.server.messages()
    assert str(message["Subject"]).endswith("(final, revision 2)")
    assert list(mailed_files(message)) == ["callmon-2024-05-r2-fr.html", "callmon-2024-05-r2-en.html"]


def test_a_signed_file_that_was_altered_in_the_database_is_not_mailed(site: MailSite) -> None:
    signed(site)
    with site.store.writing() as connection:
        connection.execute(text("UPDATE signed_file SET data = x'00' WHERE name LIKE '%-fr.html'"))
    result = site.send()
    assert (result.exit_code, site.server.counts()) == (1, {})
    assert result.output.endswith("callmon-2024-05-r1-fr.html n’a plus les octets qui ont été signés\n")


@attaching
async def test_a_month_that_sql_has_approved_is_not_mailed(site: MailSite) -> None:
    signed(site, "verified")
    approve_by_sql(site.store)
    with closing(open_store(site.settings.store.url)) as without_keys:  # as the process that makes the files

        async def make(settings: Settings, report_request: ReportRequest) -> Files | JobFailure:
            made = request.filed(
                without_keys, settings, report_request, report_request.at or FINAL, lambda part: None
            )
            return [(path.name, data) for path, data in made]

        await ReportMailer(lambda: site.settings, site.store, lambda: True, make).send_if_due(FINAL)
    assert (site.send().exit_code, site.server.counts()) == (1, {})


def test_a_link_alone_attaches_nothing(site: MailSite) -> None:
    site.deliver(site.report())
    (message, _) = site.server.messages()
    assert list(message.iter_attachments()) == []
    assert "Le rapport est joint" not in str(message.get_content())


def test_a_line_that_begins_with_a_full_stop_arrives_as_it_was_written(site: MailSite) -> None:
    notice = ReportNotice(MONTH, "internal", 1, True, None, "x", "s", "a\n.b\n.\n..c\n")
    site.deliver(PreparedReport(notice, []))
    assert site.server.messages()[0].get_content() == "a\n.b\n.\n..c\n"
