"""Asks one exchange every question of `questions.py`, through pyst2, on a connection of its own with events off.

The connection is callmon's: TLS, IPv6 and the banner. An exchange is asked in a thread of its own. When the time
limit is over the connection is shut, which ends the thread. Refuses: a value with CR or LF, and any change on the
exchange.
"""

import socket
import ssl
import threading
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from datetime import timedelta
from itertools import count
from typing import Generic, TypeVar

from asterisk.manager import Event, ManagerException  # type: ignore[import-untyped] # pyst2 has no types

from callmon.ami.connection import tls_context
from callmon.ami.framing import format_action, login_key
from callmon.config.exchange import ExchangeSettings
from callmon.tools.doctor.answer_stream import AnswerStream
from callmon.tools.doctor.asking_manager import AskingManager
from callmon.tools.doctor.questions import ExchangeAnswers, lists, variables

TIMEOUT = timedelta(seconds=20)
GREETING_SECONDS = 5.0
LIST_SECONDS = 3.0
SECONDS_TO_END = 5.0
MOST_VALUES = 32
MOST_ENTRIES = 100_000

Headers = dict[str, str]
T = TypeVar("T")


class FailureError(Exception):
    """The exchange cannot be asked: `kind` for the program, the text for people."""

    def __init__(self, kind: str, text: str = "") -> None:
        self.kind, self.text = kind, text
        super().__init__(f"{kind}: {text}")


def ask(exchanges: Mapping[str, ExchangeSettings], within: timedelta = TIMEOUT) -> dict[str, ExchangeAnswers]:
    """Examine all exchanges at once. Raises ConfigError if a secret cannot be read."""
    return ask_each(exchanges, _answers, within)


def ask_each(
    exchanges: Mapping[str, ExchangeSettings],
    question: Callable[["AmiQuery", str, str], T],
    within: timedelta,
) -> dict[str, T | ExchangeAnswers]:
    """`question(query, user name, our address)` to all exchanges at once; where it fails, ExchangeAnswers say why.

    Raises ConfigError if a secret cannot be read.
    """
    asked = {name: _Asked(exchange, question) for name, exchange in exchanges.items()}
    deadline = time.monotonic() + within.total_seconds()
    for each in asked.values():
        each.thread.start()
    for each in asked.values():
        each.thread.join(max(0.0, deadline - time.monotonic()))
    return {name: each.end() for name, each in asked.items()}


class _Asked(Generic[T]):
    """One exchange and the thread that asks it."""

    def __init__(self, exchange: ExchangeSettings, question: Callable[["AmiQuery", str, str], T]) -> None:
        self._exchange, self._secret = exchange, exchange.secret()
        self._question = question
        self._wire: socket.socket | None = None
        self._stream: AnswerStream | None = None
        self._us = ""
        self._answers: T | ExchangeAnswers | None = None
        self.thread = threading.Thread(target=self._run, daemon=True, name="doctor")

    def end(self) -> T | ExchangeAnswers:
        """Its answers. If it has none yet, shut its connection and say what it was waiting for."""
        answers = self._answers
        if self._stream is not None:
            self._stream.shut()
        elif self._wire is not None:
            with suppress(OSError):
                socket.socket.shutdown(self._wire, socket.SHUT_RDWR)
        self.thread.join(SECONDS_TO_END)
        unconnected = "tls" if self._exchange.tls else "silent"
        return answers or ExchangeAnswers(failure="hung" if self._us else unconnected, us=self._us)

    def _run(self) -> None:
        try:
            self._answers = self._asked()
        except FailureError as failure:
            self._answers = ExchangeAnswers(failure=failure.kind, text=failure.text, us=self._us)
        except Exception as error:  # a fault of pyst2 or callmon is a finding too
            self._answers = ExchangeAnswers(failure=type(error).__name__, text=repr(error), us=self._us)
        finally:
            if self._wire is not None:
                self._wire.close()

    def _asked(self) -> T:
        wire = self._connected()
        self._us = wire.getsockname()[0]
        stream = self._stream = AnswerStream(wire)
        banner = stream.greeting(GREETING_SECONDS)
        if not banner:
            raise FailureError("no_greeting" if banner is None else "not_ami")
        manager = AskingManager(stream)
        try:
            query = AmiQuery(manager, stream)
            query.log_in(self._exchange, self._secret)
            return self._question(query, self._exchange.username, self._us)
        except ManagerException:
            raise FailureError("not_ami" if stream.is_overrun else "ended", stream.reason) from None
        finally:
            stream.shut()
            manager.ended()

    def _connected(self) -> socket.socket:
        exchange = self._exchange
        try:
            context = tls_context(exchange) if exchange.tls else None
            self._wire = socket.create_connection((exchange.host, exchange.port), GREETING_SECONDS)
            if context:
                name = exchange.server_name or exchange.host
                self._wire = context.wrap_socket(self._wire, server_hostname=name)
            return self._wire
        except ssl.SSLCertVerificationError as error:
            kind = "tls_name" if error.verify_code in (62, 64) else "tls_certificate"
            raise FailureError(kind, error.verify_message) from None
        except ssl.SSLError as error:
            raise FailureError("tls", error.reason or str(error)) from None
        except socket.gaierror as error:
            raise FailureError("name", error.strerror or "") from None
        except TimeoutError:
            raise FailureError("tls" if exchange.tls else "silent") from None
        except ConnectionRefusedError:
            raise FailureError("closed") from None
        except OSError as error:
            raise FailureError(
                "tls_file" if error.filename else "unreachable", error.strerror or str(error)
            ) from None


def _answers(query: "AmiQuery", username: str, us: str) -> ExchangeAnswers:
    core = query.ask("CoreSettings")
    return ExchangeAnswers(
        us=us,
        version=core.get("AsteriskVersion", ""),
        commands=query.commands(),
        variables={name: query.variable(name) for name in variables(username)},
        lists={place: query.values(*place) for place in lists(username)},
        mailboxes=query.entries(
            "VoicemailUsersList",
            "VoicemailUserEntry",
            "VoicemailUserEntryComplete",
            lambda entry: f"{entry.get('VoiceMailbox')}@{entry.get('VMContext')}",
        ),
        devices=query.entries(
            "DeviceStateList",
            "DeviceStateChange",
            "DeviceStateListComplete",
            lambda entry: entry.get("Device", ""),
        ),
        ahead=query.clock(),
    )


class AmiQuery:
    """One connection: an action, then its answer. Raises pyst2's ManagerException when it has ended."""

    def __init__(self, manager: AskingManager, stream: AnswerStream) -> None:
        self._manager = manager
        self._stream = stream
        self._actions = count(1)

    def log_in(self, exchange: ExchangeSettings, secret: str) -> None:
        proof = {"Secret": secret}
        if exchange.login == "md5":
            challenge = self.ask("Challenge", AuthType="MD5")
            proof = {"AuthType": "MD5", "Key": login_key(challenge.get("Challenge", ""), secret)}
        answer = self.ask("Login", Username=exchange.username, Events="off", **proof)
        if answer.get("Response") != "Success":
            raise FailureError("refused", answer.get("Message", ""))

    def ask(self, action: str, **headers: str) -> Headers:
        """Send one action; return its answer's headers."""
        action_id = f"doctor-{next(self._actions)}"
        fields = {"Action": action, "ActionID": action_id, **headers}
        if format_action(fields) is None:
            raise FailureError("line_break", "a user name or secret holds a line break")
        self._stream.expect(action_id)
        return dict(self._manager.send_action(fields).headers)

    def commands(self) -> dict[str, str]:
        """The actions this user may send, with the classes that allow each: `call,reporting,all`, or `<none>`."""
        answer = self.ask("ListCommands")
        rights = {name: text.rpartition("(Priv: ")[2].rstrip(")") for name, text in answer.items()}
        return {name: rights[name] for name in rights if name not in ("Response", "ActionID", "Message")}

    def variable(self, name: str) -> str | None:
        """The variable's value, "" if it has none; None if asking is not allowed."""
        answer = self.ask("Getvar", Variable=name)
        return answer.get("Value", "") if answer.get("Response") == "Success" else None

    def values(self, file: str, section: str, key: str) -> tuple[str, ...]:
        """All the values of a key that may occur several times."""
        found: list[str] = []
        while value := self.variable(f"AST_CONFIG({file},{section},{key},{len(found)})"):
            found.append(value)
            if len(found) == MOST_VALUES:
                break
        return tuple(found)

    def entries(self, action: str, entry: str, end: str, read: Callable[[Headers], str]) -> frozenset[str] | None:
        """A list without order. None if it is refused, late or without end."""
        found = self.listed(action, entry, end, read)
        return None if found is None else frozenset(found)

    def listed(
        self,
        action: str,
        entry: str,
        end: str,
        read: Callable[[Headers], T],
        seconds: float = LIST_SECONDS,
        **headers: str,
    ) -> list[T] | None:
        """A list that arrives as events after the answer. None if it is refused, late or without end."""
        found: list[T] = []
        ended = threading.Event()

        def add(event: Event, _: AskingManager) -> None:
            if len(found) < MOST_ENTRIES:
                found.append(read(event.headers))

        def end_list(event: Event, _: AskingManager) -> None:
            ended.set()

        callbacks = {entry: add, end: end_list}
        for name, callback in callbacks.items():
            self._manager.register_event(name, callback)
        try:
            answer = self.ask(action, **headers)
            is_whole = "EventList" not in answer or ended.wait(seconds)
        finally:
            for name, callback in callbacks.items():
                self._manager.unregister_event(name, callback)
        is_list = answer.get("Response") == "Success" and is_whole and len(found) < MOST_ENTRIES
        return found if is_list else None

    def clock(self) -> timedelta | None:
        """How far the exchange's clock is ahead of this machine's. None if it gives no time."""
        before = time.time()
        answer = self.ask("Ping")
        after = time.time()
        try:
            return timedelta(seconds=float(answer.get("Timestamp", "")) - (before + after) / 2)
        except (ValueError, OverflowError):
            return None
