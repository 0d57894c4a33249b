"""The courier's groups that are not known to be committed: in memory, and the oldest in the journal. One thread.

    add ──▶ in memory ──1 s old, or the database is away──▶ in the journal ──committed──▶ forgotten
                 └──────────────────── committed ───────────────────────────────────────────▲

What is in the journal is always the beginning of it all, without a hole: so whoever finds it there knows how far
it goes. It is read again a few groups at a time, so that memory stays small however much there is.

Refuses to lose anything when the journal cannot be written: then groups stay in memory, and `trouble` says why.
"""

from __future__ import annotations

import logging
from collections import deque
from collections.abc import Iterator
from itertools import islice
from math import inf
from time import monotonic

import msgspec

from callmon.errors import StoreError
from callmon.store.writer.outbox import Entry, Journal, JournalFullError

log = logging.getLogger(__name__)

SPILL_AFTER = 1.0  # seconds: a database that is well takes a tenth
AT_ONCE = 100  # groups that are written with one fdatasync
TRY_AGAIN = 5.0
# Groups out of the journal that the scribe has not yet committed.
ON_THE_WAY = 32


class Sent(msgspec.Struct):
    """A group. `since`: when its first outcome was offered; `frame` is None when it is in the journal."""

    number: int
    count: int
    since: float
    frame: bytes | None
    entry: Entry | None = None


class Pending:
    """Without a journal all stays in memory. `journaled`: how many outcomes are there, and not in memory."""

    def __init__(self, journal: Journal | None, token: str) -> None:
        self.journal, self.token = journal, token
        found = [] if journal is None else journal.found
        self._groups = deque(Sent(e.number, e.outcomes, monotonic(), None, e) for e in found)
        self._spilled = len(self._groups)
        self._posted = 0
        self._again_at = 0.0
        self.journaled = sum(entry.outcomes for entry in found)
        self.trouble: str | None = None

    def __len__(self) -> int:
        return len(self._groups)

    @property
    def count(self) -> int:
        """Outcomes."""
        return sum(sent.count for sent in self._groups)

    @property
    def since(self) -> float | None:
        return self._groups[0].since if self._groups else None

    @property
    def is_posted(self) -> bool:
        """The scribe has been given all of it."""
        return self._posted == len(self._groups)

    @property
    def numbers(self) -> tuple[int, int] | None:
        """Of the first and the last group."""
        return (self._groups[0].number, self._groups[-1].number) if self._groups else None

    def add(self, sent: Sent) -> None:
        self._groups.append(sent)

    def rewind(self) -> None:
        """Another scribe has been given nothing yet."""
        self._posted = 0

    def to_post(self) -> Iterator[bytes]:
        """The next frames for the scribe, in their order. Raises OSError, StoreError of the journal."""
        while self._posted < len(self._groups):
            sent = self._groups[self._posted]
            if sent.frame is None and self._posted >= ON_THE_WAY:
                return
            frame = self._frame(sent)
            self._posted += 1
            yield frame

    def forget(self, number: int) -> int:
        """All up to this number is committed; how many outcomes that were."""
        done = 0
        while self._groups and self._groups[0].number <= number:
            done += self._drop_first()
        if self.journal is not None and not self._spilled:
            self.journal.empty()
        return done

    def _drop_first(self) -> int:
        sent = self._groups.popleft()
        self._posted = max(0, self._posted - 1)
        if sent.frame is None:
            self._spilled -= 1
            self.journaled -= sent.count
        return sent.count

    def take_back(self) -> tuple[list[bytes], int]:
        """Every frame, into memory, where all of it is from now on: another program writes. And how many outcomes
        could not be read again.
        """
        frames, lost = [], 0
        for sent in self._groups:
            try:
                frames.append(self._frame(sent))
            except StoreError as error:
                lost += sent.count
                log.error("outcomes are lost", extra={"lost": sent.count, "why": str(error)})
        self._groups.clear()
        self._spilled = self._posted = self.journaled = 0
        if self.journal is not None:
            self.journal.empty()
        return frames, lost

    def _frame(self, sent: Sent) -> bytes:
        if sent.frame is not None:
            return sent.frame
        assert self.journal is not None
        assert sent.entry is not None
        try:
            return self.journal.frame(sent.entry)
        except OSError as error:
            raise StoreError(f"the journal {self.journal.path} cannot be read ({error.strerror})") from None

    # To the journal.

    def spill_due(self, is_away: bool) -> float:
        """When (monotonic) the next group is to be written to the journal."""
        if self.journal is None or self._spilled == len(self._groups):
            return inf
        due = 0.0 if is_away else self._groups[self._spilled].since + SPILL_AFTER
        return max(due, self._again_at)

    def spill(self) -> None:
        """The next groups to the journal, and out of memory."""
        assert self.journal is not None
        groups = list(islice(self._groups, self._spilled, self._spilled + AT_ONCE))
        try:
            written = [(sent.number, sent.count, sent.frame or b"") for sent in groups]
            entries = self.journal.add(self.token, written)
        except JournalFullError:
            self._cannot(f"the journal {self.journal.path} is full ({self.journal.size >> 20} MiB)")
            return
        except (OSError, StoreError) as error:
            why = getattr(error, "strerror", None) or error
            self._cannot(f"the journal {self.journal.path} cannot be written ({why})")
            return
        self.trouble = None
        for sent, entry in zip(groups, entries, strict=False):
            sent.frame, sent.entry = None, entry
            self.journaled += sent.count
            self._spilled += 1

    def spill_all(self) -> None:
        """At once, as far as the journal takes it."""
        self._again_at = 0.0
        while self.spill_due(is_away=True) == 0.0:
            self.spill()

    def _cannot(self, why: str) -> None:
        if why != self.trouble:
            log.error("outcomes wait in memory alone", extra={"why": why})
        self.trouble = why
        self._again_at = monotonic() + TRY_AGAIN

    def close(self) -> None:
        """Whatever is left is written to the journal."""
        self.spill_all()
        if self.journal is not None:
            self.journal.close()
