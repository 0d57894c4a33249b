"""Asks one exchange, once, with pyst2. `questions.py` runs it as a program of its own, with a time limit.

Standard input holds the questions and the secret, as JSON; standard output gets the answers as JSON. pyst2's
Manager can block without end: therefore this is a process, and imports nothing of callmon. Events are off. Every
action is a new dictionary. Refuses: a value with CR or LF, any change on the exchange, and to write a secret.
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
# ValueError: pyst2's reader closes the file while its writer uses it, if the exchange hangs up.
ENDED = (ManagerException, OSError, ValueError)
LIST_SECONDS = 3.0


class FailureError(Exception):
    """The exchange cannot be asked: `kind` for the program, the text for people."""

    def __init__(self, kind: str, text: str = "") -> None:
        self.kind, self.text = kind, text
        super().__init__(f"{kind}: {text}")


class AmiQuery(Manager):  # type: ignore[misc]
    """pyst2's Manager on a socket opened here. pyst2 lacks TLS and IPv6, and blocks on a silent server."""

    def begin(self, wire: socket.socket, banner: str) -> None:
        self.title, _, self.version = banner.partition("/")
        self._sock = wire.makefile(mode="rwb", buffering=0)
        self._connected.set()
        self._running.set()
        self.message_thread.start()
        self.event_dispatch_thread.start()

    def __del__(self) -> None:
        """Replaces pyst2's, which sends Logoff and waits for an answer without a time limit."""

    def ask(self, action: str, **headers: str) -> dict[str, str]:
        """Send one action; return its answer's headers."""
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
    """The answers to everything that the order asks."""
    wire = reach(order)
    us = wire.getsockname()[0]
    try:
        asker = AmiQuery()
        asker.begin(wire, greeting(wire))
        log_in(asker, order)
    except FailureError as failure:
        return {"failure": failure.kind, "text": failure.text, "us": us}
    told = answers(asker, order)
    with contextlib.suppress(*ENDED):  # the exchange may close before pyst2 has flushed its output
        asker.ask("Logoff")
    return {"us": us, **told}


def answers(asker: AmiQuery, order: dict[str, Any]) -> dict[str, Any]:
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
    """Open TCP or TLS to the exchange."""
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
    """Read the banner line only; pyst2 reads what follows."""
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


def log_in(asker: AmiQuery, order: dict[str, Any]) -> None:
    if order["login"] == "md5":
        challenge = asker.ask("Challenge", AuthType="MD5").get("Challenge", "")
        key = hashlib.md5((challenge + order["secret"]).encode(), usedforsecurity=False).hexdigest()
        proof = {"AuthType": "MD5", "Key": key}
    else:
        proof = {"Secret": order["secret"]}
    answer = asker.ask("Login", Username=order["username"], Events="off", **proof)
    if answer.get("Response") != "Success":
        raise FailureError("refused", answer.get("Message", ""))


def commands(asker: AmiQuery) -> dict[str, str]:
    """The actions this user may send, with the classes that allow each: `call,reporting,all`, or `<none>`."""
    answer = asker.ask("ListCommands")
    told = {name: text.rpartition("(Priv: ")[2].rstrip(")") for name, text in answer.items()}
    return {name: told[name] for name in told if name not in ("Response", "ActionID", "Message")}


def variable(asker: AmiQuery, name: str) -> str | None:
    """The variable's value, "" if it has none; None if asking is not allowed."""
    answer = asker.ask("Getvar", Variable=name)
    return answer.get("Value", "") if answer.get("Response") == "Success" else None


def listed(asker: AmiQuery, file: str, section: str, key: str) -> list[str]:
    """All the values of a key that may occur several times."""
    found: list[str] = []
    while len(found) < 32 and (value := variable(asker, f"AST_CONFIG({file},{section},{key},{len(found)})")):
        found.append(value)
    return found


def mailboxes(asker: AmiQuery) -> list[str] | None:
    """`500@default` …; None if the exchange does not list them."""

    def box(entry: Any) -> str:
        return f"{entry.get_header('VoiceMailbox')}@{entry.get_header('VMContext')}"

    return entries(asker, "VoicemailUsersList", "VoicemailUserEntry", "VoicemailUserEntryComplete", box)


def devices(asker: AmiQuery) -> list[str] | None:
    """`PJSIP/101`, `Queue:general_avail` …: all devices with a reported state; None without a list."""

    def name(entry: Any) -> str:
        return str(entry.get_header("Device"))

    return entries(asker, "DeviceStateList", "DeviceStateChange", "DeviceStateListComplete", name)


def entries(asker: AmiQuery, action: str, entry: str, end: str, read: Callable[[Any], str]) -> list[str] | None:
    """A list that arrives as events after the answer. None if it is refused or does not end in LIST_SECONDS."""
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


def clock(asker: AmiQuery) -> float | None:
    """How far the exchange's clock is ahead of this machine's, in seconds. None if it gives no time."""
    before = time.time()
    answer = asker.ask("Ping")
    after = time.time()
    try:
        return float(answer.get("Timestamp", "")) - (before + after) / 2
    except ValueError:
        return None


if __name__ == "__main__":
    main()
