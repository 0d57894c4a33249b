"""The table of pages as a thing that can be asked: where a page is, by its name and language."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from urllib.parse import quote

from callmon.web.auth.route import Entry


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

    def path(self, name: str, language: str, /, **parts: str) -> str:
        """Its path with these parts, each made safe for a path."""
        return self._entries[name].paths[language].format(**{k: quote(v, "") for k, v in parts.items()})
