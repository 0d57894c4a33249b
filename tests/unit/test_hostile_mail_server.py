"""A mail server without an end: its answers are bounded in size, its conversation in time."""

from __future__ import annotations

import socket
from collections.abc import Callable
from pathlib import Path

import pytest
from pydantic import TypeAdapter

from callmon.config.mail import MailSettings
from callmon.features.months.mail import bounded_smtp
from callmon.features.months.mail.smtp import Handover, hand_over
from tests.support.hostile_peer import HostilePeer, dripping, flooding, growth_at_most, silent

MESSAGE = b"Subject: a\r\n\r\nb\r\n"


def settings(port: int, **more: object) -> MailSettings:
    given = {"host": "127.0.0.1", "port": port, "tls": "none", "sender": "callmon@ministry.example"}
    given |= {"internal_to": ["lead@ministry.example"], **more}
    return TypeAdapter(MailSettings).validate_python(given)


def handed_over(port: int, **more: object) -> Handover:
    return hand_over(settings(port, **more), "lead@ministry.example", MESSAGE, lambda: True)


def speaking(answers: list[bytes], last: Callable[[socket.socket], None]) -> Callable[[socket.socket], None]:
    """Says these answers, one after each line or message, then does what `last` does."""

    def act(wire: socket.socket) -> None:
        for answer in answers:
            wire.sendall(answer)
            heard = b""
            while not heard.endswith(b"\r\n.\r\n" if answer.startswith(b"354") else b"\r\n"):
                more = wire.recv(65536)
                if not more:
                    return
                heard += more
        last(wire)

    return act


HELLO, OK, GO_ON = b"220 hello\r\n", b"250 ok\r\n", b"354 go on\r\n"
TOO_MANY, TOO_LONG = "the answer has too many lines", "the answer is too long"


@pytest.mark.parametrize(
    ("answers", "piece", "result"),
    [
        ([], b"220-hello\r\n", Handover("waiting", "unreachable", TOO_MANY)),
        ([], b"2", Handover("waiting", "unreachable", TOO_LONG)),
        ([HELLO], b"250-SIZE\r\n", Handover("waiting", "unreachable", TOO_MANY)),
        ([HELLO], b"250-" + b"x" * 900 + b"\r\n", Handover("waiting", "unreachable", TOO_LONG)),
        ([HELLO, OK, OK, OK, GO_ON], b"250-ok\r\n", Handover("unknown", "no_answer", TOO_MANY)),
    ],
    ids=["greeting", "line", "capabilities", "long lines", "message"],
)
def test_an_answer_without_an_end_is_refused_within_a_few_kilobytes(
    answers: list[bytes], piece: bytes, result: Handover
) -> None:
    with HostilePeer(speaking(answers, lambda wire: flooding(wire, piece))) as peer, growth_at_most():
        assert handed_over(peer.port) == result


@pytest.mark.parametrize(
    ("last", "result"),
    [
        (lambda wire: wire.close(), Handover("waiting", "unreachable", "Connection unexpectedly closed")),
        (lambda wire: wire.sendall(b"451 later\r\n"), Handover("waiting", "later", "451 later")),
    ],
)
def test_a_mail_is_claimed_only_when_the_server_waits_for_the_message(
    last: Callable[[socket.socket], None], result: Handover
) -> None:
    claims: list[int] = []
    with HostilePeer(speaking([HELLO, OK, OK, OK], last)) as peer:
        found = hand_over(settings(peer.port), "lead@ministry.example", MESSAGE, lambda: not claims.append(1))
    assert (found, claims) == (result, [])


def test_a_server_that_sends_a_byte_now_and_then_is_left_in_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bounded_smtp, "SECONDS_TO_BEGIN", 1.0)
    with HostilePeer(dripping(b"2")) as peer:
        assert handed_over(peer.port)[:2] == ("waiting", "unreachable")


def test_a_silent_server_is_left_when_the_time_is_over(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bounded_smtp, "SECONDS_TO_BEGIN", 1.0)
    with HostilePeer(silent) as peer:
        assert handed_over(peer.port)[:2] == ("waiting", "unreachable")


def test_a_size_that_is_no_number_is_no_limit() -> None:
    hello = b"250-hello\r\n250 SIZE many\r\n"
    with HostilePeer(speaking([HELLO, hello, OK, OK, GO_ON, OK, OK], silent)) as peer:
        assert handed_over(peer.port) == Handover("sent", "", "250 ok")


def test_a_password_that_smtp_cannot_send_waits_and_is_not_shown(tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.write_text("motdepassé-é\n", encoding="utf-8")
    secret.chmod(0o600)
    hello = b"250-hello\r\n250 AUTH PLAIN\r\n"
    more = {"username": "callmon", "password_file": secret, "tls": "none"}
    with HostilePeer(speaking([HELLO, hello, OK, OK], silent)) as peer:
        assert handed_over(peer.port, **more) == Handover("waiting", "sign_in", "ASCII")
