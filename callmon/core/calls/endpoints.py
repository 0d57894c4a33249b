"""Channel names to endpoints: which are phones of the exchange, and which lead outside. Pure.

A site tells us its trunks and phones in the configuration. What it does not tell is learned (who dials in on
a public line is a trunk; who is dialled by its own bare name is a phone) and, before that, read from the
shape of the name. No name of any particular dialplan stands here.
"""

from __future__ import annotations

import re
from fnmatch import fnmatchcase

from callmon.core.facts import OUTSIDE

# A dialled number that no exchange uses as an extension: seven digits or more.
_OUTSIDE_NUMBER = re.compile(r"(?:^|[/@+])\+?\d{7,}(?:$|[/@])")
_LONG_NUMBER = re.compile(r"\d{7,}")
# Technologies of phones, for a name that is given without one.
_TECHNOLOGIES = frozenset(("PJSIP", "SIP", "IAX2", "SCCP"))
# Learned endpoints are few at any real site; whoever sends us millions of names gets no more memory.
MAX_LEARNED = 20_000


def endpoint(channel: str) -> str:
    """`PJSIP/102-00000003` → `PJSIP/102`; a name without a suffix stays as it is."""
    head, dash, _ = channel.rpartition("-")
    return head if dash else channel


def extension(channel: str) -> str:
    """`PJSIP/102-00000003` → `102`."""
    return endpoint(channel).partition("/")[2]


def is_local(channel: str) -> bool:
    """Local channels are the exchange's own plumbing, never a phone."""
    return channel.startswith("Local/")


def is_number(text: str) -> bool:
    """A dialled text that is no extension: seven digits or more."""
    return bool(_LONG_NUMBER.search(text))


def masked(channel: str) -> str:
    """The channel's name without a telephone number in it (a DAHDI or Local name may carry one)."""
    name = endpoint(channel)
    if _LONG_NUMBER.search(name) is None:
        return channel  # the very same text: one of the few that are kept for each call
    return _LONG_NUMBER.sub(OUTSIDE, name) + channel[len(name) :]


def _bare(channel: str, dial_string: str) -> str:
    """A queue's members are dialled with their technology: `PJSIP/101`."""
    return dial_string.removeprefix(channel.partition("/")[0] + "/")


def leads_outside(name: str, dialled: str) -> bool | None:
    """Does what was dialled lead outside by the endpoint of this name? None when it does not say.

    A phone is dialled by its own bare name (`101`), perhaps with its address (`101/sip:101@10.0.0.5`). A number
    that is not the name goes out by it, however short: `911@trunk`, `trunk/911`, `g1/4165550101`.
    """
    if dialled == name:
        return False
    if _OUTSIDE_NUMBER.search(dialled):
        return True
    head, _, tail = dialled.partition("/")
    if tail.startswith(("sip:", "sips:")):
        user = tail.partition(":")[2].partition("@")[0]
        return user != head and user.isdigit() and not head.isdigit()
    number, at, by = dialled.rpartition("@")
    if at and by == name:
        return number.removeprefix("+").isdigit() or None
    return True if tail.isdigit() else None


def number_dialled(channel: str, dial_string: str) -> str:
    """`4165550101@trunk`, `trunk/4165550101`, `trunk/sip:4165550101@host` → 4165550101; `101` → 101.

    What holds no number (a name, perhaps with a password before its address) is the channel's own name.
    """
    head, _, tail = _bare(channel, dial_string).partition("/")
    for text in (tail.removeprefix("sip:").removeprefix("sips:"), head):
        number = text.partition("@")[0]
        if number.removeprefix("+").isdigit():
            return number
    return extension(channel)


class Endpoints:
    """What is known of one exchange's endpoints."""

    def __init__(self, trunks: tuple[str, ...] = (), phones: tuple[str, ...] = ()) -> None:
        self._trunks = trunks
        self._phones = phones
        self._technologies = _TECHNOLOGIES.union(pattern.partition("/")[0] for pattern in phones)
        self._outside: dict[str, bool] = {}

    def learn(self, channel: str, outside: bool) -> None:
        """What the configuration says stands; the first thing learned stands too."""
        name = endpoint(channel)
        if self._known(name) is None and len(self._outside) < MAX_LEARNED:
            self._outside[name] = outside

    def keep(self, before: Endpoints) -> None:
        """What was learned under the configuration before, where neither that one nor this one says it."""
        for name, outside in before._outside.items():
            if before._told(name) is None and self._told(name) is None:
                self._outside.setdefault(name, outside)

    def is_outside_caller(self, channel: str, caller: str) -> bool:
        """Does a channel that calls in lead outside? An extension's number as caller id is a phone's."""
        name = endpoint(channel)
        known = self._known(name)
        if known is not None:
            return known
        return not (name.partition("/")[2].isdigit() or (caller.isdigit() and len(caller) < 7))

    def is_colleague(self, channel: str, caller: str) -> bool:
        """Is a channel that calls in a phone of ours? Told, learned, or its caller id is an extension's."""
        known = self._known(endpoint(channel))
        if known is not None:
            return not known
        return caller.isdigit() and (caller == extension(channel) or len(caller) < 7)

    def is_outside_dialled(self, channel: str, dial_string: str) -> bool:
        """Does a channel that was dialled lead outside? `number@trunk` and `trunk/number` do.

        Learned only when the dial string says it: a trunk taken for a phone would lose the public's calls.
        """
        known = self._known(endpoint(channel))
        if known is None:
            known = leads_outside(extension(channel), _bare(channel, dial_string))
            if known is not None:
                self.learn(channel, known)
        return bool(known)

    def hides(self, channel: str) -> bool:
        """Whether a channel's name may hold somebody's number: a long one, in no name of a phone of ours."""
        name = endpoint(channel)
        return is_number(name) and (is_local(name) or self._known(name) is not False)

    def shown(self, channel: str) -> str:
        """The channel's name as facts tell it."""
        return masked(channel) if self.hides(channel) else channel

    def party(self, dialled: str) -> str:
        """A dialled text as facts tell it: an extension, or `outside` for a number that is no phone's name."""
        return OUTSIDE if is_number(dialled) and not self._names_phone(dialled) else dialled

    def _names_phone(self, text: str) -> bool:
        """Told in full, or seen as a channel: a pattern such as `PJSIP/*` says nothing of a dialled number."""
        if any(pattern.partition("/")[2] == text for pattern in self._phones):
            return True
        return any(self._outside.get(f"{technology}/{text}") is False for technology in self._technologies)

    def is_trunk(self, name: str) -> bool:
        """Whether the configuration says so."""
        return self._told(name) is True

    def _known(self, name: str) -> bool | None:
        known = self._outside.get(name)
        if known is None and (known := self._told(name)) is not None and len(self._outside) < MAX_LEARNED:
            self._outside[name] = known
        return known

    def _told(self, name: str) -> bool | None:
        if any(fnmatchcase(name, pattern) for pattern in self._trunks):
            return True
        if any(fnmatchcase(name, pattern) for pattern in self._phones):
            return False
        return None
