"""The errors that callmon raises on purpose, by the person who can act.

    CallmonError
    ├── ConfigError    the administrator: the configuration (exit status 2)
    ├── AmiError       the administrator of the exchange, or the exchange
    ├── MissingError   the administrator: an optional part that is not installed
    ├── NoDataError    nobody: callmon has received nothing of the requested month
    └── StoreError     the database's administrator

A sentence of these is a `Sentence`: English in a log, and in the reader's language at a terminal.

An internal error is none of these. It stays an `AssertionError`, a `TypeError` …, and reaches the daemon, which
logs and counts it. For one raised by an event, the daemon dumps the flight recorder. Refuses: to hold texts, and
to log.
"""

from collections.abc import Callable, Mapping
from typing import Any, Self


class Sentence(str):
    """An English sentence, or a part of one, that can still be translated: it keeps its template and its values.

    Sentence('"{name}" is no role', name="x") is the string '"x" is no role'. A value may be a Sentence too.
    """

    template: str
    values: Mapping[str, Any]

    def __new__(cls, template: str, /, **values: object) -> Self:
        made = super().__new__(cls, template.format(**values) if values else template)
        made.template, made.values = template, values
        return made

    def translated(self, translate: Callable[[str], str]) -> str:
        """The sentence with its template, and those of its values, as `translate` gives them."""
        values = {
            name: value.translated(translate) if isinstance(value, Sentence) else value
            for name, value in self.values.items()
        }
        text = translate(self.template)
        return text.format(**values) if values else text


class RefusedValueError(ValueError):
    """A value that a person wrote is refused: `args[0]` is the sentence, with these values in its fields."""

    def __init__(self, template: str, /, **values: object) -> None:
        super().__init__(Sentence(template, **values))


def system_reason(error: OSError) -> Sentence:
    """What the system answered: "Permission denied"."""
    return Sentence(error.strerror or str(error))


class CallmonError(Exception):
    """An operation that callmon refuses or cannot do, with sentences that name what to do.

    `values` fill the fields of the sentences. `str()` gives one sentence a line; `sentences` the same as a tuple.
    """

    def __init__(self, *sentences: str, **values: object) -> None:
        self.sentences = tuple(x if isinstance(x, Sentence) else Sentence(x, **values) for x in sentences)
        super().__init__("\n".join(self.sentences))


class ConfigError(CallmonError):
    """The administrator can act: one or more configuration mistakes, one sentence each (issue 2, "Bad input")."""


class AmiError(CallmonError):
    """The exchange's administrator can act: not reachable, login refused, or no AMI server."""


class MissingError(CallmonError):
    """The administrator can act: the operation needs an optional part of callmon that is not installed."""


class StoreError(CallmonError):
    """The database's administrator can act; the daemon buffers outcomes meanwhile."""


class NoDataError(CallmonError):
    """callmon has no data of the requested month: there is no report of it."""
