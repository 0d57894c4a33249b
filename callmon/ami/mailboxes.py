"""The voicemail boxes of one exchange, as far as the exchange has told. Pure: no I/O, no clock.

    MessageWaiting ──────▶ how many messages are new           told when one is left, listened to or deleted
    VoicemailUserDetail ─▶ how many are new, how many may be   asked after each login and every few minutes

Only the public lines' boxes are known here; nobody looks at those of staff. A box is named as the configuration
names it: "500" is Asterisk's "500@default". What was not told is not known, which is not 0: after a gap nothing is
until the exchange says it again. Asterisk's `maxmsg` limits each folder of a box, and callers speak into that of
the new messages: these are the ones that are counted. (Measured on 22 and 16: with maxmsg=2 and two old messages,
two new ones are taken and the third caller is turned away.)

VoicemailUserStatus is asked, for MailboxCount tells no maximum, and of a box that there is not it says 0.

Since when a message waits is known of those that came while callmon listened (`remember`: in an earlier life too);
one that came unheard waits since it was seen, at least. When somebody listens, the oldest are taken to have been
heard first, as VoiceMailMain plays them.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

import msgspec

DEFAULT = "default"  # the context of a box that is named without one
KEPT = 100  # growths of a box
MANY = 10_000  # no box holds more (Asterisk's own limit is 9,999)


class Box(msgspec.Struct, frozen=True):
    """What stands of one box. `waiting`: since when each new message waits, oldest first (None: not known)."""

    waiting: tuple[datetime | None, ...]
    capacity: int | None = None

    @property
    def messages(self) -> int:
        """The new ones."""
        return len(self.waiting)

    def unheard_since(self, at: datetime) -> int:
        """How many wait since then, or longer."""
        return sum(since is not None and since <= at for since in self.waiting)


class Growth(msgspec.Struct, frozen=True):
    """By how many new messages a box grew while the exchange was unheard: from the last that was heard before,
    until it was counted again, by the exchange's time.
    """

    since: datetime
    until: datetime
    messages: int


class Mailboxes:
    """Told by each connection in turn; `known` is empty while the exchange is unheard."""

    def __init__(self, wanted: Iterable[str] = ()) -> None:
        self.wanted: frozenset[str] = frozenset()
        self.known: dict[str, Box] = {}
        self._before: dict[str, Box] = {}
        self._counted: dict[str, tuple[datetime, int]] = {}
        self.grown: dict[str, list[Growth]] = {}
        self.want(wanted)

    def want(self, names: Iterable[str]) -> None:
        """These, from now on."""
        self.wanted = frozenset(short(name) for name in names if name.isprintable())
        self.known = {name: box for name, box in self.known.items() if name in self.wanted}

    def remember(self, name: str, left: Iterable[datetime]) -> None:
        """When messages were left in a box before callmon began to listen, oldest first."""
        if name not in self.known:
            self._before.setdefault(name, Box(tuple(left)))

    def unheard(self, at: datetime | None = None) -> None:
        """A gap begins. What was known serves to say since when the messages wait that are there after it."""
        if at is not None:
            self._counted |= {name: (at, box.messages) for name, box in self.known.items()}
        self._before |= self.known
        self.known = {}

    def waiting(self, mailbox: str, new: str, at: datetime | None) -> None:
        """MessageWaiting. Before the box was counted again nobody can tell what of it the gap brought."""
        self._counted.pop(short(mailbox), None)
        self._told(mailbox, new, "", at)

    def listed(self, mailbox: str, new: str, most: str, at: datetime | None) -> None:
        """VoicemailUserDetail."""
        since, before = self._counted.pop(short(mailbox), (None, 0))
        count = number(new)
        if since is not None and at is not None and count is not None:
            growths = self.grown.setdefault(short(mailbox), [])
            growths[:] = [*growths[-KEPT:], Growth(since, at, count - before)]
        self._told(mailbox, new, most, at)

    def _told(self, mailbox: str, new: str, most: str, at: datetime | None) -> None:
        name, count = short(mailbox), number(new)
        if name not in self.wanted or count is None:
            return
        before = self.known.get(name) or self._before.pop(name, Box(()))
        gone = max(0, before.messages - count)
        left = before.waiting[gone:]
        came = (at,) * (count - len(left))
        self.known[name] = Box(left + came, number(most) or before.capacity)

    def questions(self) -> list[tuple[str, str]]:
        """Context and mailbox of each that is to be asked for."""
        return [(context, box) for box, context in sorted(map(parts, self.wanted))]


def parts(name: str) -> tuple[str, str]:
    """ "500" is ("500", "default")."""
    box, _, context = name.partition("@")
    return box, context or DEFAULT


def short(name: str) -> str:
    """ "500@default" is "500"; any other context stays with its box."""
    box, context = parts(name)
    return box if context == DEFAULT else f"{box}@{context}"


def number(text: str) -> int | None:
    """What the exchange counted; None when it is no count of messages."""
    return int(text) if text.isascii() and text.isdigit() and len(text) < 6 and int(text) < MANY else None
