"""The configuration of an exchange and of its lines that the tracker and the triggers of the ledger read. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol

from callmon.core.calls.endpoints import Endpoints
from callmon.core.calls.phone_states import PhoneLine


class PublicLine(PhoneLine, Protocol):
    """What the tracker needs to know of a line."""

    @property
    def language(self) -> str | None: ...
    @property
    def language_menu(self) -> bool: ...


class ExchangeInfo(Protocol):
    """What the administrator configures for an exchange."""

    endpoints: Endpoints
    region: str
    any_line: bool
    dial_prefixes: tuple[str, ...]
    mailboxes: frozenset[str]
    parking_extensions: frozenset[str]
    queue_languages: Mapping[str, str]
    relay_numbers: frozenset[str]
    survey_extensions: frozenset[str]
    test_callers: frozenset[str]
    voicemail_contexts: frozenset[str]

    def line(self, dialled: str) -> PublicLine | None: ...
