"""The shape of the table of pages: what an entry says, and how a path is found by its name."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Iterator
from typing import TYPE_CHECKING, NamedTuple
from urllib.parse import quote

from starlette.responses import Response

from callmon.web.access.rights import Right

if TYPE_CHECKING:
    from callmon.web.visit import Visit


class Entry(NamedTuple):
    """A page, or something that can be done on one. `least` is the right that it takes.

    `section`: the entry of the menu that it belongs to. `twin`: where its other language is, when it is not itself.
    """

    name: str
    fr: str
    en: str
    methods: tuple[str, ...]
    endpoint: Callable[[Visit], Awaitable[Response]]
    least: Right
    section: str = ""
    twin: str = ""


class Table:
    """All entries, by name."""

    def __init__(self, entries: Iterable[Entry]) -> None:
        self._entries = {entry.name: entry for entry in entries}

    def __iter__(self) -> Iterator[Entry]:
        return iter(self._entries.values())

    def __getitem__(self, name: str) -> Entry:
        return self._entries[name]

    def __contains__(self, name: object) -> bool:
        return name in self._entries

    def path(self, name: str, language: str, **parts: str) -> str:
        entry = self._entries[name]
        return (entry.fr if language == "fr" else entry.en).format(**{k: quote(v, "") for k, v in parts.items()})
