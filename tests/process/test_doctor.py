"""Doctor: on the real Asterisk with each fault planted and mended by doctor's own lines; and without any."""

from __future__ import annotations

import re
import shutil
import socket
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from callmon.ami import decoding
from callmon.config import settings
from callmon.config.settings import Settings
from callmon.tools.doctor import DoctorFinding, as_text, event_filter, examine, judge
from callmon.tools.doctor.ami_query import ask
from callmon.tools.doctor.dialplan import MAPPING, cycle
from callmon.tools.doctor.questions import ExchangeAnswers, setting
from tests.lab.exchange import Asterisk
from tests.lab.needed import needed, needed_program
from tests.lab.ports import free_port

NOW = datetime(2026, 11, 24, 17, tzinfo=UTC)
ROOT = Path(__file__).resolve().parents[2]
SECRET_VARIABLE = "CALLMON_TEST_DOCTOR_SECRET"
USER = "[callmon](+)"


def configured(port: int, **more: str) -> Settings:
    """The example configuration, with its exchange at `port`."""
    more = {"username": '"callmon"'} | more
    own = f'host = "127.0.0.1"\nport = {port}\n' + "".join(f"{key} = {value}\n" for key, value in more.items())
    text = re.sub(r"^host = .*$", lambda _: own, settings.example_text(), count=1, flags=re.MULTILINE)
    text = re.sub(r"^secret_file = .*$", f'secret_env = "{SECRET_VARIABLE}"', text, count=1, flags=re.MULTILINE)
    return settings.parse(text.replace('\nusername = "callmon"\nsecret_env', "\nsecret_env"))


def short(complaints: list[DoctorFinding]) -> list[tuple[str, str, tuple[str, ...]]]:
    return [(complaint.severity, complaint.file, complaint.lines) for complaint in complaints]


# --- the real Asterisk ------------------------------------------------------------------------------


class Patient:
    """A real Asterisk whose configuration is changed, examined, mended and put back."""

    def __init__(self, asterisk: Asterisk) -> None:
        self.asterisk, self.etc = asterisk, asterisk.place / "etc"
        self._healthy = self.etc.with_name("etc-healthy")
        shutil.copytree(self.etc, self._healthy)

    def add(self, file: str, *lines: str) -> None:
        with (self.etc / file).open("a") as text:
            text.write("\n" + "\n".join(lines) + "\n")

    def write(self, file: str, text: str) -> None:
        (self.etc / file).write_text(text)

    def take(self, file: str, line: str) -> None:
        """Remove a line that must be there."""
        text = (self.etc / file).read_text()
        assert text.count(f"\n{line}") == 1
        self.write(file, text.replace(f"\n{line}", "\n"))

    def reload(self) -> None:
        for command in ("manager reload", "module reload cel", "module reload indications"):
            self.asterisk.cli(command)

    def heal(self) -> None:
        shutil.rmtree(self.etc)
        shutil.copytree(self._healthy, self.etc)
        self.reload()

    def examine(self) -> list[DoctorFinding]:
        self.reload()
        return examine(configured(self.asterisk.ami_port), NOW_HERE())

    def mend(self, complaints: list[DoctorFinding]) -> None:
        """As an administrator would: at the end of the file, or under the heading."""
        for complaint in complaints:
            section, *lines = complaint.lines
            if section.endswith("(+)"):
                self.add(complaint.file, section, *lines)
            else:
                text = (self.etc / complaint.file).read_text()
                assert text.count(f"{section}\n") == 1
                self.write(complaint.file, text.replace(f"{section}\n", "\n".join([section, *lines, ""])))


def NOW_HERE() -> datetime:  # noqa: N802  (the one place here that asks what time it is)
    return datetime.now(UTC)


@pytest.fixture(scope="module", params=["22", "16"])
def running(request: pytest.FixtureRequest) -> Iterator[Patient]:
    with needed(request.param):
        asterisk = Asterisk(request.param)
    with asterisk:
        yield Patient(asterisk)


@pytest.fixture
def patient(running: Patient, monkeypatch: pytest.MonkeyPatch) -> Iterator[Patient]:
    monkeypatch.setenv(SECRET_VARIABLE, running.asterisk.secret)
    yield running
    running.heal()


SITE = "site/manager.conf"
OWN_ADDRESS = ("deny = 0.0.0.0/0.0.0.0", "permit = 127.0.0.1/255.255.255.255")
OLD_FILTER = event_filter.lines()
APPS_LINE = (
    "apps = dial,queue,ringing,progress,voicemail,voicemailmain,background,waitexten,read,playback,userevent"
)
EVENTS_LINE = (
    "events = CHAN_START,CHAN_END,ANSWER,HANGUP,APP_START,BRIDGE_ENTER,BRIDGE_EXIT,LINKEDID_END,"
    "BLINDTRANSFER,ATTENDEDTRANSFER,PICKUP,FORWARD,PARK_START,PARK_END"
)
ALL_CLASSES = (USER, "read = call,agent,user,system,dialplan")


def adds(line: str, section: str = USER) -> Callable[[Patient], None]:
    """A fault: this line in the site's file."""
    return lambda patient: patient.add(SITE, section, line)


def cel_conf(*lines: str) -> Callable[[Patient], None]:
    return lambda patient: patient.write("cel.conf", "\n".join(("[general]", *lines, "")))


# What is done to the exchange, and the one finding: severity, file, lines.
FAULTS: dict[str, tuple[Callable[[Patient], None], tuple[str, str, tuple[str, ...]]]] = {
    "no timestamps": (
        adds("timestampevents = no", "[general](+)"),
        ("error", "manager.conf", ("[general](+)", "timestampevents = yes")),
    ),
    "too many rights": (adds("write = call,reporting"), ("warning", "manager.conf", (USER, "write = reporting"))),
    "too few rights": (adds("write = user"), ("warning", "manager.conf", (USER, "write = reporting"))),
    "no rights": (adds("write ="), ("error", "manager.conf", (USER, "write = reporting"))),
    "class dialplan missing": (adds("read = call,agent,user,system"), ("warning", "manager.conf", ALL_CLASSES)),
    "class call missing": (adds("read = agent,user,system,dialplan"), ("error", "manager.conf", ALL_CLASSES)),
    "hears everything": (adds("read = all"), ("warning", "manager.conf", ALL_CLASSES)),
    "impatient": (adds("writetimeout = 100"), ("warning", "manager.conf", (USER, "writetimeout = 10000"))),
    "a filter too few": (
        lambda p: p.take("manager.conf", OLD_FILTER[1]),
        ("error", "manager.conf", (USER, OLD_FILTER[1])),
    ),
    "no filter for voicemail": (
        lambda p: p.take("manager.conf", OLD_FILTER[4]),
        ("warning", "manager.conf", (USER, *OLD_FILTER[4:])),
    ),
    "CEL off": (cel_conf(), ("warning", "cel.conf", ("[general]", "enable = yes", APPS_LINE, EVENTS_LINE))),
    "apps = all": (
        cel_conf("enable = yes", "apps = all", "events = ALL"),
        ("warning", "cel.conf", ("[general](+)", APPS_LINE)),
    ),
    "Debian's usual events": (
        cel_conf("enable = yes", APPS_LINE, "events = APP_START,CHAN_START,CHAN_END,ANSWER,HANGUP"),
        ("warning", "cel.conf", ("[general](+)", EVENTS_LINE)),
    ),
    "the tones of another country": (
        lambda p: p.add("indications.conf", "[general](+)", "country = uk"),
        ("warning", "indications.conf", ("[general](+)", "country = us")),
    ),
}


@pytest.mark.lab
def test_the_shipped_configuration_gives_no_complaint(patient: Patient) -> None:
    assert patient.examine() == []


@pytest.mark.lab
@pytest.mark.parametrize("fault", FAULTS)
def test_a_fault_gives_exactly_its_complaint_and_its_lines_mend_it(patient: Patient, fault: str) -> None:
    plant, expected = FAULTS[fault]
    plant(patient)
    complaints = patient.examine()
    assert short(complaints) == [expected]
    patient.mend(complaints)
    assert patient.examine() == []


@pytest.mark.lab
def test_without_a_filter_the_whole_white_list_is_proposed_and_serves(patient: Patient) -> None:
    for line in OLD_FILTER:
        patient.take("manager.conf", line)
    complaints = patient.examine()
    assert short(complaints) == [("warning", "manager.conf", (USER, *OLD_FILTER))]
    patient.mend(complaints)
    assert patient.examine() == []


@pytest.mark.lab
def test_the_new_filter_syntax_is_enough_on_22_and_nothing_on_16(patient: Patient) -> None:
    for line in OLD_FILTER:
        patient.take("manager.conf", line)
    new_filter = (f"eventfilter(action(include),name({name})) =" for name in event_filter.NAMES)
    patient.add(SITE, USER, *new_filter, f"{event_filter.NEW_VOICEMAIL_KEY} = VoiceMail")
    complaints = patient.examine()
    if patient.asterisk.version == "16":
        assert short(complaints) == [("warning", "manager.conf", (USER, *OLD_FILTER))]
        assert complaints[0].why.endswith("Its filter has the newer syntax, which this version ignores silently.")
    else:
        assert complaints == []


@pytest.mark.lab
def test_a_filter_without_what_only_doctor_wants_is_a_warning(patient: Patient) -> None:
    patient.take("manager.conf", OLD_FILTER[1])
    patient.add(SITE, USER, OLD_FILTER[1].replace("|MusicOnHoldStart", ""))
    assert short(patient.examine()) == [
        ("warning", "manager.conf", (USER, "eventfilter = ^Event: (MusicOnHoldStart)[[:space:]]"))
    ]


@pytest.mark.lab
def test_an_excluding_filter_is_reported_to_be_deleted(patient: Patient) -> None:
    patient.add(SITE, USER, "eventfilter = !Event: CEL", "eventfilter = !Event: Hangup")
    assert [(c.severity, c.what, c.lines) for c in patient.examine()] == [
        (
            "error",
            "the event filter of user 'callmon' drops events that callmon needs: Hangup, HangupRequest.",
            (USER, "; and delete: eventfilter = !Event: Hangup"),
        )
    ]


@pytest.mark.lab
def test_a_wrong_password_is_reported_without_any(patient: Patient, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(SECRET_VARIABLE, "not-the-secret-at-all")
    reported = as_text(examine(configured(patient.asterisk.ami_port), NOW), ["toronto"])
    assert reported.splitlines()[:3] == ["toronto: 1 error", "", "ERROR  the login of 'callmon' is refused."]
    assert [word for word in ("not-the-secret-at-all", patient.asterisk.secret) if word in reported] == []


@pytest.mark.lab
@pytest.mark.parametrize("login", ["plain", "md5"])
def test_both_ways_to_log_in_serve(patient: Patient, login: str) -> None:
    assert examine(configured(patient.asterisk.ami_port, login=f'"{login}"'), NOW_HERE()) == []


@pytest.mark.lab
def test_the_answers_hold_no_secret(patient: Patient) -> None:
    reported = ask(configured(patient.asterisk.ami_port).exchanges)["toronto"]
    assert (reported.failure, reported.release[0], patient.asterisk.secret in repr(reported)) == (
        None,
        int(patient.asterisk.version),
        False,
    )


GENERATED = (
    "enable=yes\napps=confbridge,meetme,mixmonitor,queue,stopmixmonitor,voicemail,voicemailmain\nevents=all\n"
)


def lay_out_like_freepbx(patient: Patient, own: str, cel: str, gui: str = "") -> None:
    patient.write(
        "manager.conf",
        f"[general]\nenabled = yes\nport = {patient.asterisk.ami_port}\nbindaddr = 127.0.0.1\n"
        "displayconnects=no\n\n[admin]\nsecret = something\nread = all\nwrite = all\nwritetimeout = 5000\n\n"
        "#include manager_additional.conf\n#include manager_custom.conf\n",
    )
    patient.write("manager_additional.conf", gui)
    patient.write("manager_custom.conf", own)
    patient.write(
        "cel.conf",
        "[general]\n#include cel_general_additional.conf\n#include cel_general_custom.conf\n\n"
        "#include cel_custom_post.conf\n",
    )
    patient.write("cel_general_additional.conf", cel)
    patient.write("cel_general_custom.conf", "")
    patient.write("cel_custom_post.conf", "")


@pytest.mark.lab
@pytest.mark.parametrize("cel", [GENERATED, f"[general]\n{GENERATED}"], ids=["bare", "with its section"])
def test_on_freepbx_the_lines_are_for_its_custom_files_and_mend_it(patient: Patient, cel: str) -> None:
    own = f"[callmon]\nsecret = {patient.asterisk.secret}\nread = call\nwrite = all\n"
    lay_out_like_freepbx(patient, own, cel)
    complaints = patient.examine()
    assert short(complaints) == [
        ("error", "manager_custom.conf", ("[general](+)", "timestampevents = yes")),
        ("warning", "manager_custom.conf", (USER, "write = reporting")),
        ("error", "manager_custom.conf", (USER, "read = call,agent,user,system,dialplan")),
        ("warning", "manager_custom.conf", (USER, *OLD_FILTER)),
        ("warning", "manager_custom.conf", (USER, "writetimeout = 10000")),
        ("warning", "manager_custom.conf", (USER, *OWN_ADDRESS)),
        ("warning", "cel_general_custom.conf", ("[general](+)", APPS_LINE)),
    ]
    assert {complaint.then for complaint in complaints} == {"fwconsole reload"}
    patient.mend(complaints)
    assert patient.examine() == []
    assert "CEL Tracking Application: dial" in patient.asterisk.cli("cel show status").splitlines()


@pytest.mark.lab
def test_a_user_made_in_the_gui_is_mended_in_the_custom_file(patient: Patient) -> None:
    gui = (
        f"[callmon]\nsecret = {patient.asterisk.secret}\ndeny=0.0.0.0/0.0.0.0\npermit=127.0.0.1/255.255.255.0\n"
        "read = all\nwrite = all\nwritetimeout = 100\n"
    )
    lay_out_like_freepbx(patient, "", f"{GENERATED}apps=dial,read\n", gui)
    complaints = patient.examine()
    *reported, caution, of_cel = complaints
    assert [complaint.file for complaint in reported] == ["manager_custom.conf"] * 5
    assert (of_cel.file, of_cel.lines) == ("cel_general_custom.conf", ("[general](+)", APPS_LINE))
    assert (caution.what, caution.lines) == ("user 'callmon' was created in FreePBX's GUI.", ())
    patient.mend([*reported, of_cel])
    assert patient.examine() == []


# --- servers that are no healthy Asterisk -----------------------------------------------------------


@contextmanager
def listening(says: bytes, ends: bool = True) -> Iterator[int]:
    """A server that says something to whoever connects."""
    with socket.create_server(("127.0.0.1", 0)) as server:

        def serve() -> None:
            while True:
                try:
                    wire, _ = server.accept()
                except OSError:
                    return
                wire.sendall(says)
                if ends:
                    wire.close()
                else:
                    held.append(wire)

        held: list[socket.socket] = []
        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        yield server.getsockname()[1]
        server.shutdown(socket.SHUT_RDWR)
        thread.join()
        for wire in held:
            wire.close()


@pytest.fixture
def secret(monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.setenv(SECRET_VARIABLE, "a-long-random-word")
    return "a-long-random-word"


def only(complaints: list[DoctorFinding], port: int) -> tuple[str, str, tuple[str, ...]]:
    (complaint,) = complaints
    return complaint.what.replace(str(port), "PORT"), complaint.file, complaint.lines


def test_a_closed_port_is_reported(secret: str) -> None:
    port = free_port(socket.SOCK_STREAM, "127.0.0.1")
    assert only(examine(configured(port), NOW), port) == (
        "nothing listens at 127.0.0.1:PORT.",
        "manager.conf (on FreePBX: manager_custom.conf)",
        ("[general](+)", "enabled = yes", f"port = {port}"),
    )


@pytest.mark.parametrize(
    "banner",
    [
        *(b"SSH-2.0-OpenSSH_9.9\r\n", b"HTTP/1.1 400 Bad Request\r\n\r\n", b"\xff" * 500),
        b"Asterisk Call Manager/11.0.0\r\n" + b"\xff" * 500_000,
    ],
)
def test_what_is_no_ami_server_is_reported(secret: str, banner: bytes) -> None:
    with listening(banner) as port:
        assert only(examine(configured(port), NOW), port) == (
            "127.0.0.1:PORT is not an Asterisk manager interface.",
            "callmon.toml",
            ("[exchanges.toronto]", "port = 5038"),
        )


def test_a_server_that_closes_at_once_is_reported(secret: str) -> None:
    with listening(b"") as port:
        assert (
            only(examine(configured(port), NOW), port)[0]
            == "127.0.0.1:PORT accepted the connection but sent no greeting."
        )


def test_a_closed_tls_port_is_reported_with_the_lines_for_tls(secret: str) -> None:
    port = free_port(socket.SOCK_STREAM, "127.0.0.1")
    assert only(examine(configured(port, tls="true"), NOW), port)[0::2] == (
        "nothing listens at 127.0.0.1:PORT, the address of AMI over TLS.",
        (
            *("[general](+)", "tlsenable = yes", f"tlsbindaddr = 0.0.0.0:{port}"),
            "tlscertfile = /etc/asterisk/keys/asterisk.pem",
        ),
    )


def test_a_port_without_tls_is_reported(secret: str) -> None:
    with listening(b"Asterisk Call Manager/11.0.0\r\n") as port:
        assert only(examine(configured(port, tls="true"), NOW), port)[0] == "127.0.0.1:PORT speaks no TLS."


@contextmanager
def tls_server(folder: Path, name: str) -> Iterator[tuple[int, Path]]:
    """`openssl s_server` with a certificate for `name`."""
    openssl = needed_program("openssl")
    certificate, key = folder / "cert.pem", folder / "key.pem"
    make = [openssl, "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", f"/CN={name}"]
    make += ["-addext", f"subjectAltName=DNS:{name}", "-out", str(certificate), "-keyout", str(key)]
    subprocess.run(make, check=True, capture_output=True)
    port = free_port(socket.SOCK_STREAM, "127.0.0.1")
    serve = [openssl, "s_server", "-accept", f"127.0.0.1:{port}", "-cert", str(certificate), "-key", str(key)]
    with subprocess.Popen(
        [*serve, "-quiet"], stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    ) as process:
        try:
            _wait_for(port)
            yield port, certificate
        finally:
            process.terminate()


def _wait_for(port: int) -> None:
    for _ in range(100):
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
        except OSError:
            time.sleep(0.05)
        else:
            return


def test_a_certificate_for_another_name_is_reported(secret: str, tmp_path: Path) -> None:
    with tls_server(tmp_path, "pbx.example") as (port, certificate):
        reported = examine(
            configured(port, tls="true", ca_file=f'"{certificate}"', server_name='"wrong.example"'), NOW
        )
        assert only(reported, port) == (
            "the certificate of 127.0.0.1:PORT is not for 'wrong.example'.",
            "callmon.toml",
            ("[exchanges.toronto]", 'server_name = "…"'),
        )


def test_a_certificate_that_nobody_vouches_for_is_reported(secret: str, tmp_path: Path) -> None:
    with tls_server(tmp_path, "pbx.example") as (port, _):
        reported = examine(configured(port, tls="true", server_name='"pbx.example"'), NOW)
        assert only(reported, port)[0] == "the certificate of 127.0.0.1:PORT is not from a trusted authority."


def test_a_line_break_in_the_secret_never_goes_out(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(SECRET_VARIABLE, "good")
    with listening(b"Asterisk Call Manager/11.0.0\r\n", ends=False) as port:
        sly = configured(port, login='"plain"', username='"x\\r\\nAction: Originate"')
        assert [c.what for c in examine(sly, NOW)] == ["it cannot be contacted."]


# --- what is judged without any exchange --------------------------------------------------------------

EXAMPLE = settings.example()
HEALTHY = ExchangeAnswers(
    version="22.10.1",
    commands={
        "Getvar": "call,reporting,all",
        "CoreShowChannels": "system,reporting,all",
        "Ping": "<none>",
        "VoicemailUserStatus": "call,reporting,all",
    },
    variables={
        setting("manager.conf", "general", "timestampevents"): "yes",
        setting("manager.conf", "callmon", "read"): "call,agent,user,system,dialplan",
        setting("manager.conf", "callmon", "writetimeout"): "10000",
        setting("cel.conf", "general", "enable"): "yes",
        setting("cel_custom.conf", "mappings", "Master.csv"): "${CSV_QUOTE(${eventtype})}",
        setting("indications.conf", "general", "country"): "us",
        setting("indications.conf", "us", "ring"): "440+480/2000,0/4000",
    },
    lists={
        ("manager.conf", "callmon", "eventfilter"): tuple(line.partition(" = ")[2] for line in OLD_FILTER),
        ("manager.conf", "callmon", "deny"): ("0.0.0.0/0.0.0.0",),
        ("manager.conf", "callmon", "permit"): ("127.0.0.1/255.255.255.255",),
        ("cel.conf", "general", "apps"): (
            "dial,queue,ringing,progress",
            "voicemail,voicemailmain,background,waitexten,read,playback,userevent",
        ),
        ("cel.conf", "general", "events"): ("ALL",),
    },
    mailboxes=frozenset(("500@default", "504@default")),
    devices=frozenset(("PJSIP/101", "PJSIP/102", "Queue:genline_avail")),
    ahead=timedelta(milliseconds=3),
)


def judged(answers: ExchangeAnswers, **more: object) -> list[str]:
    return [c.what for c in judge(EXAMPLE, {"toronto": answers}, NOW, **more)]  # type: ignore[arg-type]


def with_variable(name: str, value: str) -> ExchangeAnswers:
    return replace(HEALTHY, variables={**HEALTHY.variables, name: value})


def test_healthy_answers_give_no_complaint() -> None:
    assert judged(HEALTHY) == []


@pytest.mark.parametrize(
    ("seconds", "reported"),
    [(2.0, []), (2.1, ["its clock is 2.1 s ahead of ours."]), (-37.25, ["its clock is 37.2 s behind ours."])],
)
def test_a_clock_more_than_two_seconds_off_is_reported(seconds: float, reported: list[str]) -> None:
    assert judged(replace(HEALTHY, ahead=timedelta(seconds=seconds))) == reported


def test_a_mailbox_that_no_exchange_has_is_reported() -> None:
    assert judged(replace(HEALTHY, mailboxes=frozenset(("500@default", "505@default")))) == [
        "line tty: no exchange has the mailbox '504'.",
        "line tty-toll-free: no exchange has the mailbox '504'.",
    ]


def test_a_mailbox_of_another_context_has_to_be_named_with_it() -> None:
    reported = judged(replace(HEALTHY, mailboxes=frozenset(("500@default", "504@public"))))
    assert reported == [f"line {line}: no exchange has the mailbox '504'." for line in ("tty", "tty-toll-free")]


def test_a_mailbox_of_unknown_fullness_is_reported_where_lines_have_one() -> None:
    commands = {name: rights for name, rights in HEALTHY.commands.items() if name != "VoicemailUserStatus"}
    expected = ["it does not report the size of mailboxes (VoicemailUserStatus)."]
    assert judged(replace(HEALTHY, commands=commands)) == expected
    elsewhere = replace(HEALTHY, commands=commands, mailboxes=frozenset())
    assert expected[0] not in judged(elsewhere)


def test_mailboxes_are_not_judged_while_an_exchange_has_not_said_its_own() -> None:
    assert judged(replace(HEALTHY, mailboxes=None)) == []


def test_an_exchange_that_does_not_list_how_phones_stand_is_reported() -> None:
    assert judged(replace(HEALTHY, devices=None)) == [
        "it does not list the states of its phones (DeviceStateList)."
    ]


def test_phones_of_chan_sip_need_callcounter() -> None:
    devices = frozenset(("SIP/101", "SIP/102"))
    whats = ["phones of chan_sip look free during a conversation, because callcounter is not set."]
    assert judged(replace(HEALTHY, devices=devices)) == whats
    with_counter = with_variable(setting("sip.conf", "general", "callcounter"), "yes")
    assert judged(replace(with_counter, devices=devices)) == []


def test_a_phone_of_a_line_that_no_exchange_knows_is_reported() -> None:
    text = settings.example_text().replace(
        'numbers = ["416 327-2422"]',
        'numbers = ["416 327-2422"]\nextensions = ["101", "PJSIP/102", "109", "genline_avail"]',
    )
    reported = judge(settings.parse(text), {"toronto": HEALTHY}, NOW)
    assert [c.what for c in reported] == ["line general: no exchange has the phone '109', 'genline_avail'."]
    unlisted = judge(settings.parse(text), {"toronto": replace(HEALTHY, devices=None)}, NOW)
    assert [c.exchange for c in unlisted] == ["toronto"]


def test_a_ring_of_another_length_is_reported_line_by_line() -> None:
    complaints = list(
        judge(
            EXAMPLE, {"toronto": with_variable(setting("indications.conf", "us", "ring"), "440/1000,0/2000")}, NOW
        )
    )
    assert complaints[0].what == "line general: a ring is 3 s at exchange toronto, 6 s here."
    assert complaints[0].lines == ("[lines.general]", 'ring_cycle = "3 s"')
    assert len(complaints) == 6


@pytest.mark.parametrize(
    ("ring", "length"),
    [
        ("440+480/2000,0/4000", 6000),
        ("400+450/400,0/200,400+450/400,0/2000", 3000),
        ("", None),
        ("440", None),
        ("x/y", None),
    ],
)
def test_a_cadence_is_as_long_as_its_parts(ring: str, length: int | None) -> None:
    assert cycle(ring) == (None if length is None else timedelta(milliseconds=length))


def test_a_line_not_seen_for_more_than_seven_days_is_reported() -> None:
    seen: dict[str, datetime | None] = {line.name: NOW - timedelta(days=7) for line in EXAMPLE.lines()}
    assert judged(HEALTHY, last_seen=seen) == []
    seen |= {"tty": NOW - timedelta(days=7, seconds=1), "poci": None}
    assert judged(HEALTHY, last_seen=seen) == [
        "line tty: no call has arrived on it since 17\N{NO-BREAK SPACE}November\N{NO-BREAK SPACE}2026.",
        "line poci: no call has arrived on it ever.",
    ]


def test_lines_that_were_never_called_are_one_finding() -> None:
    called: dict[str, datetime | None] = {line.name: NOW for line in EXAMPLE.lines()}
    never = called | dict.fromkeys(("tty", "tty-toll-free", "poci"))
    assert judged(HEALTHY, last_seen=never) == [
        "lines tty, tty-toll-free, poci: no call has arrived on them ever."
    ]


def test_every_failure_of_the_query_has_its_sentence() -> None:
    source = Path(ask.__code__.co_filename).read_text()
    kinds = re.findall(r'(?:FailureError\(\s*|failure=|kind = |else )"(\w+)"|"(\w+)" if', source)
    whats = {kind: judged(ExchangeAnswers(failure=kind)) for pair in kinds for kind in pair if kind}
    assert [kind for kind, what in whats.items() if what == ["doctor has an internal error."]] == []


def test_without_step_and_place_voicemail_is_not_from_a_menu() -> None:
    """The example tells mailboxes and contexts; a first configuration has neither."""
    bare = settings.parse('[exchanges.toronto]\nhost = "pbx.example"\nsecret_env = "X"\n')
    unheard = replace(HEALTHY, lists={})
    without = setting("manager.conf", "callmon", "read")
    for answers in (
        replace(HEALTHY, variables={**HEALTHY.variables, without: "call,agent,user,system"}),
        replace(unheard, lists={("manager.conf", "callmon", "eventfilter"): (OLD_FILTER[0].partition(" = ")[2],)}),
    ):
        found = [c for c in judge(bare, {"toronto": answers}, NOW) if "voicemail from a menu" in c.what]
        assert [(c.severity, c.file, c.lines) for c in found] == [
            ("error", "callmon.toml", ("[exchanges.toronto]", 'voicemail_contexts = ["…"]'))
        ]
        assert "callmon cannot tell voicemail from a menu here." not in judged(answers)
    assert list(judge(bare, {"toronto": HEALTHY}, NOW)) == []


def test_cel_that_is_stored_nowhere_is_reported_unless_freepbx_keeps_it() -> None:
    nowhere = with_variable(setting("cel_custom.conf", "mappings", "Master.csv"), "")
    assert judged(nowhere) == ["CEL has no known destination."]
    odbc = {**nowhere.variables, setting("cel_odbc.conf", "cel", "connection"): "asteriskcdrdb"}
    assert judged(replace(nowhere, variables=odbc)) == []


def test_the_row_of_cel_that_doctor_proposes_is_the_one_that_ships() -> None:
    shipped = (ROOT / "asterisk/cel_custom.conf").read_text().splitlines()
    assert [line for line in shipped if line.startswith("Master.csv")] == [MAPPING]


def test_complaints_are_as_wide_as_the_terminal_up_to_100_columns() -> None:
    complaint = DoctorFinding("toronto", "error", "Word. " * 40, "Why. " * 40)
    assert [max(map(len, as_text([complaint], width=w).splitlines())) for w in (80, 200)] == [79, 97]


def test_complaints_read_well_at_100_columns() -> None:
    complaints = [
        DoctorFinding(
            "toronto",
            "warning",
            "CEL is off.",
            "So it is.",
            "cel.conf",
            ("[general](+)", "enable = yes"),
            "reload",
        ),
        DoctorFinding(
            "toronto", "error", "events carry no time, because timestampevents is not set.", "Why. " * 30
        ),
    ]
    assert as_text(complaints, ["toronto", "ottawa"]) == (
        "toronto: 1 error, 1 warning\n\n"
        "ERROR  events carry no time, because timestampevents is not set.\n"
        "  Why. Why. Why. Why. Why. Why. Why. Why. Why. Why. Why. Why. Why. Why. Why. Why. Why. Why. Why.\n"
        "  Why. Why. Why. Why. Why. Why. Why. Why. Why. Why. Why.\n\n"
        "WARNING  CEL is off.\n"
        "  So it is.\n"
        "  Add at the end of cel.conf:\n\n"
        "      [general](+)\n"
        "      enable = yes\n\n"
        "  Then: reload\n\n"
        "ottawa: no findings."
    )


# --- the white list ---------------------------------------------------------------------------------


def test_the_white_list_is_the_one_that_ships() -> None:
    shipped = (ROOT / "asterisk/manager.conf").read_text().splitlines()
    assert tuple(line for line in shipped if line.startswith("eventfilter")) == OLD_FILTER


def test_the_white_list_passes_what_callmon_reads_and_nothing_else() -> None:
    answers_to_questions = {"CoreShowChannel", "CoreShowChannelsComplete", "Status", "StatusComplete"}
    answers_to_questions |= {"VoicemailUserDetail"}
    read = {name.decode() for name in decoding.READERS} - answers_to_questions
    assert read == {*event_filter.NAMES, event_filter.VOICEMAIL}


@pytest.mark.parametrize(
    ("filters", "kept_back"),
    [
        ((), ()),
        (("!Event: CEL",), ()),
        (("!Event: Hangup[[:space:]]",), ("Hangup",)),
        (("Event: ",), ()),
        (("Event: ", "!Application: VoiceMail"), ("Newexten",)),
        (("not ( understood",), ()),
        ((*(line.partition(" = ")[2] for line in OLD_FILTER),), ()),
        (
            ("Event: (?!Newexten)", "Event: Newexten[[:space:]].*[[:space:]]Application: VoiceMail[[:space:]]"),
            ("Newexten",),
        ),
    ],
)
def test_a_filter_is_read_as_asterisk_reads_it(filters: tuple[str, ...], kept_back: tuple[str, ...]) -> None:
    assert event_filter.kept_back(filters) == kept_back
