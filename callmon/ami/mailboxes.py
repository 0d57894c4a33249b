"""The voicemail boxes of one exchange, from its events. Pure: no I/O, no clock.

    MessageWaiting ──────▶ number of new messages              sent when one is left, listened to or deleted
    VoicemailUserDetail ─▶ new messages, and their limit       asked after each login and every few minutes

Only the boxes of public lines are monitored, never those of staff. A box is named as in the configuration: "500"
is Asterisk's "500@default". A value that was not reported is unknown, not 0: after a gap every box is unknown
until the exchange reports it again.

Asterisk's `maxmsg` limits each folder of a box, and callers' messages go to the folder of new ones: only these are
counted (measured on 22 and 16). MailboxCount reports no maximum, and 0 for a box that does not exist: the session
sends VoicemailUserStatus.

The time since when a message waits is known for messages received while callmon was connected (`remember`: also in
an earlier run). A message left during a gap waits at least since it was first reported. When a person listens, the
oldest messages count as listened to first, because VoiceMailMain plays them in that order.
"""

from collections.abc import Iterable
from datetime import datetime

import msgspec

DEFAULT = "default"  # the context of a box whose name has none
KEPT = 100  # stored growths of a box, before the newest
MANY = 10_000  # no box holds as many (Asterisk's own limit is 9,999)


class Mailbox(msgspec.Struct, frozen=True):
    """One box. `waiting`: since when each new message waits, oldest first. None: unknown."""

    waiting: tuple[datetime | None, ...]
    capacity: int | None = None

    @property
    def messages(self) -> int:
        return len(self.waiting)

    def unheard_since(self, at: datetime) -> int:
        """Number of new messages that wait since `at` or longer."""
        return sum(since is not None and since <= at for since in self.waiting)


class MailboxGrowth(msgspec.Struct, frozen=True):
    """By how many new messages a box grew in a gap, from the last time received to the next count."""

    since: datetime
    until: datetime
    messages: int


class Mailboxes:
    """The boxes of one exchange, across its connections. `known` is empty while the exchange is unheard."""

    def __init__(self, wanted: Iterable[str] = ()) -> None:
        self.wanted: frozenset[str] = frozenset()
        self.known: dict[str, Mailbox] = {}
        self._before: dict[str, Mailbox] = {}
        self._counted: dict[str, tuple[datetime, int]] = {}
        self.grown: dict[str, list[MailboxGrowth]] = {}
        self.want(wanted)

    def want(self, names: Iterable[str]) -> None:
        self.wanted = frozenset(short(name) for name in names if name.isprintable())
        self.known = {name: box for name, box in self.known.items() if name in self.wanted}

    def remember(self, name: str, left: Iterable[datetime]) -> None:
        """Set when messages were left in a box before callmon connected, oldest first."""
        if name not in self.known:
            self._before.setdefault(name, Mailbox(tuple(left)))

    def begin_gap(self, at: datetime | None = None) -> None:
        """A gap begins at `at`. The last known boxes serve to date the messages still there after the gap."""
        if at is not None:
            self._counted |= {name: (at, box.messages) for name, box in self.known.items()}
        self._before |= self.known
        self.known = {}

    def record_message_waiting(self, mailbox: str, new: str, at: datetime | None) -> None:
        """Process MessageWaiting. If it precedes the first count after a gap, that gap's growth is unknown."""
        self._counted.pop(short(mailbox), None)
        self._set_count(mailbox, new, "", at)

    def record_listing(self, mailbox: str, new: str, most: str, at: datetime | None) -> None:
        """Process VoicemailUserDetail; the first one after a gap records a `MailboxGrowth`."""
        since, before = self._counted.pop(short(mailbox), (None, 0))
        count = message_count(new)
        if since is not None and at is not None and count is not None:
            growths = self.grown.setdefault(short(mailbox), [])
            growths[:] = [*growths[-KEPT:], MailboxGrowth(since, at, count - before)]
        self._set_count(mailbox, new, most, at)

    def _set_count(self, mailbox: str, new: str, most: str, at: datetime | None) -> None:
        name, count = short(mailbox), message_count(new)
        if name not in self.wanted or count is None:
            return
        before = self.known.get(name) or self._before.pop(name, Mailbox(()))
        gone = max(0, before.messages - count)
        left = before.waiting[gone:]
        came = (at,) * (count - len(left))
        self.known[name] = Mailbox(left + came, message_count(most) or before.capacity)

    def questions(self) -> list[tuple[str, str]]:
        """(context, mailbox) of each box to ask for with VoicemailUserStatus."""
        return [(context, box) for box, context in sorted(map(parts, self.wanted))]


def parts(name: str) -> tuple[str, str]:
    """ "500" is ("500", "default")."""
    box, _, context = name.partition("@")
    return box, context or DEFAULT


def short(name: str) -> str:
    """ "500@default" is "500"; any other context stays with its box."""
    box, context = parts(name)
    return box if context == DEFAULT else f"{box}@{context}"


def message_count(text: str) -> int | None:
    """A count of messages as a number; None when the text is no such count."""
    return int(text) if text.isascii() and text.isdigit() and len(text) < 6 and int(text) < MANY else None
