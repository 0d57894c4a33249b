"""Doctor and exchanges that never answer, end in the middle, or flood: one finding, in time, no thread left."""

from __future__ import annotations

import gc
import re
import socket
import ssl
import threading
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from itertools import count, repeat
from pathlib import Path

import pytest
import trustme
from asterisk.manager import ManagerException

from callmon.config import settings
from callmon.config.settings import Settings
from callmon.tools.doctor import examine
from callmon.tools.doctor.answer_stream import AnswerStream
from callmon.tools.doctor.asking_manager import AskingManager
from tests.support.answering_exchange import Ends, Headers, Silent, answering, healthy, message

NOW = datetime(2026, 11, 24, 17, tzinfo=UTC)
SECRET_VARIABLE = "CALLMON_TEST_DOCTOR_SECRET"
LIMIT = timedelta(seconds=3)
USUAL = [
    "events carry no time, because timestampevents is not set.",
    "user 'callmon' does not receive the classes call, system, user, agent, dialplan.",
    "user 'callmon' has no event filter.",
    "writetimeout is not set (100 ms).",
    "user 'callmon' may log in from any address.",
    "CEL is off.",
    "it does not report the size of mailboxes (VoicemailUserStatus).",
]
NO_LIST = "it does not list the states of its phones (DeviceStateList)."
UNFINISHED = "127.0.0.1:PORT does not complete its answers."
CLOSED = "127.0.0.1:PORT closed the connection."
PAUSE = 0.01  # seconds, where it matters that an answer has no end, and not how fast it comes


def configured(port: int, host: str = "127.0.0.1", *more: str) -> Settings:
    own = "\n".join((f'host = "{host}"', f"port = {port}", *more))
    text = re.sub(r"^host = .*$", own, settings.example_text(), count=1, flags=re.MULTILINE)
    text = re.sub(r"^secret_file = .*$", f'secret_env = "{SECRET_VARIABLE}"', text, count=1, flags=re.MULTILINE)
    return settings.parse(text)


@pytest.fixture(autouse=True)
def bounded(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Each test ends in time, and leaves no thread of doctor or pyst2."""
    monkeypatch.setenv(SECRET_VARIABLE, "a-long-random-word")
    before = set(threading.enumerate())
    yield
    gc.collect()
    assert [thread.name for thread in threading.enumerate() if thread not in before] == []


def findings(port: int, limit: timedelta = LIMIT, host: str = "127.0.0.1", *more: str) -> list[str]:
    found = examine(configured(port, host, *more), NOW, timeout=limit)
    return [finding.what.replace(str(port), "PORT") for finding in found]


@pytest.fixture(scope="module")
def usual() -> list[str]:
    """What doctor says of the exchange that answers everything."""
    with pytest.MonkeyPatch.context() as patch, answering() as port:
        patch.setenv(SECRET_VARIABLE, "a-long-random-word")
        return findings(port, timedelta(seconds=20))


def test_an_exchange_that_answers_is_examined(usual: list[str]) -> None:
    assert usual == USUAL


def test_an_exchange_is_asked_over_tls(usual: list[str], tmp_path: Path) -> None:
    authority, server = trustme.CA(), ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("127.0.0.1").configure_cert(server)
    authority.cert_pem.write_to_path(tmp_path / "ca.pem")
    with answering(tls=server) as port:
        own = ("tls = true", f'ca_file = "{tmp_path / "ca.pem"}"')
        assert findings(port, timedelta(seconds=20), "127.0.0.1", *own) == usual


def test_an_exchange_is_asked_over_ipv6(usual: list[str]) -> None:
    with answering(host="::1") as port:
        assert findings(port, timedelta(seconds=20), "::1") == usual


def test_an_exchange_that_accepts_and_never_answers_sent_no_greeting() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        assert findings(port, timedelta(seconds=30)) == [
            "127.0.0.1:PORT accepted the connection but sent no greeting."
        ]


@pytest.mark.parametrize("last", ["Login", "ListCommands", "Getvar", "DeviceStateList", "Ping"])
@pytest.mark.parametrize(
    ("how", "length", "found"), [(Silent, -4, UNFINISHED), (Ends, 0, CLOSED), (Ends, 12, CLOSED)]
)
def test_an_exchange_that_falls_silent_or_ends_in_an_answer_is_one_finding(
    last: str, how: type[Exception], length: int, found: str
) -> None:
    def answer(action: Headers) -> Iterator[bytes]:
        if action["Action"] == last:
            yield message(action, Response="Success")[:length]
            raise how
        yield from healthy(action)

    with answering(answer) as port:
        assert findings(port) == [found]


def test_a_list_without_end_is_unknown_and_later_questions_are_answered(usual: list[str]) -> None:
    def answer(action: Headers) -> Iterator[bytes]:
        parts = list(healthy(action))
        yield from parts[:2] if action["Action"] == "DeviceStateList" else parts

    with answering(answer) as port:
        found = findings(port, timedelta(seconds=30))
    assert sorted(found) == sorted([*usual, NO_LIST])


@pytest.mark.parametrize(
    ("flood", "pause", "found"),
    [
        ("Event: Newchannel\r\nChannel: PJSIP/101-00000001\r\n\r\n", 0.0, UNFINISHED),
        ("Response: Success\r\nActionID: another-1\r\n\r\n", PAUSE, UNFINISHED),
        ("Response: Success\r\nActionID: {ActionID}\r\n\r\n", PAUSE, UNFINISHED),  # once it is the answer
        ("Response: Success\r\n\r\n", PAUSE, UNFINISHED),
        ("x: y\r\n" * 10, 0.0, "127.0.0.1:PORT is not an Asterisk manager interface."),
    ],
    ids=["events", "responses to another", "responses to it", "responses to none", "a message without end"],
)
def test_a_flood_of_answers_or_of_lines_is_one_finding(flood: str, pause: float, found: str) -> None:
    def answer(action: Headers) -> Iterator[bytes]:
        for block in repeat(flood.format(**action).encode() * 100):
            yield block
            time.sleep(pause)

    with answering(answer) as port:
        assert findings(port) == [found]


def test_an_exchange_whose_list_never_ends_does_not_complete_its_answers() -> None:
    def answer(action: Headers) -> Iterator[bytes]:
        if action["Action"] != "VoicemailUsersList":
            yield from healthy(action)
            return
        yield message(action, Response="Success", EventList="start")
        for number in count():
            yield message(action, Event="VoicemailUserEntry", VMContext="default", VoiceMailbox=number)
            time.sleep(PAUSE)

    with answering(answer) as port:
        assert findings(port, timedelta(seconds=6)) == [UNFINISHED]


def test_a_wrong_secret_is_refused() -> None:
    def answer(action: Headers) -> Iterator[bytes]:
        yield message(action, Response="Error", Message="Authentication failed")

    with answering(answer) as port:
        assert findings(port) == ["the login of 'callmon' is refused."]


@pytest.mark.parametrize(
    "line",
    [
        "ChanVariable: LANGUAGE=fr",
        "ChanVariable",
        "Message: Channel status will follow",
        "Response: Follows",
        "a line with / and no colon",
        "--END COMMAND--",
        "Response",
        "",
    ],
)
def test_no_line_of_an_answer_stops_pyst2(line: str, usual: list[str]) -> None:
    """Each is a line that pyst2 reads as something else, or at which one of its threads ends."""

    def answer(action: Headers) -> Iterator[bytes]:
        for part in healthy(action):
            name, _, rest = part.partition(b"\r\n")
            yield part if not line else b"\r\n".join((name, line.encode(), rest))

    with answering(answer) as port:
        assert findings(port, timedelta(seconds=20)) == usual


class EndsAtOnce(AnswerStream):
    """Its end is read before pyst2 waits for the answer."""

    manager: AskingManager
    far: socket.socket

    def write(self, data: bytes) -> None:
        super().write(data)
        self.far.close()
        self.manager.message_thread.join()


def test_an_end_between_an_action_and_the_wait_for_its_answer_is_noticed() -> None:
    near, far = socket.socketpair()
    with near:
        stream = EndsAtOnce(near)
        stream.far, stream.manager = far, AskingManager(stream)
        with pytest.raises(ManagerException):
            stream.manager.send_action({"Action": "Ping"})
        assert stream.manager.ended()
