"""The errors that callmon raises on purpose, each named after who can act on it.

    CallmonError
    ├── ConfigError    the operator: the configuration (exit status 2)
    ├── AmiError       the exchange, or whoever runs it
    ├── MissingError   the operator: an optional part that is not installed
    ├── NoDataError    nobody: callmon heard nothing of the month that is asked for
    └── StoreError     the database

A mistake of ours is none of these: it stays an `AssertionError`, a `TypeError` … and reaches the one place
in the daemon that writes the flight recorder. This module holds no texts and logs nothing.
"""

from __future__ import annotations


class CallmonError(Exception):
    """Anything that callmon refuses or cannot do, told in sentences that name what to do."""


class ConfigError(CallmonError):
    """The operator can act: one or more mistakes of configuration, one sentence each (issue 2, "Bad input").

    `str()` gives one sentence a line; `sentences` the same as a tuple.
    """

    def __init__(self, *sentences: str) -> None:
        self.sentences = sentences
        super().__init__("\n".join(sentences))


class AmiError(CallmonError):
    """The exchange, or whoever runs it, can act: not reachable, refused, or no AMI server."""


class MissingError(CallmonError):
    """The operator can act: this needs an optional part of callmon that is not installed here."""


class StoreError(CallmonError):
    """Whoever runs the database can act: outcomes wait meanwhile."""


class NoDataError(CallmonError):
    """Nothing is known of the month that is asked for: there is no report of it."""
