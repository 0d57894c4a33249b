"""Channel names to endpoints: which are phones of the exchange, and which lead outside. Pure.

The configuration names a site's trunks and phones. What it does not name is learned: an endpoint that dials in on
a public line is a trunk; one that is dialled by its own bare name is a phone. Before that, the shape of the name
decides.

Refuses: to name any particular dialplan.
"""

from __future__ import annotations

import re
from fnmatch import fnmatchcase
from functools import lru_cache

from callmon.core.facts import OUTSIDE

# A dialled number that no exchange uses as an extension: seven digits or more.
_OUTSIDE_NUMBER = re.compile(r"(?:^|[/@+])\+?\d{7,}(?:$|[/@])")
_LONG_NUMBER = re.compile(r"\d{7,}|\d{3}[ .)-]{1,2}\d{3}[ .-]\d{4}")  # 4165550101, 416-555-0101, (416) 555-0101
# Technologies of phones, for a name that is given without one.
_TECHNOLOGIES = frozenset(("PJSIP", "SIP", "IAX2", "SCCP"))
# Any real site has few learned endpoints. The limit bounds memory against a flood of names.
MAX_LEARNED = 20_000


def endpoint(channel: str) -> str:
    """`PJSIP/102-00000003` → `PJSIP/102`; a name without a suffix stays as it is."""
    head, dash, _ = channel.rpartition("-")
    return head if dash else channel


def is_unidentified(channel: str, context: str) -> bool:
    """Whether a call is by PJSIP's endpoint for unidentified peers, or in FreePBX's context for them."""
    return context == "from-sip-external" or extension(channel) == "anonymous"


def extension(channel: str) -> str:
    """`PJSIP/102-00000003` → `102`."""
    return endpoint(channel).partition("/")[2]


def is_local(channel: str) -> bool:
    """Local channels are internal to the exchange, never a phone."""
    return channel.startswith("Local/")


@lru_cache(maxsize=4096)
def is_number(text: str) -> bool:
    """Whether a dialled text is no extension: seven digits or more, or ten that are written in groups."""
    return bool(_LONG_NUMBER.search(text))


def masked(channel: str) -> str:
    """The channel's name without a telephone number in it (a DAHDI or Local name may carry one)."""
    name = endpoint(channel)
    if not is_number(name):
        return channel  # the same object: one of the few that are stored for each call
    return _LONG_NUMBER.sub(OUTSIDE, name) + channel[len(name) :]


def _bare(channel: str, dial_string: str) -> str:
    """The dial string without its technology: a queue's members are dialled as `PJSIP/101`."""
    return dial_string.removeprefix(channel.partition("/")[0] + "/")


def leads_outside(name: str, dialled: str) -> bool | None:
    """Whether a text dialled by the endpoint of this name leads outside; None when it does not say.

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

    Without a number in it (a name, perhaps with a password before its address), the channel's own name is
    returned.
    """
    head, _, tail = _bare(channel, dial_string).partition("/")
    for text in (tail.removeprefix("sip:").removeprefix("sips:"), head):
        number = text.partition("@")[0]
        if number.removeprefix("+").isdigit():
            return number
    return extension(channel)


class Endpoints:
    """What the configuration says and what was learned of one exchange's endpoints."""

    def __init__(self, trunks: tuple[str, ...] = (), phones: tuple[str, ...] = ()) -> None:
        self._trunks = trunks
        self._phones = phones
        self._technologies = _TECHNOLOGIES.union(pattern.partition("/")[0] for pattern in phones)
        self._outside: dict[str, bool] = {}

    def learn(self, channel: str, outside: bool) -> None:
        """Learn an endpoint. The configuration takes precedence, and so does what was learned first."""
        name = endpoint(channel)
        if self._known(name) is None and len(self._outside) < MAX_LEARNED:
            self._outside[name] = outside

    def keep(self, before: Endpoints) -> None:
        """Adopt what was learned under the previous configuration, where neither one names the endpoint."""
        for name, outside in before._outside.items():
            if before._configured(name) is None and self._configured(name) is None:
                self._outside.setdefault(name, outside)

    def is_outside_caller(self, channel: str, caller: str) -> bool:
        """Whether a channel that calls in leads outside. A caller id with an extension's number is a phone's."""
        name = endpoint(channel)
        known = self._known(name)
        if known is not None:
            return known
        return not (name.partition("/")[2].isdigit() or (caller.isdigit() and len(caller) < 7))

    def is_colleague(self, channel: str, caller: str) -> bool:
        """Whether a channel that calls in is a phone of this exchange, by settings, learning or its caller id."""
        known = self._known(endpoint(channel))
        if known is not None:
            return not known
        return caller.isdigit() and (caller == extension(channel) or len(caller) < 7)

    def is_outside_dialled(self, channel: str, dial_string: str) -> bool:
        """Whether a dialled channel leads outside. Learned only by dial string: a mistake would lose calls."""
        known = self._known(endpoint(channel))
        if known is None:
            known = leads_outside(extension(channel), _bare(channel, dial_string))
            if known is not None:
                self.learn(channel, known)
        return bool(known)

    def hides(self, channel: str) -> bool:
        """Whether a channel's name may contain a person's number: a long one, in no name of a site's phone."""
        name = endpoint(channel)
        return is_number(name) and (is_local(name) or self._known(name) is not False)

    def masked_name(self, channel: str) -> str:
        """The channel's name as it appears in facts."""
        return masked(channel) if self.hides(channel) else channel

    def party(self, dialled: str) -> str:
        """A dialled text as facts have it: an extension, or `outside` for a number that is no phone's name."""
        return OUTSIDE if is_number(dialled) and not self._names_phone(dialled) else dialled

    def _names_phone(self, text: str) -> bool:
        """Whether the text is a phone's name, configured in full or seen. A pattern names no dialled number."""
        if any(pattern.partition("/")[2] == text for pattern in self._phones):
            return True
        return any(self._outside.get(f"{technology}/{text}") is False for technology in self._technologies)

    def is_trunk(self, name: str) -> bool:
        """Whether the configuration says so."""
        return self._configured(name) is True

    def is_stranger(self, channel: str, context: str) -> bool:
        """Whether a channel that calls in is nobody's call: trunks are configured, and it comes by none of them.

        `context` is that of its first step. An endpoint that the configuration names is no stranger's.
        """
        is_known = not self._trunks or self._configured(endpoint(channel)) is not None
        return not is_known and is_unidentified(channel, context)

    def _known(self, name: str) -> bool | None:
        known = self._outside.get(name)
        if known is None and (known := self._configured(name)) is not None and len(self._outside) < MAX_LEARNED:
            self._outside[name] = known
        return known

    def _configured(self, name: str) -> bool | None:
        if any(fnmatchcase(name, pattern) for pattern in self._trunks):
            return True
        if any(fnmatchcase(name, pattern) for pattern in self._phones):
            return False
        return None
