"""The questions to one exchange, and its answers: a child process asks them, within a time limit.

The secret goes to the child on its standard input: neither a command line nor the environment shows it. Whatever
the child does, `ask` returns within `timeout`. Refuses: to ask for a secret or a password.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any

from callmon.config.exchange import ExchangeSettings
from callmon.tools.doctor import event_filter, layout

CHILD = Path(__file__).with_name("ami_query.py")
TIMEOUT = timedelta(seconds=20)
# Environment variables passed to the child: those that Python and TLS may need, and no secret.
PASSED_ON = ("PATH", "LD_LIBRARY_PATH", "SSL_CERT_FILE", "SSL_CERT_DIR", "LANG")
MANAGER, CEL, CEL_FILE, CEL_ODBC = "manager.conf", "cel.conf", "cel_custom.conf", "cel_odbc.conf"
CHAN_SIP = "sip.conf"


def setting(file: str, section: str, key: str) -> str:
    """The AST_CONFIG variable of a key's last value, which is the one that Asterisk obeys."""
    return f"AST_CONFIG({file},{section},{key},-1)"


@dataclass(frozen=True)
class ExchangeAnswers:
    """The exchange's answers; or, in `failure`, why there are none. `us` is this machine's address towards it."""

    failure: str | None = None
    text: str = ""
    us: str = ""
    version: str = ""
    commands: Mapping[str, str] = field(default_factory=dict)
    variables: Mapping[str, str | None] = field(default_factory=dict)
    lists: Mapping[tuple[str, str, str], tuple[str, ...]] = field(default_factory=dict)
    mailboxes: frozenset[str] | None = None
    devices: frozenset[str] | None = None
    ahead: timedelta | None = None

    def value(self, file: str, section: str, key: str) -> str:
        return self.variables.get(setting(file, section, key)) or ""

    def values(self, file: str, section: str, key: str) -> tuple[str, ...]:
        return self.lists.get((file, section, key), ())

    def words(self, section_key: str) -> frozenset[str]:
        """CEL's configured `apps` or `events`, from every line and both files, in lower case."""
        found = (
            *self.values(CEL, "general", section_key),
            *self.values(layout.GENERATED_CEL, "general", section_key),
        )
        return frozenset(word.strip().lower() for line in found for word in line.split(",") if word.strip())

    @property
    def may_ask(self) -> bool:
        """Whether this user may ask for configuration."""
        return "Getvar" in self.commands

    @property
    def major(self) -> int:
        """16, 22 …; 0 if the exchange did not give its version."""
        head = self.version.partition(".")[0]
        return int(head) if head.isdigit() else 0


def ask(exchange: ExchangeSettings, timeout: timedelta = TIMEOUT) -> ExchangeAnswers:
    """Examine one exchange. Raises ConfigError if its secret cannot be read."""
    order = _order(exchange) | {"secret": exchange.secret()}
    try:
        done = subprocess.run(
            [sys.executable, "-P", "-W", "ignore", str(CHILD)],
            input=json.dumps(order),
            capture_output=True,
            text=True,
            timeout=timeout.total_seconds(),
            env={name: os.environ[name] for name in PASSED_ON if name in os.environ},
        )
        told = json.loads(done.stdout)
    except subprocess.TimeoutExpired:
        return ExchangeAnswers(failure="hung")
    except ValueError:
        return ExchangeAnswers(failure="broken", text=done.stderr.strip().rpartition("\n")[2])
    return _answers(told, order)


def _order(exchange: ExchangeSettings) -> dict[str, Any]:
    paths = ("ca_file", "client_certificate", "client_key")
    return {
        "host": exchange.host,
        "port": exchange.port,
        "username": exchange.username,
        "login": exchange.login,
        "tls": exchange.tls,
        "server_name": exchange.server_name,
        **{name: str(path) if (path := getattr(exchange, name)) else None for name in paths},
        "variables": _variables(exchange.username),
        "lists": [list(place) for place in _lists(exchange.username)],
    }


def _variables(username: str) -> list[str]:
    user = [setting(MANAGER, username, key) for key in ("read", "write", "writetimeout")]
    return [
        setting(MANAGER, "general", "timestampevents"),
        *user,
        new_voicemail(username),
        *(setting(file, "general", "enable") for file in (CEL, layout.GENERATED_CEL)),
        setting(CEL_FILE, "mappings", "Master.csv"),
        setting(CEL_ODBC, "cel", "connection"),
        setting("indications.conf", "general", "country"),
        setting("indications.conf", "us", "ring"),
        setting(CHAN_SIP, "general", "callcounter"),
        *layout.signs(username),
    ]


def _lists(username: str) -> list[tuple[str, str, str]]:
    cel = [(file, "general", key) for file in (CEL, layout.GENERATED_CEL) for key in ("apps", "events")]
    return [(MANAGER, username, "eventfilter"), *cel]


def new_voicemail(username: str) -> str:
    return f"AST_CONFIG({MANAGER},{username},{event_filter.NEW_VOICEMAIL_KEY})"


def _answers(told: dict[str, Any], order: dict[str, Any]) -> ExchangeAnswers:
    if "failure" in told:
        return ExchangeAnswers(failure=told["failure"], text=told["text"], us=told.get("us", ""))
    ahead, boxes, devices = told["ahead"], told["mailboxes"], told["devices"]
    return ExchangeAnswers(
        us=told["us"],
        version=told["version"],
        commands=told["commands"],
        variables=told["variables"],
        lists={tuple(p): tuple(v) for p, v in zip(order["lists"], told["lists"], strict=True)},
        mailboxes=None if boxes is None else frozenset(boxes),
        devices=None if devices is None else frozenset(devices),
        ahead=None if ahead is None else timedelta(seconds=ahead),
    )
