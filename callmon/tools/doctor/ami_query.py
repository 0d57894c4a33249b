"""Asks one exchange, once, with pyst2. Run as a program of its own, by `questions.py`, which ends it in time.

Standard input holds what to ask, and the secret, as JSON; standard output gets the answers as JSON. pyst2's
Manager blocks for ever in places: that is why this is a process, and why it needs nothing of callmon. Events
are off; every action is a fresh dictionary; a value with CR or LF is refused. Nothing is ever changed on the
exchange, and no secret, ever, is written.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import socket
import ssl
import sys
import threading
import time
from collections.abc import Callable
from typing import Any

from asterisk.manager import Manager, ManagerException  # type: ignore[import-untyped]

BANNER = b"Asterisk Call Manager/"
GREETING_SECONDS = 5.0
# ValueError: pyst2's reader closes the file under its writer when the exchange hangs up.
ENDED = (ManagerException, OSError, ValueError)
LIST_SECONDS = 3.0


class FailureError(Exception):
    """The exchange cannot be asked: `kind` for the program, the text for people."""

    def __init__(self, kind: str, text: str = "") -> None:
        self.kind, self.text = kind, text
        super().__init__(f"{kind}: {text}")


class Asker(Manager):  # type: ignore[misc]
    """pyst2's Manager on a socket that we opened: it knows neither TLS nor IPv6, nor a server that is silent."""

    def begin(self, wire: socket.socket, banner: str) -> None:
        self.title, _, self.version = banner.partition("/")
        self._sock = wire.makefile(mode="rwb", buffering=0)
        self._connected.set()
        self._running.set()
        self.message_thread.start()
        self.event_dispatch_thread.start()

    def __del__(self) -> None:
        """pyst2's would say goodbye, and wait for ever for an answer."""

    def ask(self, action: str, **headers: str) -> dict[str, str]:
        """One action, one answer: its headers."""
        asked = {"Action": action, **headers}
        if any("\r" in value or "\n" in value for value in asked.values()):
            raise FailureError("line_break", "a user name or secret holds a line break")
        return dict(self.send_action(asked).headers)


def main() -> None:
    order = json.load(sys.stdin)
    try:
        told = examine(order)
    except FailureError as failure:
        told = {"failure": failure.kind, "text": failure.text}
    except ENDED as error:
        told = {"failure": "ended", "text": " ".join(map(str, error.args))}
    json.dump(told, sys.stdout)
    sys.stdout.flush()


def examine(order: dict[str, Any]) -> dict[str, Any]:
    """Everything that the order asks."""
    wire = reach(order)
    us = wire.getsockname()[0]
    try:
        asker = Asker()
        asker.begin(wire, greeting(wire))
        log_in(asker, order)
    except FailureError as failure:
        return {"failure": failure.kind, "text": failure.text, "us": us}
    told = answers(asker, order)
    with contextlib.suppress(*ENDED):  # the exchange may close before pyst2 has flushed what it wrote
        asker.ask("Logoff")
    return {"us": us, **told}


def answers(asker: Asker, order: dict[str, Any]) -> dict[str, Any]:
    core = asker.ask("CoreSettings")
    return {
        "version": core.get("AsteriskVersion", ""),
        "commands": commands(asker),
        "variables": {name: variable(asker, name) for name in order["variables"]},
        "lists": [listed(asker, *name) for name in order["lists"]],
        "mailboxes": mailboxes(asker),
        "devices": devices(asker),
        "ahead": clock(asker),
    }


def reach(order: dict[str, Any]) -> socket.socket:
    """TCP or TLS to the exchange."""
    try:
        wire = socket.create_connection((order["host"], order["port"]), timeout=GREETING_SECONDS)
        return secured(wire, order) if order["tls"] else wire
    except ssl.SSLCertVerificationError as error:
        kind = "tls_name" if error.verify_code in (62, 64) else "tls_certificate"
        raise FailureError(kind, error.verify_message) from None
    except ssl.SSLError as error:
        raise FailureError("tls", error.reason or str(error)) from None
    except socket.gaierror as error:
        raise FailureError("name", error.strerror or "") from None
    except TimeoutError:
        raise FailureError("tls" if order["tls"] else "silent") from None
    except ConnectionRefusedError:
        raise FailureError("closed") from None
    except OSError as error:
        raise FailureError("tls_file" if error.filename else "unreachable", error.strerror or str(error)) from None


def secured(wire: socket.socket, order: dict[str, Any]) -> socket.socket:
    context = ssl.create_default_context(cafile=order["ca_file"])
    if order["client_certificate"]:
        context.load_cert_chain(order["client_certificate"], order["client_key"])
    return context.wrap_socket(wire, server_hostname=order["server_name"] or order["host"])


def greeting(wire: socket.socket) -> str:
    """The banner line; only that, since what follows is pyst2's."""
    heard = b""
    wire.settimeout(GREETING_SECONDS)
    try:
        while not heard.endswith(b"\n") and len(heard) < 128:
            byte = wire.recv(1)
            if not byte:
                break
            heard += byte
    except TimeoutError:
        pass
    except OSError as error:
        raise FailureError("ended", error.strerror or str(error)) from None
    if not heard:
        raise FailureError("no_greeting")
    if not heard.startswith(BANNER):
        raise FailureError("not_ami")
    wire.settimeout(None)
    return heard.decode("ascii", "replace").strip()


def log_in(asker: Asker, order: dict[str, Any]) -> None:
    if order["login"] == "md5":
        challenge = asker.ask("Challenge", AuthType="MD5").get("Challenge", "")
        key = hashlib.md5((challenge + order["secret"]).encode(), usedforsecurity=False).hexdigest()
        proof = {"AuthType": "MD5", "Key": key}
    else:
        proof = {"Secret": order["secret"]}
    answer = asker.ask("Login", Username=order["username"], Events="off", **proof)
    if answer.get("Response") != "Success":
        raise FailureError("refused", answer.get("Message", ""))


def commands(asker: Asker) -> dict[str, str]:
    """What this user may do, with the classes that allow it: `call,reporting,all`, or `<none>`."""
    answer = asker.ask("ListCommands")
    told = {name: text.rpartition("(Priv: ")[2].rstrip(")") for name, text in answer.items()}
    return {name: told[name] for name in told if name not in ("Response", "ActionID", "Message")}


def variable(asker: Asker, name: str) -> str | None:
    """Its value, "" when there is none; None when we may not ask."""
    answer = asker.ask("Getvar", Variable=name)
    return answer.get("Value", "") if answer.get("Response") == "Success" else None


def listed(asker: Asker, file: str, section: str, key: str) -> list[str]:
    """All the values of a key that may stand more than once."""
    found: list[str] = []
    while len(found) < 32 and (value := variable(asker, f"AST_CONFIG({file},{section},{key},{len(found)})")):
        found.append(value)
    return found


def mailboxes(asker: Asker) -> list[str] | None:
    """`500@default` …; None when that cannot be known."""

    def box(entry: Any) -> str:
        return f"{entry.get_header('VoiceMailbox')}@{entry.get_header('VMContext')}"

    return entries(asker, "VoicemailUsersList", "VoicemailUserEntry", "VoicemailUserEntryComplete", box)


def devices(asker: Asker) -> list[str] | None:
    """`PJSIP/101`, `Queue:general_avail` …: all whose state the exchange tells; None when it lists none."""

    def name(entry: Any) -> str:
        return str(entry.get_header("Device"))

    return entries(asker, "DeviceStateList", "DeviceStateChange", "DeviceStateListComplete", name)


def entries(asker: Asker, action: str, entry: str, end: str, read: Callable[[Any], str]) -> list[str] | None:
    """A list that comes as events after the answer; None when it is refused or has no end."""
    found: list[str] = []
    complete = threading.Event()
    asker.register_event(entry, lambda e, _: found.append(read(e)))
    asker.register_event(end, lambda *_: complete.set())
    answer = asker.ask(action)
    if answer.get("Response") != "Success":
        return None
    if "EventList" in answer and not complete.wait(LIST_SECONDS):
        return None
    return sorted(found)


def clock(asker: Asker) -> float | None:
    """How far its clock is ahead of ours, in seconds."""
    before = time.time()
    answer = asker.ask("Ping")
    after = time.time()
    try:
        return float(answer.get("Timestamp", "")) - (before + after) / 2
    except ValueError:
        return None


if __name__ == "__main__":
    main()
