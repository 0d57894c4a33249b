"""The errors that callmon raises on purpose, by the person who can act.

    CallmonError
    ├── ConfigError    the administrator: the configuration (exit status 2)
    ├── AmiError       the administrator of the exchange, or the exchange
    ├── MissingError   the administrator: an optional part that is not installed
    ├── NoDataError    nobody: callmon has received nothing of the requested month
    └── StoreError     the database's administrator

An internal error is none of these. It stays an `AssertionError`, a `TypeError` …, and reaches the daemon, which
logs and counts it. For one raised by an event, the daemon dumps the flight recorder. Refuses: to hold texts, and
to log.
"""

from typing import Any, Self


class Sentence(str):
    """A sentence in English, as logs have it. It keeps its text and the values of its fields, some of them perhaps
    sentences too: a command tells it in its own language (`cli.language.translated`).
    """

    english: str
    values: dict[str, Any]

    def __new__(cls, english: str, **values: object) -> Self:
        made = super().__new__(cls, english.format(**values) if values else english)
        made.english, made.values = english, values
        return made


class CallmonError(Exception):
    """An operation that callmon refuses or cannot do, with sentences that name what to do."""


class ConfigError(CallmonError):
    """The administrator can act: one or more configuration mistakes, one sentence each (issue 2, "Bad input").

    `str()` gives one sentence a line; `sentences` the same as a tuple.
    """

    def __init__(self, *sentences: str) -> None:
        self.sentences = sentences
        super().__init__("\n".join(sentences))


class AmiError(CallmonError):
    """The exchange's administrator can act: not reachable, login refused, or no AMI server."""


class MissingError(CallmonError):
    """The administrator can act: the operation needs an optional part of callmon that is not installed."""


class StoreError(CallmonError):
    """The database's administrator can act; the daemon buffers outcomes meanwhile."""


class NoDataError(CallmonError):
    """callmon has no data of the requested month: there is no report of it."""
