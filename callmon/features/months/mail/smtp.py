"""One conversation with the mail server: one message to one recipient. Blocks, a few minutes at most.

    connect ─ TLS ─ sign-in ─ sender ─ recipient ─ DATA ─ claim ─▶ the message ─▶ the server's answer

Until `claim` nothing of the message has left, so a fault before it is tried again. After it only the server's
answer tells whether it has the message. Without that answer the result is unknown.

Refuses: to log, to retry, and to send what the server has said it will not take. `bounded_smtp.py` limits what the
server may say, and for how long.
"""

import re
import smtplib
import ssl
from collections.abc import Callable
from contextlib import closing, suppress
from time import monotonic
from typing import Literal, NamedTuple

from callmon.config.mail import MailSettings
from callmon.features.months.mail.bounded_smtp import SECONDS, BoundedSMTP, EncryptedSMTP

SECONDS_TO_ACCEPT = 300.0  # for the message and the answer to it: the server may examine it first
SECONDS_TO_QUIT = 5.0
LONGEST_DETAIL = 200  # characters of the server's answer that are kept
LARGE = (552, 554, 523)


class Handover(NamedTuple):
    """The result: "waiting" is tried again, "failed" is not. `reason` is a key of labels, `detail` the answer."""

    state: Literal["sent", "waiting", "failed", "unknown"]
    reason: str = ""
    detail: str = ""


class _StoppedError(Exception):
    def __init__(self, result: Handover) -> None:
        self.result = result


def hand_over(settings: MailSettings, recipient: str, message: bytes, claim: Callable[[], bool]) -> Handover:
    """Sends the message. `claim` is called right before. If it is False, nothing is sent.

    Raises ConfigError if the password cannot be read, and what `claim` raises.
    """
    password = settings.password()
    try:
        with closing(_connected(settings)) as server:
            try:
                _sign_in(server, settings, password)
                _announce(server, settings, recipient, len(message))
            except _StoppedError:
                _quit(server)
                raise
            except (OSError, smtplib.SMTPException) as error:
                return Handover("waiting", "unreachable", _clean(error))
            return _deliver(server, message, claim)
    except _StoppedError as stopped:
        return stopped.result


def _quit(server: BoundedSMTP) -> None:
    server.deadline = min(server.deadline, monotonic() + SECONDS_TO_QUIT)
    with suppress(OSError, smtplib.SMTPException):
        server.quit()


def _connected(settings: MailSettings) -> BoundedSMTP:
    host = str(settings.host)
    try:
        context = ssl.create_default_context(cafile=settings.ca_file)
    except OSError as error:
        raise _StoppedError(Handover("waiting", "tls", f"{settings.ca_file}: {error.strerror or error}")) from None
    try:
        if settings.tls == "implicit":
            return EncryptedSMTP(host, settings.port, timeout=SECONDS, context=context)
        server = BoundedSMTP(host, settings.port, timeout=SECONDS)
        if settings.tls == "starttls":
            _start_tls(server, context)
    except ssl.SSLError as error:
        raise _StoppedError(Handover("waiting", "tls", _of_tls(error))) from None
    except (OSError, smtplib.SMTPException) as error:
        raise _StoppedError(Handover("waiting", "unreachable", _clean(error))) from None
    return server


def _start_tls(server: BoundedSMTP, context: ssl.SSLContext) -> None:
    try:
        server.starttls(context=context)
    except smtplib.SMTPNotSupportedError:
        server.close()
        raise _StoppedError(Handover("waiting", "no_tls")) from None
    except BaseException:
        server.close()
        raise


def _sign_in(server: BoundedSMTP, settings: MailSettings, password: str | None) -> None:
    try:
        server.ehlo_or_helo_if_needed()
        if settings.username is not None and password is not None:
            server.login(settings.username, password)
    except smtplib.SMTPAuthenticationError as error:
        raise _StoppedError(Handover("waiting", "sign_in", _answer(error.smtp_code, error.smtp_error))) from None
    except smtplib.SMTPNotSupportedError as error:
        raise _StoppedError(Handover("waiting", "sign_in", _clean(error))) from None
    except UnicodeError:  # its message has a part of the password
        raise _StoppedError(Handover("waiting", "sign_in", "ASCII")) from None


def _announce(server: BoundedSMTP, settings: MailSettings, recipient: str, size: int) -> None:
    """The sender, the recipient, and the announcement of the message (DATA)."""
    limit = _size_limit(server)
    if limit and size > limit:
        raise _StoppedError(Handover("failed", "too_large", f"{_megabytes(size)} > {_megabytes(limit)}"))
    code, said = server.mail(str(settings.sender), [f"size={size}"] if limit else [])
    if code != 250:
        raise _StoppedError(_too_large(code, said) or Handover("waiting", "sender", _answer(code, said)))
    code, said = server.rcpt(recipient)
    if code >= 500:
        raise _StoppedError(Handover("failed", "recipient", _answer(code, said)))
    if code not in (250, 251):
        raise _StoppedError(Handover("waiting", "later", _answer(code, said)))
    code, said = server.docmd("DATA")  # smtplib's data() has no place for `claim` before the message
    if code != 354:
        raise _StoppedError(Handover("waiting", "later", _answer(code, said)))


def _size_limit(server: BoundedSMTP) -> int:
    """The largest message in bytes; 0 where the server names none, or what is no number."""
    stated = str(server.esmtp_features.get("size", "")) if server.does_esmtp else ""
    return int(stated) if re.fullmatch("[0-9]{1,18}", stated) else 0


def _deliver(server: BoundedSMTP, message: bytes, claim: Callable[[], bool]) -> Handover:
    if not claim():
        return Handover("unknown", "taken")  # the connection is closed without the final dot: nothing was sent
    try:
        server.deadline = monotonic() + SECONDS_TO_ACCEPT
        server.send(re.sub(rb"(?m)^\.", b"..", message).removesuffix(b"\r\n") + b"\r\n.\r\n")
        code, said = server.getreply()
    except (OSError, smtplib.SMTPException) as error:
        return Handover("unknown", "no_answer", _clean(error))
    _quit(server)
    answer = _answer(code, said)
    match code // 100:
        case 2:
            return Handover("sent", "", answer)
        case 4:
            return Handover("waiting", "later", answer)
        case 5:
            return _too_large(code, said) or Handover("failed", "refused", answer)
    return Handover("unknown", "no_answer", answer)


def _too_large(code: int, said: bytes) -> Handover | None:
    is_so = code in LARGE and b"size" in said.lower()
    return Handover("failed", "too_large", _answer(code, said)) if is_so else None


def _of_tls(error: ssl.SSLError) -> str:
    return _clean(getattr(error, "verify_message", "") or error.reason or error)


def _answer(code: int, said: bytes | str) -> str:
    return _clean(f"{code} {said.decode('utf-8', 'replace') if isinstance(said, bytes) else said}")


def _clean(text: object) -> str:
    """One line without control characters."""
    line = " ".join(str(getattr(text, "strerror", None) or text).split())
    return "".join(sign for sign in line if sign.isprintable())[:LONGEST_DETAIL]


def _megabytes(size: int) -> str:
    return f"{size / 1e6:.1f} MB"
